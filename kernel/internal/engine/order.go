package engine

import (
	"slices"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/consensus"
)

// extend reads the total order on and hands new commits to the ledger.
func (e *Engine) extend() {
	if e.turn.Ended > 0 {
		return // whatever comes behind is void
	}
	before := e.order.Progress
	ordered := make(map[kernel.SnapshotID]bool)
	skipped := e.committer.Extend(e.order, e.config.Epoch, e.coins.Value, func(c *kernel.Commit, o *consensus.Order) {
		stored, _ := o.AppendBinary(nil)
		e.out.Commits = append(e.out.Commits, Ordered{c, stored})
		e.stats.Committed++
		for _, s := range c.Snapshots {
			ordered[s.ID] = true
		}
	})
	e.stats.Skipped += uint64(skipped)
	for i := range e.open {
		e.open[i].ordered = e.open[i].ordered || ordered[e.open[i].id]
	}
	if before.Before(e.order.Progress) {
		e.trim()
	}
}

// trim stops waiting for bodies that fell below the horizon. Those of commits that are decided
// and not executed have their place in the order: they must not be proposed again meanwhile. [EPO-8]
func (e *Engine) trim() {
	settled := e.order.Progress.Round
	g := e.config.Parameters.Horizon
	kept := e.open[:0]
	for _, b := range e.open {
		if b.round+g < settled && !b.ordered {
			e.pool.Release(b.id) // below the horizon: what it held is proposed again
			e.records = append(e.records, b.records...)
			continue
		}
		kept = append(kept, b)
	}
	e.open = kept
}

// execution takes what became of a commit.
func (e *Engine) execution(x Execution) {
	e.executed = kernel.CommitClaim{Index: x.Commit.Index, Digest: x.Commit.Digest}
	e.turn = x.Epoch
	defer e.findDeciding()
	e.digests.put(e.executed)
	e.compareOwn(e.executed)
	for _, c := range x.Final {
		for _, loser := range e.pool.Settle(c, true) {
			e.out.Beaten = append(e.out.Beaten, Beaten{loser, c.Hash})
		}
	}
	for _, h := range x.Rejected {
		e.pool.Settle(claimOf(h), false)
	}
	for _, h := range x.Void {
		e.pool.Settle(claimOf(h), false)
	}
	for _, a := range x.Faults {
		e.accused = e.accused.With(a)
		e.testified = slices.DeleteFunc(e.testified, func(t testimony) bool { return t.author == a })
	}
	done := make(map[kernel.SnapshotID]bool, len(x.Commit.Snapshots))
	for _, s := range x.Commit.Snapshots {
		done[s.ID] = true
	}
	kept := e.open[:0]
	for _, b := range e.open {
		if done[b.id] {
			e.pool.Release(b.id)
			continue
		}
		kept = append(kept, b)
	}
	e.open = kept
}
