package pos

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/asterism-network/asterism/pillars"
)

func use(n uint32) Use { return Use{Stake: pillars.Outpoint{Index: n}, Stamp: 7} }

// TestMemory holds [PIL-POS-8].
func TestMemory(t *testing.T) {
	m := NewMemory(120, 4)
	one, two := pillars.BlockID{1}, pillars.BlockID{2}
	if _, twice := m.Note(1000, use(1), one); twice {
		t.Error("first sight is evidence")
	}
	if _, twice := m.Note(1000, use(1), one); twice {
		t.Error("the same block again is evidence")
	}
	if other, twice := m.Note(1001, use(1), two); !twice || other != one {
		t.Errorf("a second block with one use: %v, %s", twice, other)
	}
	if id, ok := m.Seen(use(1)); !ok || id != one {
		t.Error("the first one is not kept")
	}
	if _, twice := m.Note(1000, Use{use(1).Stake, 8}, two); twice {
		t.Error("another second is another use")
	}
	m.Note(1000, use(2), one)
	m.Note(1000, use(3), one)
	m.Note(1000, use(4), one) // the fifth of this height
	if _, ok := m.Seen(use(4)); ok || m.Len() != 4 {
		t.Errorf("a height holds %d", m.Len())
	}
	m.Note(1119, use(5), one)
	if _, ok := m.Seen(use(1)); !ok {
		t.Error("forgotten within reach")
	}
	m.Note(1120, use(6), one)
	if _, ok := m.Seen(use(1)); ok || m.Len() != 2 {
		t.Errorf("%d held, 120 heights later", m.Len())
	}
	m.Note(1000, use(1), two) // too late for its place
	if _, ok := m.Seen(use(1)); ok {
		t.Error("an old height pushed out a new one")
	}
}

// TestMemoryIsBounded whatever is noted.
func TestMemoryIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := NewMemory(rapid.Uint32Range(0, 8).Draw(t, "heights"), 3)
		for range rapid.IntRange(0, 400).Draw(t, "notes") {
			m.Note(rapid.Uint32Range(0, 60).Draw(t, "height"), use(rapid.Uint32Range(0, 40).Draw(t, "use")), pillars.BlockID{1})
			held := 0
			for _, n := range m.ring {
				held += len(n.uses)
			}
			if held != m.Len() || m.Len() > 3*len(m.ring) {
				t.Fatalf("%d uses in %d heights, %d ids", held, len(m.ring), m.Len())
			}
		}
	})
}
