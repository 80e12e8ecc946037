// Package merkle computes binary Merkle roots and proofs with separate labels for leaves,
// inner nodes and the count, so no inner node can be shown as a leaf and no two lists of
// leaves share a root.
//
// All trees have one shape: n leaves split at the largest power of two below n. So the full
// subtrees of a list stay as they are when it grows (a Merkle mountain range), and one rule
// verifies them all. A leaf of 32 zero bytes is an empty place: its hash, and that of a node of
// two empty children, is 32 zero bytes, so what is empty costs neither hashing nor storage. [MRK]
package merkle

import (
	"encoding/binary"
	"math/bits"

	"github.com/asterism-network/asterism/internal/crypto"
)

// MaxDepth bounds a path: no tree has more than 2^MaxDepth leaves.
const MaxDepth = 48

// Root is the root over the leaves. The tree splits at the largest power of two below the
// count; the root also binds the count.
func Root(leaves [][32]byte) [32]byte {
	return seal(uint64(len(leaves)), subtree(leaves))
}

const (
	leafLabel = "asterism merkle leaf"
	nodeLabel = "asterism merkle node"
)

func seal(count uint64, top [32]byte) [32]byte {
	return crypto.SumLabel("asterism merkle root", binary.BigEndian.AppendUint64(nil, count), top[:])
}

// leafHash and node are SumLabel written out for inputs of one size, at half its cost.
func leafHash(leaf [32]byte) [32]byte {
	if leaf == [32]byte{} {
		return leaf
	}
	var b [1 + len(leafLabel) + 32]byte
	b[0] = byte(len(leafLabel))
	copy(b[1:], leafLabel)
	copy(b[1+len(leafLabel):], leaf[:])
	return crypto.Sum(b[:])
}

// Join is the hash of the inner node above two others, for whoever keeps only some levels of a Tree.
func Join(l, r [32]byte) [32]byte { return node(l, r) }

func node(l, r [32]byte) [32]byte {
	if l == [32]byte{} && r == l {
		return l
	}
	var b [1 + len(nodeLabel) + 64]byte
	b[0] = byte(len(nodeLabel))
	copy(b[1:], nodeLabel)
	copy(b[1+len(nodeLabel):], l[:])
	copy(b[1+len(nodeLabel)+32:], r[:])
	return crypto.Sum(b[:])
}

func subtree(leaves [][32]byte) [32]byte {
	switch len(leaves) {
	case 0:
		return [32]byte{}
	case 1:
		return leafHash(leaves[0])
	}
	k := split(uint64(len(leaves)))
	return node(subtree(leaves[:k]), subtree(leaves[k:]))
}

// split is the largest power of two below n, for n ≥ 2.
func split(n uint64) uint64 { return 1 << (bits.Len64(n-1) - 1) }

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
	k := int(split(uint64(len(leaves))))
	if i < k {
		return append(siblings(leaves[:k], i), subtree(leaves[k:]))
	}
	return append(siblings(leaves[k:], i-k), subtree(leaves[:k]))
}

// Verify reports whether the path leads from leaf to root. With a leaf of zeros it proves that
// the place is empty.
func (p Path) Verify(root, leaf [32]byte) bool {
	if p.Index >= p.Count || p.Count > 1<<MaxDepth || len(p.Siblings) > MaxDepth {
		return false
	}
	top, ok := climb(p.Index, p.Count, p.Siblings, leaf)
	return ok && seal(p.Count, top) == root
}

func climb(i, n uint64, sib [][32]byte, leaf [32]byte) ([32]byte, bool) {
	if n == 1 {
		return leafHash(leaf), len(sib) == 0
	}
	if len(sib) == 0 {
		return [32]byte{}, false
	}
	k, last := split(n), sib[len(sib)-1]
	if i < k {
		below, ok := climb(i, k, sib[:len(sib)-1], leaf)
		return node(below, last), ok
	}
	below, ok := climb(i-k, n-k, sib[:len(sib)-1], leaf)
	return node(last, below), ok
}
