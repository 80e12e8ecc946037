package gossip

import (
	"slices"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/mempool"
	"github.com/asterism-network/asterism/pillars/internal/tree"
	"github.com/asterism-network/asterism/pillars/internal/wire"
)

// news are what happened since others were told.
type news struct {
	joined []*pillars.Block // our chain, in order
	relay  []*pillars.Block // valid, of other branches too
	broken []tree.Peer      // who sent a block that turned out to be invalid
	twins  []twin
	waits  []pillars.Hash
}

type twin struct {
	second *pillars.Block
	first  pillars.BlockID
}

// Joined is told that a block is our tip now.
func (c *Core) Joined(b *pillars.Block) { c.news.joined = append(c.news.joined, b) }

// Relay is told of a valid block of our own making.
func (c *Core) Relay(b *pillars.Block) { c.news.relay = append(c.news.relay, b) }

// Broken is told that a block which was held turned out to be invalid.
func (c *Core) Broken(from tree.Peer) { c.news.broken = append(c.news.broken, from) }

// Twin is told that a stake of a block was used in another one first.
func (c *Core) Twin(second *pillars.Block, first pillars.BlockID) {
	c.news.twins = append(c.news.twins, twin{second, first})
}

// Waits is told that a transaction waits.
func (c *Core) Waits(e *mempool.Entry) { c.news.waits = append(c.news.waits, e.Leaf) }

// Settle tells others what happened without their doing.
func (c *Core) Settle(now uint64) { c.settle(now) }

// settle tells others what happened, and asks for what is missing now.
func (c *Core) settle(now uint64) {
	c.now = now
	n := c.news
	c.news = news{}
	for _, id := range n.broken {
		if p := c.byPeer[id]; p != nil {
			c.blame(p, BadBlock)
		}
	}
	if len(n.joined) > 0 {
		c.refused.clear()
	}
	if !c.behind() {
		c.announce(n.joined, true)
		for _, b := range n.relay {
			if !slices.Contains(n.joined, b) {
				c.announce([]*pillars.Block{b}, true)
			}
		}
	}
	for _, t := range n.twins {
		c.accuse(t)
	}
	for _, leaf := range n.waits {
		for _, p := range c.peers {
			c.enqueue(p, leaf)
		}
	}
	for _, p := range c.peers {
		c.goOn(p, now)
		c.schedule(p, now)
	}
}

// announce tells of new blocks: at once to who wants that, to others by headers [PIL-CMP-1].
func (c *Core) announce(blocks []*pillars.Block, push bool) {
	if len(blocks) == 0 {
		return
	}
	last := blocks[len(blocks)-1]
	id := last.ID()
	first := max(0, len(blocks)-maxAnnounced)
	for i := len(blocks) - 1; i > first; i-- {
		if blocks[i].Previous != blocks[i-1].ID() {
			first = i
			break
		}
	}
	var heads []tree.Head
	for _, b := range blocks[first:] {
		heads = append(heads, tree.HeadOf(b))
	}
	var compact *wire.Compact
	for _, p := range c.peers {
		if !p.ready || p.gone || !p.seen.add(id) {
			continue
		}
		if p.push && push && (len(heads) == 1 || p.seen.has[last.Previous]) {
			if compact == nil {
				compact = wire.CompactOf(last, c.draw.next())
			}
			c.send(p, compact)
			continue
		}
		c.send(p, &wire.Headers{Heads: heads})
	}
}
