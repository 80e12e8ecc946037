// Package dag holds one node's view of the snapshot graph: which snapshots it has accepted
// and what each of them can reach.
//
// It is pure: no clock, no I/O, no goroutines. It checks the rules of a snapshot's validity
// that concern its place in the graph; it does not decide finality (package consensus) and
// does not look inside a body (package ledger). Snapshots that miss a parent wait in package
// engine.
package dag

import (
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/canary"
	"github.com/asterism-network/asterism/kernel/internal/committee"
)

// A History finds accepted snapshots that the graph no longer keeps in memory. Reads cannot
// fail: a store that cannot read stops the process.
type History interface {
	Vertex(kernel.SnapshotID) (*Vertex, bool)
	// Variants lists an author's accepted snapshots of a round in the order of acceptance.
	Variants(kernel.Author, kernel.Round) []kernel.SnapshotID
}

// A Graph is the set of accepted snapshots. Recent ones are in memory, the rest in History.
type Graph struct {
	committee *committee.Committee
	depth     kernel.Round
	broken    canary.Set
	history   History
	genesis   []*Vertex // round 0, by author

	floor  kernel.Round // rounds below it are in history only
	byID   map[kernel.SnapshotID]*Vertex
	chains [][]*Vertex         // by author: first accepted of round floor+i, nil where none
	twins  map[place][]*Vertex // later variants, in acceptance order
	old    map[place][]*Vertex // below floor: read back, or accepted and not yet asked for again
	oldIDs []kernel.SnapshotID // of old, to forget them
	top    Cut                 // all accepted snapshots
	forked committee.Set       // authors known to equivocate
}

type place struct {
	author kernel.Author
	round  kernel.Round
}

// oldLimit bounds what is kept of history that was read back.
const oldLimit = 4096

// An Epoch is what a graph starts from.
type Epoch struct {
	Committee *committee.Committee
	Genesis   kernel.Hash      // hash of the epoch's genesis
	Timestamp kernel.Timestamp // of its genesis commit
	Commit    kernel.CommitIndex
	Depth     kernel.Round // D: how far back a parent may lie
	Broken    canary.Set   // by a simulation, on purpose
}

// New returns a graph that holds the round-0 snapshots of the epoch.
func New(e Epoch, h History) *Graph {
	n := e.Committee.Size
	g := &Graph{
		committee: e.Committee, depth: e.Depth, broken: e.Broken, history: h,
		byID:   make(map[kernel.SnapshotID]*Vertex),
		chains: make([][]*Vertex, n),
		twins:  make(map[place][]*Vertex),
		old:    make(map[place][]*Vertex),
		top:    NewCut(n),
	}
	for a := range n {
		v := &Vertex{
			ID: kernel.GenesisSnapshotID(e.Genesis, kernel.Author(a)), Author: kernel.Author(a),
			Timestamp: e.Timestamp, Cut: NewCut(n),
			Decided: Progress{Round: 1, Commits: e.Commit}, Counted: e.Commit,
		}
		v.Claim.Index = e.Commit
		g.genesis = append(g.genesis, v)
		g.byID[v.ID] = v
		g.chains[a] = []*Vertex{v}
	}
	return g
}

// Restore puts a vertex that History holds back into memory, as at a restart: in acceptance
// order, from some round on that the caller has set by Trim.
func (g *Graph) Restore(v *Vertex) {
	if first := g.First(v.Author, v.Round); first != nil && first.ID != v.ID {
		g.forked = g.forked.With(v.Author)
	}
	g.keep(v)
	g.join(&g.top, &v.Cut)
}

// Top is the cut of all accepted snapshots. The caller must not change it.
func (g *Graph) Top() *Cut { return &g.top }

// Floor is the lowest round that is still in memory.
func (g *Graph) Floor() kernel.Round { return g.floor }

// Forked is the set of authors of whom two snapshots of one round were accepted.
func (g *Graph) Forked() committee.Set { return g.forked }

// Get finds an accepted snapshot.
func (g *Graph) Get(id kernel.SnapshotID) (*Vertex, bool) {
	if v, ok := g.byID[id]; ok {
		return v, true
	}
	v, ok := g.history.Vertex(id)
	if ok {
		g.keepOld(v)
	}
	return v, ok
}

// Accepted finds an accepted snapshot of round r. From the floor on all of them are in memory: one that
// is not there is not asked of History, as each new one would be.
func (g *Graph) Accepted(r kernel.Round, id kernel.SnapshotID) (*Vertex, bool) {
	if r < g.floor {
		return g.Get(id)
	}
	v, ok := g.byID[id]
	return v, ok
}

// Parent finds the accepted snapshot that a header names. It looks at the place first, where
// honest parents are: a hash of the id for each parent of each snapshot would be most of the work.
func (g *Graph) Parent(p kernel.Parent) (*Vertex, bool) {
	if i := p.Round - g.floor; p.Round >= g.floor && int(p.Author) < len(g.chains) && i < kernel.Round(len(g.chains[p.Author])) {
		if v := g.chains[p.Author][i]; v != nil && v.ID == p.ID {
			return v, true
		}
	}
	return g.Get(p.ID)
}

// Has reports whether a snapshot is accepted.
func (g *Graph) Has(id kernel.SnapshotID) bool {
	_, ok := g.Get(id)
	return ok
}

// First is the snapshot of an author and round that was accepted first, or nil.
func (g *Graph) First(a kernel.Author, r kernel.Round) *Vertex {
	if r >= g.floor {
		if i := r - g.floor; i < kernel.Round(len(g.chains[a])) {
			return g.chains[a][i]
		}
		return nil
	}
	if v := g.below(place{a, r}); len(v) > 0 {
		return v[0]
	}
	return nil
}

// Variants lists the accepted snapshots of an author and round, in acceptance order.
func (g *Graph) Variants(a kernel.Author, r kernel.Round) []*Vertex {
	p := place{a, r}
	if r < g.floor {
		return g.below(p)
	}
	first := g.First(a, r)
	if first == nil {
		return nil
	}
	return append([]*Vertex{first}, g.twins[p]...)
}

func (g *Graph) below(p place) []*Vertex {
	if p.round == 0 {
		return g.genesis[p.author : p.author+1]
	}
	if vs, ok := g.old[p]; ok {
		return vs
	}
	var vs []*Vertex
	for _, id := range g.history.Variants(p.author, p.round) {
		if v, ok := g.history.Vertex(id); ok {
			vs = append(vs, v)
			g.keepID(v)
		}
	}
	if len(vs) > 1 {
		g.forked = g.forked.With(p.author) // found out before a restart
	}
	if len(vs) > 0 {
		g.old[p] = vs
	}
	return vs
}

// Forget drops what is below the floor from memory; History must hold it. The engine calls it
// between steps, when everything accepted is in the log.
func (g *Graph) Forget() {
	if len(g.old) <= oldLimit {
		return
	}
	for _, id := range g.oldIDs {
		delete(g.byID, id)
	}
	g.oldIDs = g.oldIDs[:0]
	clear(g.old)
}

// Trim raises the floor: rounds below it are found in History from now on.
func (g *Graph) Trim(floor kernel.Round) {
	if floor <= g.floor {
		return
	}
	for a, chain := range g.chains {
		n := min(int(floor-g.floor), len(chain))
		for i, v := range chain[:n] {
			if v != nil && v.Round > 0 {
				delete(g.byID, v.ID)
				p := place{kernel.Author(a), g.floor + kernel.Round(i)}
				for _, t := range g.twins[p] {
					delete(g.byID, t.ID)
				}
				delete(g.twins, p)
			}
		}
		g.chains[a] = append([]*Vertex(nil), chain[n:]...)
	}
	g.floor = floor
}

func (g *Graph) keep(v *Vertex) {
	if v.Round < g.floor {
		g.keepOld(v)
		return
	}
	g.byID[v.ID] = v
	i, chain := int(v.Round-g.floor), g.chains[v.Author]
	for len(chain) <= i {
		chain = append(chain, nil)
	}
	if chain[i] == nil {
		chain[i] = v
	} else {
		p := place{v.Author, v.Round}
		g.twins[p] = append(g.twins[p], v)
	}
	g.chains[v.Author] = chain
}

// keepOld puts v beside the other variants of its place, which are read back first so that
// their order stays that of acceptance.
func (g *Graph) keepOld(v *Vertex) {
	p := place{v.Author, v.Round}
	if p.round == 0 {
		return
	}
	vs := g.below(p)
	for _, known := range vs {
		if known.ID == v.ID {
			return
		}
	}
	g.keepID(v)
	g.old[p] = append(vs, v)
}

func (g *Graph) keepID(v *Vertex) {
	g.byID[v.ID] = v
	g.oldIDs = append(g.oldIDs, v.ID)
}
