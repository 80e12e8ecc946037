package chain

import (
	"fmt"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/pos"
	"github.com/asterism-network/asterism/pillars/internal/state"
	"github.com/asterism-network/asterism/pillars/internal/store"
	"github.com/asterism-network/asterism/pillars/internal/tree"
)

// settle judges what can be judged and goes to the heaviest chain, until there is nothing to do.
func (c *Chain) settle(now uint32) error {
	defer c.collect()
	for {
		if n := c.tree.Next(); n != nil {
			if err := c.decide(n, now); err != nil {
				return err
			}
			continue
		}
		if more, err := c.step(now); err != nil || !more {
			return err
		}
	}
}

// decide judges a block and stores it, unless it is about to be connected or is not worth it.
func (c *Chain) decide(n *tree.Node, now uint32) error {
	block := n.Block()
	diff, broken := c.judge(n.Parent(), block)
	keep := c.tree.Judged(n, broken)
	c.collect()
	if broken != nil {
		return nil
	}
	c.diffs.put(diff)
	if next, connect := c.tree.Step(); !keep || connect && next == n {
		return nil
	}
	if err := c.store.Keep(store.EntryOf(block, n.Branch), block); err != nil {
		return err
	}
	c.tree.Stored(n)
	c.events = append(c.events, Event{Kind: Stored, ID: n.ID()})
	return nil
}

// judge says which rule a block breaks on the state after its parent, or what it does to it [PIL-CHN-3]. A stake that does
// not exist costs one look-up. The author's signature was verified when the tree took the block.
func (c *Chain) judge(parent *tree.Node, b *pillars.Block) (*state.Diff, error) {
	view := c.stateAfter(parent)
	if b.Seal() == pillars.PoS {
		if err := pos.VerifyStake(c.params, b, &parent.Branch, state.At(view, c.params)); err != nil {
			return nil, err
		}
	}
	diff, err := state.Apply(view, b, state.Context{Params: c.params, Parent: &parent.Branch, Stamp: b.Timestamp})
	if err != nil {
		return nil, err
	}
	return diff, verifyScripts(diff.Scripts, c.workers)
}

// step connects or disconnects one block on the way to the heaviest chain, and reports whether there was one.
func (c *Chain) step(now uint32) (more bool, err error) {
	n, connect := c.tree.Step()
	if n == nil {
		return false, nil
	}
	var block *pillars.Block
	kind := Disconnected
	if connect {
		kind = Connected
		block, err = c.connect(n, now)
	} else {
		block, err = c.store.Disconnect()
	}
	if err != nil {
		return false, err
	}
	c.branch.clear()
	c.events = append(c.events, Event{Kind: kind, ID: n.ID(), Block: block})
	return true, c.store.Forget(c.tree.Moved(n, connect))
}

func (c *Chain) connect(n *tree.Node, now uint32) (*pillars.Block, error) {
	block := n.Block()
	if block == nil {
		var err error
		if block, err = c.store.Block(n.ID()); err != nil {
			return nil, err
		}
	}
	diff := c.diffs.get(n.ID())
	if diff == nil {
		diff = c.mustApply(c.store.View(), n, block)
	}
	return block, c.store.Connect(store.EntryOf(block, n.Branch), block, diff, durable(n, now))
}

// mustApply computes again what a judged block does. It cannot fail: the rules read nothing but the
// state after the block's own parent, which is the same again.
func (c *Chain) mustApply(v state.View, n *tree.Node, b *pillars.Block) *state.Diff {
	diff, err := state.Apply(v, b, state.Context{Params: c.params, Parent: &n.Parent().Branch, Stamp: b.Timestamp})
	if err != nil {
		panic(fmt.Sprintf("chain: block %d %s was valid and is not any more: %v", n.Number, n.ID(), err))
	}
	return diff
}

// Blocks of the last hour are durable at once, older ones so many at a time: they can be had again [PIL-STO-4].
const (
	recent    = 3600
	syncEvery = 64
)

func durable(n *tree.Node, now uint32) bool {
	return uint64(n.Timestamp)+recent > uint64(now) || n.Number%syncEvery == 0
}
