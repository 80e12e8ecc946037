package gossip

import (
	"errors"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/mempool"
	"github.com/asterism-network/asterism/pillars/internal/tree"
	"github.com/asterism-network/asterism/pillars/internal/wire"
)

// half is a compact block some of whose transactions are not here.
type half struct {
	id     pillars.BlockID
	from   *wire.Compact
	txs    []*pillars.Transaction
	places []uint32 // of those that were asked for
}

// maxPushing is how many peers are asked to push new blocks: those that brought the newest ones [PIL-CMP-1].
const maxPushing = 3

// askCompact asks for a new block at our tip without what waits here anyway.
func (c *Core) askCompact(p *peer, n *tree.Node, now uint64) bool {
	if c.host.Pool().Len() == 0 || c.behind() || !n.Parent().Judged() || p.half != nil || n.Number < p.hello.From || !c.free(p, n.ID(), now) {
		return false
	}
	c.fly(p, n.ID(), now)
	c.send(p, &wire.GetCompact{ID: n.ID()})
	return true
}

// compact takes a compact block, asked for or pushed.
func (c *Core) compact(p *peer, m *wire.Compact, now uint64) {
	id := m.Head.ID()
	asked := len(c.flights[id]) > 0 && c.isFlying(p, id)
	if !asked && !p.pushing {
		c.count.Unasked++
		c.blame(p, Unasked)
		return
	}
	c.count.CompactBlocks++
	t := c.host.Tree()
	if n := t.Find(id); n != nil && (n.Judged() || n.Block() != nil) {
		c.landed(p, id)
		c.has(p, id, n.Number)
		return
	}
	_, rule, disk := c.host.Headers(p.id, []tree.Head{m.Head})
	c.full = c.full || disk != nil
	n := t.Find(id)
	switch {
	case errors.Is(rule, tree.ParentUnknown):
		c.landed(p, id)
		c.askHeaders(p, now)
		return
	case errors.Is(rule, tree.NoRoom), errors.Is(rule, tree.TooEarly), errors.Is(rule, tree.BelowFinality), rule == nil && n == nil:
		c.landed(p, id)
		return
	case rule != nil:
		c.blame(p, BadHeader)
		return
	}
	c.has(p, id, n.Number)
	if c.behind() || !n.Parent().Judged() || c.full {
		c.landed(p, id)
		return // it comes in its turn
	}
	if !asked {
		if !c.free(p, id, now) {
			return // another is about to bring it
		}
		c.fly(p, id, now)
	}
	c.assemble(p, m, id, now)
}

func (c *Core) isFlying(p *peer, id pillars.BlockID) bool {
	for _, f := range p.flying {
		if f.id == id {
			return true
		}
	}
	return false
}

// assemble takes from what waits what the block names, and asks for the rest [PIL-CMP-2].
func (c *Core) assemble(p *peer, m *wire.Compact, id pillars.BlockID, now uint64) {
	h := &half{id: id, from: m, txs: make([]*pillars.Transaction, m.Txs())}
	copy(h.txs, m.First)
	places := make(map[wire.ShortID]int, len(m.Short))
	for i, s := range m.Short {
		if _, twice := places[s]; twice {
			c.askFull(p, id)
			return
		}
		places[s] = len(m.First) + i
	}
	key, twice := m.Key(), map[int]bool{}
	c.host.Pool().Each(func(e *mempool.Entry) {
		if at, ok := places[key.Short(e.Leaf)]; ok {
			twice[at] = h.txs[at] != nil
			h.txs[at] = e.Tx
		}
	})
	for i := range h.txs {
		if h.txs[i] == nil || twice[i] {
			h.places = append(h.places, uint32(i))
		}
	}
	p.half = h
	if len(h.places) > 0 {
		c.send(p, &wire.GetMissing{ID: id, Places: h.places})
		return
	}
	c.finish(p)
}

// missing takes the transactions of a compact block that were not here.
func (c *Core) missing(p *peer, m *wire.Missing, now uint64) {
	h := p.half
	if h == nil || h.id != m.ID || len(m.Txs) != len(h.places) {
		c.blame(p, Unasked)
		return
	}
	for i, at := range h.places {
		h.txs[at] = m.Txs[i]
	}
	c.finish(p)
}

// finish makes the block. One whose root is another has a transaction under the short name of another one, or a sender
// that lies: the whole block shows which.
func (c *Core) finish(p *peer) {
	h := p.half
	b := &pillars.Block{Header: h.from.Head.Header, Extension: h.from.Head.Extension, Transactions: h.txs, Signature: h.from.Signature}
	if b.MerkleRoot() != b.Merkle {
		c.askFull(p, h.id)
		return
	}
	c.landed(p, h.id)
	c.give(p, b)
}

func (c *Core) askFull(p *peer, id pillars.BlockID) {
	c.count.CompactFull++
	p.half = nil
	c.send(p, &wire.GetBlocks{IDs: []pillars.BlockID{id}})
}

// prefer asks who brought a new block to push the next ones, and the one that did so longest ago no more.
func (c *Core) prefer(p *peer) {
	if p.pushing || c.behind() {
		return
	}
	var pushing []*peer
	for _, o := range c.peers {
		if o.pushing && !o.gone {
			pushing = append(pushing, o)
		}
	}
	if len(pushing) >= maxPushing {
		pushing[0].pushing = false
		c.send(pushing[0], &wire.Push{})
	}
	p.pushing = true
	c.send(p, &wire.Push{On: true})
}
