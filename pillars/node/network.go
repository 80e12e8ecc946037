package node

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/book"
	"github.com/asterism-network/asterism/pillars/internal/gossip"
	"github.com/asterism-network/asterism/pillars/internal/mempool"
	"github.com/asterism-network/asterism/pillars/internal/p2p"
	"github.com/asterism-network/asterism/pillars/internal/store"
	"github.com/asterism-network/asterism/pillars/internal/tree"
	"github.com/asterism-network/asterism/pillars/internal/wire"
)

// openNetwork makes the node's side of all conversations, and opens the address for others.
func (n *Node) openNetwork() error {
	listener, err := n.listen()
	if err != nil {
		return err
	}
	genesis, err := n.params.GenesisBlock()
	if err != nil {
		return err
	}
	var secret [32]byte
	rand.Read(secret[:])
	word := func(i int) uint64 { return binary.BigEndian.Uint64(secret[8*i:]) }
	known := book.New(word(0), word(1), n.isLocal(listener))
	if err := n.loadBook(known); err != nil {
		n.log.Warn("addresses of other nodes are lost", "err", err)
	}
	n.nonce = word(2)
	n.core = gossip.New(gossip.Config{
		Params: n.params, Profile: store.ProfileHash(n.params), Genesis: genesis.ID(), Nonce: n.nonce, Port: portOf(listener),
		From: n.Store().From, Agent: agentOf(n.options.Version), Seed: word(3), Book: known, Limits: n.options.gossip,
	}, host{n})
	if err := n.loadEvidence(); err != nil {
		n.log.Warn("evidence of stakes that were used twice is lost", "err", err)
	}
	n.mesh = p2p.New(p2p.Config{
		Magic: n.params.Magic, Listener: listener, Fixed: n.options.Peers, Inbound: n.options.MaxInbound, Outbound: n.options.MaxOutbound,
		Handler: handler{n}, Limits: n.options.p2p, Log: n.log,
	})
	return nil
}

func (n *Node) listen() (net.Listener, error) {
	if n.options.Listener != nil || n.options.Listen == "" {
		return n.options.Listener, nil
	}
	l, err := net.Listen("tcp", n.options.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen for nodes: %w", err)
	}
	return l, nil
}

func portOf(l net.Listener) uint16 {
	if l == nil {
		return 0
	}
	if tcp, ok := l.Addr().(*net.TCPAddr); ok {
		return uint16(tcp.Port)
	}
	return 0
}

// isLocal reports whether the node talks on this machine or a private network: addresses of such count then.
func (n *Node) isLocal(l net.Listener) bool {
	hosts := []string{}
	if l != nil {
		hosts = append(hosts, l.Addr().String())
	}
	for _, peer := range append(hosts, n.options.Peers...) {
		host, _, err := net.SplitHostPort(peer)
		if ip, bad := netip.ParseAddr(host); err == nil && bad == nil && (ip.IsLoopback() || ip.IsPrivate()) {
			return true
		}
	}
	return false
}

func agentOf(version string) string {
	agent := "asterism-pillars/" + version
	return agent[:min(len(agent), wire.MaxAgent)]
}

// Address is where other nodes reach this one; "" if it does not listen.
func (n *Node) Address() string {
	if a := n.mesh.Addr(); a != nil {
		return a.String()
	}
	return ""
}

// Inbound is how many nodes have dialled this one and are connected: a staker asks for one at least.
func (n *Node) Inbound() int {
	inbound, _ := n.mesh.Counts()
	return inbound
}

// Connect dials a node by its name, again and again until Disconnect.
func (n *Node) Connect(addr string) { n.mesh.Connect(addr) }

// Disconnect ends what Connect began, and reports whether there was anything.
func (n *Node) Disconnect(addr string) bool { return n.mesh.Disconnect(addr) }

// handler takes what comes over connections: questions are answered where the connection is, the rest goes to the
// owner.
type handler struct{ n *Node }

func addrOf(a netip.AddrPort) book.Addr { return book.Addr{IP: a.Addr().As16(), Port: a.Port()} }

// Joined implements p2p.Handler.
func (h handler) Joined(c *p2p.Conn) {
	c.Own = new(gossip.Quota)
	h.n.post(func(d *Desk) { h.n.core.Join(c.ID, c.Inbound, addrOf(c.Addr), d.millis()) })
}

// Left implements p2p.Handler.
func (h handler) Left(c *p2p.Conn) {
	h.n.post(func(d *Desk) { h.n.core.Leave(c.ID, d.millis()) })
}

// Malformed implements p2p.Handler.
func (h handler) Malformed(c *p2p.Conn, err error) {
	h.n.log.Debug("peer sends no messages", "peer", c.Addr, "err", err)
	h.n.post(func(*Desk) { h.n.core.Blame(c.ID, gossip.BadMessage) })
}

// Received implements p2p.Handler.
func (h handler) Received(c *p2p.Conn, m wire.Message) {
	if m.Kind() == wire.KindHello {
		c.Greeted = true
	} else if c.Greeted {
		if quota, ok := c.Own.(*gossip.Quota); ok && !quota.Take(m, uint64(time.Now().UnixMilli())) {
			h.n.post(func(*Desk) { h.n.core.Blame(c.ID, gossip.TooMuch) })
			return
		}
		if gossip.Answer(h.n.Store(), m, h.n.nonce^uint64(c.ID), c.Answer) {
			return
		}
	}
	h.n.post(func(d *Desk) { h.n.core.Receive(c.ID, m, d.millis()) })
}

// Pick implements p2p.Handler.
func (h handler) Pick() (addr netip.AddrPort, ok bool) {
	h.n.post(func(d *Desk) {
		a, found := h.n.core.Dial(d.millis(), func(a book.Addr) bool { return a == h.n.ownAddr() })
		addr, ok = netip.AddrPortFrom(netip.AddrFrom16(a.IP).Unmap(), a.Port), found
	})
	return addr, ok
}

func (n *Node) ownAddr() book.Addr {
	if tcp, ok := n.mesh.Addr().(*net.TCPAddr); ok {
		return addrOf(tcp.AddrPort())
	}
	return book.Addr{}
}

// post has the owner do something, and waits for it. It does nothing once the node has stopped.
func (n *Node) post(do func(*Desk)) {
	if err := n.Ask(context.Background(), do); err != nil && !errors.Is(err, ErrStopped) && !n.breaker.isBroken() {
		n.log.Error("post", "err", err)
	}
}

// millis is the clock of conversations.
func (d *Desk) millis() uint64 { return uint64(time.Now().UnixMilli()) }

// deliver sends what conversations owe. The owner calls it after each thing that it did.
func (n *Node) deliver() {
	out := n.core.Output()
	for _, l := range out.Send {
		if c, ok := n.mesh.Conn(l.To); ok {
			c.Send(l.Message)
		}
	}
	for _, d := range out.Drop {
		n.log.Info("peer is sent away", "peer", d.Peer, "why", d.Why, "ban_seconds", d.Ban)
		n.mesh.Drop(d.Peer, time.Duration(d.Ban)*time.Second)
	}
}

// host is the chain for conversations. Its methods run on the owner's goroutine.
type host struct{ n *Node }

// Tree implements gossip.Host.
func (h host) Tree() *tree.Tree { return h.n.chain.Tree() }

// Locator implements gossip.Host.
func (h host) Locator() []pillars.BlockID { return h.n.Store().Locator() }

// Pool implements gossip.Host.
func (h host) Pool() *mempool.Pool { return h.n.pool }

// Headers implements gossip.Host.
func (h host) Headers(from tree.Peer, heads []tree.Head) (known int, rule, disk error) {
	d := h.n.desk()
	known, rule, events, err := d.Chain.Headers(from, heads, d.Now)
	d.took(events, err)
	return known, rule, err
}

// Block implements gossip.Host.
func (h host) Block(from tree.Peer, b *pillars.Block) (tree.Fate, error, bool, error) {
	r, err := h.n.desk().block(from, b)
	return r.Fate, r.Rule, r.Relay, err
}

// Stored implements gossip.Host.
func (h host) Stored(id pillars.BlockID) (*pillars.Block, bool) {
	if n := h.Tree().Find(id); n != nil && n.Block() != nil {
		return n.Block(), n.Judged()
	}
	b, err := h.n.Store().Block(id)
	return b, err == nil
}

// Transaction implements gossip.Host.
func (h host) Transaction(from tree.Peer, tx *pillars.Transaction) ([]pillars.TxID, error) {
	d := h.n.desk()
	missing, err := d.Pool.Add(tx, from, d.Tip(), d.Now)
	d.flush()
	return missing, err
}

// Gone implements gossip.Host.
func (h host) Gone(p tree.Peer) {
	h.n.chain.Gone(p)
	h.n.pool.Gone(p)
}

// Evidence implements gossip.Host.
func (h host) Evidence(t *wire.Twins) {
	n := h.n
	n.log.Warn("a signer made two blocks of one stake", "stake", t.One.Head.Extension.Stake.Tx.Short(), "first", t.One.Head.ID().Short(), "second", t.Two.Head.ID().Short())
	n.evidence = append(n.evidence, t)
	n.evidence = n.evidence[max(0, len(n.evidence)-maxEvidence):]
	if err := n.saveEvidence(); err != nil {
		n.log.Warn("evidence is kept in memory only", "err", err)
	}
}

// A PeerInfo describes another node that this one is connected with.
type PeerInfo struct {
	ID      uint64        `json:"id"`
	Addr    string        `json:"addr"`
	Inbound bool          `json:"inbound"`
	Fixed   bool          `json:"fixed,omitempty"` // dialled by name
	Ready   bool          `json:"ready"`
	Agent   string        `json:"agent"`
	Height  uint32        `json:"height"`
	Points  int           `json:"points"` // of offences
	Since   time.Time     `json:"since"`
	Latency time.Duration `json:"latency_ns"`
	Flying  int           `json:"flying"` // blocks it is asked for
}

// Peers describes the nodes that this one is connected with.
func (n *Node) Peers(ctx context.Context) (all []PeerInfo, err error) {
	err = n.Ask(ctx, func(*Desk) {
		for _, p := range n.core.Peers() {
			info := PeerInfo{ID: uint64(p.ID), Inbound: p.Inbound, Ready: p.Ready, Agent: p.Agent, Height: p.Height, Points: p.Points, Flying: p.Flying}
			if c, ok := n.mesh.Conn(p.ID); ok {
				info.Addr, info.Fixed, info.Since, info.Latency = c.Addr.String(), c.Fixed, c.Since, c.Latency()
			}
			all = append(all, info)
		}
	})
	return all, err
}

// Evidence are the newest pairs of blocks that prove their signer used a stake twice.
func (n *Node) Evidence(ctx context.Context) (all []*wire.Twins, err error) {
	err = n.Ask(ctx, func(*Desk) { all = append(all, n.evidence...) })
	return all, err
}

// seed asks the profile's seeds for addresses while few are known.
func (n *Node) seed(ctx context.Context) error {
	const few = 16
	for {
		have := 0
		n.post(func(*Desk) { have = n.core.Book().Len() })
		if have < few {
			n.resolve(ctx, n.params.Seeds)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Minute):
		}
	}
}

// resolve puts the addresses of names into the book.
func (n *Node) resolve(ctx context.Context, names []string) {
	for _, name := range names {
		host, text, err := net.SplitHostPort(name)
		port, bad := strconv.ParseUint(text, 10, 16)
		if err != nil || bad != nil {
			n.log.Warn("seed is no host:port", "seed", name)
			continue
		}
		ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		if err != nil {
			n.log.Debug("seed", "seed", name, "err", err)
			continue
		}
		n.post(func(d *Desk) {
			for _, ip := range ips {
				n.core.Book().Add(book.Addr{IP: ip.As16(), Port: uint16(port)}, ip.As16(), d.Now)
			}
		})
	}
}
