package merkle

import (
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
)

func leaves(n int) [][32]byte {
	all := make([][32]byte, n)
	for i := range all {
		all[i] = crypto.Sum([]byte{byte(i), byte(i >> 8)})
	}
	return all
}

func TestEveryLeafOfEveryTree(t *testing.T) {
	for n := 1; n <= 40; n++ {
		all := leaves(n)
		root := Root(all)
		for i := range all {
			p := Prove(all, i)
			if !p.Verify(root, all[i]) {
				t.Errorf("leaf %d of %d is not proved", i, n)
			}
			checkPath(t, p, root, all[i])
			for j := range all {
				if j != i && p.Verify(root, all[j]) {
					t.Errorf("leaf %d of %d is proved at %d", j, n, i)
				}
			}
		}
	}
}

// checkPath changes each part of a good path.
func checkPath(t *testing.T, good Path, root, leaf [32]byte) {
	t.Helper()
	bad := map[string]Path{
		"count more":   {good.Index, good.Count + 1, good.Siblings},
		"count less":   {good.Index, good.Count - 1, good.Siblings},
		"index at end": {good.Count, good.Count, good.Siblings},
		"huge count":   {good.Index, 1 << 63, good.Siblings},
		"longer":       {good.Index, good.Count, append(append([][32]byte(nil), good.Siblings...), leaf)},
	}
	if good.Count > 1 {
		bad["index"] = Path{good.Index ^ 1, good.Count, good.Siblings}
		bad["shorter"] = Path{good.Index, good.Count, good.Siblings[1:]}
		for i := range good.Siblings {
			changed := append([][32]byte(nil), good.Siblings...)
			changed[i][7] ^= 1
			bad["sibling"] = Path{good.Index, good.Count, changed}
		}
	}
	for name, p := range bad {
		if p.Verify(root, leaf) {
			t.Errorf("leaf %d of %d: %s: still proved", good.Index, good.Count, name)
		}
	}
}

// TestRootsDiffer checks that the count is bound and that a node is no leaf.
func TestRootsDiffer(t *testing.T) {
	seen := map[[32]byte]int{}
	for n := range 70 {
		r := Root(leaves(n))
		if other, taken := seen[r]; taken {
			t.Errorf("%d and %d leaves have one root", n, other)
		}
		seen[r] = n
	}
	all := leaves(4)
	inner := [][32]byte{subtree(all[:2]), subtree(all[2:])}
	if Root(inner) == Root(all) || seal(4, subtree(inner)) == Root(all) {
		t.Error("two inner nodes pass as leaves")
	}
	all[0], all[1] = all[1], all[0]
	if Root(all) == Root(leaves(4)) {
		t.Error("the order of leaves does not count")
	}
}

func FuzzVerify(f *testing.F) {
	all := leaves(5)
	p := Prove(all, 3)
	var flat []byte
	for _, s := range p.Siblings {
		flat = append(flat, s[:]...)
	}
	f.Add(p.Index, p.Count, flat)
	f.Add(uint64(0), uint64(1)<<48, []byte{})
	root := Root(all)
	f.Fuzz(func(t *testing.T, index, count uint64, flat []byte) {
		p := Path{Index: index, Count: count}
		for ; len(flat) >= 32; flat = flat[32:] {
			p.Siblings = append(p.Siblings, [32]byte(flat))
		}
		if p.Verify(root, all[3]) && (index != 3 || count != 5) {
			t.Errorf("leaf 3 of 5 is proved as %d of %d", index, count)
		}
	})
}
