// Package naive is the commit rule once more, written from docs/spec/order.md and snapshot.md
// for nothing but being read beside them. Cones are explicit sets of snapshots, every question
// is answered by looking at all of them, and nothing is remembered except answers already
// given. It shares no code with packages dag and consensus.
//
// It is the second opinion: tests compare the product's commit rule with it, and it is the
// referee of simulated runs. No node uses it; internal/arch holds the daemons to that. It is
// pure, and fast enough to order some thousands of snapshots in a second.
package naive

import (
	"fmt"

	"github.com/asterism-network/asterism/kernel"
)

// Rules are what a World is judged by.
type Rules struct {
	Flagged   []bool // by author, one entry a member: those that have no vote
	Wave      kernel.Round
	Horizon   kernel.Round
	Depth     kernel.Round
	Genesis   kernel.Hash        // of the epoch: gives the ids of round 0
	Timestamp kernel.Timestamp   // of the epoch's genesis commit
	Commit    kernel.CommitIndex // of the epoch's genesis commit

	// Leaders lists the leaders of the wave that round d decides, in slot order. It is asked
	// only for rounds of which the world holds f+1 shares, and must not change its mind.
	Leaders func(d kernel.Round) []kernel.Author

	Claimless bool // Order leaves out which claims count, which is most of its work

	Wrong Mutant // none, except in tests of tests
}

// Of returns the rules of an epoch of n voting members under the parameters of a network; the
// caller adds Leaders.
func Of(n int, p kernel.Parameters) Rules {
	return Rules{Flagged: make([]bool, n), Wave: kernel.Round(p.Wave), Horizon: p.Horizon, Depth: p.Depth}
}

// A Snap is a snapshot with its cone, itself included.
type Snap struct {
	Number  int // place in its world, parents before children
	ID      kernel.SnapshotID
	Author  kernel.Author
	Round   kernel.Round
	Time    kernel.Timestamp
	Parents []*Snap        // in header order: own first, then those of round-1, then older ones
	Header  *kernel.Header // nil for round 0
	Share   bool           // carries a coin share that verifies
	Cone    Part

	supports []*Snap // by author: which snapshot of round-(w-2) it votes for; nil where it blames
	certs    Part    // the snapshots of round-(w-1) that it certifies
	decides  *extent // how far its cone alone decides the order, once somebody has asked
	counts   *claim  // which commit its claim counts as, once somebody has asked
}

// String names the snapshot for people: author and round.
func (s *Snap) String() string { return fmt.Sprintf("%d@%d", s.Author, s.Round) }

// A World is a set of snapshots that holds the cone of each of its members: all that anybody
// made, or all that the honest nodes of a run accepted.
type World struct {
	rules  Rules
	k      int // members, flagged ones included
	f, q   int // of those that vote
	snaps  []*Snap
	byID   map[kernel.SnapshotID]*Snap
	rounds [][][]*Snap // by round, by author: variants in the order of arrival
}

// New returns the world that holds round 0 only. [DAG-1]
func New(r Rules) *World {
	w := &World{rules: r, k: len(r.Flagged), byID: make(map[kernel.SnapshotID]*Snap)}
	voting := 0
	for _, flagged := range r.Flagged {
		if !flagged {
			voting++
		}
	}
	w.f = (voting - 1) / 3
	w.q = voting - w.f
	for a := range w.k {
		author := kernel.Author(a)
		w.insert(&Snap{ID: kernel.GenesisSnapshotID(r.Genesis, author), Author: author, Time: r.Timestamp})
	}
	return w
}

// Get finds a snapshot by its id.
func (w *World) Get(id kernel.SnapshotID) (*Snap, bool) {
	s, ok := w.byID[id]
	return s, ok
}

// Snaps lists the world, round 0 first, parents before children. The caller must not change it.
func (w *World) Snaps() []*Snap { return w.snaps }

// At lists an author's snapshots of a round that the part holds.
func (w *World) At(p Part, a kernel.Author, r kernel.Round) (out []*Snap) {
	for _, s := range w.at(a, r) {
		if p.Has(s) {
			out = append(out, s)
		}
	}
	return out
}

func (w *World) at(a kernel.Author, r kernel.Round) []*Snap {
	if int(a) >= w.k || r >= kernel.Round(len(w.rounds)) {
		return nil
	}
	return w.rounds[r][a]
}

// Numbers returns f, the faulty members that the rule survives, and the quorum q.
func (w *World) Numbers() (f, q int) { return w.f, w.q }

func (w *World) votes(a kernel.Author) bool { return !w.rules.Flagged[a] }

// Add judges a snapshot by its place in the world and takes it in; a known one is returned as
// it is. The error is the broken rule, or names a parent that the world lacks.
func (w *World) Add(id kernel.SnapshotID, h *kernel.Header, share bool) (*Snap, error) {
	if s, ok := w.byID[id]; ok {
		return s, nil
	}
	if err := w.Check(h); err != nil {
		return nil, err
	}
	s := &Snap{ID: id, Author: h.Author, Round: h.Round, Time: h.Timestamp, Header: h, Share: share}
	for _, p := range h.Parents {
		s.Parents = append(s.Parents, w.byID[p.ID])
	}
	w.insert(s)
	return s, nil
}

func (w *World) insert(s *Snap) {
	s.Number = len(w.snaps)
	for _, p := range s.Parents {
		s.Cone.Join(p.Cone)
	}
	for a := 0; a < w.k && s.Round > 0; a++ {
		s.Cone.Add(w.snaps[a]) // round 0 is in every cone
	}
	s.Cone.Add(s)
	w.snaps = append(w.snaps, s)
	w.byID[s.ID] = s
	for kernel.Round(len(w.rounds)) <= s.Round {
		w.rounds = append(w.rounds, make([][]*Snap, w.k))
	}
	w.rounds[s.Round][s.Author] = append(w.rounds[s.Round][s.Author], s)
	s.supports = w.supportsOf(s)
	s.certs = w.certsOf(s)
}

// All is the part that holds the whole world.
func (w *World) All() (p Part) {
	for _, s := range w.snaps {
		p.Add(s)
	}
	return p
}

// Start is the part that holds round 0 only.
func (w *World) Start() (p Part) {
	for _, s := range w.snaps[:w.k] {
		p.Add(s)
	}
	return p
}

// A Part is a set of snapshots of one world that holds the cone of each of its members.
type Part []uint64

// Has reports whether s is in the part.
func (p Part) Has(s *Snap) bool {
	return s.Number>>6 < len(p) && p[s.Number>>6]>>(s.Number&63)&1 == 1
}

// Add puts s into the part; the caller sees to it that its cone is or comes there too.
func (p *Part) Add(s *Snap) {
	for len(*p) <= s.Number>>6 {
		*p = append(*p, 0)
	}
	(*p)[s.Number>>6] |= 1 << (s.Number & 63)
}

// Join puts all of o into the part.
func (p *Part) Join(o Part) {
	for len(*p) < len(o) {
		*p = append(*p, 0)
	}
	for i := range o {
		(*p)[i] |= o[i]
	}
}

// Clone returns a copy that shares nothing.
func (p Part) Clone() Part { return append(Part(nil), p...) }
