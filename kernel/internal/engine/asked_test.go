package engine

import (
	"testing"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/committee"
)

// TestAskedPeer: whatever is asked for reaches every connected peer in as many turns as there are,
// the one that spoke of it first.
func TestAskedPeer(t *testing.T) {
	for _, connected := range []committee.Set{0b1111110, 0b1010100, 0b0000010} {
		e := &Engine{config: Config{Self: 0}, committee: &committee.Committee{Size: 7}, peers: connected | 1}
		for first := range kernel.Author(7) {
			var asked committee.Set
			for n := range connected.Len() {
				a := e.askedPeer(first, n)
				if n == 0 && connected.Has(first) && a != first {
					t.Errorf("peers %b: %d is asked first, not %d", connected, a, first)
				}
				asked = asked.With(a)
			}
			if asked != connected {
				t.Errorf("peers %b, first %d: only %b were asked", connected, first, asked)
			}
		}
	}
}
