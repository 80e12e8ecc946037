package node

import (
	"context"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/chain"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
	"github.com/asterism-network/asterism/pillars/internal/mempool"
	"github.com/asterism-network/asterism/pillars/internal/state"
	"github.com/asterism-network/asterism/pillars/internal/tree"
)

// A peer is where something came from; self is this node.
type peer = tree.Peer

const self peer = 0

// SubmitTransaction judges a transaction as the next block would, and keeps and relays it if it holds. The error is a
// mempool.Rule, a state.Rule, a script.Rule or a pillars.Rule: errors.Is finds which, and RuleName its name.
func (n *Node) SubmitTransaction(ctx context.Context, tx *pillars.Transaction) (err error) {
	asked := n.Ask(ctx, func(d *Desk) {
		_, err = d.Pool.Add(tx, self, d.Tip(), d.Now)
		d.flush()
	})
	if asked != nil {
		return asked
	}
	return err
}

// CheckTransaction judges a transaction by the rules of the next block and all its scripts, with what waits already, and
// keeps nothing.
func (n *Node) CheckTransaction(ctx context.Context, tx *pillars.Transaction) (v state.Verdict, err error) {
	asked := n.Ask(ctx, func(d *Desk) { v, err = d.Pool.Check(tx, d.Tip()) })
	if asked != nil {
		return v, asked
	}
	return v, err
}

// SubmitBlock gives a block of our own to the chain, as a miner does. The result says what became of it, and with
// a fate of refused which rule it breaks.
func (n *Node) SubmitBlock(ctx context.Context, b *pillars.Block) (r chain.Result, err error) {
	asked := n.Ask(ctx, func(d *Desk) {
		if r, err = d.block(self, b); r.Relay {
			n.core.Relay(b)
		}
	})
	if asked != nil {
		return r, asked
	}
	return r, err
}

// Candidates are what the next block should take within so many bytes and signatures, in an order that is valid behind the
// tip that comes with them.
func (n *Node) Candidates(ctx context.Context, size, sigops int) (tip consensus.Branch, entries []*mempool.Entry, err error) {
	err = n.Ask(ctx, func(d *Desk) { tip, entries = d.Chain.Tip(), d.Pool.Select(size, sigops) })
	return tip, entries, err
}

// A Snapshot is what waits at one moment.
type Snapshot struct {
	Tip     consensus.Branch
	Sizes   mempool.Sizes
	Entries []mempool.Info // in the order of arrival
}

// Mempool describes all transactions that wait.
func (n *Node) Mempool(ctx context.Context) (s Snapshot, err error) {
	err = n.Ask(ctx, func(d *Desk) {
		s = Snapshot{Tip: d.Chain.Tip(), Sizes: d.Pool.Sizes()}
		for _, e := range d.Pool.All() {
			s.Entries = append(s.Entries, d.Pool.Describe(e))
		}
	})
	return s, err
}

// Waiting returns a transaction that waits.
func (n *Node) Waiting(ctx context.Context, id pillars.TxID) (info mempool.Info, ok bool, err error) {
	err = n.Ask(ctx, func(d *Desk) {
		var e *mempool.Entry
		if e, ok = d.Pool.Get(id); ok {
			info = d.Pool.Describe(e)
		}
	})
	return info, ok, err
}

// RuleName is the stable name of the rule that a refusal is about.
func RuleName(err error) string { return tree.RuleName(err) }
