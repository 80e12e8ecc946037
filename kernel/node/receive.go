package node

import (
	"context"
	"errors"
	"fmt"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/asterism-network/asterism/kernel/internal/mempool"
	"github.com/asterism-network/asterism/kernel/internal/p2p"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// A delivery is an input on its way to the loop, and the bytes that it takes of the budget.
type delivery struct {
	engine.Input
	bytes int
}

const (
	inFlightBytes = 64 << 20
	inspectedKept = 16 << 10
)

// receive takes frames from peers, decodes and verifies them, and hands them to the engine.
// Several run at once; the engine does not mind the order.
func (n *Node) receive(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case f := <-n.mesh.Inbound():
			if !n.inFlight.take(ctx, len(f.Frame)) {
				return nil
			}
			in, err := n.decode(f)
			if err != nil {
				n.metrics.misbehaved.WithLabelValues(n.config.Genesis.Members[f.From].Name).Inc()
				n.log.Warn("bad message", "peer", n.config.Genesis.Members[f.From].Name, "err", err)
				n.mesh.Disconnect(f.From, err)
			}
			if in == nil || err != nil {
				n.inFlight.give(len(f.Frame))
				continue
			}
			if !n.deliver(ctx, delivery{*in, len(f.Frame)}) {
				return nil
			}
		}
	}
}

// decode turns a frame into an engine input; nil when there is nothing to do. An error means
// that the peer sent what no honest node sends.
func (n *Node) decode(f p2p.Inbound) (*engine.Input, error) {
	m, err := wire.Decode(f.Frame)
	if err != nil {
		return nil, err
	}
	switch m := m.(type) {
	case wire.Snapshot:
		return n.decodeSnapshot(f.From, m.Raw)
	case wire.Transactions:
		return n.decodeTransactions(m.Raw)
	case wire.StartAnswer:
		return n.decodeAnswer(f.From, m)
	}
	return &engine.Input{Messages: []engine.Message{{From: f.From, Message: m}}}, nil
}

// decodeSnapshot verifies a snapshot, once: a known one costs a hash of its header, and so does
// one that is being verified. Should that one fail, this one is asked for again.
func (n *Node) decodeSnapshot(from kernel.Author, raw []byte) (*engine.Input, error) {
	id, peeked := peekID(raw)
	if peeked == nil {
		if known, _ := n.inspected.ContainsOrAdd(id, struct{}{}); known || n.store.Has(id) {
			return nil, nil
		}
	}
	a, err := n.checker.inspect(from, raw, false)
	if err != nil {
		n.inspected.Remove(id)
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	return &engine.Input{Arrived: []engine.Arrival{a}}, nil
}

// decodeTransactions checks relayed transactions; those that do not check now are left out, as
// their holder still has them. What no state makes right was never checked by its sender, and
// there is nobody else to blame.
func (n *Node) decodeTransactions(raw [][]byte) (*engine.Input, error) {
	view := n.store.View()
	defer view.Close()
	var in engine.Input
	for _, b := range raw {
		p := n.checker.parse(b)
		if p.Refusal != nil {
			return nil, fmt.Errorf("relayed transaction: %w", p.Refusal)
		}
		err := ledger.CheckParsed(view, p, n.checker.context)
		if errors.Is(err, kernel.SignatureInvalid) || errors.Is(err, kernel.AmountMismatch) {
			return nil, fmt.Errorf("relayed transaction %s: %w", p.Hash, err)
		}
		if err == nil {
			in.Admitted = append(in.Admitted, mempool.Candidate{Claim: claimOf(p), Raw: b, Checked: view.Head().Index})
		}
	}
	return &in, nil
}

// decodeAnswer verifies that the newest snapshot an answer names is really this node's.
func (n *Node) decodeAnswer(from kernel.Author, m wire.StartAnswer) (*engine.Input, error) {
	msg := engine.Message{From: from, Message: m}
	if len(m.Newest) > 0 {
		h := new(kernel.Header)
		if err := h.UnmarshalBinary(m.Newest); err != nil {
			return nil, fmt.Errorf("start answer: %w", err)
		}
		id := h.ID()
		if h.Author != n.self || !crypto.Verify(n.key.Public(), id[:], h.Signature) {
			return nil, fmt.Errorf("start answer: not a snapshot of this node")
		}
		msg.Newest = h
	}
	return &engine.Input{Messages: []engine.Message{msg}}, nil
}

// peekID computes a snapshot's id from its header alone.
func peekID(raw []byte) (kernel.SnapshotID, error) {
	rec := splitRecord(engine.Record{Raw: raw})
	var h kernel.Header
	if err := h.UnmarshalBinary(rec.Header); err != nil {
		return kernel.SnapshotID{}, err
	}
	return h.ID(), nil
}
