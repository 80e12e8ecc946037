package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/asterism-network/asterism/kernel/internal/replica"
	"github.com/asterism-network/asterism/kernel/internal/rpc"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// recordPace bounds the records that people bring to one node: each stands in a snapshot, costs
// whoever brings it nothing, and of one snapshot only so many are read. [GOV-2]
const (
	recordPace  = 16
	recordEvery = time.Second
)

// SubmitRecord implements rpc.Node.
func (b backend) SubmitRecord(ctx context.Context, raw []byte) (kernel.Hash, error) {
	if s := b.n.status.Load(); s.Phase == engine.Halted {
		return kernel.Hash{}, &rpc.NotReady{State: rpc.Halted, Reasons: []string{s.Reason}}
	}
	return b.n.submitRecord(ctx, raw)
}

// submitRecord checks a record against the newest state and hands it to the engine.
func (n *Node) submitRecord(ctx context.Context, raw []byte) (kernel.Hash, error) {
	var r kernel.Record
	if err := r.UnmarshalBinary(raw); err != nil {
		return kernel.Hash{}, fmt.Errorf("%w: %w", ledger.RecordMalformed, err)
	}
	hash := r.SigningHash()
	view := n.store.View()
	err := ledger.CheckRecord(view, &r, n.recordEpoch(), n.replica.Context())
	view.Close()
	if err != nil {
		return hash, err
	}
	if !n.records.take(time.Now()) {
		return hash, &rpc.Overloaded{RetryAfter: recordEvery}
	}
	n.forward(raw)
	return hash, n.carry(ctx, raw)
}

// forwardTo is the whitepaper's b: how many other members a record goes to beside the one that took
// it, so that it is delivered though that one falls silent. [GOV-12]
const forwardTo = 2

// forward passes a record on to random members that are connected.
func (n *Node) forward(raw []byte) {
	peers := n.connected()
	rand.Shuffle(len(peers), func(i, j int) { peers[i], peers[j] = peers[j], peers[i] })
	frame := wire.Append(nil, wire.Records{Raw: [][]byte{raw}})
	for _, peer := range peers[:min(len(peers), forwardTo)] {
		n.mesh.Send(peer, frame)
	}
}

// carry puts a record into the node's next snapshot, from where it reaches every member.
func (n *Node) carry(ctx context.Context, raw []byte) error {
	select {
	case n.inputs <- delivery{Input: replica.Input{Records: [][]byte{bytes.Clone(raw)}}}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-n.stopped:
		return errStopped
	}
}

// RegisterDomain implements rpc.Node. The nonce of the motion is how often the domain was asked
// for, so nodes that are asked at the same time bring one and the same motion. Who repeats the call
// learns how it stands; what was denied is asked again with other nodes, or by a motion. [GOV-12]
func (b backend) RegisterDomain(ctx context.Context, d kernel.Domain) (kernel.DomainState, error) {
	n := b.n
	view := n.store.View()
	known, _ := ledger.DomainOf(view, d.ID)
	newest, asked := ledger.MotionByID(view, known.Motion)
	view.Close()
	same := asked && slices.Equal(newest.Motion.Domain.Nodes, d.Nodes)
	if known.State == kernel.DomainPending || same {
		return known.State, nil
	}
	proposal := kernel.Proposal{Motion: kernel.Motion{
		Subject: kernel.SubjectRegistration, Title: "Register domain " + d.ID, Nonce: known.Asked, Domain: &d,
	}}
	r := kernel.Record{Kind: kernel.RecordMotion, Network: n.network, Epoch: n.recordEpoch(), Signer: n.key.Public(), Payload: proposal.AppendBinary(nil)}
	hash := r.SigningHash()
	r.Signature = n.key.Sign(hash[:])
	switch _, err := n.submitRecord(ctx, r.AppendBinary(nil)); {
	case errors.Is(err, ledger.MotionKnown): // a commit brought it since
	case err != nil:
		return kernel.DomainInvalid, err
	}
	return kernel.DomainPending, nil
}

// recordEpoch is the epoch in force. Records of the one before count too.
func (n *Node) recordEpoch() kernel.Epoch {
	return n.status.Load().seat.Epoch
}

// A pace lets so much through in every span of time.
type pace struct {
	mu   sync.Mutex
	from time.Time
	left int
}

func (p *pace) take(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Sub(p.from) >= recordEvery {
		p.from, p.left = now, recordPace
	}
	if p.left == 0 {
		return false
	}
	p.left--
	return true
}
