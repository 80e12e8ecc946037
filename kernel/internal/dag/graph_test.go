package dag

import (
	"errors"
	"testing"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/committee"
)

// A bench is a graph of four authors whose snapshots get readable ids, and the History of all
// that was accepted.
type bench struct {
	t      *testing.T
	graph  *Graph
	stored map[kernel.SnapshotID]*Vertex
	order  []*Vertex
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, stored: make(map[kernel.SnapshotID]*Vertex)}
	b.restart(0)
	return b
}

// restart builds the graph again as a node does: rounds from floor on in memory.
func (b *bench) restart(floor kernel.Round) {
	b.graph = New(Epoch{Committee: committee.New(&kernel.Roster{Members: make([]kernel.Member, 4)}), Timestamp: 1, Depth: 3}, b)
	b.graph.Trim(floor)
	for _, v := range b.order {
		if v.Round >= floor {
			again, _ := b.Vertex(v.ID)
			b.graph.Restore(again)
		}
	}
}

func (b *bench) Vertex(id kernel.SnapshotID) (*Vertex, bool) {
	v, ok := b.stored[id]
	if !ok {
		return nil, false
	}
	again, err := VertexOf(id, v.Header, v.AppendNotes(nil))
	if err != nil {
		b.t.Fatal(err)
	}
	return again, true
}

func (b *bench) Variants(a kernel.Author, r kernel.Round) (ids []kernel.SnapshotID) {
	for _, v := range b.order {
		if v.Author == a && v.Round == r {
			ids = append(ids, v.ID)
		}
	}
	return ids
}

func id(a kernel.Author, r kernel.Round, variant byte) kernel.SnapshotID {
	if r == 0 {
		return kernel.GenesisSnapshotID(kernel.Hash{}, a)
	}
	return kernel.SnapshotID{variant, byte(a), byte(r)}
}

func parent(a kernel.Author, r kernel.Round, variant byte) kernel.Parent {
	return kernel.Parent{Author: a, Round: r, ID: id(a, r, variant)}
}

func header(a kernel.Author, r kernel.Round, parents ...kernel.Parent) *kernel.Header {
	h := &kernel.Header{Author: a, Round: r, Timestamp: 1, Parents: parents}
	h.SortParents()
	return h
}

func (b *bench) accept(variant byte, h *kernel.Header) *Vertex {
	b.t.Helper()
	v, err := b.graph.Check(id(h.Author, h.Round, variant), h)
	if err != nil {
		b.t.Fatalf("%d@%d: %v", h.Author, h.Round, err)
	}
	b.graph.Insert(v)
	b.stored[v.ID] = v
	b.order = append(b.order, v)
	return v
}

// round accepts the snapshots of one round by the given authors, each on those of the round
// before by all of them.
func (b *bench) round(r kernel.Round, authors ...kernel.Author) {
	b.t.Helper()
	for _, a := range authors {
		var parents []kernel.Parent
		for _, p := range authors {
			parents = append(parents, parent(p, r-1, 0))
		}
		b.accept(0, header(a, r, parents...))
	}
}

// TestLateTwin: a twin accepted below the floor is still told apart after a restart that does
// not read its round back.
func TestLateTwin(t *testing.T) {
	b := newBench(t)
	for r := kernel.Round(1); r <= 9; r++ {
		b.round(r, 0, 1, 2)
	}
	b.accept(0, header(3, 1, parent(3, 0, 0), parent(0, 0, 0), parent(1, 0, 0)))
	b.graph.Trim(6)
	twin := b.accept(1, header(2, 2, parent(2, 1, 0), parent(0, 1, 0), parent(1, 1, 0)))
	b.restart(6)
	b.accept(0, header(3, 2, parent(3, 1, 0), parent(0, 1, 0), parent(1, 1, 0)))
	v := b.accept(0, header(3, 3, parent(3, 2, 0), parent(0, 2, 0), parent(2, 2, 1)))
	main, _ := b.graph.Get(id(2, 2, 0))
	if !b.graph.Holds(&v.Cut, twin) || b.graph.Holds(&v.Cut, main) {
		t.Errorf("the cone holds the twin %v, the other variant %v", b.graph.Holds(&v.Cut, twin), b.graph.Holds(&v.Cut, main))
	}
	if !b.graph.Forked().Has(2) {
		t.Error("the author is not known to equivocate")
	}
}

// TestReaches: every chain of an equivocator counts, the shorter ones too.
// TestParent: a reference finds the snapshot with its id, wherever the header says it stands: first
// or later variant, in memory or below the floor, at its place or at a wrong one.
func TestParent(t *testing.T) {
	b := newBench(t)
	for r := kernel.Round(1); r <= 5; r++ {
		b.round(r, 0, 1, 2, 3)
	}
	b.accept(1, header(3, 1, parent(3, 0, 0), parent(0, 0, 0), parent(1, 0, 0)))
	for _, floor := range []kernel.Round{0, 3, 5} {
		b.restart(floor)
		for _, want := range b.order {
			for _, named := range []kernel.Parent{
				{Author: want.Author, Round: want.Round}, {Author: want.Author ^ 1, Round: want.Round}, {Author: want.Author, Round: want.Round + 1},
				{Author: want.Author, Round: kernel.MaxRound}, {Author: 63, Round: want.Round}, {},
			} {
				named.ID = want.ID
				if v, ok := b.graph.Parent(named); !ok || v.ID != want.ID {
					t.Fatalf("floor %d: %d@%d of id %s is %v %v", floor, named.Author, named.Round, want.ID.Short(), v, ok)
				}
				named.ID[31] ^= 1
				if v, ok := b.graph.Parent(named); ok {
					t.Fatalf("floor %d: an id that nobody has is %d@%d", floor, v.Author, v.Round)
				}
			}
		}
	}
}

func TestReaches(t *testing.T) {
	b := newBench(t)
	b.round(1, 0, 1, 2, 3)
	b.round(2, 0, 1, 2)
	late := b.accept(0, header(3, 2, parent(3, 1, 0), parent(0, 1, 0), parent(1, 1, 0)))
	short := b.accept(1, header(2, 3, parent(2, 2, 0), parent(0, 2, 0), parent(3, 2, 0)))
	b.round(3, 0, 1, 2)
	b.round(4, 0, 1, 2)
	top := b.graph.Top()
	if !b.graph.Holds(&short.Cut, late) || !b.graph.Reaches(top, 2, 4, late) || !b.graph.Reaches(top, 2, 3, late) {
		t.Error("the shorter chain is not looked at")
	}
	if b.graph.Reaches(top, 2, 2, late) || b.graph.Reaches(top, 0, 4, late) {
		t.Error("reached by chains that do not")
	}
}

// TestFlaws breaks one thing at a time.
func TestFlaws(t *testing.T) {
	seen := make(map[Flaw]bool)
	for _, tt := range []struct {
		name string
		h    *kernel.Header
		want Flaw
	}{
		{"author beyond the roster", header(4, 5, parent(0, 4, 0), parent(1, 4, 0), parent(2, 4, 0)), WrongPlace},
		{"parent's round is another", header(0, 5, parent(0, 4, 0), parent(1, 4, 0), kernel.Parent{Author: 2, Round: 4, ID: id(2, 3, 0)}), ParentMismatch},
		{"two authors", header(0, 5, parent(0, 4, 0), parent(1, 4, 0)), NoQuorum},
		{"deeper than D", header(0, 5, parent(0, 4, 0), parent(1, 4, 0), parent(2, 4, 0), parent(3, 1, 0)), ParentTooOld},
		{"an older one that is held already", header(0, 5, parent(0, 4, 0), parent(1, 4, 0), parent(2, 4, 0), parent(3, 2, 0)), ParentRedundant},
		{"a parent whose author is exposed", header(1, 5, parent(1, 4, 0), parent(0, 4, 0), parent(2, 4, 0), parent(3, 3, 0)), ParentExposed},
		{"before the previous one", func() *kernel.Header {
			h := header(0, 5, parent(0, 4, 0), parent(1, 4, 0), parent(2, 4, 0))
			h.Timestamp = 0
			return h
		}(), TimeBackwards},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			b.round(1, 0, 1, 2, 3)
			b.round(2, 0, 1, 2, 3)
			b.round(3, 0, 1, 2)
			b.accept(0, header(0, 4, parent(0, 3, 0), parent(1, 3, 0), parent(2, 3, 0), parent(3, 2, 0)))
			b.accept(0, header(1, 4, parent(0, 3, 0), parent(1, 3, 0), parent(2, 3, 0)))
			b.accept(0, header(2, 4, parent(0, 3, 0), parent(1, 3, 0), parent(2, 3, 0)))
			b.accept(1, header(3, 2, parent(3, 1, 0), parent(0, 1, 0), parent(1, 1, 0)))
			b.accept(0, header(3, 3, parent(3, 2, 1), parent(0, 2, 0), parent(1, 2, 0)))
			if tt.want != ParentExposed {
				if _, err := b.graph.Check(id(0, 5, 7), header(0, 5, parent(0, 4, 0), parent(1, 4, 0), parent(2, 4, 0))); err != nil {
					t.Fatal("base case is not valid:", err)
				}
			}
			if _, err := b.graph.Check(id(tt.h.Author, tt.h.Round, 9), tt.h); !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
		})
		seen[tt.want] = true
	}
	t.Run("another's snapshot without a vote", func(t *testing.T) {
		b := newBench(t)
		b.graph.committee = committee.New(&kernel.Roster{Members: []kernel.Member{{}, {}, {}, {Flagged: true}}})
		b.round(1, 0, 1, 2)
		b.accept(0, header(3, 1, parent(3, 0, 0), parent(0, 0, 0), parent(1, 0, 0), parent(2, 0, 0)))
		_, err := b.graph.Check(id(0, 2, 0), header(0, 2, parent(0, 1, 0), parent(1, 1, 0), parent(2, 1, 0), parent(3, 1, 0)))
		if !errors.Is(err, ParentNotVoting) {
			t.Fatalf("got %v", err)
		}
		seen[ParentNotVoting] = true
	})
	if len(seen) != len(flawNames)-1 {
		t.Errorf("%d of %d flaws have a case", len(seen), len(flawNames)-1)
	}
}

// FuzzNotes: arbitrary notes never panic, and what reads back is what was written.
func FuzzNotes(f *testing.F) {
	h := header(0, 1, parent(0, 0, 0))
	v := fromHeader(id(0, 1, 0), h)
	v.Cut = Cut{Clock: []kernel.Round{1, 2}, Forks: []Fork{{1, []Tip{{2, kernel.SnapshotID{1}}, {2, kernel.SnapshotID{2}}}}}}
	f.Add(v.AppendNotes(nil))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := VertexOf(id(0, 1, 0), h, b)
		if err != nil {
			return
		}
		if string(v.AppendNotes(nil)) != string(b) {
			t.Fatal("not the same bytes")
		}
	})
}

// TestAnchors: a chain of any length is walked down in few steps, to exactly the round asked for.
func TestAnchors(t *testing.T) {
	const top = 3*4096 + 300
	chain := []*Vertex{{ID: id(0, 0, 0)}}
	number := make(map[kernel.SnapshotID]*Vertex)
	number[chain[0].ID] = chain[0]
	for r := kernel.Round(1); r <= top; r++ {
		v := &Vertex{ID: kernel.SnapshotID{1, byte(r >> 8), byte(r)}, Round: r, Parents: []kernel.Parent{{Round: r - 1, ID: chain[r-1].ID}}}
		v.anchor(chain[r-1])
		chain = append(chain, v)
		number[v.ID] = v
	}
	for r := kernel.Round(0); r < top; r += 37 {
		v, steps := chain[top], 0
		for ; v.Round > r; steps++ {
			v = number[v.below(r)]
		}
		if v != chain[r] || steps > 3+2*64+64 {
			t.Fatalf("down to %d: at %d after %d steps", r, v.Round, steps)
		}
	}
}
