package gossip

import (
	"errors"
	"slices"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/mempool"
	"github.com/asterism-network/asterism/pillars/internal/wire"
	"github.com/asterism-network/asterism/pillars/script"
)

// wants are transactions that were announced and are not here: each is asked of one peer at a time.
type wants struct {
	by  map[pillars.Hash]*want
	all []*want // in the order in which they are asked
}

type want struct {
	leaf   pillars.Hash
	asked  *peer
	since  uint64
	others []*peer // that have it too
}

func newWants() wants { return wants{by: map[pillars.Hash]*want{}} }

// maxOthers is how many other sources of a transaction are remembered.
const maxOthers = 8

// have takes announcements [PIL-TXR-1].
func (c *Core) have(p *peer, leaves []pillars.Hash, now uint64) {
	if c.behind() {
		return
	}
	var ask []wire.Want
	for _, leaf := range leaves {
		p.known.add(leaf)
		if _, ok := c.host.Pool().ByLeaf(leaf); ok || c.refused.has[leaf] {
			continue
		}
		if w := c.wants.by[leaf]; w != nil {
			if w.asked != p && len(w.others) < maxOthers && !slices.Contains(w.others, p) {
				w.others = append(w.others, p)
			}
			continue
		}
		if p.wants >= c.limits.PeerWants || len(c.wants.all) >= c.limits.Wants {
			continue
		}
		w := &want{leaf: leaf, asked: p, since: now}
		c.wants.by[leaf] = w
		c.wants.all = append(c.wants.all, w)
		p.wants++
		ask = append(ask, wire.Want{Hash: leaf})
	}
	for chunk := range slices.Chunk(ask, wire.MaxGetTxs) {
		c.send(p, &wire.GetTxs{Wants: chunk})
	}
}

// done forgets a want.
func (ws *wants) done(w *want) {
	delete(ws.by, w.leaf)
	ws.all = slices.DeleteFunc(ws.all, func(o *want) bool { return o == w })
	if w.asked != nil {
		w.asked.wants--
	}
}

// release takes a peer out: what it was asked for is asked of others at the next tick.
func (ws *wants) release(p *peer) {
	for _, w := range ws.all {
		w.others = slices.DeleteFunc(w.others, func(o *peer) bool { return o == p })
		if w.asked == p {
			p.wants--
			w.asked = nil
		}
	}
}

// expire asks others for what did not come.
func (ws *wants) expire(c *Core, now uint64) {
	for _, w := range slices.Clone(ws.all) {
		if w.asked != nil && w.since+c.limits.TxTimeout >= now {
			continue
		}
		if w.asked != nil {
			w.asked.wants--
			c.unkept(w.asked)
			w.asked = nil
		}
		if len(w.others) == 0 {
			ws.done(w)
			continue
		}
		w.asked, w.others, w.since = w.others[0], w.others[1:], now
		w.asked.wants++
		c.send(w.asked, &wire.GetTxs{Wants: []wire.Want{{Hash: w.leaf}}})
	}
}

// maxUnkept is how many announcements a peer may leave unkept more than it keeps.
const maxUnkept = 500

// unkept counts what a peer announced and did not send. Some of it was mined or gave way meanwhile; who does little but
// announce keeps us from asking others [PIL-TXR-1].
func (c *Core) unkept(p *peer) {
	if p.unkept++; p.unkept >= maxUnkept {
		p.unkept = 0
		c.blame(p, TooMuch)
	}
}

// transaction takes one that was asked for.
func (c *Core) transaction(p *peer, tx *pillars.Transaction, now uint64) {
	leaf, id := tx.Leaf(), tx.ID()
	w := c.wants.by[leaf]
	if w == nil && !p.parents.has[id] {
		if _, here := c.host.Pool().ByLeaf(leaf); !here && !p.known.has[leaf] {
			c.blame(p, Unasked)
		}
		return
	}
	c.count.Transactions++
	p.unkept = max(0, p.unkept-1)
	p.known.add(leaf)
	if w != nil {
		c.wants.done(w)
	}
	missing, err := c.host.Transaction(p.id, tx)
	if errors.Is(err, mempool.InputsMissing) && len(missing) > 0 {
		c.askParents(p, missing)
		return
	}
	if err != nil {
		c.refused.add(leaf)
		c.judge(p, err)
	}
}

// askParents asks who sent an orphan for what it spends.
func (c *Core) askParents(p *peer, missing []pillars.TxID) {
	const most = 24
	var ask []wire.Want
	for _, id := range missing {
		if len(ask) < most && p.parents.add(id) {
			ask = append(ask, wire.Want{ByID: true, Hash: id})
		}
	}
	if len(ask) > 0 {
		c.send(p, &wire.GetTxs{Wants: ask})
	}
}

// judge: what no node would relay under any chain shows a sender that does not judge; what depends on the tip or
// on a node's own policy does not [PIL-TXR-2].
func (c *Core) judge(p *peer, err error) {
	var form pillars.Rule
	var broken script.Rule
	switch {
	case errors.As(err, &form):
		c.blame(p, BadTransaction)
	case errors.As(err, &broken):
		c.blame(p, TooMuch) // its policy may be another; again and again it is none
	}
}

// maxQueue is how many announcements wait for one peer.
const maxQueue = 5000

// enqueue announces a transaction to a peer with the next ones.
func (c *Core) enqueue(p *peer, leaf pillars.Hash) {
	if p.ready && !p.gone && len(p.queue) < maxQueue && !p.known.has[leaf] {
		p.queue = append(p.queue, leaf)
	}
}

// givePool announces all that waits.
func (c *Core) givePool(p *peer, now uint64) {
	if !p.txBucket.take(now, 1, 2) {
		c.blame(p, TooMuch)
		return
	}
	for _, e := range c.host.Pool().All() {
		c.enqueue(p, e.Leaf)
	}
}

// announceTxs sends a peer's queue when its time has come: not at once, so that who listens to many nodes does not learn where a
// transaction came from [PIL-TXR-3].
func (c *Core) announceTxs(p *peer, now uint64) {
	if p.trickle > now {
		return
	}
	mean := c.limits.Trickle
	if !p.inbound {
		mean /= 2
	}
	p.trickle = now + c.draw.upTo(2*mean)
	if len(p.queue) == 0 || c.behind() {
		return
	}
	var leaves []pillars.Hash
	for len(p.queue) > 0 && len(leaves) < wire.MaxHave {
		leaf := p.queue[0]
		p.queue = p.queue[1:]
		e, ok := c.host.Pool().ByLeaf(leaf)
		if ok && !p.known.has[leaf] && e.PaysFor(p.minFee) {
			p.known.add(leaf)
			leaves = append(leaves, leaf)
		}
	}
	if len(leaves) > 0 {
		c.send(p, &wire.Have{Leaves: leaves})
	}
}

// giveTxs answers with what waits, up to some bytes: who wants more asks again.
func (c *Core) giveTxs(p *peer, all []wire.Want, now uint64) {
	const most = 2_000_000
	left := most
	for _, w := range all {
		var e *mempool.Entry
		var ok bool
		if w.ByID {
			e, ok = c.host.Pool().Get(w.Hash)
		} else {
			e, ok = c.host.Pool().ByLeaf(w.Hash)
		}
		if !ok {
			continue
		}
		if left -= e.Size; left < 0 {
			return
		}
		p.known.add(e.Leaf)
		c.send(p, &wire.Tx{Tx: e.Tx})
	}
}
