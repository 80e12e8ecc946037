package sim

import (
	"slices"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/internal/sim"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/chain"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
	"github.com/asterism-network/asterism/pillars/internal/store"
	"github.com/asterism-network/asterism/pillars/internal/tree"
)

// A node follows a chain: with a tree and the court's verdicts, or as a whole chain with its store in memory, which judges by itself.
type node struct {
	w       *world
	id      int
	skew    sim.Time // of its clock
	tree    *tree.Tree
	full    *chain.Chain
	known   map[pillars.BlockID]bool
	asked   map[int]sim.Time // when each peer was asked for blocks last
	waiting bool             // a tick is due
	moved   func()           // told when the tip is another; nil: nobody

	deepest  uint32 // most blocks that one reorganisation took off this node's chain
	reorgs   int
	evidence int // twins that it was shown
	refused  sim.Counts
}

// chainDir is the folder of a full node in its file system in memory.
const chainDir = "/chain"

func newNode(w *world, id int, genesis *pillars.Block, full bool) (*node, error) {
	n := &node{w: w, id: id, known: map[pillars.BlockID]bool{}, asked: map[int]sim.Time{}, refused: sim.Counts{}}
	n.known[genesis.ID()] = true
	if !full {
		var err error
		n.tree, err = tree.New(w.rules(), w.seals, tree.HeadOf(genesis), consensus.Start(&genesis.Header), tree.Limits{})
		return n, err
	}
	o := chain.Options{Store: store.Options{FS: kv.Memory(), Engine: kv.Plain}, Workers: 1}
	if err := chain.Create(chainDir, w.rules(), o); err != nil {
		return nil, err
	}
	var err error
	if n.full, err = chain.OpenWith(chainDir, w.rules(), w.seals, o); err != nil {
		return nil, err
	}
	n.tree = n.full.Tree()
	return n, nil
}

// local is the node's clock in milliseconds, now its second.
func (n *node) local() sim.Time { return genesisStamp*1000 + n.w.clock.Now() + n.skew }
func (n *node) now() uint32     { return uint32(n.local() / 1000) }

func (n *node) tip() *tree.Node { return n.tree.Tip() }

// branch is what the node builds on.
func (n *node) branch() *consensus.Branch { return &n.tree.Tip().Branch }

// take gives the node a block from another, or from itself.
func (n *node) take(from int, b *pillars.Block, id pillars.BlockID) {
	if n.known[id] {
		return
	}
	before := n.tip()
	peer := tree.Peer(from + 1)
	if from == n.id {
		peer = 0
	}
	fate, rule, relay := n.offer(peer, b)
	if n.tree.Sizes().Early > 0 { // this block, or one that had waited for it
		n.wait()
	}
	switch {
	case rule != nil:
		n.refused[tree.RuleName(rule)]++
		return
	case fate == tree.Orphan:
		n.ask(from)
	case fate == tree.Early:
	default:
		n.known[id] = true
		window := n.w.params.Time.FutureSeconds
		if b.Seal() == pillars.PoS {
			window = n.w.params.Time.StakeSeconds
		}
		if n.tree.Find(id) != nil && b.Timestamp > n.now()+window {
			n.w.fail("node %d took block %d, which is %d s ahead of its clock", n.id, b.Number, b.Timestamp-n.now())
		}
	}
	if relay {
		n.relay(b, id)
	}
	n.after(before, id)
}

// offer asks the node's chain.
func (n *node) offer(peer tree.Peer, b *pillars.Block) (fate tree.Fate, rule error, relay bool) {
	if n.full != nil {
		r, err := n.full.Block(peer, b, n.now())
		if err != nil {
			n.w.fail("node %d: %v", n.id, err)
		}
		n.hear(r.Events)
		return r.Fate, r.Rule, r.Relay
	}
	fate, rule = n.tree.Block(peer, b, n.now())
	n.settle()
	if fate == tree.Ready {
		id := b.ID()
		if rule = n.tree.Invalid(id); rule != nil {
			return tree.Refused, rule, false
		}
		found := n.tree.Find(id)
		relay = found != nil && found.Judged() && !found.Twin()
	}
	return fate, rule, relay
}

// hear counts what a full node says.
func (n *node) hear(events []chain.Event) {
	off := uint32(0)
	for _, e := range events {
		switch e.Kind {
		case chain.Disconnected:
			off++
		case chain.Twin:
			n.evidence++
		}
	}
	n.count(off)
}

func (n *node) count(off uint32) {
	if off > 0 {
		n.reorgs++
		n.deepest = max(n.deepest, off)
	}
}

// settle does around a tree what package chain does: judges what can be judged and goes to the heaviest chain.
func (n *node) settle() {
	off := uint32(0)
	for {
		if next := n.tree.Next(); next != nil {
			err := n.w.court.judge(&next.Parent().Branch, next.Block(), next.ID())
			keep := n.tree.Judged(next, err)
			if keep {
				if step, connect := n.tree.Step(); !connect || step != next {
					n.tree.Stored(next)
				}
			}
			continue
		}
		step, connect := n.tree.Step()
		if step == nil {
			break
		}
		if !connect {
			off++
		}
		n.tree.Moved(step, connect)
	}
	for _, e := range n.tree.Events() {
		if e.Err == nil {
			n.evidence++
		} else {
			n.refused[tree.RuleName(e.Err)]++
		}
	}
	n.count(off)
}

// after tells others of a new tip, unless they were told, and lets whoever builds on it know.
func (n *node) after(before *tree.Node, told pillars.BlockID) {
	tip := n.tip()
	if tip == before {
		return
	}
	n.known[tip.ID()] = true
	if tip.ID() != told {
		n.relay(n.w.court.records[tip.ID()].block, tip.ID())
	}
	n.w.miners[n.id].restart()
	n.w.stakers[n.id].restart()
	if n.moved != nil {
		n.moved()
	}
}

// relay sends a block to those who do not have it: nodes offer ids first, and that answer is taken as known here.
func (n *node) relay(b *pillars.Block, id pillars.BlockID) {
	for _, to := range n.w.nodes {
		if to != n && !to.known[id] {
			n.w.send(n.id, to.id, blockBytes, func() { to.take(n.id, b, id) })
		}
	}
}

// blockBytes is about what a block of these runs has.
const blockBytes = 500

// wait lets the node look after what is ahead of its clock, each second as long as there is something.
func (n *node) wait() {
	if n.waiting {
		return
	}
	n.waiting = true
	n.w.clock.After(1000, func() {
		n.waiting = false
		before := n.tip()
		if n.full != nil {
			events, err := n.full.Tick(n.now())
			if err != nil {
				n.w.fail("node %d: %v", n.id, err)
			}
			n.hear(events)
		} else {
			n.tree.Tick(n.now())
			n.settle()
		}
		n.after(before, pillars.BlockID{})
		if n.tree.Sizes().Early > 0 {
			n.wait()
		}
	})
}

// again is how long a node waits before it asks the same peer for blocks once more.
const again = 5000

// ask asks a peer for the blocks that its chain has and ours has not, with a list of ours from the tip down.
func (n *node) ask(peer int) {
	if at, before := n.asked[peer]; before && n.w.clock.Now() < at+again || peer == n.id {
		return
	}
	n.asked[peer] = n.w.clock.Now()
	var have []pillars.BlockID
	for b := n.tip(); b != nil; b = b.Parent() {
		have = append(have, b.ID())
	}
	n.w.send(n.id, peer, 32*len(have), func() { n.w.nodes[peer].answer(n.id, have) })
}

// answer sends the part of our chain, from disk if need be, above the highest block that the other has.
func (n *node) answer(to int, have []pillars.BlockID) {
	theirs := make(map[pillars.BlockID]bool, len(have))
	for _, id := range have {
		theirs[id] = true
	}
	var up []*record
	for r := n.record(); r != nil && !theirs[r.branch.ID]; r = r.parent {
		if len(up) == mostSent {
			return
		}
		up = append(up, r)
	}
	n.w.send(n.id, to, blockBytes*len(up), func() {
		for _, r := range slices.Backward(up) {
			n.w.nodes[to].take(n.id, r.block, r.branch.ID)
		}
	})
}

// mostSent is the most blocks of one answer: more than a node can go back.
const mostSent = 1000

// announce sends the tip to everybody, as nodes that connect do.
func (n *node) announce() {
	tip := n.tip()
	b := n.w.court.records[tip.ID()].block
	for _, to := range n.w.nodes {
		if to != n {
			n.w.send(n.id, to.id, blockBytes, func() { to.take(n.id, b, tip.ID()) })
		}
	}
}
