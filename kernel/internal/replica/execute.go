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
// engine must hear. It sets the commit's digest. Commits come in order, each once. One that comes
// behind the end of its epoch is void: then there is no diff, nothing was done, and nobody is to be told. [EPO-7]
func (r *Replica) Execute(o engine.Ordered) (engine.Execution, *ledger.Diff, error) {
	c := o.Commit
	if c.Epoch != r.epoch.Number {
		return engine.Execution{}, nil, nil
	}
	view := r.store.View()
	defer view.Close()
	snapshots := r.committed(c)
	r.verifyAhead(view, snapshots)
	diff := ledger.Execute(view, c, snapshots, r.Context())
	c.Digest = diff.Head.Digest
	epoch := r.epochAfter(view, diff)
	orders := joinOrders(o.Order, r.ended)
	if epoch.Number > c.Epoch {
		orders = joinOrders(nil, o.Order)
	}
	if err := r.store.Commit(c, diff, orders); err != nil {
		return engine.Execution{}, nil, err
	}
	x := r.executionOf(c, diff, snapshots)
	x.Epoch, x.Changed = r.turned(c, epoch, o.Order), ledger.TouchesEpoch(diff)
	for _, s := range c.Snapshots {
		r.bodies.remove(s.ID)
	}
	return x, diff, nil
}

// turned notes how far the change to the next epoch is after a commit. At the end of an epoch, others
// judge by the next roster from here on.
func (r *Replica) turned(c *kernel.Commit, after ledger.Epoch, order []byte) engine.Turn {
	before := r.epoch
	r.epoch = after
	if after.Number == c.Epoch {
		return engine.Turn{Hurry: after.Next != nil, Decided: after.Decided}
	}
	r.ended = order
	r.contextFor(after.Facts.Roster.Roster())
	return engine.Turn{Decided: before.Decided, Ended: c.Index}
}

func (r *Replica) committed(c *kernel.Commit) []ledger.Committed {
	out := make([]ledger.Committed, len(c.Snapshots))
	for i, s := range c.Snapshots {
		p := r.payload(s.ID)
		out[i] = ledger.Committed{Author: s.Author, Round: s.Round, ID: s.ID, Claim: s.Claim, Names: s.Names, Closing: s.Closing, Body: p.body, Parsed: p.parsed}
	}
	return out
}

// verifyAhead checks in batches the signatures that were not checked on arrival and will be asked for. If they wait
// for others or are being verified with them, they are neither verified twice nor in a small batch of this commit.
func (r *Replica) verifyAhead(view *store.View, snapshots []ledger.Committed) {
	open := func(p *ledger.Parsed) bool { return r.unverified(view, p) }
	var left []*ledger.Parsed
	for _, s := range snapshots {
		for _, p := range s.Parsed {
			if open(p) {
				left = append(left, p)
			}
		}
	}
	if len(left) == 0 {
		return
	}
	if r.later {
		r.verifying.Lock() // until the batch under way is done
		some := slices.ContainsFunc(left, open)
		r.verifying.Unlock()
		if some {
			r.VerifyWaiting()
		}
	}
	r.verifyTogether(view, left)
}

// unverified reports whether nobody has verified a transaction's signatures, and somebody may ask for them: one that has a
// receipt is not judged again, whatever bytes come under its hash. [EXE-2]
func (r *Replica) unverified(view ledger.View, p *ledger.Parsed) bool {
	if p.Refusal != nil {
		return false
	}
	if _, known := r.memory.verified.get(&p.Signed); known {
		return false
	}
	_, judged := view.Receipt(p.Hash)
	return !judged
}

// executionOf tells the engine what a commit settled. A transaction counts as void for the
// mempool only if its signatures are good: what stands in a body under the same hash with bad
// ones says nothing about the bytes that wait here. Where nobody verified them because of a receipt, the mempool
// has heard of that with its commit.
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
	for _, raw := range diff.Issued { // they take what waiting ones want too: a mint's keys can be known before it
		x.Final = append(x.Final, claimOf(ledger.Parse(raw)))
	}
	for _, f := range diff.Faults {
		if f.Kind == ledger.FaultEquivocation && f.Epoch == c.Epoch { // authors of another epoch are other members
			x.Faults = append(x.Faults, f.Author)
		}
	}
	return x
}

// epochAfter is the epoch as a diff leaves it. Rows are decoded again only where they changed.
func (r *Replica) epochAfter(before ledger.View, diff *ledger.Diff) ledger.Epoch {
	if !ledger.TouchesEpoch(diff) {
		return r.epoch
	}
	return epochOf(ledger.After(before, diff))
}
