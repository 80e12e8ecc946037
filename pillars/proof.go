package pillars

import (
	"slices"

	"github.com/asterism-network/asterism/internal/codec"
)

// maxProofDepth bounds the tree that a proof may be of: more levels than any block has.
const maxProofDepth = 24

// A MerkleProof shows that a leaf stands at a place of a block's tree [PIL-BLK-4].
type MerkleProof struct {
	Index    uint32 // of the leaf
	Count    uint32 // of all leaves
	Siblings []Hash // from the leaf up; none where the tree repeats a node
}

// ProveLeaf returns the proof for one of the leaves; the place must exist.
func ProveLeaf(leaves []Hash, index int) MerkleProof {
	p := MerkleProof{Index: uint32(index), Count: uint32(len(leaves))}
	level := slices.Clone(leaves)
	for ; len(level) > 1; index /= 2 {
		if sibling := index ^ 1; sibling < len(level) {
			p.Siblings = append(p.Siblings, level[sibling])
		}
		level = merkleLevel(level)
	}
	return p
}

// Root returns the root that the proof leads to from a leaf; ok is false if it is no proof of a
// tree with that many leaves. It proves the place; the count only says where the tree repeats a
// node, and a larger tree can have the same shape there.
func (p *MerkleProof) Root(leaf Hash) (root Hash, ok bool) {
	if p.Index >= p.Count || p.Count > 1<<maxProofDepth {
		return root, false
	}
	index, width, rest := p.Index, p.Count, p.Siblings
	for ; width > 1; index, width = index/2, (width+1)/2 {
		sibling := leaf // repeated
		if index^1 < width {
			if len(rest) == 0 {
				return root, false
			}
			sibling, rest = rest[0], rest[1:]
			if sibling == leaf {
				return root, false // a repetition that is none: the leaf stands elsewhere
			}
		}
		if index%2 == 0 {
			leaf = merkleNode(leaf, sibling)
		} else {
			leaf = merkleNode(sibling, leaf)
		}
	}
	return leaf, len(rest) == 0
}

// AppendBinary appends index, count, and the counted siblings.
func (p *MerkleProof) AppendBinary(b []byte) []byte {
	b = appendCount(appendU32(appendU32(b, p.Index), p.Count), len(p.Siblings))
	for _, s := range p.Siblings {
		b = append(b, s[:]...)
	}
	return b
}

// UnmarshalBinary reads exactly one proof.
func (p *MerkleProof) UnmarshalBinary(b []byte) error {
	r := codec.NewReader(b)
	*p = MerkleProof{Index: readU32(r, "index"), Count: readU32(r, "count")}
	p.Siblings = make([]Hash, readCount(r, maxProofDepth, 32, "siblings"))
	for i := range p.Siblings {
		r.Fixed(p.Siblings[i][:], "sibling")
	}
	return r.Done()
}
