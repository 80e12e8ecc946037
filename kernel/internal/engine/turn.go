package engine

import (
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/dag"
	"github.com/asterism-network/asterism/kernel/internal/mempool"
)

// This file is the end of an epoch. Whoever has executed the commit that ends it goes on making empty
// snapshots until the cone of a single one decides that commit: with that snapshot, and its cone
// on request, everybody else can be brought there, whatever else is lost. [EPO-8]

// findDeciding looks whether a snapshot at the top of the graph decides the end. What a cone decides
// never falls along a chain.
func (e *Engine) findDeciding() {
	if e.turn.Ended == 0 || e.deciding != nil {
		return
	}
	for a, r := range e.graph.Top().Clock {
		for _, v := range e.graph.Variants(kernel.Author(a), r) {
			e.decides(v)
		}
	}
}

// decides notes a snapshot whose cone decides the end.
func (e *Engine) decides(v *dag.Vertex) {
	if e.turn.Ended > 0 && e.deciding == nil && v.Round > 0 && v.Decided.Commits >= e.turn.Ended {
		e.deciding = v
	}
}

// Deciding is a snapshot whose cone decides the commit that ended the epoch; false while there is none.
func (e *Engine) Deciding() (kernel.SnapshotID, bool) {
	if e.deciding == nil {
		return kernel.SnapshotID{}, false
	}
	return e.deciding.ID, true
}

// Unsettled lists the accepted snapshots with bodies that no commit of the epoch settled.
func (e *Engine) Unsettled() (ids []kernel.SnapshotID) {
	for _, b := range e.open {
		ids = append(ids, b.id)
	}
	return ids
}

// Inherit takes over what waits at the engine of the epoch before, which ended and needs it no more, before
// this one's first step. What its unsettled snapshots carried may be proposed again.
func (e *Engine) Inherit(before *Engine) {
	for _, b := range before.open {
		before.pool.Release(b.id)
		e.records = append(e.records, b.records...)
	}
	before.open = nil
	e.pool, before.pool = before.pool, mempool.New(e.config.Limits.Pool)
	e.pool.Restart(before.pace())
	e.records = append(e.records, before.records...) // what is of no use any more is ignored
	before.records = nil
	for _, t := range before.testified { // evidence of the epoch before counts in this one
		e.records = append(e.records, t.record)
	}
}
