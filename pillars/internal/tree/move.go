package tree

import "github.com/asterism-network/asterism/pillars"

// Step is the next block to connect to our chain, or else to disconnect from it, on the way to the heaviest judged
// chain; nil when we are there. Moved is told when it is done. Only judged blocks are on the way, so
// every step can be done.
func (t *Tree) Step() (n *Node, connect bool) {
	if t.best == t.tip {
		return nil, false
	}
	n = t.best
	for !n.parent.ours {
		n = n.parent
	}
	if n.parent != t.tip {
		return t.tip, false
	}
	return n, true
}

// Moved is told that a step is done and durable. It returns the ids of stored blocks that are on no chain any
// more that could be followed: the root has left them behind [PIL-CHN-6].
func (t *Tree) Moved(n *Node, connect bool) (left []pillars.BlockID) {
	if !connect {
		if n != t.tip || n == t.root {
			panic("tree: disconnect of what is not the tip, or is final")
		}
		n.ours = false
		t.tip = n.parent
		return nil
	}
	if n.parent != t.tip {
		panic("tree: connect to what is not the tip")
	}
	n.ours = true
	t.tip = n
	t.Stored(n)
	for t.tip.Number-t.root.Number > t.params.Finality {
		left = append(left, t.climb()...)
	}
	return left
}

// climb makes the block above the root the root. What leaves our chain at the old root is final no more.
func (t *Tree) climb() (left []pillars.BlockID) {
	var next *Node
	for _, c := range append([]*Node(nil), t.root.children...) {
		if c.ours {
			next = c
			continue
		}
		left = append(left, t.cut(c)...)
	}
	delete(t.nodes, t.root.ID())
	next.parent = nil
	t.root = next
	return left
}
