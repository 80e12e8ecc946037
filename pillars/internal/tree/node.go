package tree

import (
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
)

// A Head is a header and the extension that it commits to: with both a branch can be followed without
// bodies.
type Head struct {
	pillars.Header
	Extension pillars.Extension
}

// HeadOf is a block without its body.
func HeadOf(b *pillars.Block) Head { return Head{b.Header, b.Extension} }

// A Node is one header of the tree. Its exported fields do not change.
type Node struct {
	Head
	Branch consensus.Branch // that ends in this block

	parent   *Node // nil at the root
	children []*Node
	judged   bool  // the whole block was found valid on its own branch
	ours     bool  // on our chain
	stored   bool  // its body is on disk
	twin     bool  // its stake was seen in another block first; see pos.Memory
	body     *body // in memory: not judged yet, or a twin
	share    *item // of the bound on heads; nil once judged
}

// ID returns the block's id without hashing again.
func (n *Node) ID() pillars.BlockID { return n.Branch.ID }

// Parent returns the node below, nil at the root.
func (n *Node) Parent() *Node { return n.parent }

// Judged reports whether the whole block was found valid on its own branch.
func (n *Node) Judged() bool { return n.judged }

// Ours reports whether the block is on our chain.
func (n *Node) Ours() bool { return n.ours }

// Stored reports whether the block's body is on disk.
func (n *Node) Stored() bool { return n.stored }

// Twin reports whether the block's stake was seen in another block first.
func (n *Node) Twin() bool { return n.twin }

// Block returns the body if it is in memory, else nil.
func (n *Node) Block() *pillars.Block {
	if n.body == nil {
		return nil
	}
	return n.body.block
}

// cut takes a node that is not of our chain and everything above it out of the tree, and returns the ids
// of those that are on disk.
func (t *Tree) cut(n *Node) (stored []pillars.BlockID) {
	if n.ours {
		panic("tree: cut of our own chain")
	}
	if n.parent != nil {
		n.parent.children = without(n.parent.children, n)
	}
	all := []*Node{n}
	for i := 0; i < len(all); i++ {
		all = append(all, all[i].children...)
		t.forget(all[i])
		if all[i].stored {
			stored = append(stored, all[i].ID())
		}
	}
	t.ready = keep(t.ready, func(r *Node) bool { return t.nodes[r.ID()] == r })
	if t.lead != nil && t.nodes[t.lead.ID()] != t.lead {
		t.lead = nil
	}
	if t.nodes[t.best.ID()] != t.best {
		t.elect()
	}
	return stored
}

// forget takes one node out, its neighbours apart.
func (t *Tree) forget(n *Node) {
	delete(t.nodes, n.ID())
	if n.body != nil {
		t.dropBody(n.body)
	}
	if n.share != nil {
		t.heads.drop(n.share)
		n.share = nil
	}
}

// elect finds the heaviest judged node again; our tip stays it unless another is heavier.
func (t *Tree) elect() {
	t.best = t.tip
	visit(t.root, func(n *Node) {
		if n.judged && n.Branch.Heavier(&t.best.Branch) {
			t.best = n
		}
	})
}

func without(nodes []*Node, n *Node) []*Node {
	return keep(nodes, func(m *Node) bool { return m != n })
}

func keep[T any](all []T, good func(T) bool) []T {
	kept := all[:0]
	for _, v := range all {
		if good(v) {
			kept = append(kept, v)
		}
	}
	clear(all[len(kept):])
	return kept
}
