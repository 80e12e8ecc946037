package merkle

import (
	"fmt"
	"math/bits"
)

// Nodes holds the full subtrees of a tree: the one at (level, index) covers the 2^level leaves
// from index·2^level on, level 0 being the leaves' hashes. A node that was never set, or set to
// zeros, is zeros: there is no need to keep it. Set is seen by every later Node.
//
// A list that grows sets every node once. Clearing sets the nodes above a leaf again, so whoever
// serves old roots of such a tree needs a view for each.
type Nodes interface {
	Node(level uint8, index uint64) [32]byte
	Set(level uint8, index uint64, hash [32]byte)
}

// A Tree is a list of leaves of which only hashes are held. It appends, and it clears places;
// who never clears has a Merkle mountain range.
type Tree struct {
	count uint64
	nodes Nodes
}

// NewTree continues a tree of count leaves whose nodes are held already.
func NewTree(count uint64, nodes Nodes) *Tree { return &Tree{count, nodes} }

// Count is the number of leaves, empty ones included.
func (t *Tree) Count() uint64 { return t.count }

// Update appends leaves, which may be empty, and then clears places, which must ascend and each
// be below the new count. Each changed node is hashed and set once, from the leaves upwards. It
// panics if the places are out of order or range.
func (t *Tree) Update(appended [][32]byte, cleared []uint64) {
	old := t.count
	t.count += uint64(len(appended))
	if t.count > 1<<MaxDepth {
		panic("merkle: more leaves than a path can lead to")
	}
	level := t.leafChanges(old, appended, cleared)
	for height := uint8(0); len(level) > 0; height++ {
		for _, c := range level {
			t.nodes.Set(height, c.index, c.hash)
		}
		level = t.above(height, level)
	}
}

// A change is a node's new hash.
type change struct {
	index uint64
	hash  [32]byte
}

func (t *Tree) leafChanges(old uint64, appended [][32]byte, cleared []uint64) []change {
	level := make([]change, 0, len(appended)+len(cleared))
	next := uint64(0)
	for i, place := range cleared {
		if place >= t.count || i > 0 && place < next {
			panic(fmt.Sprintf("merkle: cleared places out of order or range at %d", place))
		}
		if next = place + 1; place < old {
			level = append(level, change{index: place})
		}
	}
	first := len(level)
	for i, leaf := range appended {
		level = append(level, change{old + uint64(i), leafHash(leaf)})
	}
	for _, place := range cleared {
		if place >= old {
			level[uint64(first)+place-old].hash = [32]byte{}
		}
	}
	return level
}

// above turns the changes of one level into those of the next. A node of which the second half
// is still to come does not exist yet.
func (t *Tree) above(height uint8, level []change) []change {
	up := level[:0]
	for i := 0; i < len(level); {
		parent := level[i].index / 2
		l, r := change{index: 2 * parent}, change{index: 2*parent + 1}
		hasL, hasR := false, false
		for ; i < len(level) && level[i].index/2 == parent; i++ {
			if level[i].index%2 == 0 {
				l, hasL = level[i], true
			} else {
				r, hasR = level[i], true
			}
		}
		if (parent+1)<<(height+1) > t.count {
			continue
		}
		if !hasL {
			l.hash = t.nodes.Node(height, l.index)
		}
		if !hasR {
			r.hash = t.nodes.Node(height, r.index)
		}
		up = append(up, change{parent, node(l.hash, r.hash)})
	}
	return up
}

// Root is the root over all leaves, the same that Root computes from them.
func (t *Tree) Root() [32]byte {
	if t.count == 0 {
		return seal(0, [32]byte{})
	}
	return seal(t.count, t.top(0, t.count))
}

// top is the hash of the n ≥ 1 leaves from start on, a subtree of the tree's shape.
func (t *Tree) top(start, n uint64) [32]byte {
	if n&(n-1) == 0 {
		level := uint8(bits.Len64(n) - 1)
		return t.nodes.Node(level, start>>level)
	}
	k := split(n)
	return node(t.top(start, k), t.top(start+k, n-k))
}

// Prove returns the path of leaf i; it panics if there is no such leaf.
func (t *Tree) Prove(i uint64) Path {
	if i >= t.count {
		panic(fmt.Sprintf("merkle: no leaf %d among %d", i, t.count))
	}
	p := Path{Index: i, Count: t.count}
	for start, n := uint64(0), t.count; n > 1; {
		k := split(n)
		if i < start+k {
			p.Siblings = append(p.Siblings, t.top(start+k, n-k))
			n = k
		} else {
			p.Siblings = append(p.Siblings, t.top(start, k))
			start, n = start+k, n-k
		}
	}
	for l, r := 0, len(p.Siblings)-1; l < r; l, r = l+1, r-1 {
		p.Siblings[l], p.Siblings[r] = p.Siblings[r], p.Siblings[l]
	}
	return p
}

// Memory is Nodes in memory, 64 bytes a leaf. The zero Memory is empty.
type Memory struct{ levels [][][32]byte }

// Node returns a node, or zeros.
func (m *Memory) Node(level uint8, index uint64) [32]byte {
	if int(level) >= len(m.levels) || index >= uint64(len(m.levels[level])) {
		return [32]byte{}
	}
	return m.levels[level][index]
}

// Set keeps a node.
func (m *Memory) Set(level uint8, index uint64, hash [32]byte) {
	for int(level) >= len(m.levels) {
		m.levels = append(m.levels, nil)
	}
	for index >= uint64(len(m.levels[level])) {
		m.levels[level] = append(m.levels[level], [32]byte{})
	}
	m.levels[level][index] = hash
}
