package tree

import (
	"errors"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
)

// errEarly says that a header only is ahead of the clock.
var errEarly = errors.New("ahead of the clock")

// Headers takes headers that follow one another. It returns how many of them are known now, and which rule the
// next one breaks. One that is only ahead of the clock waits in memory; it ends the list without a fault
// [PIL-CHN-7].
func (t *Tree) Headers(from Peer, heads []Head, now uint32) (known int, err error) {
	fresh, known, err := t.follow(heads, now)
	if errors.Is(err, errEarly) {
		t.postpone(&body{head: heads[known], from: from})
		err = nil
	}
	for i, n := range fresh {
		if cause := t.add(from, n); cause != nil {
			known, err = known-len(fresh)+i, cause
			break
		}
	}
	t.adopt(now)
	return known, err
}

// follow judges headers without adding them: all that a branch asks, the clock, and last what costs most, the
// seals. It returns nodes for those that are new.
func (t *Tree) follow(heads []Head, now uint32) (fresh []*Node, known int, err error) {
	var parent *Node
	var sealed []*pillars.Header
	for known = range heads {
		h := &heads[known]
		n := t.nodes[h.ID()]
		if n == nil {
			if parent == nil || parent.ID() != h.Previous {
				parent = t.nodes[h.Previous]
			}
			if n, err = t.next(parent, h, now); err != nil {
				break
			}
			fresh = append(fresh, n)
			sealed = append(sealed, &n.Header)
		}
		parent = n
	}
	if err == nil {
		known = len(heads)
	}
	if good, cause := t.seals.Verify(sealed); cause != nil {
		known, fresh, err = known-len(fresh)+good, fresh[:good], cause
	}
	return fresh, known, err
}

// next judges a header behind its parent, its seal apart [PIL-CHN-1].
func (t *Tree) next(parent *Node, h *Head, now uint32) (*Node, error) {
	if why := t.invalid.reason(h.ID()); why != nil {
		return nil, why
	}
	switch {
	case parent != nil:
	case t.invalid.reason(h.Previous) != nil:
		why := reject(ParentInvalid, "%s", RuleName(t.invalid.reason(h.Previous)))
		t.lose(h.ID(), why)
		return nil, why
	case h.Number <= t.root.Number:
		return nil, reject(BelowFinality, "%d, final is %d", h.Number, t.root.Number)
	default:
		return nil, reject(ParentUnknown, "%s", h.Previous.Short())
	}
	if root := h.Extension.Root(); root != h.ExtensionRoot {
		return nil, reject(WrongExtension, "%s, header has %s", root.Short(), h.ExtensionRoot.Short())
	}
	b := &parent.Branch
	if err := b.Check(t.params, &h.Header); err != nil {
		return nil, err
	}
	if err := b.CheckExtension(t.params, &h.Extension, pillars.Hash{}); err != nil {
		return nil, err
	}
	if wait := consensus.Wait(t.params, &h.Header, now); wait > t.limits.Wait {
		return nil, reject(TooEarly, "by %d s", wait)
	} else if wait > 0 {
		return nil, errEarly
	}
	return &Node{Head: *h, Branch: b.Next(t.params, &h.Header, consensus.Reveal{Stake: h.Extension.Stake})}, nil
}

// add puts a judged header into the tree, and wakes the blocks that waited for it.
func (t *Tree) add(from Peer, n *Node) error {
	if t.nodes[n.ID()] != nil {
		return nil
	}
	for {
		victim, ok := t.heads.room(from, 1)
		if ok {
			break
		}
		if victim == nil {
			return reject(NoRoom, "for headers")
		}
		t.cut(victim.node)
	}
	parent := t.nodes[n.Previous]
	if parent == nil { // it has just given way
		return reject(ParentUnknown, "%s", n.Previous.Short())
	}
	n.parent = parent
	n.share = &item{peer: from, cost: 1, node: n}
	t.heads.hold(n.share)
	parent.children = append(parent.children, n)
	t.nodes[n.ID()] = n
	if t.lead != nil && n.Branch.Heavier(&t.lead.Branch) {
		t.lead = n
	}
	t.woken = append(t.woken, t.orphans[n.ID()]...)
	if n.Branch.Heavier(&t.tip.Branch) { // a doubted block below it may be worth judging now
		for ; !n.judged; n = n.parent {
			t.wake(n)
		}
	}
	return nil
}

// Lead returns the node whose headers alone weigh most: where a node that synchronises wants to get. Of equals the
// one that was judged.
func (t *Tree) Lead() *Node {
	if t.lead == nil {
		t.lead = t.best
		visit(t.root, func(n *Node) {
			if n.Branch.Heavier(&t.lead.Branch) {
				t.lead = n
			}
		})
	}
	return t.lead
}

// visit calls with a node and all above it, parents first.
func visit(from *Node, with func(*Node)) {
	all := []*Node{from}
	for len(all) > 0 {
		n := all[len(all)-1]
		all = append(all[:len(all)-1], n.children...)
		with(n)
	}
}

// Missing returns the lowest blocks on the way to a header whose bodies are not here, at most so many, lowest
// first.
func (t *Tree) Missing(to *Node, most int) []*Node {
	var all []*Node
	for n := to; n != nil && !n.judged; n = n.parent {
		if n.body == nil {
			all = append(all, n)
		}
	}
	for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
		all[i], all[j] = all[j], all[i]
	}
	return all[:min(most, len(all))]
}
