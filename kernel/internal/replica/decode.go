package replica

import (
	"errors"
	"fmt"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/store"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// An Incoming is a frame that a peer sent.
type Incoming struct {
	From  kernel.Author
	Frame []byte
}

// A Decoded is what became of a frame: an input for the engine, nil when there is nothing to do
// because the snapshot is known or being verified, or the error that its sender is no honest
// node. The input aliases the frame.
type Decoded struct {
	Input      *engine.Input
	Checkpoint wire.Message // for the Certifier, instead of an input
	Err        error
}

// Decode is DecodeAll for one frame.
func (r *Replica) Decode(from kernel.Author, frame []byte) (*engine.Input, error) {
	d := r.DecodeAll([]Incoming{{from, frame}})
	return d[0].Input, d[0].Err
}

// DecodeAll decodes and verifies frames, one answer for each. Signatures are verified together:
// the more frames, the less each costs. One that does not verify harms none of the others.
func (r *Replica) DecodeAll(frames []Incoming) []Decoded {
	out := make([]Decoded, len(frames))
	var fresh []*inspection
	var places []int // of fresh, in frames
	for i, f := range frames {
		m, err := wire.Decode(f.Frame)
		if err != nil {
			out[i].Err = err
			continue
		}
		if p, ok := m.(wire.Push); ok {
			x, missed, err := r.inspectionOf(&push{Push: p, from: f.From})
			if x != nil {
				fresh, places = append(fresh, x), append(places, i)
			}
			if out[i].Err = err; missed != nil {
				out[i].Input = &engine.Input{Missed: []engine.Missed{*missed}}
			}
			continue
		}
		if s, ok := m.(wire.Snapshot); ok {
			if x := (&inspection{from: f.From, raw: s.Raw}); r.unknown(x) {
				fresh, places = append(fresh, x), append(places, i)
			}
			continue
		}
		switch m.(type) {
		case wire.CheckpointVote, wire.CertificateQuery, wire.Certificate:
			out[i].Checkpoint = m
			continue
		}
		out[i].Input, out[i].Err = r.decodeMessage(f.From, m)
	}
	for len(fresh) > 0 {
		r.inspect(fresh)
		var next []*inspection
		var nextPlaces []int
		for i, x := range fresh {
			for _, ready := range r.decided(x, &out[places[i]]) {
				next, nextPlaces = append(next, ready), append(nextPlaces, places[i])
			}
		}
		fresh, places = next, nextPlaces // what waited for these
	}
	return out
}

// inspectionOf puts a push together; nil if that cannot be done yet, or if it is known.
func (r *Replica) inspectionOf(p *push) (*inspection, *engine.Missed, error) {
	d, missed, err := r.whole(p)
	if d == nil {
		return nil, missed, err
	}
	x := &inspection{from: p.from, raw: d.raw, decoded: d}
	if !r.unknown(x) {
		return nil, nil, nil
	}
	return x, nil, nil
}

// decided says what became of an inspection, and returns those that can be made now.
func (r *Replica) decided(x *inspection, d *Decoded) (next []*inspection) {
	in := new(engine.Input)
	switch {
	case x.err == nil:
		in.Arrived = []engine.Arrival{x.arrival}
		if x.decoded != nil {
			r.judged(x.from, true)
		}
		for _, p := range r.fill(wire.Place{Author: x.header.Author, Round: x.header.Round}, x.id) {
			more, missed, _ := r.inspectionOf(p) // its sender is not here to blame
			if more != nil {
				more.woken = true
				next = append(next, more)
			}
			if missed != nil {
				in.Missed = append(in.Missed, *missed)
			}
		}
	case x.decoded != nil && x.header != nil && r.judged(x.from, false) == nil:
		r.inspected.Remove(x.id)
		in.Missed = []engine.Missed{{From: x.from, At: wire.Place{Author: x.from, Round: x.header.Round}}}
	case x.woken:
		r.inspected.Remove(x.id)
		return nil
	default:
		r.inspected.Remove(x.id)
		d.Err = fmt.Errorf("snapshot: %w", x.err)
		return nil
	}
	if d.Input == nil {
		d.Input = in
	} else {
		d.Input.Join(in)
	}
	return next
}

func (r *Replica) decodeMessage(from kernel.Author, m wire.Message) (*engine.Input, error) {
	switch m := m.(type) {
	case wire.Transactions:
		return r.decodeTransactions(m.Raw)
	case wire.StartAnswer:
		return r.decodeAnswer(from, m)
	}
	return &engine.Input{Messages: []engine.Message{{From: from, Message: m}}}, nil
}

// unknown reports whether a snapshot is to be verified, once: a known one costs a hash of its
// header, and so does one that is being verified. Should that one fail, this one is asked for
// again. What does not decode is unknown.
func (r *Replica) unknown(x *inspection) bool {
	var h *kernel.Header
	if x.decoded != nil {
		x.id, h = x.decoded.id, x.decoded.snapshot.Header
	} else {
		var err error
		if x.id, h, err = r.peek(x.raw); err != nil {
			return true
		}
	}
	known, _ := r.inspected.ContainsOrAdd(x.id, struct{}{})
	return !known && !r.store.HasAt(x.id, h) || r.lost(x.id)
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

// peek decodes a snapshot's header alone, and computes the id.
func (r *Replica) peek(raw []byte) (kernel.SnapshotID, *kernel.Header, error) {
	if r.memory.decoded != nil {
		d := r.memory.decode(raw)
		return d.id, d.snapshot.Header, d.err
	}
	rec := splitRecord(engine.Record{Raw: raw})
	h := new(kernel.Header)
	if err := h.UnmarshalBinary(rec.Header); err != nil {
		return kernel.SnapshotID{}, nil, err
	}
	return h.ID(), h, nil
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
