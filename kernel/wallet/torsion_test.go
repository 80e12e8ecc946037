package wallet

import (
	"encoding/hex"
	"testing"

	"filippo.io/edwards25519"
	"github.com/asterism-network/asterism/kernel"
)

// smallOrder is a point of order 8.
var smallOrder = mustKey("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")

func mustKey(s string) (k kernel.Key) {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	copy(k[:], b)
	return k
}

func plusTorsion(t *testing.T, k kernel.Key) kernel.Key {
	t.Helper()
	p, err := new(edwards25519.Point).SetBytes(k[:])
	if err != nil {
		t.Fatal(err)
	}
	q, err := new(edwards25519.Point).SetBytes(smallOrder[:])
	if err != nil {
		t.Fatal(err)
	}
	return kernel.Key(p.Add(p, q).Bytes())
}
