package node

import (
	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/replica"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// A Misbehaviour is what a node of a test network does wrong on purpose, so that people can see
// what it costs. It is no setting: no file and no flag of a daemon names it, and a node whose
// genesis was not dealt on one machine, for tests, refuses it.
type Misbehaviour uint8

// The misbehaviours.
const (
	Behave         Misbehaviour = iota
	EquivocateOnce              // signs two snapshots of one round, once
	Equivocate                  // and again and again (E1)
	DoubleSpend                 // carries payments of what it knows to be spent (E2)
	BadBody                     // carries payments whose signatures are wrong (E3)
)

const (
	twinFirst = 20 // the round of the first second snapshot
	twinEvery = 40 // rounds from one to the next
)

// A twin makes second snapshots. Only the goroutine that sends uses it.
type twin struct {
	next kernel.Round
	ever bool
	last kernel.Epoch
}

// twinOf returns the frame of a second snapshot beside an own one, where it is time for one.
func (n *Node) twinOf(e replica.Envelope) (frame []byte) {
	own, ok := e.Message.(wire.Snapshot)
	if n.config.Misbehave != Equivocate && n.config.Misbehave != EquivocateOnce || !e.Own || !ok || n.config.Misbehave == EquivocateOnce && n.twin.ever {
		return nil
	}
	r := codec.NewReader(own.Raw)
	head := r.View16(kernel.MaxHeaderSize, "header")
	body := r.View32(kernel.MaxBodySize, "body")
	h := new(kernel.Header)
	if r.Done() != nil || h.UnmarshalBinary(head) != nil {
		return nil
	}
	if h.Epoch != n.twin.last {
		n.twin.last, n.twin.next = h.Epoch, 0
	}
	if h.Round < max(n.twin.next, twinFirst) {
		return nil
	}
	n.twin.next, n.twin.ever = h.Round+twinEvery, true
	h.Timestamp++
	id := h.ID()
	h.Signature = n.key.Sign(id[:])
	head, err := h.AppendBinary(nil)
	if err != nil {
		return nil
	}
	n.log.Warn("misbehaving on purpose: a second snapshot in one round", "epoch", h.Epoch, "round", h.Round)
	return wire.Append(nil, wire.Snapshot{Raw: codec.AppendBytes32(codec.AppendBytes16(nil, head), body)})
}
