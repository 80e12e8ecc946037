package gossip

import (
	"errors"
	"slices"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/tree"
	"github.com/asterism-network/asterism/pillars/internal/wire"
)

// schedule asks a peer for the lowest bodies that are missing on its chain, if that is heavier than ours by its headers, and that
// nobody else is asked for [PIL-SYN-3].
func (c *Core) schedule(p *peer, now uint64) {
	if c.full || !p.ready || p.gone || len(p.flying) > c.limits.PeerFlying/2 || c.flying >= c.limits.Flying && !c.ticking {
		return
	}
	t := c.host.Tree()
	best := t.Find(p.best)
	if best == nil || best.Judged() || !best.Branch.Heavier(&t.Tip().Branch) {
		return
	}
	missing := t.Missing(best, c.limits.Flying)
	if len(missing) == 1 && c.askCompact(p, missing[0], now) {
		return
	}
	var ids []pillars.BlockID
	for _, n := range missing {
		if len(p.flying) >= c.limits.PeerFlying || c.flying >= 2*c.limits.Flying || n.Number < p.hello.From {
			break
		}
		if c.free(p, n.ID(), now) {
			ids = append(ids, n.ID())
			c.fly(p, n.ID(), now)
		}
	}
	if len(ids) > 0 {
		c.send(p, &wire.GetBlocks{IDs: ids})
	}
}

// free reports whether a body may be asked of a peer: nobody is asked for it, or one other for too long.
func (c *Core) free(p *peer, id pillars.BlockID, now uint64) bool {
	asked := c.flights[id]
	switch {
	case len(asked) == 0:
		return c.flying < c.limits.Flying
	case len(asked) > 1 || asked[0] == p:
		return false
	}
	for _, f := range asked[0].flying {
		if f.id == id && f.since+c.limits.Steal < now {
			c.count.Stolen++
			return true
		}
	}
	return false
}

func (c *Core) fly(p *peer, id pillars.BlockID, now uint64) {
	p.flying = append(p.flying, flight{id, now})
	c.flights[id] = append(c.flights[id], p)
	c.flying++
}

// landed ends a flight, and reports whether there was one.
func (c *Core) landed(p *peer, id pillars.BlockID) bool {
	at := slices.IndexFunc(p.flying, func(f flight) bool { return f.id == id })
	if at < 0 {
		return false
	}
	p.flying = slices.Delete(p.flying, at, at+1)
	c.flying--
	if rest := slices.DeleteFunc(c.flights[id], func(o *peer) bool { return o == p }); len(rest) > 0 {
		c.flights[id] = rest
	} else {
		delete(c.flights, id)
	}
	if p.half != nil && p.half.id == id {
		p.half = nil
	}
	return true
}

// body takes a block that was asked for.
func (c *Core) body(p *peer, b *pillars.Block, now uint64) {
	id := b.ID()
	if !c.landed(p, id) {
		c.count.Unasked++
		c.blame(p, Unasked)
		return
	}
	for i := range p.flying { // it is alive: the others have their time again
		p.flying[i].since = max(p.flying[i].since, now-min(now, c.limits.BodyTimeout/2))
	}
	if n := c.host.Tree().Find(id); n != nil && (n.Judged() || n.Block() != nil) {
		c.count.Late++
		return // it was asked of two
	}
	c.count.Blocks++
	c.give(p, b)
}

// give gives a block to the chain, and judges its sender by it.
func (c *Core) give(p *peer, b *pillars.Block) {
	fate, rule, relay, disk := c.host.Block(p.id, b)
	c.full = c.full || disk != nil
	switch {
	case fate != tree.Refused:
		c.has(p, b.ID(), b.Number)
		if relay {
			c.news.relay = append(c.news.relay, b)
			c.prefer(p)
		}
	case errors.Is(rule, tree.NoRoom), errors.Is(rule, tree.TooEarly), errors.Is(rule, tree.ParentUnknown):
	case errors.Is(rule, tree.BelowFinality):
		c.dismiss(p, OtherChain, 0)
	case rule != nil:
		c.blame(p, BadBlock)
	}
}

// notFound: whoever has a header on its chain has the body [PIL-SYN-4].
func (c *Core) notFound(p *peer, ids []pillars.BlockID) {
	for _, id := range ids {
		if c.landed(p, id) {
			c.dismiss(p, NoBodies, 0)
			return
		}
	}
}

// Tick does what is due. Call it about ten times a second.
func (c *Core) Tick(now uint64) {
	c.now = now
	for _, p := range slices.Clone(c.peers) {
		if p.gone {
			continue
		}
		switch {
		case !p.ready:
			if p.joined+c.limits.HeadTimeout < now {
				c.dismiss(p, Silent, 0)
			}
			continue
		case p.asked != 0 && p.asked+c.limits.HeadTimeout < now:
			c.dismiss(p, NoHeaders, 0)
			continue
		case len(p.flying) > 0 && p.flying[0].since+c.patience() < now: // the oldest stands first
			c.dismiss(p, NoBodies, 0)
			continue
		}
		if p.told+c.limits.Refresh < now && p.asked == 0 {
			p.told = now
			c.askHeaders(p, now)
		}
		c.announceTxs(p, now)
	}
	c.wants.expire(c, now)
	c.caughtUp()
	c.ticking = true
	c.settle(now)
	c.ticking = false
}

// patience is how long a body may take: the more are asked for, the longer, since those that have come wait until we have
// judged the others.
func (c *Core) patience() uint64 {
	return c.limits.BodyTimeout + c.limits.BodyTimeout/40*uint64(c.flying)
}

// caughtUp asks what waits with others once the chain is here.
func (c *Core) caughtUp() {
	was := c.lagging
	c.lagging = c.behind()
	if !was || c.lagging {
		return
	}
	for _, p := range c.peers {
		if p.ready && !p.gone {
			c.send(p, &wire.GetPool{})
		}
	}
}

// Room is told that the disk takes blocks again.
func (c *Core) Room() { c.full = false }
