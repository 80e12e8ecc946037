package tree

import (
	"slices"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/pos"
)

// A body is a block, or a header alone, that waits in memory.
type body struct {
	block *pillars.Block // nil: a header that waits for the clock
	head  Head
	from  Peer
	node  *Node // whose body it is; nil: it waits for a parent or the clock
	share *item // of the bound on bodies; nil: it holds none
}

// What a waiting block is charged beyond its bytes, and how many bytes of memory one byte of it takes decoded.
const (
	bodyCost   = 4096
	bodyFactor = 3
)

func (w *body) cost() int {
	if w.block == nil {
		return bodyCost
	}
	return bodyCost + bodyFactor*w.block.Size()
}

// charge puts a body under the bound of its sender, and lets others give way for it.
func (t *Tree) charge(w *body) bool {
	cost := w.cost()
	for {
		victim, ok := t.bodies.room(w.from, cost)
		if ok {
			break
		}
		if victim == nil {
			return false
		}
		t.evict(victim.body)
	}
	w.share = &item{peer: w.from, cost: cost, body: w}
	t.bodies.hold(w.share)
	return true
}

// evict lets go of a body. A twin lives in memory alone, so its node goes too, with all above it.
func (t *Tree) evict(w *body) {
	if w.node != nil && w.node.judged && !w.node.stored {
		t.cut(w.node)
		return
	}
	t.dropBody(w)
}

// dropBody takes a body out of wherever it is.
func (t *Tree) dropBody(w *body) {
	if w.share != nil {
		t.bodies.drop(w.share)
		w.share = nil
	}
	if w.node != nil {
		w.node.body = nil
		return
	}
	t.early = keep(t.early, func(e *body) bool { return e != w })
	parent := w.head.Previous
	if rest := keep(t.orphans[parent], func(o *body) bool { return o != w }); len(rest) > 0 {
		t.orphans[parent] = rest
	} else {
		delete(t.orphans, parent)
	}
}

// orphan keeps a block whose parent is not known. Only one that is bound to its id is worth it.
func (t *Tree) orphan(w *body) (Fate, error) {
	id := w.head.ID()
	for _, o := range t.orphans[w.head.Previous] {
		if o.head.ID() == id {
			return Known, nil
		}
	}
	if err := t.checkAlone(w.block); err != nil {
		return Refused, err
	}
	if !t.charge(w) {
		return Refused, reject(NoRoom, "for orphans")
	}
	t.orphans[w.head.Previous] = append(t.orphans[w.head.Previous], w)
	return Orphan, nil
}

// postpone keeps a block or header that is ahead of the clock.
func (t *Tree) postpone(w *body) (Fate, error) {
	id := w.head.ID()
	if slices.ContainsFunc(t.early, func(e *body) bool { return e.head.ID() == id && (e.block != nil || w.block == nil) }) {
		return Known, nil
	}
	if w.block != nil {
		if err := t.checkAlone(w.block); err != nil {
			return Refused, err
		}
	}
	if !t.charge(w) {
		return Refused, reject(NoRoom, "for what is ahead of the clock")
	}
	t.early = append(t.early, w)
	return Early, nil
}

// holdBody gives a node its body. If it can be judged at once it needs no room.
func (t *Tree) holdBody(n *Node, w *body) (Fate, error) {
	n.body = w
	if t.wake(n) {
		return Ready, nil
	}
	n.body = nil
	if !t.charge(w) {
		return Refused, reject(NoRoom, "for blocks before their parents")
	}
	if t.nodes[n.ID()] != n { // it was a twin's that gave way
		t.bodies.drop(w.share)
		return Refused, reject(ParentUnknown, "%s", n.Previous.Short())
	}
	n.body = w
	return Held, nil
}

// wake lets a block be judged if it can be and is worth it.
func (t *Tree) wake(n *Node) bool {
	if n.judged || n.body == nil || !n.parent.judged || slices.Contains(t.ready, n) || t.doubted(n) {
		return false
	}
	t.ready = append(t.ready, n)
	return true
}

// doubted reports whether a block uses a stake that another one used in the same second, and neither it nor any
// header above it outweighs our chain. A staker can sign any number of such blocks, so they are not worth the work of
// judging them [PIL-CHN-8].
func (t *Tree) doubted(n *Node) bool {
	if n.Seal() != pillars.PoS {
		return false
	}
	if first, seen := t.uses.Seen(pos.Use{Stake: n.Extension.Stake, Stamp: n.Timestamp}); !seen || first == n.ID() {
		return false
	}
	heavier := false
	visit(n, func(above *Node) { heavier = heavier || above.Branch.Heavier(&t.tip.Branch) })
	return !heavier
}
