package sim

import (
	"slices"
	"testing"
)

// TestClockOrder: what is due first happens first; what is due together, in the order asked for.
func TestClockOrder(t *testing.T) {
	var c Clock
	var got []string
	say := func(s string) func() { return func() { got = append(got, s) } }
	c.At(20, say("c"))
	c.At(10, say("a"))
	c.At(20, say("d"))
	c.After(10, func() {
		say("b")()
		c.At(3, say("past")) // at once: time does not go back
		c.After(10, say("e"))
	})
	for c.Step(20) {
	}
	if want := []string{"a", "b", "past", "c", "d", "e"}; !slices.Equal(got, want) || c.Now() != 20 {
		t.Errorf("at %d: %v, want %v", c.Now(), got, want)
	}
}

// TestClockLimit: a step past the limit does nothing but let time pass.
func TestClockLimit(t *testing.T) {
	var c Clock
	ran := false
	c.At(100, func() { ran = true })
	if c.Step(99) || ran || c.Now() != 99 {
		t.Fatalf("step to 99: ran %v, now %d", ran, c.Now())
	}
	if c.Step(50) || c.Now() != 99 {
		t.Fatalf("time went back to %d", c.Now())
	}
	if !c.Step(100) || !ran || c.Now() != 100 {
		t.Fatalf("step to 100: ran %v, now %d", ran, c.Now())
	}
}

// TestStreams: a use has the same numbers for the same seed, and others for another use or seed.
func TestStreams(t *testing.T) {
	draw := func(seed uint64, use string) (out [4]uint64) {
		rng := Stream(seed, use)
		for i := range out {
			out[i] = rng.Uint64()
		}
		return out
	}
	one := draw(1, "network")
	if one != draw(1, "network") {
		t.Error("equal streams differ")
	}
	if one == draw(2, "network") || one == draw(1, "nodes") {
		t.Error("different streams are equal")
	}
}
