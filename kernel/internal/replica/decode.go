package replica

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/asterism-network/asterism/kernel/internal/store"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// An Incoming is a frame that a peer sent.
type Incoming struct {
	From  kernel.Key // of the node that the connection was made with
	Frame []byte
}

// A Decoded is what became of a frame: an input for the host, nil when there is nothing to do
// because the snapshot is known, is being verified, or belongs to an epoch that is not taken now, or
// the error that its sender is no honest node. The input aliases the frame.
type Decoded struct {
	Input      *Input
	Checkpoint wire.Message // for the Certifier, instead of an input
	Votes      []HeaderVote // for the Certifier, beside the input
	Err        error
}

// A HeaderVote is a checkpoint signature that stood in the header of a verified snapshot: it counts as if
// the author had sent it. [CHK-42]
type HeaderVote struct {
	Author kernel.Key
	wire.CheckpointVote
}

// Decode is DecodeAll for one frame.
func (r *Replica) Decode(from kernel.Key, frame []byte) (*Input, error) {
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
			s := r.seat(p.Epoch)
			if s == nil || s.place(f.From) == Outsider {
				out[i].Input = shown(f.From, p.Epoch)
				continue
			}
			x, missed, err := r.inspectionOf(s, &push{Push: p, from: s.place(f.From)})
			if x != nil {
				fresh, places = append(fresh, x), append(places, i)
			}
			if out[i].Err = err; missed != nil {
				out[i].Input = partOf(s.Epoch, engine.Input{Missed: []engine.Missed{*missed}})
			}
			continue
		}
		if s, ok := m.(wire.Snapshot); ok {
			x := &inspection{sender: f.From, raw: s.Raw}
			if take, err := r.unknown(x); err != nil {
				out[i].Err = fmt.Errorf("snapshot: %w", err)
			} else if take {
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
func (r *Replica) inspectionOf(s *Seat, p *push) (*inspection, *engine.Missed, error) {
	d, missed, err := r.whole(s, p)
	if d == nil {
		return nil, missed, err
	}
	x := &inspection{sender: s.Key(p.from), raw: d.raw, decoded: d}
	if take, err := r.unknown(x); !take {
		return nil, nil, err
	}
	return x, nil, nil
}

// decided says what became of an inspection, and returns those that can be made now.
func (r *Replica) decided(x *inspection, d *Decoded) (next []*inspection) {
	in := new(engine.Input)
	switch {
	case x.err == nil:
		in.Arrived = []engine.Arrival{x.arrival}
		if v := x.header.Checkpoint; v != nil {
			d.Votes = append(d.Votes, HeaderVote{x.seat.Key(x.header.Author), wire.CheckpointVote{Epoch: x.header.Epoch, Vote: *v}})
		}
		if x.decoded != nil {
			r.judged(x.seat, x.from, true)
		}
		for _, p := range r.fill(x.seat, wire.Place{Author: x.header.Author, Round: x.header.Round}, x.id) {
			more, missed, _ := r.inspectionOf(x.seat, p) // its sender is not here to blame
			if more != nil {
				more.woken = true
				next = append(next, more)
			}
			if missed != nil {
				in.Missed = append(in.Missed, *missed)
			}
		}
	case x.decoded != nil && x.header != nil && r.judged(x.seat, x.from, false) == nil:
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
	part := partOf(x.seat.Epoch, *in)
	if d.Input == nil {
		d.Input = part
	} else {
		d.Input.Join(part)
	}
	return next
}

// decodeMessage reads everything but snapshots. What is about an epoch that no engine orders is a
// request to the host.
func (r *Replica) decodeMessage(from kernel.Key, m wire.Message) (*Input, error) {
	switch m := m.(type) {
	case wire.Transactions:
		return r.decodeTransactions(m.Raw)
	case wire.Records:
		return r.decodeRecords(m.Raw)
	case wire.StartAnswer:
		return r.decodeAnswer(from, m)
	}
	return &Input{Requests: []Request{{From: from, Message: m}}}, nil
}

// unknown reports whether a snapshot is to be verified, once: a known one costs a hash of its
// header, and so does one that is being verified. Should that one fail, this one is asked for
// again. One of an epoch that is not taken now is let go of. The error is bytes that no honest node sends.
func (r *Replica) unknown(x *inspection) (bool, error) {
	var h *kernel.Header
	if x.decoded != nil {
		x.id, h = x.decoded.id, x.decoded.snapshot.Header
	} else {
		var err error
		if x.id, h, err = r.peek(x.raw); err != nil {
			return false, err
		}
	}
	if h.Network != r.network {
		return false, errOtherNetwork
	}
	if x.seat = r.seat(h.Epoch); x.seat == nil {
		return false, nil
	}
	if int(h.Author) >= len(x.seat.keys) {
		return false, errOtherNetwork
	}
	x.from = x.seat.place(x.sender)
	known, _ := r.inspected.ContainsOrAdd(x.id, struct{}{})
	return !known && !r.store.HasAt(x.id, h) || r.lost(x.id), nil
}

var errOtherNetwork = errors.New("snapshot of another network or roster")

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
func (r *Replica) decodeTransactions(raw [][]byte) (*Input, error) {
	parsed, carries := make([]*ledger.Parsed, len(raw)), 0
	for i, b := range raw {
		p := r.Parse(b)
		if p.Refusal != nil {
			return nil, fmt.Errorf("relayed transaction: %w", p.Refusal)
		}
		parsed[i] = p
		if carries += p.Carries(); carries > kernel.MaxBodySignatures {
			return nil, fmt.Errorf("relayed transactions of more than %d signatures", kernel.MaxBodySignatures) // [LIM]
		}
	}
	view := r.store.View()
	defer view.Close()
	var in Input
	for i, p := range parsed {
		b := raw[i]
		c, err := r.candidate(view, p, b)
		if errors.Is(err, kernel.SignatureInvalid) || errors.Is(err, kernel.AmountMismatch) {
			return nil, fmt.Errorf("relayed transaction %s: %w", p.Hash, err)
		}
		if err == nil {
			c.Raw = bytes.Clone(b) // it may wait for long, and the frame is not counted
			in.Admitted = append(in.Admitted, c)
		}
	}
	return &in, nil
}

// decodeRecords takes records that could count if they were carried; others are let go of.
func (r *Replica) decodeRecords(raw [][]byte) (*Input, error) {
	view := r.store.View()
	defer view.Close()
	var in Input
	for _, b := range raw {
		var rec kernel.Record
		if err := rec.UnmarshalBinary(b); err != nil {
			return nil, fmt.Errorf("record: %w", err)
		}
		if rec.Network == r.network && r.wanted(view, &rec) {
			in.Records = append(in.Records, bytes.Clone(b))
		}
	}
	return &in, nil
}

// wanted reports whether a record could count: a ceremony's, or one of holders, light witnesses and
// members that its first node passes on. [GOV-12]
func (r *Replica) wanted(view ledger.View, rec *kernel.Record) bool {
	if ledger.Wanted(view, rec) {
		return ledger.SignedRecord(rec)
	}
	return ledger.CheckRecord(view, rec, epochOf(view).Number, r.Context()) == nil
}

// decodeAnswer verifies that the newest snapshot an answer names is really this node's.
func (r *Replica) decodeAnswer(from kernel.Key, m wire.StartAnswer) (*Input, error) {
	s := r.seat(m.Epoch)
	if s == nil {
		return shown(from, m.Current), nil
	}
	msg := engine.Message{From: s.place(from), Message: m}
	if len(m.Newest) > 0 {
		h := new(kernel.Header)
		if err := h.UnmarshalBinary(m.Newest); err != nil {
			return nil, fmt.Errorf("start answer: %w", err)
		}
		if h.Epoch != m.Epoch || h.Author != s.Self || !r.proofs.Snapshot(r.key, h.ID(), h.Signature) {
			return nil, fmt.Errorf("start answer: not a snapshot of this node")
		}
		msg.Newest = h
	}
	in := partOf(s.Epoch, engine.Input{Messages: []engine.Message{msg}})
	in.Shown = []Shown{{from, m.Current}}
	in.Answers = in.Shown
	return in, nil
}
