package tree

import (
	"errors"
	"slices"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
	"github.com/asterism-network/asterism/pillars/internal/pos"
)

// A Fate is what became of a block that was given to the tree.
type Fate uint8

// The fates.
const (
	Refused Fate = iota + 1 // it breaks a rule, or there is no room
	Known                   // it is here already
	Orphan                  // it waits for its parent's header
	Early                   // it waits for the clock
	Held                    // it waits until its parent is judged
	Ready                   // Next will return it
)

// String returns the fate's name.
func (f Fate) String() string {
	return [...]string{"none", "refused", "known", "orphan", "early", "held", "ready"}[f]
}

// An Event is something that happened to a block other than the one just given.
type Event struct {
	ID    pillars.BlockID
	From  Peer
	Err   error           // why it turned out to be refused, or nil:
	Other pillars.BlockID // its stake was seen in this block first,
	Block *pillars.Block  // and this is the second
}

// Block takes a block. With Refused the error says which rule it breaks. A block that is Ready is to be
// judged before the next one is given, since nothing bounds those.
func (t *Tree) Block(from Peer, b *pillars.Block, now uint32) (Fate, error) {
	fate, err := t.take(from, b, now)
	t.adopt(now)
	return fate, err
}

// Tick takes again what waited for the clock and need not any more.
func (t *Tree) Tick(now uint32) {
	for i := 0; i < len(t.early); {
		w := t.early[i]
		if consensus.Wait(t.params, &w.head.Header, now) > 0 {
			i++
			continue
		}
		t.dropBody(w) // out of t.early
		t.again(w, now)
	}
	t.adopt(now)
}

// adopt takes again the blocks that waited for a parent which is known now.
func (t *Tree) adopt(now uint32) {
	for len(t.woken) > 0 {
		w := t.woken[0]
		t.woken = t.woken[1:]
		if w.share != nil { // it may have given way since
			t.dropBody(w)
			t.again(w, now)
		}
	}
}

func (t *Tree) again(w *body, now uint32) {
	var err error
	if w.block != nil {
		_, err = t.take(w.from, w.block, now)
	} else {
		_, err = t.Headers(w.from, []Head{w.head}, now)
	}
	if err != nil {
		t.events = append(t.events, Event{ID: w.head.ID(), From: w.from, Err: err})
	}
}

func (t *Tree) take(from Peer, b *pillars.Block, now uint32) (Fate, error) {
	n := t.nodes[b.ID()]
	if n == nil {
		fresh, _, err := t.follow([]Head{HeadOf(b)}, now)
		switch {
		case errors.Is(err, ParentUnknown):
			return t.orphan(&body{block: b, head: HeadOf(b), from: from})
		case errors.Is(err, errEarly):
			return t.postpone(&body{block: b, head: HeadOf(b), from: from})
		case err != nil:
			return Refused, err
		}
		n = fresh[0]
		if err := t.add(from, n); err != nil {
			return Refused, err
		}
	}
	if n.judged || n.body != nil {
		return Known, nil
	}
	if err := t.checkAlone(b); err != nil {
		if binds(b, err) {
			t.condemn(n, err)
		}
		return Refused, err
	}
	return t.holdBody(n, &body{block: b, head: n.Head, from: from, node: n})
}

// checkAlone judges a block without any other. What passes is bound to its id, except that its author could sign it
// in more than one way.
func (t *Tree) checkAlone(b *pillars.Block) error {
	if err := b.Check(t.params); err != nil {
		return err
	}
	if err := consensus.CheckShape(b); err != nil {
		return err
	}
	if !b.Seal().Signed() {
		return nil
	}
	if s, ok := t.seals.(Signatures); ok {
		return s.VerifySignature(b)
	}
	return b.VerifySignature()
}

// binds reports whether a fault lies in what the block's id commits to, so that every block with the id has it. Otherwise
// whoever changes a good block on its way would make us refuse the good one [PIL-CHN-5].
func binds(b *pillars.Block, err error) bool {
	if b.MerkleRoot() != b.Merkle || b.Extension.Root() != b.ExtensionRoot ||
		errors.Is(err, pillars.BlockSignatureInvalid) || errors.Is(err, consensus.NoSignature) || errors.Is(err, consensus.SignatureHere) {
		return false
	}
	seen := make(map[pillars.Hash]bool, len(b.Transactions)) // a repeated end has the same root
	for _, tx := range b.Transactions {
		leaf := tx.Leaf()
		if seen[leaf] {
			return false
		}
		seen[leaf] = true
	}
	return true
}

// condemn remembers that a block is invalid, and so all above it, also what waited for one of these.
func (t *Tree) condemn(n *Node, why error) {
	visit(n, func(above *Node) {
		t.lose(above.ID(), reject(ParentInvalid, "%s", RuleName(why)))
	})
	t.invalid.set(n.ID(), why)
	t.cut(n)
}

// lose remembers an invalid block and drops the orphans above it.
func (t *Tree) lose(id pillars.BlockID, why error) {
	lost := []pillars.BlockID{id}
	for ; len(lost) > 0; lost = lost[1:] {
		t.invalid.set(lost[0], why)
		for _, w := range slices.Clone(t.orphans[lost[0]]) {
			lost = append(lost, w.head.ID())
			t.dropBody(w)
		}
	}
}

// Next returns a block that is to be judged on the state after its parent, which is judged, or nil. Judged takes the
// answer.
func (t *Tree) Next() *Node {
	for len(t.ready) > 0 {
		n := t.ready[0]
		if t.nodes[n.ID()] == n && !n.judged && n.body != nil {
			return n
		}
		t.ready = t.ready[1:] // it gave way
	}
	return nil
}

// Judged takes what came of the block that Next returned. It returns whether its body is to be written to disk now: only what is
// valid and not a second use of a stake ever is, unless it is on our chain [PIL-CHN-3] [PIL-CHN-8].
func (t *Tree) Judged(n *Node, err error) (store bool) {
	t.ready = without(t.ready, n)
	from := n.body.from
	if err != nil {
		t.condemn(n, err)
		t.events = append(t.events, Event{ID: n.ID(), From: from, Err: err})
		return false
	}
	n.judged = true
	t.heads.drop(n.share)
	n.share = nil
	if other, twice := t.note(n); twice {
		n.twin = true
		t.events = append(t.events, Event{ID: n.ID(), From: from, Other: other, Block: n.body.block})
		if !n.Branch.Heavier(&t.tip.Branch) && n.body.share == nil && !t.charge(n.body) {
			t.cut(n)
			return false
		}
	}
	t.prefer(n)
	for _, c := range n.children {
		t.wake(c)
	}
	return !n.twin
}

// Stored is told that a block's body is on disk.
func (t *Tree) Stored(n *Node) {
	n.stored = true
	if n.body != nil {
		t.dropBody(n.body)
	}
}

// note remembers the use of a judged block's stake.
func (t *Tree) note(n *Node) (other pillars.BlockID, twice bool) {
	if n.Seal() != pillars.PoS {
		return other, false
	}
	return t.uses.Note(n.Number, pos.Use{Stake: n.Extension.Stake, Stamp: n.Timestamp}, n.ID())
}

// prefer makes a judged node the best if it is.
func (t *Tree) prefer(n *Node) {
	if n.Branch.Heavier(&t.best.Branch) {
		t.best = n
		if t.lead != nil && !t.lead.Branch.Heavier(&n.Branch) {
			t.lead = n
		}
	}
}
