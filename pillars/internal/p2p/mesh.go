package p2p

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asterism-network/asterism/pillars/internal/wire"
)

// A Mesh is all connections of one node. Run it once.
type Mesh struct {
	config  Config
	limits  Limits
	log     *slog.Logger
	budget  budget
	stopped chan struct{} // closed when Run ends
	count   counters

	mu     sync.Mutex // guards what follows; never call out while holding it
	last   Peer
	conns  map[Peer]*Conn
	fixed  map[string]context.CancelFunc // who is dialled by name
	dials  int                           // attempts under way by Pick
	bans   map[netip.Addr]time.Time
	groups sync.WaitGroup
	ctx    context.Context // of Run, nil before
}

type counters struct {
	in, out, messagesIn, messagesOut   atomic.Uint64
	accepted, refused, dialled, failed atomic.Uint64
}

// New returns a mesh without connections.
func New(c Config) *Mesh {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Inbound == 0 {
		c.Inbound = 32
	}
	if c.Outbound == 0 {
		c.Outbound = 8
	} else {
		c.Outbound = max(c.Outbound, 0)
	}
	l := c.Limits.filled()
	return &Mesh{
		config: c, limits: l, log: c.Log, budget: budget{free: l.ReadBytes}, stopped: make(chan struct{}),
		conns: map[Peer]*Conn{}, fixed: map[string]context.CancelFunc{}, bans: map[netip.Addr]time.Time{},
	}
}

// Run talks until ctx ends, and waits for all connections to have ended.
func (m *Mesh) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	m.mu.Lock()
	m.ctx = ctx
	m.mu.Unlock()
	if m.config.Listener != nil {
		stop := context.AfterFunc(ctx, func() { _ = m.config.Listener.Close() })
		defer stop()
		m.groups.Go(func() { m.accept(ctx) })
	}
	for _, addr := range m.config.Fixed {
		m.Connect(addr)
	}
	m.groups.Go(func() { m.dialPicked(ctx) })
	<-ctx.Done()
	m.farewell()
	cancel()
	close(m.stopped)
	m.groups.Wait()
	return nil
}

// farewell is how long a mesh that ends waits for what is queued.
const farewellTime = 200 * time.Millisecond

// farewell lets connections end in order.
func (m *Mesh) farewell() {
	for _, c := range m.Conns() {
		c.Send(&wire.Goodbye{Reason: "stopping"})
		c.Hangup()
	}
}

// Addr is where the mesh listens, or nil.
func (m *Mesh) Addr() net.Addr {
	if m.config.Listener == nil {
		return nil
	}
	return m.config.Listener.Addr()
}

// Listener is where others can dial us, or nil.
func (m *Mesh) Listener() net.Listener { return m.config.Listener }

// Conns are all connections, in the order in which they began.
func (m *Mesh) Conns() []*Conn {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]*Conn, 0, len(m.conns))
	for _, c := range m.conns {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *Conn) int { return int(a.ID) - int(b.ID) })
	return all
}

// Conn returns a connection by its number.
func (m *Mesh) Conn(id Peer) (*Conn, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.conns[id]
	return c, ok
}

// Counts are how many connections others opened and how many we did.
func (m *Mesh) Counts() (inbound, outbound int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.counts()
}

func (m *Mesh) counts() (inbound, outbound int) {
	for _, c := range m.conns {
		if c.Inbound {
			inbound++
		} else {
			outbound++
		}
	}
	return inbound, outbound
}

// Counters are what went over all connections.
func (m *Mesh) Counters() Counters {
	c := &m.count
	return Counters{
		In: c.in.Load(), Out: c.out.Load(), MessagesIn: c.messagesIn.Load(), MessagesOut: c.messagesOut.Load(),
		Accepted: c.accepted.Load(), Refused: c.refused.Load(), Dialled: c.dialled.Load(), Failed: c.failed.Load(),
	}
}

func (m *Mesh) accept(ctx context.Context) {
	for {
		sock, err := m.config.Listener.Accept()
		if ctx.Err() != nil {
			return
		}
		if err != nil { // out of descriptors: others end meanwhile
			m.log.Warn("accept", "err", err)
			time.Sleep(100 * time.Millisecond)
			continue
		}
		addr := addrOf(sock.RemoteAddr())
		if why := m.refuses(addr.Addr()); why != "" {
			m.count.refused.Add(1)
			m.log.Debug("connection refused", "peer", addr, "why", why)
			_ = sock.SetWriteDeadline(time.Now().Add(time.Second))
			_, _ = sock.Write(wire.AppendFrame(nil, m.config.Magic, &wire.Goodbye{Reason: why}))
			_ = sock.Close()
			continue
		}
		m.count.accepted.Add(1)
		m.groups.Go(func() { m.serve(ctx, sock, &Conn{Inbound: true, Addr: addr}) })
	}
}

func addrOf(a net.Addr) netip.AddrPort {
	if tcp, ok := a.(*net.TCPAddr); ok {
		ap := tcp.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	return netip.AddrPort{}
}

// refuses says why a stranger is not let in [PIL-NET-3].
func (m *Mesh) refuses(ip netip.Addr) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.banned(ip) {
		return "banned"
	}
	same, inbound := 0, 0
	for _, c := range m.conns {
		if c.Inbound {
			inbound++
			if c.Addr.Addr() == ip {
				same++
			}
		}
	}
	if inbound >= m.config.Inbound || same >= m.limits.PerIP && !ip.IsLoopback() {
		return "too_many_peers"
	}
	return ""
}

// serve carries one connection until it ends.
func (m *Mesh) serve(ctx context.Context, sock net.Conn, c *Conn) {
	defer sock.Close()
	c.mesh, c.sock, c.Since = m, sock, time.Now()
	c.wake, c.room, c.done = make(chan struct{}, 1), make(chan struct{}, 1), make(chan struct{})
	m.mu.Lock()
	m.last++
	c.ID = m.last
	m.conns[c.ID] = c
	m.mu.Unlock()
	m.config.Handler.Joined(c)
	linger, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(farewellTime, cancel) })
	err := c.run(linger)
	stop()
	cancel()
	m.log.Debug("connection ended", "peer", c.Addr, "inbound", c.Inbound, "err", err)
	m.mu.Lock()
	delete(m.conns, c.ID)
	m.mu.Unlock()
	m.config.Handler.Left(c)
}

// Drop hangs up on a peer after what is queued. Its address stays away for so long, unless it is this machine's.
func (m *Mesh) Drop(id Peer, ban time.Duration) {
	c, ok := m.Conn(id)
	if !ok {
		return
	}
	c.Hangup()
	if ban > 0 {
		m.Ban(c.Addr.Addr(), ban)
	}
}

// maxBans bounds the addresses that are kept away.
const maxBans = 4096

// Ban keeps an address away for so long.
func (m *Mesh) Ban(ip netip.Addr, d time.Duration) {
	if ip.IsLoopback() || !ip.IsValid() {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.bans) >= maxBans {
		for old := range m.bans { // any
			delete(m.bans, old)
			break
		}
	}
	m.bans[ip] = time.Now().Add(d)
}

func (m *Mesh) banned(ip netip.Addr) bool {
	until, ok := m.bans[ip]
	if ok && time.Now().After(until) {
		delete(m.bans, ip)
		ok = false
	}
	return ok
}

// Banned are the addresses that are kept away, and until when.
func (m *Mesh) Banned() map[netip.Addr]time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make(map[netip.Addr]time.Time, len(m.bans))
	for ip, until := range m.bans {
		all[ip] = until
	}
	return all
}
