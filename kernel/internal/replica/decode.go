package replica

import (
	"errors"
	"fmt"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/store"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// Decode turns a frame that a peer sent into an engine input; nil when there is nothing to do,
// because the snapshot is known or being verified. An error means that the peer sent what no
// honest node sends. The input aliases the frame.
func (r *Replica) Decode(from kernel.Author, frame []byte) (*engine.Input, error) {
	m, err := wire.Decode(frame)
	if err != nil {
		return nil, err
	}
	switch m := m.(type) {
	case wire.Snapshot:
		return r.decodeSnapshot(from, m.Raw)
	case wire.Transactions:
		return r.decodeTransactions(m.Raw)
	case wire.StartAnswer:
		return r.decodeAnswer(from, m)
	}
	return &engine.Input{Messages: []engine.Message{{From: from, Message: m}}}, nil
}

// decodeSnapshot verifies a snapshot, once: a known one costs a hash of its header, and so does
// one that is being verified. Should that one fail, this one is asked for again.
func (r *Replica) decodeSnapshot(from kernel.Author, raw []byte) (*engine.Input, error) {
	id, peeked := r.peekID(raw)
	if peeked == nil {
		known, _ := r.inspected.ContainsOrAdd(id, struct{}{})
		if (known || r.store.Has(id)) && !r.lost(id) {
			return nil, nil
		}
	}
	a, err := r.Inspect(from, raw, false)
	if err != nil {
		r.inspected.Remove(id)
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	return &engine.Input{Arrived: []engine.Arrival{a}}, nil
}

// lost reports whether the log holds a snapshot only as a record that is damaged: it must be taken
// again, or whatever names it waits for ever. A log that nobody doubts is not read for that.
func (r *Replica) lost(id kernel.SnapshotID) bool {
	if r.store.LogState() != store.Doubtful || !r.store.Has(id) {
		return false
	}
	_, readable := r.store.Snapshot(id)
	return !readable
}

// peekID computes a snapshot's id from its header alone.
func (r *Replica) peekID(raw []byte) (kernel.SnapshotID, error) {
	if r.memory.decoded != nil {
		d := r.memory.decode(raw)
		return d.id, d.err
	}
	rec := splitRecord(engine.Record{Raw: raw})
	var h kernel.Header
	if err := h.UnmarshalBinary(rec.Header); err != nil {
		return kernel.SnapshotID{}, err
	}
	return h.ID(), nil
}

// decodeTransactions checks relayed transactions; those that do not check now are left out, as
// their holder still has them. What no state makes right was never checked by its sender, and
// there is nobody else to blame.
func (r *Replica) decodeTransactions(raw [][]byte) (*engine.Input, error) {
	view := r.store.View()
	defer view.Close()
	var in engine.Input
	for _, b := range raw {
		p := r.Parse(b)
		if p.Refusal != nil {
			return nil, fmt.Errorf("relayed transaction: %w", p.Refusal)
		}
		c, err := r.candidate(view, p, b)
		if errors.Is(err, kernel.SignatureInvalid) || errors.Is(err, kernel.AmountMismatch) {
			return nil, fmt.Errorf("relayed transaction %s: %w", p.Hash, err)
		}
		if err == nil {
			in.Admitted = append(in.Admitted, c)
		}
	}
	return &in, nil
}

// decodeAnswer verifies that the newest snapshot an answer names is really this node's.
func (r *Replica) decodeAnswer(from kernel.Author, m wire.StartAnswer) (*engine.Input, error) {
	msg := engine.Message{From: from, Message: m}
	if len(m.Newest) > 0 {
		h := new(kernel.Header)
		if err := h.UnmarshalBinary(m.Newest); err != nil {
			return nil, fmt.Errorf("start answer: %w", err)
		}
		if h.Author != r.self || !r.proofs.Snapshot(h.Author, h.ID(), h.Signature) {
			return nil, fmt.Errorf("start answer: not a snapshot of this node")
		}
		msg.Newest = h
	}
	return &engine.Input{Messages: []engine.Message{msg}}, nil
}
