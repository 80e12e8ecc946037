// Package p2p connects a node with every other member: one mutually authenticated TLS 1.3
// connection per pair, on their node keys, carrying opaque frames. A peer is its key here: places in
// a roster change from epoch to epoch, and who is a member may change while the mesh runs.
//
// It promises little, so that it can promise it under attack: frames come from whom they say
// and whole, but may be lost when a connection ends or a queue is full, and the order between
// two connections is not kept. Whoever uses it must survive that, and exchange summaries on
// every Event that says Up. What a frame means is none of its business. See
// docs/spec/network.md.
package p2p

import (
	"bytes"
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
	Network  kernel.NetworkID
	Seed     crypto.NodeKey
	Members  []Member     // at first, see SetMembers
	Listen   string       // "host:port"; "" listens nowhere, the node only dials
	Listener net.Listener // instead of Listen; Run closes it
	Log      *slog.Logger // nil logs nothing
	Limits   Limits
}

// A Member is one that connections are kept with. This node's own key may be among them or not.
type Member struct {
	Key     crypto.Key
	Address string // "host:port" to dial; "" is unknown
	Name    string // for logs
}

// MaxPeers bounds the members of a mesh: those of two epochs, and as many who join.
const MaxPeers = 3 * kernel.MaxMembers

// A Mesh is the node's end of all connections. Its methods may be used by any goroutine.
type Mesh struct {
	network  *identity
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
	tasks    sync.WaitGroup // accepted connections, and diallers

	mu      sync.RWMutex // guards what is below
	peers   map[crypto.Key]*peer
	order   []*peer         // as SetMembers gave them
	running context.Context // of Run; nil before
}

// ErrMembers refuses a list of members.
var ErrMembers = errors.New("p2p: want 1 to 150 members, each key once")

// New checks the configuration and starts to listen. Run must be called: it owns the listener.
func New(c Config) (*Mesh, error) {
	if c.Network.IsZero() {
		return nil, errors.New("p2p: no network id")
	}
	m := &Mesh{
		listener: c.Listener, log: c.Log,
		limits: c.Limits.withDefaults(), timing: defaultTiming,
		bulletin: newBulletin(),
		events:   make(chan Event),
		peers:    make(map[crypto.Key]*peer),
	}
	var err error
	if m.network, err = newIdentity(c.Network, c.Seed, func(k crypto.Key) bool { return m.find(k) != nil }); err != nil {
		return nil, err
	}
	rand.Read(m.instance[:])
	m.inbox = newInbox(m.limits)
	m.door = newDoor(m.limits)
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	if err := m.SetMembers(c.Members); err != nil {
		return nil, err
	}
	if m.listener == nil && c.Listen != "" {
		if m.listener, err = net.Listen("tcp", c.Listen); err != nil {
			return nil, fmt.Errorf("p2p: %w", err)
		}
	}
	return m, nil
}

// SetMembers says with whom connections are kept from now on: new members are dialled and let in,
// those who are not named any more lose their connection, and what waited for them. An address that
// changes is used from the next attempt on. It refuses a wrong list whole.
func (m *Mesh) SetMembers(members []Member) error {
	if len(members) == 0 || len(members) > MaxPeers {
		return fmt.Errorf("%w: not %d", ErrMembers, len(members))
	}
	named := make(map[crypto.Key]bool, len(members))
	for i := range members {
		if named[members[i].Key] {
			return fmt.Errorf("%w: %s stands there twice", ErrMembers, members[i].Key)
		}
		named[members[i].Key] = true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.order {
		if !named[p.key] {
			m.dismiss(p)
		}
	}
	m.order = m.order[:0:0]
	for i := range members {
		if key := members[i].Key; key != m.network.self {
			m.order = append(m.order, m.enrol(&members[i]))
		}
	}
	return nil
}

// enrol makes the peer of a member, or finds it; m.mu is held.
func (m *Mesh) enrol(member *Member) *peer {
	if p := m.peers[member.Key]; p != nil {
		p.setAddress(member.Address)
		return p
	}
	p := &peer{
		key: member.Key, name: member.Name, address: member.Address, decides: bytes.Compare(member.Key[:], m.network.self[:]) < 0,
		vacant: make(chan struct{}, 1), gone: make(chan struct{}), news: m.bulletin,
	}
	if p.name == "" {
		p.name = p.key.String()[:8]
	}
	p.out = queue{maxBytes: m.limits.QueueBytes, maxFrames: m.limits.QueueFrames}
	p.in = m.inbox.open(p.key)
	m.peers[p.key] = p
	if m.running != nil {
		m.startDialling(p)
	}
	return p
}

// dismiss forgets a peer; m.mu is held.
func (m *Mesh) dismiss(p *peer) {
	delete(m.peers, p.key)
	close(p.gone) // before the link is looked for: none is attached from now on
	p.mu.Lock()
	l := p.link
	p.mu.Unlock()
	if l != nil {
		l.stop(fail(UnknownKey, "no member any more"))
	}
	m.inbox.close(p.in)
}

// find returns the peer of a key, nil if it is no member.
func (m *Mesh) find(k crypto.Key) *peer {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.peers[k]
}

// startDialling keeps dialling a peer until it is dismissed; m.mu is held.
func (m *Mesh) startDialling(p *peer) {
	ctx, cancel := context.WithCancel(m.running)
	m.tasks.Go(func() {
		select {
		case <-p.gone:
		case <-ctx.Done():
		}
		cancel()
	})
	m.tasks.Go(func() { m.keepDialling(ctx, p) })
}

// Run keeps the mesh up until ctx ends, then waits for everything it started. It returns nil
// when ctx ended, or why it can no longer listen. Inbound and Events are not closed.
func (m *Mesh) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	wg.Go(func() { m.inbox.deliver(ctx) })
	wg.Go(func() { m.bulletin.run(ctx, m.events) })
	m.mu.Lock()
	m.running = ctx
	for _, p := range m.order {
		m.startDialling(p)
	}
	m.mu.Unlock()
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
	m.mu.Lock()
	m.running = nil // nobody is dialled any more
	m.mu.Unlock()
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
func (m *Mesh) Send(to crypto.Key, frame []byte) bool {
	p := m.find(to)
	return p != nil && m.send(p, frame)
}

func (m *Mesh) send(p *peer, frame []byte) bool {
	if len(frame) == 0 || len(frame) > MaxFrameSize {
		p.dropped.Add(1)
		p.note(fail(FrameTooLarge, "not sent: %d bytes, want 1 to %d", len(frame), MaxFrameSize))
		return false
	}
	return p.push(frame)
}

// Broadcast is Send to every other member; all share the bytes.
func (m *Mesh) Broadcast(frame []byte) {
	for _, p := range m.everybody() {
		m.send(p, frame)
	}
}

// everybody is a list that never changes.
func (m *Mesh) everybody() []*peer {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.order
}

// Inbound hands out what arrives, in turn by peer. A reader that is slow slows the peers.
func (m *Mesh) Inbound() <-chan Inbound { return m.inbox.out }

// More takes a frame that waits already, for a receiver that works on several at once. It may
// be younger than one that Inbound hands out next.
func (m *Mesh) More() (Inbound, bool) { return m.inbox.more() }

// Events hands out the newest state of each peer after a change. Frames of a peer may
// overtake its event.
func (m *Mesh) Events() <-chan Event { return m.events }

// Peers describes every other member, in the order of SetMembers.
func (m *Mesh) Peers() []PeerStatus {
	order := m.everybody()
	out := make([]PeerStatus, len(order))
	for i, p := range order {
		out[i] = p.status()
	}
	return out
}

// Refused counts inbound connections that were turned away before they were a peer's, by
// fault. The array is indexed by Fault.
func (m *Mesh) Refused() [FaultCount + 1]uint64 { return m.refused.counts() }

// Disconnect ends the connection with a peer that misbehaved, for the given reason, and takes
// none with it for a while: a second at first, a minute at most. It does not block.
func (m *Mesh) Disconnect(key crypto.Key, reason error) {
	p := m.find(key)
	if p == nil {
		return
	}
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
	m.log.Warn("peer misbehaved", "peer", p.name, "pause", pause)
}
