// Package merkle computes binary Merkle roots and paths with separate labels for leaves,
// inner nodes and the count, so no inner node can be shown as a leaf and no two lists of
// leaves share a root.
package merkle

import (
	"encoding/binary"

	"github.com/asterism-network/asterism/internal/crypto"
)

// MaxDepth bounds a path: no tree has more than 2^MaxDepth leaves.
const MaxDepth = 48

// Root is the root over the leaves. The tree splits at the largest power of two below the
// count; the root also binds the count.
func Root(leaves [][32]byte) [32]byte {
	return seal(uint64(len(leaves)), subtree(leaves))
}

func seal(count uint64, top [32]byte) [32]byte {
	return crypto.SumLabel("asterism merkle root", binary.BigEndian.AppendUint64(nil, count), top[:])
}

func subtree(leaves [][32]byte) [32]byte {
	switch len(leaves) {
	case 0:
		return [32]byte{}
	case 1:
		return crypto.SumLabel("asterism merkle leaf", leaves[0][:])
	}
	k := split(len(leaves))
	return node(subtree(leaves[:k]), subtree(leaves[k:]))
}

func node(l, r [32]byte) [32]byte { return crypto.SumLabel("asterism merkle node", l[:], r[:]) }

// split is the largest power of two below n, for n ≥ 2.
func split(n int) int {
	k := 1
	for 2*k < n {
		k *= 2
	}
	return k
}

// A Path proves that a leaf stands at Index among Count leaves under a root.
type Path struct {
	Index, Count uint64
	Siblings     [][32]byte // from the leaf upwards
}

// Prove returns the path of leaf i; it panics if there is no such leaf.
func Prove(leaves [][32]byte, i int) Path {
	p := Path{Index: uint64(i), Count: uint64(len(leaves))}
	p.Siblings = siblings(leaves, i)
	return p
}

func siblings(leaves [][32]byte, i int) [][32]byte {
	if len(leaves) == 1 {
		return nil
	}
	k := split(len(leaves))
	if i < k {
		return append(siblings(leaves[:k], i), subtree(leaves[k:]))
	}
	return append(siblings(leaves[k:], i-k), subtree(leaves[:k]))
}

// Verify reports whether the path leads from leaf to root.
func (p Path) Verify(root, leaf [32]byte) bool {
	if p.Index >= p.Count || p.Count > 1<<MaxDepth || len(p.Siblings) > MaxDepth {
		return false
	}
	top, ok := p.climb(p.Index, p.Count, p.Siblings, leaf)
	return ok && seal(p.Count, top) == root
}

func (p Path) climb(i, n uint64, sib [][32]byte, leaf [32]byte) ([32]byte, bool) {
	if n == 1 {
		return crypto.SumLabel("asterism merkle leaf", leaf[:]), len(sib) == 0
	}
	if len(sib) == 0 {
		return [32]byte{}, false
	}
	k, last := uint64(split(int(n))), sib[len(sib)-1]
	if i < k {
		below, ok := p.climb(i, k, sib[:len(sib)-1], leaf)
		return node(below, last), ok
	}
	below, ok := p.climb(i-k, n-k, sib[:len(sib)-1], leaf)
	return node(last, below), ok
}
