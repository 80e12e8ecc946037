package crypto

import (
	"encoding/binary"
	"testing"
)

// TestGhostOwn: the short way makes the same keys as the three long ones.
func TestGhostOwn(t *testing.T) {
	draw := func(label string, n uint64) Scalar {
		h := SumLabel(label, binary.BigEndian.AppendUint64(nil, n))
		return ScalarFromWide([64]byte(append(h[:], h[:]...)))
	}
	for n := range uint64(50) {
		r, view, spend, index := draw("r", n), draw("view", n), draw("spend", n), n*n
		mask, ghost, private := GhostOwn(r, view, spend, index)
		if want := Mask(r); mask != want {
			t.Fatalf("mask %d: %s, want %s", n, mask, want)
		}
		want, err := GhostPublic(r, view.Public(), spend.Public(), index)
		if err != nil || ghost != want {
			t.Fatalf("key %d: %s, want %s (%v)", n, ghost, want, err)
		}
		if want, err := GhostPrivate(view, spend, mask, index); err != nil || private != want {
			t.Fatalf("private key %d differs (%v)", n, err)
		}
		message := []byte("message")
		if private.SignAs(ghost, message) != private.Sign(message) {
			t.Fatalf("signature %d differs", n)
		}
	}
}

func BenchmarkGhostOwn(b *testing.B) {
	view, spend, r := ScalarFromSeed([32]byte{1}), ScalarFromSeed([32]byte{2}), ScalarFromSeed([32]byte{3})
	for b.Loop() {
		GhostOwn(r, view, spend, 1)
	}
}
