package mempool

import (
	"math/rand/v2"
	"testing"
)

func numbered(n uint32) (t Touch) {
	t[31], t[32], t[33], t[34] = byte(n>>24), byte(n>>16), byte(n>>8), byte(n)
	return t
}

// TestTakings compares with a map while touches come and go, between few and many of them.
func TestTakings(t *testing.T) {
	const touches = 3000
	x, want, random := newTakings(), make(map[Touch]uint32), rand.New(rand.NewPCG(1, 2))
	for step := range 60_000 {
		n := numbered(random.Uint32N(touches))
		switch at, slot := x.find(&n); {
		case (at != nil) != (want[n] > 0), at != nil && (at.touch != n || at.standing != want[n]):
			t.Fatalf("step %d: found %v, want it with %d", step, at, want[n])
		case step/10_000%2 == 1 && random.IntN(8) > 0: // mostly less
			if at != nil {
				x.drop(slot)
				delete(want, n)
			}
		case at == nil:
			if at = x.take(&n); *at != (taking{touch: n}) {
				t.Fatalf("step %d: what was just made is %v", step, at)
			}
			at.standing = uint32(step + 1)
			want[n] = at.standing
		case x.take(&n) != at:
			t.Fatalf("step %d: taken twice", step)
		}
		if step%500 == 0 {
			compareTakings(t, &x, want, touches)
		}
	}
	for n := range want {
		_, slot := x.find(&n)
		x.drop(slot)
		delete(want, n)
	}
	compareTakings(t, &x, want, touches)
	if len(x.free) != len(x.cells)-1 || len(x.cells) > touches+1 || len(x.slots) > 4096 {
		t.Errorf("%d of %d cells are free, in %d slots, after at most %d touches at once", len(x.free), len(x.cells), len(x.slots), touches)
	}
}

func compareTakings(t *testing.T, x *takings, want map[Touch]uint32, touches uint32) {
	t.Helper()
	for i := range touches {
		n := numbered(i)
		if at, _ := x.find(&n); (at != nil) != (want[n] > 0) || at != nil && at.standing != want[n] {
			t.Fatalf("touch %d: found %v, want it with %d", i, at, want[n])
		}
	}
	full := 0
	for _, s := range x.slots {
		if s != 0 {
			full++
		}
	}
	if full != len(want) || 4*full > 3*len(x.slots) {
		t.Fatalf("%d of %d slots are in use for %d touches", full, len(x.slots), len(want))
	}
}

// TestTakingsLookWhole: touches of which slots hold the same half of a hash, here some sixteen pairs, are not the same.
func TestTakingsLookWhole(t *testing.T) {
	const taken, others = 1 << 16, 1 << 20
	x := newTakings()
	for i := range uint32(taken) {
		n := numbered(i)
		x.take(&n)
	}
	for i := range uint32(others) {
		n := numbered(taken + i)
		if at, _ := x.find(&n); at != nil {
			t.Fatalf("touch %d was found as %v", taken+i, at.touch)
		}
	}
}
