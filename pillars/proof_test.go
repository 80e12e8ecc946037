package pillars

import (
	"bytes"
	"testing"
)

// TestMerkleProofs proves every place of trees of many sizes, and no other place [PIL-BLK-4].
func TestMerkleProofs(t *testing.T) {
	var leaves []Hash
	for n := 1; n <= 33; n++ {
		leaves = append(leaves, DoubleSHA256([]byte{byte(n)}))
		root := MerkleRoot(leaves)
		for i, leaf := range leaves {
			p := ProveLeaf(leaves, i)
			if got, ok := p.Root(leaf); !ok || got != root {
				t.Fatalf("%d of %d: %s, %v", i, n, got, ok)
			}
			for name, broken := range map[string]MerkleProof{
				"next place": {p.Index + 1, p.Count, p.Siblings},
				"no count":   {p.Index, 0, p.Siblings},
				"one more":   {p.Index, p.Count, append(p.Siblings[:len(p.Siblings):len(p.Siblings)], Hash{1})},
			} {
				if got, ok := broken.Root(leaf); ok && got == root {
					t.Errorf("%d of %d, %s: leads to the root too", i, n, name)
				}
			}
			if len(p.Siblings) > 0 {
				p.Siblings = p.Siblings[1:]
				if got, ok := p.Root(leaf); ok && got == root {
					t.Errorf("%d of %d: one less leads to the root too", i, n)
				}
			}
			if got, ok := p.Root(Hash{9}); ok && got == root {
				t.Errorf("%d of %d: another leaf", i, n)
			}
		}
	}
	// The last leaf of three stands at the fourth place too, by the tree's repetition: no proof of four.
	p := ProveLeaf(append(leaves[:3:3], leaves[2]), 3)
	if _, ok := p.Root(leaves[2]); ok {
		t.Error("a repeated leaf has a place of its own")
	}
}

func FuzzMerkleProof(f *testing.F) {
	leaves := []Hash{{1}, {2}, {3}, {4}, {5}}
	for i := range leaves {
		p := ProveLeaf(leaves, i)
		f.Add(p.AppendBinary(nil))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var p MerkleProof
		if p.UnmarshalBinary(raw) != nil {
			return
		}
		if !bytes.Equal(p.AppendBinary(nil), raw) {
			t.Fatal("encodes otherwise")
		}
		p.Root(Hash{1})
	})
}
