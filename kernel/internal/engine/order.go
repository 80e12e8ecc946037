package engine

import (
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/consensus"
)

// extend reads the total order on and hands new commits to the ledger.
func (e *Engine) extend() {
	before := e.order.Progress
	skipped := e.committer.Extend(e.order, e.config.Epoch, e.coins.Value, func(c *kernel.Commit, o *consensus.Order) {
		stored, _ := o.AppendBinary(nil)
		e.out.Commits = append(e.out.Commits, Ordered{c, stored})
		e.stats.Committed++
	})
	e.stats.Skipped += uint64(skipped)
	if before.Before(e.order.Progress) {
		e.trim()
	}
}

// trim stops waiting for bodies that fell below the horizon.
func (e *Engine) trim() {
	settled := e.order.Progress.Round
	g := e.config.Parameters.Horizon
	kept := e.open[:0]
	for _, b := range e.open {
		if b.round+g < settled && !e.awaited(b.id) {
			e.pool.Release(b.id) // below the horizon: what it held is proposed again
			continue
		}
		kept = append(kept, b)
	}
	e.open = kept
}

// awaited reports whether a snapshot is committed but not executed: its transactions have their
// place in the order and must not be proposed again meanwhile.
func (e *Engine) awaited(id kernel.SnapshotID) bool {
	v, ok := e.graph.Get(id)
	return ok && e.graph.Holds(&e.order.Covered, v) && e.executed.Index < e.order.Progress.Commits
}

// execution takes what became of a commit.
func (e *Engine) execution(x Execution) {
	e.executed = kernel.CommitClaim{Index: x.Commit.Index, Digest: x.Commit.Digest}
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
