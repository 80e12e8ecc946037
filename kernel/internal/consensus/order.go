package consensus

import (
	"cmp"
	"slices"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/canary"
	"github.com/asterism-network/asterism/kernel/internal/dag"
)

// An Order is the total order as far as one node has read it. It is small: it is stored with
// every commit, and a restart goes on from it.
type Order struct {
	Progress  dag.Progress
	Covered   dag.Cut             // cones of all committed leaders
	Limbo     []kernel.SnapshotID // covered, below the horizon, neither committed nor beyond hope; by (round, author, id)
	Timestamp kernel.Timestamp    // of the newest commit
	Position  uint64              // snapshots committed so far
}

// NewOrder returns the order of an epoch of n members in which nothing is committed yet.
func NewOrder(n int, commit kernel.CommitIndex, at kernel.Timestamp, position uint64) *Order {
	return &Order{Progress: dag.Progress{Round: 1, Commits: commit}, Covered: dag.NewCut(n), Timestamp: at, Position: position}
}

// Extend reads on: it returns the commits that the accepted graph decides beyond o, in order,
// and with each the order after it. o becomes the last of them.
func (c *Committer) Extend(o *Order, epoch kernel.Epoch, coin func(kernel.Round) kernel.Hash, out func(*kernel.Commit, *Order)) (skipped int) {
	index := o.Progress.Commits
	o.Progress = c.Advance(c.graph.Top(), o.Progress, func(s Slot) {
		if s.State == Skipped {
			skipped++
			return
		}
		index++
		after := dag.Progress{Round: s.Round, Rank: s.Rank + 1, Commits: index}
		out(c.commit(o, s, after, epoch, coin), o)
	})
	return skipped
}

func (c *Committer) commit(o *Order, s Slot, after dag.Progress, epoch kernel.Epoch, coin func(kernel.Round) kernel.Hash) *kernel.Commit {
	l, d := s.Leader, s.Round+c.rules.Wave-1
	out := &kernel.Commit{
		Index: after.Commits, Epoch: epoch, Leader: kernel.Parent{Author: l.Author, Round: l.Round, ID: l.ID},
		CoinRound: d, Coin: coin(d), Timestamp: max(o.Timestamp, c.medianTime(l)), Position: o.Position,
	}
	for _, v := range c.settle(o, l) {
		out.Snapshots = append(out.Snapshots, kernel.CommittedID{Author: v.Author, Round: v.Round, ID: v.ID, Claim: v.Counted, Names: v.Names(), Closing: v.Closing})
	}
	o.Timestamp = out.Timestamp
	o.Position += uint64(len(out.Snapshots))
	o.Progress = after
	return out
}

// medianTime is the lower median of the timestamps of the leader's round-(r-1) parents. [ORD-8]
func (c *Committer) medianTime(l *dag.Vertex) kernel.Timestamp {
	var times []kernel.Timestamp
	for _, p := range l.Strong() {
		u, _ := c.graph.Parent(p)
		times = append(times, u.Timestamp)
	}
	slices.Sort(times)
	return times[(len(times)-1)/2]
}

// settle returns the snapshots that leader l commits, in (round, author, id) order: those of
// its cone that are not committed yet and not below the horizon. [ORD-7]
func (c *Committer) settle(o *Order, l *dag.Vertex) []*dag.Vertex {
	fresh := c.uncovered(&o.Covered, &l.Cut)
	for _, id := range o.Limbo {
		v, _ := c.graph.Get(id)
		fresh = append(fresh, v)
	}
	slices.SortFunc(fresh, compareVertices)
	var settled []*dag.Vertex
	o.Limbo = nil
	for _, v := range fresh {
		switch c.horizon(v, l) {
		case above:
			settled = append(settled, v)
		case open:
			o.Limbo = append(o.Limbo, v.ID)
		}
	}
	c.graph.Join(&o.Covered, &l.Cut)
	return settled
}

func compareVertices(x, y *dag.Vertex) int {
	return cmp.Or(cmp.Compare(x.Round, y.Round), cmp.Compare(x.Author, y.Author), x.ID.Compare(y.ID))
}

// uncovered lists the snapshots of cone that covered does not hold, round 0 excepted.
func (c *Committer) uncovered(covered, cone *dag.Cut) (out []*dag.Vertex) {
	for a := range cone.Clock {
		c.graph.Beyond(cone, covered, kernel.Author(a), func(v *dag.Vertex) { out = append(out, v) })
	}
	return out
}

type side uint8

const (
	above side = iota // commits
	open              // below, but a later leader may still find it held by q authors
	below             // for ever
)

// horizon says where v stands for leader l: above if it is at most G rounds deeper, or if
// snapshots of q authors in l's cone, each at most G rounds above v, hold v. [ORD-9]
func (c *Committer) horizon(v, l *dag.Vertex) side {
	if c.rules.Broken.Has(canary.OwnHorizon) {
		if newest := slices.Max(c.graph.Top().Clock); v.Round+c.rules.Horizon < newest {
			return below
		}
		return above
	}
	if v.Round+c.rules.Horizon >= l.Round {
		return above
	}
	limit, holders, late := v.Round+c.rules.Horizon, 0, 0
	for x, r := range l.Clock {
		if !c.committee.Votes(kernel.Author(x)) {
			continue
		}
		if c.graph.Reaches(&l.Cut, kernel.Author(x), limit, v) {
			holders++
		} else if r < limit {
			late++
		}
	}
	switch {
	case holders >= c.committee.Q:
		return above
	case holders+late >= c.committee.Q:
		return open
	}
	return below
}

const maxLimbo = 1 << 20

// AppendBinary appends the form that is stored with a commit.
func (o *Order) AppendBinary(b []byte) ([]byte, error) {
	b = codec.AppendU64(b, uint64(o.Progress.Round))
	b = append(b, byte(o.Progress.Rank))
	b = codec.AppendU64(b, uint64(o.Progress.Commits))
	b, _ = o.Covered.AppendBinary(b)
	b = codec.AppendU32(b, uint32(len(o.Limbo)))
	for _, id := range o.Limbo {
		b = append(b, id[:]...)
	}
	b = codec.AppendU64(b, uint64(o.Timestamp))
	return codec.AppendU64(b, o.Position), nil
}

// UnmarshalBinary reads the form of AppendBinary.
func (o *Order) UnmarshalBinary(b []byte) error {
	r := codec.NewReader(b)
	o.Progress.Round = kernel.Round(r.U64("round"))
	o.Progress.Rank = int(r.U8("rank"))
	o.Progress.Commits = kernel.CommitIndex(r.U64("commits"))
	o.Covered = dag.ReadCut(r)
	o.Limbo = make([]kernel.SnapshotID, r.Count32(maxLimbo, 32, "limbo"))
	for i := range o.Limbo {
		r.Fixed(o.Limbo[i][:], "limbo")
	}
	o.Timestamp = kernel.Timestamp(r.U64("timestamp"))
	o.Position = r.U64("position")
	return r.Done()
}
