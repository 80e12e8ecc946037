package gossip

import (
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/tree"
	"github.com/asterism-network/asterism/pillars/internal/wire"
)

// accuse tells all of a stake that was used twice [PIL-EVD-1].
func (c *Core) accuse(t twin) {
	first, ok := c.host.Stored(t.first)
	if !ok || !c.evidence.add(t.second.Extension.Stake) {
		return
	}
	m := &wire.Twins{One: signed(first), Two: signed(t.second)}
	c.publish(m, nil)
}

func signed(b *pillars.Block) wire.Signed {
	return wire.Signed{Head: tree.HeadOf(b), Signature: b.Signature}
}

// Recall takes evidence of an earlier life of the node: it is not told again, and its stakes not taken again.
func (c *Core) Recall(m *wire.Twins) { c.evidence.add(m.One.Head.Extension.Stake) }

// publish keeps evidence and passes it on.
func (c *Core) publish(m *wire.Twins, from *peer) {
	c.count.Evidence++
	c.host.Evidence(m)
	for _, p := range c.peers {
		if p != from && p.ready {
			c.send(p, m)
		}
	}
}

// twins takes evidence: two headers of one stake and one second under one key, both signed, one of which is a block that
// we judged. Of blocks that nobody has anybody could make any number.
func (c *Core) twins(p *peer, m *wire.Twins, now uint64) {
	if !p.twinBucket.take(now, 1, 20) {
		c.blame(p, TooMuch)
		return
	}
	if c.evidence.has[m.One.Head.Extension.Stake] {
		return
	}
	if !Proves(m) {
		c.blame(p, BadEvidence)
		return
	}
	known := false
	for _, s := range []*wire.Signed{&m.One, &m.Two} {
		if n := c.host.Tree().Find(s.Head.ID()); n != nil && n.Judged() {
			known = true
		} else if _, stored := c.host.Stored(s.Head.ID()); stored {
			known = true
		}
	}
	if known && c.evidence.add(m.One.Head.Extension.Stake) {
		c.publish(m, p)
	}
}

// Proves reports whether two signed headers prove that one key made two blocks of one stake and second [PIL-EVD-2].
func Proves(m *wire.Twins) bool {
	one, two := &m.One.Head, &m.Two.Head
	if one.Seal() != pillars.PoS || two.Seal() != pillars.PoS || one.ID() == two.ID() || one.Timestamp != two.Timestamp ||
		one.Extension.Stake != two.Extension.Stake || one.Extension.Key != two.Extension.Key {
		return false
	}
	for _, s := range []*wire.Signed{&m.One, &m.Two} {
		b := &pillars.Block{Header: s.Head.Header, Extension: s.Head.Extension, Signature: s.Signature}
		if b.Extension.Root() != b.ExtensionRoot || b.VerifySignature() != nil {
			return false
		}
	}
	return true
}
