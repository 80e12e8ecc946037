package gossip

import (
	"errors"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/tree"
	"github.com/asterism-network/asterism/pillars/internal/wire"
)

// Receive takes a message from a peer. Questions that the stored chain answers do not come here: see Answer.
func (c *Core) Receive(id tree.Peer, m wire.Message, now uint64) {
	p := c.byPeer[id]
	if p == nil || p.gone {
		return
	}
	p.heard, c.now = now, now
	if hello, ok := m.(*wire.Hello); ok {
		c.greet(p, hello, now)
		c.settle(now)
		return
	}
	if !p.ready {
		c.blame(p, HelloFirst)
		return
	}
	switch m := m.(type) {
	case *wire.Headers:
		c.headers(p, m.Heads, now)
	case *wire.Block:
		c.body(p, m.Block, now)
	case *wire.NotFound:
		c.notFound(p, m.IDs)
	case *wire.Compact:
		c.compact(p, m, now)
	case *wire.Missing:
		c.missing(p, m, now)
	case *wire.Push:
		p.push = m.On
	case *wire.Have:
		c.have(p, m.Leaves, now)
	case *wire.GetTxs:
		c.giveTxs(p, m.Wants, now)
	case *wire.Tx:
		c.transaction(p, m.Tx, now)
	case *wire.GetPool:
		c.givePool(p, now)
	case *wire.MinFee:
		p.minFee = m.Fee
	case *wire.GetPeers:
		c.givePeers(p, now)
	case *wire.Peers:
		c.heardOf(m.All, p, now)
	case *wire.Twins:
		c.twins(p, m, now)
	}
	c.settle(now)
}

func (c *Core) givePeers(p *peer, now uint64) {
	if p.served {
		c.blame(p, TooMuch)
		return
	}
	p.served = true
	c.send(p, &wire.Peers{All: c.config.Book.Sample(c.draw.next(), wire.MaxPeers, uint32(now/1000))})
}

// askHeaders asks for what is behind the newest header that we know, unless the peer is asked already.
func (c *Core) askHeaders(p *peer, now uint64) {
	if p.asked != 0 || !p.ready || p.gone {
		return
	}
	p.asked, p.more = max(now, 1), false
	c.send(p, &wire.GetHeaders{Locator: c.locator(p)})
}

// locator are ids from the newest header down: those that lead beyond our chain in ever wider steps, then our chain's. It starts
// one below, so that who is as far as we are answers with a header, and shows it.
func (c *Core) locator(p *peer) (ids []pillars.BlockID) {
	t := c.host.Tree()
	n := t.Lead()
	if best := t.Find(p.best); best != nil && best.Branch.Heavier(&t.Tip().Branch) {
		n = best
	} else if n.Parent() != nil {
		n = n.Parent()
	}
	step, next := uint32(1), n.Number
	for ; n != nil && !n.Ours() && len(ids) < wire.MaxLocator/2; n = n.Parent() {
		if n.Number > next {
			continue
		}
		ids = append(ids, n.ID())
		if len(ids) > 4 {
			step *= 2
		}
		next = n.Number - min(step, n.Number)
	}
	ours := c.host.Locator()
	if n == t.Tip().Parent() && len(ours) > 1 {
		ours = ours[1:]
	}
	return append(ids, ours[:min(len(ours), wire.MaxLocator-len(ids))]...)
}

// headers takes an answer to askHeaders, or an announcement [PIL-SYN-1].
func (c *Core) headers(p *peer, heads []tree.Head, now uint64) {
	asked := p.asked != 0
	if !asked && !p.headBucket.take(now, 20, 200) {
		c.blame(p, TooMuch)
		return
	}
	p.told = now
	full := len(heads) == wire.MaxHeaders
	if asked && (full || len(heads) == 0 || len(heads) > maxAnnounced) {
		p.asked = 0
	}
	if len(heads) == 0 {
		return
	}
	c.count.Headers += uint64(len(heads))
	known, rule, disk := c.host.Headers(p.id, heads)
	c.full = c.full || disk != nil
	if known > 0 {
		c.has(p, heads[known-1].ID(), heads[known-1].Number)
	}
	switch {
	case rule == nil:
	case errors.Is(rule, tree.ParentUnknown):
		if len(heads) > maxAnnounced { // an answer starts at something that we named
			c.blame(p, BadHeader)
			return
		}
		c.askHeaders(p, now)
		return
	case errors.Is(rule, tree.NoRoom), errors.Is(rule, tree.TooEarly):
		p.more = true
		return
	case errors.Is(rule, tree.BelowFinality):
		c.dismiss(p, OtherChain, 0)
		return
	default:
		c.blame(p, BadHeader)
		return
	}
	if asked && p.asked != 0 { // a short answer, or an announcement that crossed the question
		p.asked = 0
	}
	p.more = p.more || full
	c.goOn(p, now)
}

// maxAnnounced is how many headers an announcement has at most.
const maxAnnounced = 8

// goOn asks for more headers if they are not too far ahead of the bodies [PIL-SYN-2].
func (c *Core) goOn(p *peer, now uint64) {
	if p.more && p.height <= c.host.Tree().Tip().Number+c.limits.Ahead {
		c.askHeaders(p, now)
	}
}

// has notes a header that a peer has.
func (c *Core) has(p *peer, id pillars.BlockID, number uint32) {
	p.seen.add(id)
	n := c.host.Tree().Find(id)
	if n == nil {
		return
	}
	if old := c.host.Tree().Find(p.best); old == nil || !old.Branch.Heavier(&n.Branch) {
		p.best, p.height = id, number
	}
}
