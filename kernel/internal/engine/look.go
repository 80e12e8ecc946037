package engine

import (
	"slices"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/committee"
	"github.com/asterism-network/asterism/kernel/internal/consensus"
	"github.com/asterism-network/asterism/kernel/internal/dag"
	"github.com/asterism-network/asterism/kernel/internal/mempool"
)

// A Status is the engine at one moment, for operators.
type Status struct {
	Phase     Phase
	Reason    string
	Round     kernel.Round // of the newest own snapshot
	Top       []kernel.Round
	Newest    []kernel.SnapshotID // by author
	Committed []kernel.Round      // by author: the highest that a committed leader reaches
	Order     dag.Progress
	Executed  kernel.CommitClaim
	Behind    bool // q authors are two rounds ahead or more
	Waiting   int  // transactions
	Bytes     int
	Left      uint64 // transactions that have waited and do no more
	Held      int    // snapshots that miss a parent
	Open      int    // accepted, with a body, not executed
	Forked    committee.Set
	Alarm     bool // f+1 members name another state
	Epoch     kernel.Epoch
	Turn      Turn
	Stats     Stats
}

// Status returns the engine's status.
func (e *Engine) Status() Status {
	s := Status{
		Phase: e.phase, Reason: e.reason, Round: e.own.Round, Order: e.order.Progress, Executed: e.executed,
		Behind: e.authorsAt(e.own.Round+2) >= e.committee.Q, Waiting: e.pool.Len(), Bytes: e.pool.Bytes(), Left: e.pool.Left(),
		Held: len(e.held.byID), Open: len(e.open), Forked: e.graph.Forked(), Stats: e.stats,
		Epoch: e.config.Epoch, Turn: e.turn,
		Alarm: e.stats.Mismatched.Len() > e.committee.F,
	}
	for a, r := range e.graph.Top().Clock {
		s.Top = append(s.Top, r)
		s.Committed = append(s.Committed, e.order.Covered.Clock[a])
		var id kernel.SnapshotID
		if v := e.graph.First(kernel.Author(a), r); v != nil {
			id = v.ID
		}
		s.Newest = append(s.Newest, id)
	}
	return s
}

// Phase is how far the node dares to sign.
func (e *Engine) Phase() Phase { return e.phase }

// Reason says why the phase is Following or Halted, for people.
func (e *Engine) Reason() string { return e.reason }

// Turn is how far the change to the next epoch is.
func (e *Engine) Turn() Turn { return e.turn }

// Speaks reports whether what this node puts into its snapshots can become final.
func (e *Engine) Speaks() bool { return e.speaks() }

// Clock is the newest round that is held of every author.
func (e *Engine) Clock() []kernel.Round { return slices.Clone(e.graph.Top().Clock) }

// Foreign reports whether this life met a snapshot of this node that it had not made: another process signs
// with its key, or did.
func (e *Engine) Foreign() bool { return e.foreign }

// Round is that of the newest own snapshot.
func (e *Engine) Round() kernel.Round { return e.own.Round }

// Progress is how far the total order is decided.
func (e *Engine) Progress() dag.Progress { return e.order.Progress }

// AuthorsAt counts the voting authors of whom a snapshot of round r is accepted.
func (e *Engine) AuthorsAt(r kernel.Round) int { return e.authorsAt(r) }

// A Standing says where a vertex stands in the total order.
type Standing uint8

// The standings.
const (
	Pending      Standing = iota // not reached by a committed leader yet
	Settled                      // committed
	BelowHorizon                 // too deep to be committed by itself
)

// A Seen is a vertex and where it stands.
type Seen struct {
	*dag.Vertex
	Standing Standing
}

// Vertices lists the accepted snapshots of rounds from..to by author and round.
func (e *Engine) Vertices(from, to kernel.Round) (out []Seen) {
	top := e.graph.Top()
	for a := range top.Clock {
		for r := max(from, 1); r <= min(to, top.Clock[a]); r++ {
			for _, v := range e.graph.Variants(kernel.Author(a), r) {
				out = append(out, Seen{v, e.standing(v)})
			}
		}
	}
	return out
}

func (e *Engine) standing(v *dag.Vertex) Standing {
	switch {
	case e.graph.Holds(&e.order.Covered, v):
		return Settled
	case v.Round+e.config.Parameters.Horizon < e.order.Progress.Round:
		return BelowHorizon
	}
	return Pending
}

// Slots lists the leader slots of rounds from..to whose coin is known.
func (e *Engine) Slots(from, to kernel.Round) []consensus.Slot {
	return e.committer.Slots(e.graph.Top(), from, to)
}

// Newest is the highest round of any author.
func (e *Engine) Newest() (newest kernel.Round) {
	for _, r := range e.graph.Top().Clock {
		newest = max(newest, r)
	}
	return newest
}

// Holders lists the unsettled snapshots that carry a transaction, and of each how many authors'
// newest snapshots have it in their cone.
func (e *Engine) Holders(tx kernel.TxHash) (out []Holder) {
	for _, b := range e.open {
		if !e.pool.Carries(b.id, tx) {
			continue
		}
		v, ok := e.graph.Get(b.id)
		if !ok {
			continue
		}
		h := Holder{Seen: Seen{v, e.standing(v)}}
		for a, r := range e.graph.Top().Clock {
			if u := e.graph.First(kernel.Author(a), r); u != nil && e.committee.Votes(u.Author) && e.graph.Holds(&u.Cut, v) {
				h.Supported++
			}
		}
		out = append(out, h)
	}
	return out
}

// A Holder is an unsettled snapshot that carries a transaction.
type Holder struct {
	Seen
	Supported int
}

// Waiting finds a transaction in the mempool.
func (e *Engine) Waiting(tx kernel.TxHash) (mempool.Candidate, bool) { return e.pool.Get(tx) }

// Carried reports whether an accepted snapshot that is not executed carries a transaction.
func (e *Engine) Carried(tx kernel.TxHash) bool { return e.pool.Carried(tx) }

// Link is the highest round of author to in the cone of from's newest snapshot.
func (e *Engine) Link(from, to kernel.Author) kernel.Round {
	v := e.graph.First(from, e.graph.Top().Clock[from])
	return v.Clock[to]
}

// Leaders lists the leader slots that the coin of round d revealed; nil while it is not known.
func (e *Engine) Leaders(d kernel.Round) []kernel.Author { return e.coins.leaders[d] }
