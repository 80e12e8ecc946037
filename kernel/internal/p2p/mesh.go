// Package p2p connects a node with every other member: one mutually authenticated TLS 1.3
// connection per pair, on the node keys that genesis names, carrying opaque frames.
//
// It promises little, so that it can promise it under attack: frames come from whom they say
// and whole, but may be lost when a connection ends or a queue is full, and the order between
// two connections is not kept. Whoever uses it must survive that, and exchange summaries on
// every Event that says Up. What a frame means is none of its business. See
// docs/spec/network.md.
package p2p

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// Config is what a mesh is made of.
type Config struct {
	Network   kernel.NetworkID
	Self      kernel.Author
	Seed      crypto.NodeKey // of Members[Self]
	Members   []crypto.Key   // roster order
	Listen    string         // "host:port"; "" listens nowhere, the node only dials
	Listener  net.Listener   // instead of Listen; Run closes it
	Addresses []string       // roster order, "host:port"; "" or missing is unknown
	Log       *slog.Logger   // nil logs nothing
	Limits    Limits
}

// A Mesh is the node's end of all connections. Its methods may be used by any goroutine.
type Mesh struct {
	network  *identity
	self     kernel.Author
	peers    []*peer // roster order; nil at self
	listener net.Listener
	log      *slog.Logger
	limits   Limits
	timing   timing
	instance instance

	door     *door
	inbox    *inbox
	bulletin *bulletin
	events   chan Event

	sequence atomic.Uint64 // of our decisions which connection to keep
	refused  refusals
	tasks    sync.WaitGroup // accepted connections
}

// New checks the configuration and starts to listen. Run must be called: it owns the listener.
func New(c Config) (*Mesh, error) {
	switch {
	case len(c.Members) == 0 || len(c.Members) > kernel.MaxMembers:
		return nil, fmt.Errorf("p2p: %d members: want 1 to %d", len(c.Members), kernel.MaxMembers)
	case int(c.Self) >= len(c.Members) || c.Seed.Public() != c.Members[c.Self]:
		return nil, fmt.Errorf("p2p: member %d has another key than this node", c.Self)
	case len(c.Addresses) > len(c.Members):
		return nil, fmt.Errorf("p2p: %d addresses for %d members", len(c.Addresses), len(c.Members))
	case c.Network.IsZero():
		return nil, errors.New("p2p: no network id")
	}
	id, err := newIdentity(c.Network, c.Seed, c.Members)
	if err != nil {
		return nil, err
	}
	if len(id.members) != len(c.Members) {
		return nil, errors.New("p2p: two members have the same key")
	}
	m := &Mesh{
		network: id, self: c.Self, listener: c.Listener, log: c.Log,
		limits: c.Limits.withDefaults(), timing: defaultTiming,
		bulletin: newBulletin(len(c.Members)),
		events:   make(chan Event),
	}
	rand.Read(m.instance[:])
	m.inbox = newInbox(len(c.Members), m.limits)
	m.door = newDoor(m.limits)
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	m.peers = make([]*peer, len(c.Members))
	for i, key := range c.Members {
		a := kernel.Author(i)
		if a == c.Self {
			continue
		}
		p := &peer{author: a, key: key, decides: a < c.Self, vacant: make(chan struct{}, 1), news: m.bulletin}
		p.out = queue{maxBytes: m.limits.QueueBytes, maxFrames: m.limits.QueueFrames}
		if i < len(c.Addresses) {
			p.address = c.Addresses[i]
		}
		m.peers[i] = p
	}
	if m.listener == nil && c.Listen != "" {
		if m.listener, err = net.Listen("tcp", c.Listen); err != nil {
			return nil, fmt.Errorf("p2p: %w", err)
		}
	}
	return m, nil
}

// Run keeps the mesh up until ctx ends, then waits for everything it started. It returns nil
// when ctx ended, or why it can no longer listen. Inbound and Events are not closed.
func (m *Mesh) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	wg.Go(func() { m.inbox.deliver(ctx) })
	wg.Go(func() { m.bulletin.run(ctx, m.events) })
	for _, p := range m.peers {
		if p != nil && p.address != "" {
			wg.Go(func() { m.keepDialling(ctx, p) })
		}
	}
	if m.listener != nil {
		wg.Go(func() {
			if err := m.accept(ctx); err != nil {
				cancel(err)
			}
		})
	}
	<-ctx.Done()
	if m.listener != nil {
		m.listener.Close()
	}
	wg.Wait()
	m.tasks.Wait()
	if err := context.Cause(ctx); !errors.Is(err, ctx.Err()) {
		return fmt.Errorf("p2p: %w", err)
	}
	return nil
}

// Addr is where the mesh listens, or nil.
func (m *Mesh) Addr() net.Addr {
	if m.listener == nil {
		return nil
	}
	return m.listener.Addr()
}

// Send queues a frame of 1 to MaxFrameSize bytes for a member and never blocks. False means
// that it is lost: the member is not connected, its queue is full, or the size is wrong. True
// does not mean that it arrives. The frame must not be changed afterwards.
func (m *Mesh) Send(to kernel.Author, frame []byte) bool {
	if int(to) >= len(m.peers) || m.peers[to] == nil {
		return false
	}
	p := m.peers[to]
	if len(frame) == 0 || len(frame) > MaxFrameSize {
		p.dropped.Add(1)
		p.note(fail(FrameTooLarge, "not sent: %d bytes, want 1 to %d", len(frame), MaxFrameSize))
		return false
	}
	return p.push(frame)
}

// Broadcast is Send to every other member; all share the bytes.
func (m *Mesh) Broadcast(frame []byte) {
	for a := range m.peers {
		m.Send(kernel.Author(a), frame)
	}
}

// Inbound hands out what arrives, in turn by peer. A reader that is slow slows the peers.
func (m *Mesh) Inbound() <-chan Inbound { return m.inbox.out }

// More takes a frame that waits already, for a receiver that works on several at once. It may
// be younger than one that Inbound hands out next.
func (m *Mesh) More() (Inbound, bool) { return m.inbox.more() }

// Events hands out the newest state of each peer after a change. Frames of a peer may
// overtake its event.
func (m *Mesh) Events() <-chan Event { return m.events }

// Peers describes every other member, in roster order.
func (m *Mesh) Peers() []PeerStatus {
	out := make([]PeerStatus, 0, len(m.peers))
	for _, p := range m.peers {
		if p != nil {
			out = append(out, p.status())
		}
	}
	return out
}

// Refused counts inbound connections that were turned away before they were a peer's, by
// fault. The array is indexed by Fault.
func (m *Mesh) Refused() [FaultCount + 1]uint64 { return m.refused.counts() }

// Disconnect ends the connection with a peer that misbehaved, for the given reason, and takes
// none with it for a while: a second at first, a minute at most. It does not block.
func (m *Mesh) Disconnect(author kernel.Author, reason error) {
	if int(author) >= len(m.peers) || m.peers[author] == nil {
		return
	}
	p := m.peers[author]
	m.punish(p)
	err := fmt.Errorf("%w: %w", Misbehaviour, reason)
	p.mu.Lock()
	l := p.link
	p.mu.Unlock()
	if l != nil {
		l.stop(err)
	} else {
		p.note(err)
	}
}

func (m *Mesh) punish(p *peer) {
	pause := p.punish(m.timing, time.Now())
	m.log.Warn("peer misbehaved", "peer", p.author, "pause", pause)
}
