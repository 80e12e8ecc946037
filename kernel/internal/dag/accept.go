package dag

import (
	"fmt"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/canary"
	"github.com/asterism-network/asterism/kernel/internal/committee"
)

// A Flaw is one reason why a snapshot is not valid. The verdict depends on the snapshot and
// its cone only, so every honest node reaches the same. [DAG]
type Flaw uint8

// The flaws.
const (
	WrongPlace      Flaw = iota + 1 // [DAG-2] network, epoch or author is not of this epoch's roster
	ParentMismatch                  // [DAG-3] a parent's author or round is not what the header says
	NoQuorum                        // [DAG-4] fewer than q voting authors among the round-1 parents
	ParentNotVoting                 // [DAG-5] another's snapshot as parent although its author has no vote
	ParentTooOld                    // [DAG-6] deeper than D, or of round 0
	ParentRedundant                 // [DAG-7] an older parent lies in the cone of another parent
	ParentExposed                   // [DAG-8] the cone holds two snapshots of one round by a parent's author
	TimeBackwards                   // [DAG-9] before the author's previous snapshot
)

var flawNames = [...]string{"", "wrong_place", "parent_mismatch", "no_quorum", "parent_not_voting",
	"parent_too_old", "parent_redundant", "parent_exposed", "time_backwards"}

// Error returns the stable name of the flaw.
func (f Flaw) Error() string { return flawNames[f] }

func flaw(f Flaw, format string, args ...any) error {
	return fmt.Errorf("%w: %s", f, fmt.Sprintf(format, args...))
}

// Missing lists the parents of h that are not accepted.
func (g *Graph) Missing(h *kernel.Header) (missing []kernel.Parent) {
	for _, p := range h.Parents {
		if _, held := g.Parent(p); !held {
			missing = append(missing, p)
		}
	}
	return missing
}

// Check judges a snapshot whose parents are all accepted and returns its vertex, not yet in
// the graph and without the commit rule's notes. It panics if a parent is missing.
func (g *Graph) Check(id kernel.SnapshotID, h *kernel.Header) (*Vertex, error) {
	if int(h.Author) >= g.committee.Size {
		return nil, flaw(WrongPlace, "author %d of %d", h.Author, g.committee.Size)
	}
	if first := g.First(h.Author, h.Round); first != nil && first.ID != id {
		// From here on cuts name this author's chains. Those made before hold the chain that
		// was accepted first, whole.
		g.forked = g.forked.With(h.Author)
	}
	v := fromHeader(id, h)
	v.Cut = NewCut(g.committee.Size)
	if err := g.checkParents(v); err != nil {
		return nil, err
	}
	g.extendOwn(v)
	for _, p := range v.Parents {
		if v.Exposes(p.Author) {
			return nil, flaw(ParentExposed, "author %d", p.Author)
		}
	}
	own, _ := g.Parent(v.Parents[0])
	if v.Timestamp < own.Timestamp {
		return nil, flaw(TimeBackwards, "%d after %d", v.Timestamp, own.Timestamp)
	}
	v.anchor(own)
	return v, nil
}

func (g *Graph) checkParents(v *Vertex) error {
	var voters committee.Set
	parents := make([]*Vertex, len(v.Parents))
	for i, p := range v.Parents {
		u, ok := g.Parent(p)
		if !ok {
			panic("dag: check before parents")
		}
		if u.Author != p.Author || u.Round != p.Round {
			return flaw(ParentMismatch, "%s is %d@%d, not %d@%d", p.ID.Short(), u.Author, u.Round, p.Author, p.Round)
		}
		if i > 0 && !g.committee.Votes(u.Author) {
			return flaw(ParentNotVoting, "author %d", u.Author)
		}
		if u.Round+1 == v.Round && g.committee.Votes(u.Author) {
			voters = voters.With(u.Author)
		}
		if u.Round+1 < v.Round && (u.Round == 0 || u.Round+g.depth < v.Round) {
			return flaw(ParentTooOld, "%d@%d below %d", u.Author, u.Round, v.Round)
		}
		parents[i] = u
		if i > 0 && i == len(v.Parents)-1 && g.broken.Has(canary.IgnoredParent) {
			continue
		}
		g.join(&v.Cut, &u.Cut)
	}
	if voters.Len() < g.committee.Q {
		return flaw(NoQuorum, "%d of %d", voters.Len(), g.committee.Q)
	}
	return g.checkRedundant(v, parents)
}

func (g *Graph) checkRedundant(v *Vertex, parents []*Vertex) error {
	for i := len(v.Strong()); i < len(parents); i++ {
		for j, other := range parents {
			if i != j && g.Holds(&other.Cut, parents[i]) {
				return flaw(ParentRedundant, "%d@%d", parents[i].Author, parents[i].Round)
			}
		}
	}
	return nil
}

// extendOwn puts v itself into its own cut, as the end of the chain it continues.
func (g *Graph) extendOwn(v *Vertex) {
	if !g.forked.Has(v.Author) {
		v.Clock[v.Author] = max(v.Clock[v.Author], v.Round)
		return
	}
	parent := Tip{v.Round - 1, v.Parents[0].ID}
	tips := []Tip{{v.Round, v.ID}}
	for _, t := range g.tips(&v.Cut, v.Author) {
		if t.Round > parent.Round || g.ancestor(parent, t.Round).ID != t.ID {
			tips = append(tips, t)
		}
	}
	v.setFork(v.Author, tips)
}

// Insert accepts a vertex that Check returned; the commit rule's notes follow at once.
func (g *Graph) Insert(v *Vertex) {
	g.keep(v)
	g.cover(v)
}

// cover adds v and its cone to the top. What v names of equivocators is mostly what its own
// parent named, which is in the top.
func (g *Graph) cover(v *Vertex) {
	own, _ := g.Parent(v.Parents[0])
	if !g.Holds(&g.top, own) {
		g.join(&g.top, &own.Cut) // a restart left it below the rounds it read back
	}
	for a := range g.top.Clock {
		author := kernel.Author(a)
		if !g.forked.Has(author) {
			g.top.Clock[a] = max(g.top.Clock[a], v.Clock[a])
			continue
		}
		known, _ := own.fork(author)
		g.joinForked(&g.top, &v.Cut, author, known)
	}
}
