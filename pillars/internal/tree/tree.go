// Package tree decides which blocks a node follows: it holds the headers above the last final block, each with
// its branch, the bodies that cannot be judged yet; and what is known to be invalid. It says which block is
// to be judged next and which way leads to the heaviest chain.
//
// It is pure: no clock, no disk, no goroutine, and what it holds is bounded, whatever peers send. It does not judge
// transactions (package state) and does not connect blocks (package chain).
package tree

import (
	"fmt"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
	"github.com/asterism-network/asterism/pillars/internal/pos"
)

// A Peer is where something came from. Zero is this node itself, which no bound holds.
type Peer uint64

// Limits bound what the tree keeps in memory for others [PIL-CHN-9]. The zero value is the default.
type Limits struct {
	Heads     int    // headers without a judged block, of all peers together; about a kilobyte each
	PeerHeads int    // of one peer
	Bytes     int    // of bodies that wait for a parent or the clock, as charged by cost
	PeerBytes int    // of one peer
	Invalid   int    // ids of invalid blocks
	Uses      int    // stakes used at one height that are remembered
	Wait      uint32 // seconds ahead of the window for which a header may wait for the clock
}

func (l Limits) filled() Limits {
	or := func(v, other int) int {
		if v == 0 {
			return other
		}
		return v
	}
	l.Heads, l.PeerHeads = or(l.Heads, 32_768), or(l.PeerHeads, 8192)
	l.Bytes, l.PeerBytes = or(l.Bytes, 256<<20), or(l.PeerBytes, 64<<20)
	l.Invalid, l.Uses = or(l.Invalid, 16_384), or(l.Uses, 256)
	if l.Wait == 0 {
		l.Wait = 600
	}
	return l
}

// Seals verifies what headers show by themselves, in the order given, and may use several processors
// for it. It returns how many of the first ones are good, and what is wrong with the next.
type Seals interface {
	Verify(headers []*pillars.Header) (good int, err error)
}

// Signatures may be implemented by Seals as well: by those who hand one block to many trees and verify it once for all.
type Signatures interface {
	// VerifySignature says of every block what the block's own method says.
	VerifySignature(b *pillars.Block) error
}

// A Tree is one node's knowledge of chains. One goroutine owns it.
type Tree struct {
	params *pillars.Params
	limits Limits
	seals  Seals

	nodes   map[pillars.BlockID]*Node
	root    *Node // the lowest block that a fork may start from; always on our chain
	tip     *Node // where our chain ends; always judged
	best    *Node // the heaviest judged node, of equals the first
	lead    *Node // the heaviest of all nodes; nil: to be found again
	ready   []*Node
	heads   shares // nodes that are not judged
	bodies  shares // blocks in memory
	orphans map[pillars.BlockID][]*body
	woken   []*body // orphans whose parent has come
	early   []*body
	invalid memory
	uses    *pos.Memory
	events  []Event
}

// New starts a tree whose root is a judged block of our chain: the genesis, or the one at the finality depth
// of a stored chain, whose blocks above it Restore then adds. The profile must be of an extended network with a
// finality depth: without one nothing bounds how far back a node must remember.
func New(p *pillars.Params, seals Seals, root Head, branch consensus.Branch, l Limits) (*Tree, error) {
	if !p.Extended || p.Finality == 0 {
		return nil, fmt.Errorf("profile %q: a node needs extended headers and a finality depth", p.Name)
	}
	if p.Phase.Delegates != 0 { // nobody would verify their turns
		return nil, fmt.Errorf("profile %q: this program knows no delegates", p.Name)
	}
	l = l.filled()
	n := &Node{Head: root, Branch: branch, judged: true, ours: true, stored: true}
	return &Tree{
		params: p, limits: l, seals: seals,
		nodes: map[pillars.BlockID]*Node{branch.ID: n}, root: n, tip: n, best: n,
		heads: shares{each: l.PeerHeads, all: l.Heads}, bodies: shares{each: l.PeerBytes, all: l.Bytes},
		orphans: map[pillars.BlockID][]*body{},
		invalid: newMemory(l.Invalid),
		uses:    pos.NewMemory(p.Finality+1, l.Uses),
	}, nil
}

// Restore adds a block that was judged and stored in an earlier life, parents first. Blocks of our chain come
// before those of other branches; the last of ours is the tip.
func (t *Tree) Restore(h Head, branch consensus.Branch, ours bool) error {
	parent := t.nodes[h.Previous]
	if parent == nil || t.nodes[branch.ID] != nil || ours && parent != t.tip {
		return fmt.Errorf("tree: stored block %s at %d has no place", branch.ID.Short(), branch.Number)
	}
	n := &Node{Head: h, Branch: branch, parent: parent, judged: true, ours: ours, stored: true}
	parent.children = append(parent.children, n)
	t.nodes[branch.ID] = n
	if ours {
		t.tip = n
	}
	t.note(n)
	t.prefer(n)
	t.lead = nil
	return nil
}

// Tip is where our chain ends.
func (t *Tree) Tip() *Node { return t.tip }

// Root is the lowest block that a fork may start from: what it is, is final [PIL-CHN-6].
func (t *Tree) Root() *Node { return t.root }

// Find returns a node above the root, or nil.
func (t *Tree) Find(id pillars.BlockID) *Node { return t.nodes[id] }

// Invalid says why a block is known to be invalid, or nil.
func (t *Tree) Invalid(id pillars.BlockID) error { return t.invalid.reason(id) }

// Sizes are what the tree holds, for metrics and for tests of the bounds.
type Sizes struct {
	Nodes, Heads, Bytes, Orphans, Early, Invalid, Uses int
}

// Sizes counts.
func (t *Tree) Sizes() Sizes {
	return Sizes{len(t.nodes), t.heads.used, t.bodies.used, len(t.orphans), len(t.early), t.invalid.len(), t.uses.Len()}
}

// Events returns what happened since the last call, in order.
func (t *Tree) Events() []Event {
	e := t.events
	t.events = nil
	return e
}

// Gone drops what waits from a peer that has left: another will send it again if it is wanted.
func (t *Tree) Gone(p Peer) {
	if p == 0 {
		return
	}
	for _, it := range t.bodies.of(p) {
		if it.body.share != nil { // it may have gone with another
			t.evict(it.body)
		}
	}
	for _, it := range t.heads.of(p) {
		if t.nodes[it.node.ID()] == it.node {
			t.cut(it.node)
		}
	}
}
