package dealing

import (
	"bytes"
	"errors"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/crypto/sharing"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/coin"
)

func draftOf(n int) (*Draft, []crypto.NodeKey) {
	d := &Draft{Network: kernel.NetworkID{1}, Epoch: 1, Attempt: 1}
	var nodes []crypto.NodeKey
	for i := range n {
		key := crypto.NodeKeyFromSeed([32]byte{7, byte(i)})
		nodes = append(nodes, key)
		d.Members = append(d.Members, kernel.Member{Name: "n", Key: key.Public()})
	}
	return d, nodes
}

func dealt(t *testing.T, d *Draft, nodes []crypto.NodeKey) (all []Dealt) {
	for i, n := range nodes {
		r, err := Deal(d, n)
		if err != nil {
			t.Fatal(err)
		}
		shared, err := Check(d, n.Public(), r)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, Dealt{kernel.Author(i), n.Public(), shared})
	}
	return all
}

// What q members deal is a key of which everybody has its share.
func TestKeyAndShares(t *testing.T) {
	for _, n := range []int{7, 10} {
		d, nodes := draftOf(n)
		d.Members[3].Flagged = true
		all := dealt(t, d, nodes[:n-2])
		key, err := CoinKey(d, all)
		if err != nil {
			t.Fatal(err)
		}
		public, err := coin.NewKey(d.Network, d.Epoch, d.Roster(key))
		if err != nil {
			t.Fatal(err)
		}
		for i, node := range nodes {
			secret, err := Share(d, kernel.Author(i), node, all)
			if err != nil {
				t.Fatal(err)
			}
			if public.Holds(secret, kernel.Author(i)) == d.Members[i].Flagged {
				t.Errorf("member %d of %d: the share is not that of the key", i, n)
			}
		}
	}
}

// A dealing is the same whenever it is made, and another for every draft and dealer.
func TestDealingRepeats(t *testing.T) {
	d, nodes := draftOf(7)
	first, _ := Deal(d, nodes[0])
	again, _ := Deal(d, nodes[0])
	if !bytes.Equal(first.AppendBinary(nil), again.AppendBinary(nil)) {
		t.Error("a dealing differs when it is made again")
	}
	if _, err := Check(d, nodes[1].Public(), first); !errors.Is(err, sharing.ErrEphemeral) {
		t.Errorf("another's dealing: %v", err)
	}
	d.Attempt++
	if _, err := Check(d, nodes[0].Public(), first); !errors.Is(err, ErrDraft) {
		t.Errorf("dealing of another attempt: %v", err)
	}
	first.Dealing = first.Dealing[:len(first.Dealing)-1]
	first.Draft = d.Hash()
	if _, err := Check(d, nodes[0].Public(), first); !errors.Is(err, ErrFraming) {
		t.Errorf("truncated dealing: %v", err)
	}
}

// Whoever gets a bad share can prove it, and nobody can prove it of a good one.
func TestComplaints(t *testing.T) {
	d, nodes := draftOf(7)
	all := dealt(t, d, nodes[:5])
	all[2].Dealing.Boxes[6][1] ^= 1
	for i, node := range nodes {
		complaints, err := Judge(d, kernel.Author(i), node, all)
		if err != nil {
			t.Fatal(err)
		}
		if want := i == 6; want != (len(complaints) == 1) {
			t.Fatalf("member %d makes %d complaints", i, len(complaints))
		}
		for j := range complaints {
			if err := Proven(d, kernel.Author(i), &complaints[j], &all[2]); err != nil {
				t.Error("a true complaint:", err)
			}
			if err := Proven(d, kernel.Author(i), &complaints[j], &all[1]); !errors.Is(err, ErrComplaint) {
				t.Error("a complaint proves another dealing bad:", err)
			}
		}
	}
	c, _ := all[1].Dealing.Complain(sharing.HolderSecret(nodes[4]))
	if err := Proven(d, 4, &kernel.ComplaintRecord{Dealer: 1, Opened: c.Opened, Proof: c.Proof}, &all[1]); !errors.Is(err, sharing.ErrFalseComplaint) {
		t.Error("a false complaint:", err)
	}
	if _, err := Share(d, 6, nodes[6], all); !errors.Is(err, sharing.ErrShare) {
		t.Error("a share out of a bad dealing:", err)
	}
}
