package replica

import (
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

func TestWeighedStaysWithinItsRoom(t *testing.T) {
	w := newWeighed[int, string](100, 800)
	for i := range 50 {
		w.add(i, "value", 60)
		if w.bytes > 800 || w.cache.Len() > 13 {
			t.Fatalf("%d bytes in %d values", w.bytes, w.cache.Len())
		}
	}
	if _, ok := w.get(0); ok {
		t.Error("the oldest value is still there")
	}
	w.add(49, "again", 10)
	if v, _ := w.get(49); v != "again" || w.bytes != 12*60+10 {
		t.Errorf("replaced: %q, %d bytes", v, w.bytes)
	}
	w.add(100, "too large", 101)
	if _, ok := w.get(100); ok {
		t.Error("one value took an eighth of the room")
	}
	w.remove(49)
	if w.bytes != 12*60 {
		t.Errorf("%d bytes after a removal", w.bytes)
	}
}

// TestSignersAreWeighed: a signer of an aggregate is a bit of the encoding and two bytes of memory.
func TestSignersAreWeighed(t *testing.T) {
	w := newWorld(t, 4)
	m := NewMemory()
	for i := range 2 {
		raw := w.signed(i, kernel.MaxBodySignatures)
		m.parse(raw, kernel.Hash{byte(i)})
	}
	if least := 2 * 2 * kernel.MaxBodySignatures; m.parsed.bytes < least {
		t.Errorf("weighed as %d bytes, signers take %d", m.parsed.bytes, least)
	}
}

// Verdicts that share a place are told apart; the oldest goes, and one that is given again is not twice there.
func TestVerdictsShareAPlace(t *testing.T) {
	v := new(verdicts)
	signed := func(i byte) *kernel.Hash { return &kernel.Hash{7, 31: i} }
	if _, known := v.get(new(kernel.Hash)); known {
		t.Error("a verdict from the beginning")
	}
	for i := range byte(4) {
		v.put(signed(i), i%2 == 0)
	}
	for range 3 {
		v.put(signed(1), true)
	}
	v.put(signed(4), false) // in the place of 0, the oldest
	for i, want := range []struct{ good, known bool }{{}, {true, true}, {true, true}, {false, true}, {false, true}, {}} {
		if good, known := v.get(signed(byte(i))); good != want.good || known != want.known {
			t.Errorf("%d: %v, %v", i, good, known)
		}
	}
}
