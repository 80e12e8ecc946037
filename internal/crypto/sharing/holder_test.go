package sharing

import (
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
)

// The encryption key of a node is what its secret makes it, by another library's encoding.
func TestHolderKey(t *testing.T) {
	for i := range 200 {
		node := crypto.NodeKeyFromSeed([32]byte{byte(i), 1, byte(i >> 4)})
		key, err := HolderKey(node.Public())
		if err != nil {
			t.Fatal(err)
		}
		if want := KeyOf(Public(HolderSecret(node))); key != want {
			t.Fatalf("node %d: key %s, its secret makes %s", i, key, want)
		}
	}
}

// A key with a torsion component, of small order or off the curve is nobody's to deal to.
func TestHolderKeyRefused(t *testing.T) {
	for _, bad := range []crypto.Key{{}, {1}, {2}, {0: 0xec, 31: 0x7f}} {
		if _, err := HolderKey(bad); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

// What is dealt to node keys opens with node keys, and a wrong share is proven to be one.
func TestDealToNodeKeys(t *testing.T) {
	nodes := make([]crypto.NodeKey, 7)
	holders := make([]crypto.Key, 7)
	for i := range nodes {
		nodes[i] = crypto.NodeKeyFromSeed([32]byte{9, byte(i)})
		holders[i], _ = HolderKey(nodes[i].Public())
	}
	context := [32]byte{1}
	d, err := Deal(context, 2, holders, random("holders"))
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range nodes {
		if _, err := d.Open(context, i, HolderSecret(n)); err != nil {
			t.Errorf("holder %d: %v", i, err)
		}
	}
	d.Boxes[3][5] ^= 1
	c, err := d.Complain(HolderSecret(nodes[3]))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Judge(context, 3, holders[3], c); err != nil {
		t.Error("complaint about a broken box:", err)
	}
	if err := d.Judge(context, 4, holders[4], c); err == nil {
		t.Error("a complaint of another holder counts")
	}
}
