package gossip

import (
	"slices"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/book"
	"github.com/asterism-network/asterism/pillars/internal/tree"
	"github.com/asterism-network/asterism/pillars/internal/wire"
)

// A peer is one conversation.
type peer struct {
	id      tree.Peer
	inbound bool
	addr    book.Addr // where it is, or where we dialled
	joined  uint64
	ready   bool // both sides said hello
	gone    bool // it is sent away
	hello   wire.Hello
	points  int
	heard   uint64 // when it said something last

	best   pillars.BlockID // the newest header that it has and we know
	height uint32          // of best
	asked  uint64          // when headers were asked for; 0: not now
	told   uint64          // when it last told headers
	more   bool            // it has headers that we did not ask for yet
	flying []flight
	half   *half // a compact block that is being put together

	push    bool // it wants new blocks at once
	pushing bool // we asked it for that
	minFee  pillars.Amount
	known   ring[pillars.Hash] // transactions that it knows
	queue   []pillars.Hash     // to be announced
	trickle uint64             // when
	parents ring[pillars.TxID] // transactions that it was asked for by id
	wants   int                // transactions that it is asked for
	unkept  int                // that it announced and did not send, less those it sent
	served  bool               // it asked for addresses
	named   bool               // it was asked for some
	seen    ring[pillars.BlockID]

	headBucket, twinBucket, txBucket, nameBucket bucket
}

type flight struct {
	id    pillars.BlockID
	since uint64
}

// Info describes a peer for people and metrics.
type Info struct {
	ID      tree.Peer
	Inbound bool
	Addr    book.Addr
	Ready   bool
	Agent   string
	Height  uint32 // of its best header that we know, or what it said
	Points  int
	Flying  int
	Joined  uint64 // milliseconds
	Heard   uint64
	Push    bool
	MinFee  pillars.Amount
}

// Peers describes all.
func (c *Core) Peers() (all []Info) {
	for _, p := range c.peers {
		all = append(all, Info{
			ID: p.id, Inbound: p.inbound, Addr: p.addr, Ready: p.ready, Agent: p.hello.Agent, Height: max(p.height, p.hello.Number),
			Points: p.points, Flying: len(p.flying), Joined: p.joined, Heard: p.heard, Push: p.push, MinFee: p.minFee,
		})
	}
	return all
}

// Join starts a conversation. Who dialled speaks first.
func (c *Core) Join(id tree.Peer, inbound bool, addr book.Addr, now uint64) {
	p := &peer{
		id: id, inbound: inbound, addr: addr, joined: now, heard: now,
		known: newRing[pillars.Hash](8192), parents: newRing[pillars.TxID](256), seen: newRing[pillars.BlockID](64),
	}
	c.peers = append(c.peers, p)
	c.byPeer[id] = p
	if !inbound {
		c.send(p, c.ourHello(now))
	}
}

func (c *Core) ourHello(now uint64) *wire.Hello {
	tip := c.host.Tree().Tip()
	return &wire.Hello{
		Version: wire.Version, Genesis: c.config.Genesis, Profile: c.config.Profile, Nonce: c.config.Nonce, Time: uint32(now / 1000),
		Number: tip.Number, Tip: tip.ID(), Weight: tip.Branch.Weight.Bytes32(), From: c.config.From(), Port: c.config.Port, Agent: c.config.Agent,
	}
}

// Leave ends a conversation, whoever hung up.
func (c *Core) Leave(id tree.Peer, now uint64) {
	p := c.byPeer[id]
	if p == nil {
		return
	}
	p.gone = true
	delete(c.byPeer, id)
	c.peers = slices.DeleteFunc(c.peers, func(o *peer) bool { return o == p })
	c.release(p)
	c.host.Gone(id)
	for _, o := range c.peers { // what it told may have gone with it
		if o.height > c.host.Tree().Tip().Number && c.host.Tree().Find(o.best) == nil {
			o.height = 0
			c.askHeaders(o, now)
		}
	}
	c.settle(now)
}

// release lets others be asked for what the peer was asked for.
func (c *Core) release(p *peer) {
	for len(p.flying) > 0 {
		c.landed(p, p.flying[0].id)
	}
	p.half = nil
	c.wants.release(p)
}

// greet takes a hello.
func (c *Core) greet(p *peer, h *wire.Hello, now uint64) {
	switch {
	case p.ready:
		c.blame(p, HelloFirst)
		return
	case h.Genesis != c.config.Genesis || h.Profile != c.config.Profile:
		c.dismiss(p, OtherNetwork, 0)
		return
	case h.Version != wire.Version:
		c.dismiss(p, OtherVersion, 0)
		return
	case h.Nonce == c.config.Nonce:
		c.dismiss(p, Myself, 0)
		return
	}
	p.hello, p.ready = *h, true
	if p.inbound {
		c.send(p, c.ourHello(now))
	} else {
		c.config.Book.Good(p.addr, uint32(now/1000))
		c.send(p, &wire.GetPeers{})
		p.named = true
	}
	if p.inbound && h.Port != 0 {
		c.heardOf([]wire.Address{{IP: p.addr.IP, Port: h.Port, Seen: uint32(now / 1000)}}, p, now)
	}
	if n := c.host.Tree().Find(h.Tip); n != nil {
		c.has(p, h.Tip, n.Number)
	}
	c.send(p, &wire.MinFee{Fee: c.host.Pool().MinFee()})
	c.askHeaders(p, now)
	if !c.behind() {
		c.send(p, &wire.GetPool{})
	}
}

// heardOf takes addresses that a peer named, and passes a few on.
func (c *Core) heardOf(all []wire.Address, from *peer, now uint64) {
	const old, few = 600, 10
	for _, a := range all {
		if !from.nameBucket.take(now, 1, 1000) {
			return
		}
		seen := min(a.Seen, uint32(now/1000))
		fresh := c.config.Book.Add(book.Addr{IP: a.IP, Port: a.Port}, from.addr.IP, seen)
		if !fresh || len(all) > few || seen+old < uint32(now/1000) || len(c.peers) < 2 {
			continue
		}
		a.Seen = seen
		for range 2 {
			if p := c.peers[c.draw.upTo(uint64(len(c.peers)))]; p != from && p.ready {
				c.send(p, &wire.Peers{All: []wire.Address{a}})
			}
		}
	}
}

// Dial returns an address to dial, none of a network that an outbound peer is in already. It counts as an attempt.
func (c *Core) Dial(now uint64, skip func(book.Addr) bool) (book.Addr, bool) {
	a, ok := c.config.Book.Pick(c.draw.next(), uint32(now/1000), func(a book.Addr) bool {
		near := slices.ContainsFunc(c.peers, func(p *peer) bool {
			return p.addr == a || !p.inbound && !c.config.Book.Local() && book.Group(p.addr.IP) == book.Group(a.IP)
		})
		return near || skip(a)
	})
	if ok {
		c.config.Book.Attempt(a, uint32(now/1000))
	}
	return a, ok
}
