package replica

import (
	"slices"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/asterism-network/asterism/kernel/internal/mempool"
	"github.com/asterism-network/asterism/kernel/internal/store"
)

// Execute runs a commit through the ledger, stores it with what came of it, and tells what the
// engine must hear. It sets the commit's digest. Commits come in order, each once.
func (r *Replica) Execute(o engine.Ordered) (engine.Execution, *ledger.Diff, error) {
	c := o.Commit
	view := r.store.View()
	defer view.Close()
	snapshots := r.committed(c)
	r.verifyAhead(view, snapshots)
	diff := ledger.Execute(view, c, snapshots, r.context)
	c.Digest = diff.Head.Digest
	if err := r.store.Commit(c, diff, o.Order); err != nil {
		return engine.Execution{}, nil, err
	}
	for _, s := range c.Snapshots {
		r.bodies.remove(s.ID)
	}
	return r.executionOf(c, diff, snapshots), diff, nil
}

func (r *Replica) committed(c *kernel.Commit) []ledger.Committed {
	out := make([]ledger.Committed, len(c.Snapshots))
	for i, s := range c.Snapshots {
		p := r.payload(s.ID)
		out[i] = ledger.Committed{Author: s.Author, Round: s.Round, ID: s.ID, Claim: s.Claim, Names: s.Names, Closing: s.Closing, Body: p.body, Parsed: p.parsed}
	}
	return out
}

// verifyAhead checks in batches the signatures that were not checked on arrival. If they wait for others or are
// being verified with them, they are neither verified twice nor in a small batch of this commit.
func (r *Replica) verifyAhead(view *store.View, snapshots []ledger.Committed) {
	var all []*ledger.Parsed
	for _, s := range snapshots {
		all = append(all, s.Parsed...)
	}
	if r.later && slices.ContainsFunc(all, r.unverified) {
		r.verifying.Lock() // until the batch under way is done
		left := slices.ContainsFunc(all, r.unverified)
		r.verifying.Unlock()
		if left {
			r.VerifyWaiting()
		}
	}
	r.verifyTogether(view, all)
}

func (r *Replica) unverified(p *ledger.Parsed) bool {
	return p.Refusal == nil && !r.memory.verified.Contains(p.Signed)
}

// executionOf tells the engine what a commit settled. A transaction counts as void for the
// mempool only if its signatures are good: what stands in a body under the same hash with bad
// ones says nothing about the bytes that wait here.
func (r *Replica) executionOf(c *kernel.Commit, diff *ledger.Diff, snapshots []ledger.Committed) engine.Execution {
	x := engine.Execution{Commit: c}
	const judged, final = 1, 2 // final ones are told once
	receipts := make(map[kernel.TxHash]byte, len(diff.Receipts))
	for _, receipt := range diff.Receipts {
		if receipt.Status == kernel.Final {
			receipts[receipt.Transaction] = final
		} else {
			receipts[receipt.Transaction] = judged
			x.Rejected = append(x.Rejected, receipt.Transaction)
		}
	}
	x.Final = make([]mempool.Claim, 0, len(diff.Receipts)-len(x.Rejected))
	for _, s := range snapshots {
		for _, p := range s.Parsed {
			if p.Refusal != nil {
				continue
			}
			switch receipts[p.Hash] {
			case final:
				x.Final = append(x.Final, claimOf(p))
				receipts[p.Hash] = judged
			case 0:
				if r.memory.knownGood(p.Signed) {
					x.Void = append(x.Void, p.Hash)
				}
			}
		}
	}
	for _, f := range diff.Faults {
		if f.Kind == ledger.FaultEquivocation {
			x.Faults = append(x.Faults, f.Author)
		}
	}
	return x
}
