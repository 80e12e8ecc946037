// Package consensus reads the total order off the graph: which leader slots are committed or
// skipped, and which snapshots each commit settles. It sends nothing and keeps no time: votes
// are references, and the leaders of a round are known only once its coin is.
//
// Everything here is a function of a cut of the graph, so the same code answers what this
// node knows and what somebody's snapshot alone decides.
package consensus

import (
	"math/bits"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/canary"
	"github.com/asterism-network/asterism/kernel/internal/committee"
	"github.com/asterism-network/asterism/kernel/internal/dag"
)

// Coins knows the leader slots that the coins of past rounds revealed.
type Coins interface {
	// Leaders lists the leaders of the wave that round d decides, in slot order. It is asked only
	// for rounds of which the graph holds f+1 good shares, or any shares by q authors. It is empty
	// where fewer than f+1 of these are good: more than f authors lie.
	Leaders(d kernel.Round) []kernel.Author

	// Good reports whether the coin share that v carries is good.
	Good(v *dag.Vertex) bool
}

// Rules are the constants of the commit rule.
type Rules struct {
	Wave    kernel.Round // w, 4 or 5
	Horizon kernel.Round // G
	Broken  canary.Set   // by a simulation, on purpose
}

// A State is what became of a leader slot.
type State uint8

// The states of a slot.
const (
	Undecided State = iota
	Committed
	Skipped
)

// String returns the state's name.
func (s State) String() string { return [...]string{"undecided", "committed", "skipped"}[s] }

// A Slot is the place of a leader in the order, and what became of it.
type Slot struct {
	Round  kernel.Round
	Rank   int
	Author kernel.Author
	State  State
	Leader *dag.Vertex // committed: the snapshot
}

// A Committer evaluates the commit rule over one graph.
type Committer struct {
	rules     Rules
	committee *committee.Committee
	graph     *dag.Graph
	coins     Coins
}

// New returns a Committer.
func New(r Rules, c *committee.Committee, g *dag.Graph, coins Coins) *Committer {
	return &Committer{rules: r, committee: c, graph: g, coins: coins}
}

// Annotate completes a vertex between Check and Insert: whom it votes for, whom it certifies,
// how far its cone decides the order, and which commit its claim counts as. [ORD-2] [ORD-3] [DAG-11]
func (c *Committer) Annotate(v *dag.Vertex) {
	if s := v.Round - (c.rules.Wave - 2); v.Round >= c.rules.Wave-1 {
		for a, r := range v.Clock {
			if r >= s {
				v.Votes = v.Votes.With(kernel.Author(a))
			}
		}
	}
	if v.Round >= c.rules.Wave {
		v.Certs = c.certs(v)
	}
	for _, p := range v.Parents {
		u, _ := c.graph.Parent(p)
		if v.Decided.Before(u.Decided) {
			v.Decided = u.Decided
		}
	}
	v.Decided = c.Advance(&v.Cut, v.Decided, nil)
	c.countClaim(v)
}

// certs is the set of authors for whom q of v's voting round-(d-1) parents vote. For an
// equivocator it says that they support some snapshot; which one is asked of Support.
func (c *Committer) certs(v *dag.Vertex) (out committee.Set) {
	var votes [kernel.MaxMembers]committee.Set
	voters, some := 0, committee.Set(0)
	all := ^committee.Set(0)
	for _, p := range v.Strong() {
		if !c.committee.Votes(p.Author) {
			continue
		}
		u, _ := c.graph.Parent(p)
		votes[voters] = u.Votes
		voters, some, all = voters+1, some|u.Votes, all&u.Votes
	}
	if voters < c.committee.Q {
		return 0
	}
	out = all // in calm weather that is everybody; others are counted one by one
	for rest := some &^ all; rest != 0; rest &= rest - 1 {
		a := kernel.Author(bits.TrailingZeros64(uint64(rest)))
		count := 0
		for _, set := range votes[:voters] {
			if set.Has(a) {
				count++
			}
		}
		if count >= c.committee.Q {
			out = out.With(a)
		}
	}
	return out
}

// countClaim settles which commit index counts for v: its claim if the cone decides it and it
// does not fall, else that of the author's previous snapshot; at least what the cone of the
// author's snapshot G rounds before decides. [DAG-11]
func (c *Committer) countClaim(v *dag.Vertex) {
	own, _ := c.graph.Parent(v.Parents[0])
	v.Counted = own.Counted
	if v.Claim.Index >= own.Counted && v.Claim.Index <= v.Decided.Commits {
		v.Counted, v.Named = v.Claim.Index, !v.Claim.Digest.IsZero()
	}
	if v.Round <= c.rules.Horizon {
		return
	}
	if floor := c.FloorClaim(own, v.Round); floor > v.Counted {
		v.Counted, v.Named = floor, false
	}
}

// FloorClaim is the commit that counts at least for a snapshot of round r on the chain of own:
// what the cone of the author's snapshot G rounds before it decides.
func (c *Committer) FloorClaim(own *dag.Vertex, r kernel.Round) kernel.CommitIndex {
	if r <= c.rules.Horizon {
		return 0
	}
	var floor kernel.CommitIndex
	c.graph.In(&own.Cut, own.Author, r-c.rules.Horizon, func(u *dag.Vertex) { floor = max(floor, u.Decided.Commits) })
	return floor
}

// Advance walks the slots from p on as far as the cut decides them, calls out for each decided
// one, in order, and returns where it stopped. [ORD-6]
func (c *Committer) Advance(cut *dag.Cut, p dag.Progress, out func(Slot)) dag.Progress {
	if !c.decidable(cut, p.Round) {
		return p
	}
	last := c.lastDecidable(cut)
	slots := c.evaluate(cut, p.Round, last)
	for _, s := range slots {
		if s.Round == p.Round && s.Rank < p.Rank && s.Rank != unknown {
			continue
		}
		if s.State == Undecided {
			if s.Round > p.Round {
				p.Round, p.Rank = s.Round, max(s.Rank, 0)
			}
			p.Rank = max(s.Rank, p.Rank)
			return p
		}
		if s.State == Committed {
			p.Commits++
		}
		if out != nil {
			out(s)
		}
	}
	return dag.Progress{Round: last + 1, Commits: p.Commits}
}

// Slots evaluates every slot of rounds from..to as the cut shows them, for people who look on.
// Rounds whose coin is not known have no slots yet.
func (c *Committer) Slots(cut *dag.Cut, from, to kernel.Round) []Slot {
	last := c.lastDecidable(cut)
	var out []Slot
	for _, s := range c.evaluate(cut, max(from, 1), last) {
		if s.Round <= to && s.Rank != unknown {
			out = append(out, s)
		}
	}
	return out
}

// decidable reports whether lastDecidable is r or more, without looking for it.
func (c *Committer) decidable(cut *dag.Cut, r kernel.Round) bool {
	d, authors := r+c.rules.Wave-1, 0
	for a, top := range cut.Clock {
		if top >= d && c.committee.Votes(kernel.Author(a)) {
			authors++
		}
	}
	return authors >= c.enoughForCoin()
}

// lastDecidable is the highest round whose deciding round has snapshots of q authors in the cut.
func (c *Committer) lastDecidable(cut *dag.Cut) kernel.Round {
	rounds := make([]kernel.Round, 0, kernel.MaxMembers)
	for a, r := range cut.Clock {
		if c.committee.Votes(kernel.Author(a)) {
			rounds = append(rounds, r)
		}
	}
	d := nthHighest(rounds, c.enoughForCoin())
	if d < c.rules.Wave {
		return 0
	}
	return d - (c.rules.Wave - 1)
}

// enoughForCoin is the number of authors whose snapshots of the deciding round must be held.
func (c *Committer) enoughForCoin() int {
	if c.rules.Broken.Has(canary.EarlySlot) {
		return c.committee.F + 1
	}
	return c.committee.Q
}

func nthHighest(rounds []kernel.Round, n int) kernel.Round {
	for i := range n { // selection by insertion: at most 50 entries
		best := i
		for j := i + 1; j < len(rounds); j++ {
			if rounds[j] > rounds[best] {
				best = j
			}
		}
		rounds[i], rounds[best] = rounds[best], rounds[i]
	}
	return rounds[n-1]
}

// unknown is the rank of the stand-in for all slots of a round whose coin the cut does not hold.
const unknown = -1

// evaluate decides the slots of rounds from..last, highest first because the indirect rule
// looks up, and returns them in ascending order.
func (c *Committer) evaluate(cut *dag.Cut, from, last kernel.Round) []Slot {
	var slots []Slot // descending while being built
	for r := last; r >= from && r > 0; r-- {
		d := r + c.rules.Wave - 1
		if !c.revealed(cut, d) {
			slots = append(slots, Slot{Round: r, Rank: unknown})
			continue
		}
		leaders := c.coins.Leaders(d)
		base := len(slots)
		for rank := len(leaders) - 1; rank >= 0; rank-- {
			s := Slot{Round: r, Rank: rank, Author: leaders[rank]}
			s.State, s.Leader = c.direct(cut, r, s.Author)
			if s.State == Undecided {
				s.State, s.Leader = c.indirect(slots[:base], r, s.Author)
			}
			slots = append(slots, s)
		}
	}
	for i, j := 0, len(slots)-1; i < j; i, j = i+1, j-1 {
		slots[i], slots[j] = slots[j], slots[i]
	}
	return slots
}

// revealed reports whether the cut holds snapshots of round d by q authors and good coin shares
// by f+1 of them. Where q authors carry any, at least q-f > f of them are honest, whose shares are good:
// then nobody has to look at proofs. [ORD-1]
func (c *Committer) revealed(cut *dag.Cut, d kernel.Round) bool {
	authors, shares := 0, 0
	for a := range cut.Clock {
		if !c.committee.Votes(kernel.Author(a)) || cut.Clock[a] < d {
			continue
		}
		authors++
		if c.shares(cut, kernel.Author(a), d, anyShare) {
			shares++
		}
	}
	if authors < c.enoughForCoin() || shares <= c.committee.F {
		return false
	}
	return shares >= c.committee.Q && len(c.coins.Leaders(d)) > 0 || c.proven(cut, d)
}

// proven reports whether the cut holds coin shares of round d by f+1 authors whose proofs verify.
func (c *Committer) proven(cut *dag.Cut, d kernel.Round) bool {
	good := 0
	for a := range cut.Clock {
		if c.committee.Votes(kernel.Author(a)) && cut.Clock[a] >= d && c.shares(cut, kernel.Author(a), d, c.coins.Good) {
			good++
		}
		if good > c.committee.F {
			return true
		}
	}
	return false
}

func anyShare(*dag.Vertex) bool { return true }

// shares reports whether the cut holds a snapshot by the author in round d whose share will do.
func (c *Committer) shares(cut *dag.Cut, a kernel.Author, d kernel.Round, will func(*dag.Vertex) bool) (found bool) {
	c.graph.In(cut, a, d, func(v *dag.Vertex) { found = found || v.HasShare && will(v) })
	return found
}

// direct applies the direct rule to slot (a, r): skip if q authors of the voting round blame
// it, commit a snapshot that q authors of the deciding round certify. [ORD-4]
func (c *Committer) direct(cut *dag.Cut, r kernel.Round, a kernel.Author) (State, *dag.Vertex) {
	v, d := r+c.rules.Wave-2, r+c.rules.Wave-1
	blames := 0
	var certified candidates
	for x := range cut.Clock {
		if !c.committee.Votes(kernel.Author(x)) {
			continue
		}
		blamed := false
		c.graph.In(cut, kernel.Author(x), v, func(u *dag.Vertex) { blamed = blamed || !u.Votes.Has(a) })
		if blamed {
			blames++
		}
		certified.next()
		c.graph.In(cut, kernel.Author(x), d, func(u *dag.Vertex) {
			if l := c.certifies(u, a, r); l != nil {
				certified.add(l)
			}
		})
	}
	if l := certified.reached(c.committee.Q); l != nil {
		return Committed, l
	}
	if blames >= c.committee.Q || blames > c.committee.F && c.rules.Broken.Has(canary.WrongSkip) {
		return Skipped, nil
	}
	return Undecided, nil
}

// indirect applies the indirect rule: above holds the slots of higher rounds, highest first.
// [ORD-5]
func (c *Committer) indirect(above []Slot, r kernel.Round, a kernel.Author) (State, *dag.Vertex) {
	d := r + c.rules.Wave - 1
	for i := len(above) - 1; i >= 0; i-- {
		s := above[i]
		if s.Round <= d || s.State == Skipped {
			continue
		}
		if s.State == Undecided {
			return Undecided, nil
		}
		if l := c.certifiedIn(&s.Leader.Cut, a, r); l != nil {
			return Committed, l
		}
		return Skipped, nil
	}
	return Undecided, nil
}

// certifiedIn is the snapshot of slot (a, r) for which a certificate lies in the cone.
func (c *Committer) certifiedIn(cone *dag.Cut, a kernel.Author, r kernel.Round) (found *dag.Vertex) {
	d := r + c.rules.Wave - 1
	for x := range cone.Clock {
		if !c.committee.Votes(kernel.Author(x)) {
			continue
		}
		c.graph.In(cone, kernel.Author(x), d, func(u *dag.Vertex) {
			if l := c.certifies(u, a, r); l != nil {
				found = l
			}
		})
	}
	return found
}

// certifies is the snapshot of slot (a, r) that u, of the deciding round, certifies: q distinct
// authors among its parents of the voting round support it.
func (c *Committer) certifies(u *dag.Vertex, a kernel.Author, r kernel.Round) *dag.Vertex {
	if !u.Certs.Has(a) {
		return nil
	}
	if !c.graph.Forked().Has(a) {
		// Reading an old round back may show that the author equivocates.
		if only := c.graph.First(a, r); !c.graph.Forked().Has(a) {
			return only
		}
	}
	var votes candidates
	for _, p := range u.Strong() {
		if !c.committee.Votes(p.Author) {
			continue
		}
		votes.next()
		voter, _ := c.graph.Parent(p)
		if l := c.graph.Support(&voter.Cut, a, r); l != nil {
			votes.add(l)
		}
	}
	return votes.reached(c.committee.Q)
}

// candidates counts authors per snapshot of one slot, each author once per snapshot. Nearly
// always there is one snapshot; an equivocator has more.
type candidates struct {
	voter int
	found []*dag.Vertex
	count []int
	last  []int // the voter that was counted last
}

func (c *candidates) next() { c.voter++ }

func (c *candidates) add(l *dag.Vertex) {
	for i, f := range c.found {
		if f.ID == l.ID {
			if c.last[i] != c.voter {
				c.count[i]++
				c.last[i] = c.voter
			}
			return
		}
	}
	c.found = append(c.found, l)
	c.count = append(c.count, 1)
	c.last = append(c.last, c.voter)
}

func (c *candidates) reached(q int) *dag.Vertex {
	for i, f := range c.found {
		if c.count[i] >= q {
			return f
		}
	}
	return nil
}
