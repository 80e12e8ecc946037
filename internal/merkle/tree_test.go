package merkle

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/asterism-network/asterism/internal/cputime"
	"github.com/asterism-network/asterism/internal/crypto"
)

// TestTreeGrowsAndEmpties makes random batches of changes and compares with the list of leaves
// itself: root, peaks and every path, of full and of empty places.
func TestTreeGrowsAndEmpties(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for run := range 20 {
		var all [][32]byte
		var memory Memory
		tree := NewTree(0, &memory)
		for len(all) < 150 {
			appended := leaves(random.IntN(30))
			for i := range appended {
				if random.IntN(5) == 0 {
					appended[i] = [32]byte{}
				}
			}
			all = append(all, appended...)
			var cleared []uint64
			for i := range all {
				if random.IntN(6+run) == 0 {
					cleared = append(cleared, uint64(i))
					all[i] = [32]byte{}
				}
			}
			tree.Update(appended, cleared)
			tree = NewTree(tree.Count(), &memory) // the nodes are its whole state
			checkTree(t, tree, all)
		}
		every := make([]uint64, len(all))
		for i := range all {
			every[i], all[i] = uint64(i), [32]byte{}
		}
		tree.Update(nil, every)
		checkTree(t, tree, all)
		for height := range memory.levels {
			for i, hash := range memory.levels[height] {
				if hash != [32]byte{} {
					t.Fatalf("node %d of level %d is kept for empty places", i, height)
				}
			}
		}
	}
}

func checkTree(t *testing.T, tree *Tree, all [][32]byte) {
	t.Helper()
	root := Root(all)
	if peaks := tree.Peaks(); tree.Root() != root || !peaks.Valid() || peaks.Root() != root {
		t.Fatalf("%d leaves: root of tree or peaks differs", len(all))
	}
	for i := range all {
		if p := tree.Prove(uint64(i)); !p.Verify(root, all[i]) || !slices.Equal(p.Siblings, Prove(all, i).Siblings) {
			t.Fatalf("leaf %d of %d is not proved", i, len(all))
		}
	}
}

func TestPeaks(t *testing.T) {
	var peaks Peaks
	all := leaves(300)
	for n := range all {
		if !peaks.Valid() || peaks.Root() != Root(all[:n]) {
			t.Fatalf("%d leaves: root differs", n)
		}
		peaks.Append(all[n])
	}
	peaks.Count++
	if peaks.Valid() {
		t.Error("one peak for two bits is valid")
	}
}

// TestEveryRange proves every range of small trees, and shows that no part of a proof can change.
func TestEveryRange(t *testing.T) {
	for n := 1; n <= 21; n++ {
		all := leaves(n)
		for i := 2; i < n; i += 5 {
			all[i] = [32]byte{}
		}
		tree := NewTree(0, new(Memory))
		tree.Update(all, nil)
		root := tree.Root()
		for from := range n + 1 {
			for to := from; to <= n; to++ {
				r := tree.ProveRange(uint64(from), uint64(to))
				if !r.Verify(root, all[from:to]) {
					t.Fatalf("%d to %d of %d are not proved", from, to, n)
				}
				checkRange(t, r, root, all[from:to])
			}
		}
	}
}

func checkRange(t *testing.T, good Range, root [32]byte, part [][32]byte) {
	t.Helper()
	refuse := func(name string, r Range, part [][32]byte) {
		if r.Verify(root, part) {
			t.Errorf("%d leaves from %d of %d: %s: still proved", len(part), good.From, good.Count, name)
		}
	}
	refuse("count more", Range{good.From, good.Count + 1, good.Hashes}, part)
	refuse("count less", Range{good.From, good.Count - 1, good.Hashes}, part)
	refuse("huge count", Range{good.From, 1 << 63, good.Hashes}, part)
	refuse("a hash more", Range{good.From, good.Count, append(slices.Clone(good.Hashes), [32]byte{})}, part)
	refuse("a leaf more", good, append(slices.Clone(part), [32]byte{}))
	if len(part) == 0 {
		return // proves nothing of single leaves: its place may be told in several ways
	}
	refuse("place more", Range{good.From + 1, good.Count, good.Hashes}, part)
	refuse("place less", Range{good.From - 1, good.Count, good.Hashes}, part)
	refuse("a leaf less", good, part[1:])
	refuse("another leaf less", good, part[:len(part)-1])
	for i := range part {
		changed := slices.Clone(part)
		changed[i][9] ^= 1
		refuse("a leaf changed", good, changed)
		changed[i] = [32]byte{}
		if part[i] != changed[i] {
			refuse("a leaf left out", good, changed)
		}
	}
	for i := range good.Hashes {
		changed := slices.Clone(good.Hashes)
		changed[i][9] ^= 1
		refuse("a hash changed", Range{good.From, good.Count, changed}, part)
		refuse("a hash less", Range{good.From, good.Count, slices.Delete(slices.Clone(good.Hashes), i, i+1)}, part)
	}
}

// TestExtends shows for all small sizes that a list is the beginning of a longer one, and that
// nothing is shown when a leaf of it has changed.
func TestExtends(t *testing.T) {
	all := leaves(40)
	for n := range len(all) + 1 {
		tree := NewTree(0, new(Memory))
		tree.Update(all[:n], nil)
		for m := range n + 1 {
			r := tree.ProveRange(uint64(m), uint64(m))
			if !r.Extends(Root(all[:m]), tree.Root()) {
				t.Fatalf("%d leaves are not the first of %d", m, n)
			}
			if m == 0 {
				continue
			}
			other := slices.Clone(all[:m])
			other[m/2][0] ^= 1
			if r.Extends(Root(other), tree.Root()) {
				t.Errorf("%d other leaves are the first of %d", m, n)
			}
			if r.From--; r.Extends(Root(all[:m]), tree.Root()) {
				t.Errorf("%d leaves are %d of %d", m, m-1, n)
			}
		}
		if none := (Range{}); n > 0 && (none.Extends(Root(nil), tree.Root()) || none.Extends(tree.Root(), tree.Root())) {
			t.Errorf("a proof of nothing leads to %d leaves", n)
		}
	}
}

// TestHashing holds the fast forms to the definition.
func TestHashing(t *testing.T) {
	a, b := crypto.Sum([]byte("a")), crypto.Sum([]byte("b"))
	if leafHash(a) != crypto.SumLabel(leafLabel, a[:]) || node(a, b) != crypto.SumLabel(nodeLabel, a[:], b[:]) {
		t.Error("leaf or node is not hashed as defined")
	}
	empty := [32]byte{}
	if leafHash(empty) != empty || node(empty, empty) != empty || node(a, empty) == empty || node(empty, a) == node(a, empty) {
		t.Error("what is empty is not zeros, or something is that is not")
	}
}

func TestMisuse(t *testing.T) {
	for name, misuse := range map[string]func(t *Tree){
		"no such leaf":   func(t *Tree) { t.Prove(3) },
		"no such leaves": func(t *Tree) { t.ProveRange(2, 4) },
		"cleared twice":  func(t *Tree) { t.Update(nil, []uint64{1, 1}) },
		"out of order":   func(t *Tree) { t.Update(nil, []uint64{1, 0}) },
		"out of range":   func(t *Tree) { t.Update(leaves(1), []uint64{4}) },
	} {
		tree := NewTree(0, new(Memory))
		tree.Update(leaves(3), nil)
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			misuse(tree)
		}()
	}
}

func FuzzVerifyRange(f *testing.F) {
	all := leaves(11)
	tree := NewTree(0, new(Memory))
	tree.Update(all, nil)
	root := tree.Root()
	r := tree.ProveRange(3, 6)
	var flat []byte
	for _, s := range r.Hashes {
		flat = append(flat, s[:]...)
	}
	f.Add(r.From, r.Count, flat)
	f.Add(uint64(0), uint64(1)<<48, []byte{})
	f.Fuzz(func(t *testing.T, from, count uint64, flat []byte) {
		p := Range{From: from, Count: count}
		for ; len(flat) >= 32; flat = flat[32:] {
			p.Hashes = append(p.Hashes, [32]byte(flat))
		}
		if p.Verify(root, all[3:6]) && (from != 3 || count != 11) {
			t.Errorf("leaves 3 to 6 of 11 are proved at %d of %d", from, count)
		}
		p.Extends(root, root)
	})
}

// The benchmarks change a tree of a million leaves in batches of 10,000, as between checkpoints.
const benchLeaves, benchBatch = 1_000_000, 10_000

func bigTree() *Tree {
	tree := NewTree(0, new(Memory))
	all := make([][32]byte, benchLeaves)
	for i := range all {
		all[i] = [32]byte{1, byte(i), byte(i >> 8), byte(i >> 16)}
	}
	tree.Update(all, nil)
	return tree
}

// cpu reports the processor's time for each of n things: on a machine that does other things too,
// the clock on the wall tells little.
func cpu(b *testing.B, used time.Duration, n int, unit string) {
	b.ReportMetric(float64(used.Nanoseconds())/float64(b.N)/float64(n), unit)
}

func BenchmarkAppend(b *testing.B) {
	tree, batch := bigTree(), leaves(benchBatch)
	used := cputime.Process()
	for b.Loop() {
		tree.Update(batch, nil)
	}
	cpu(b, cputime.Process()-used, benchBatch, "cpu-ns/leaf")
}

func BenchmarkClear(b *testing.B) {
	tree, batches := bigTree(), placesToClear(100)
	used, i := cputime.Process(), 0
	for b.Loop() {
		tree.Update(nil, batches[i%len(batches)])
		i++
	}
	cpu(b, cputime.Process()-used, benchBatch, "cpu-ns/leaf")
}

func placesToClear(batches int) [][]uint64 {
	random := rand.New(rand.NewPCG(1, 2))
	all := make([][]uint64, batches)
	for i := range all {
		for range benchBatch {
			all[i] = append(all[i], random.Uint64N(benchLeaves))
		}
		slices.Sort(all[i])
		all[i] = slices.Compact(all[i])
	}
	return all
}

// BenchmarkBatch is what payments do between two checkpoints: as many outputs made as spent.
func BenchmarkBatch(b *testing.B) {
	tree, batch, batches := bigTree(), leaves(benchBatch), placesToClear(50)
	used, i := cputime.Process(), 0
	for b.Loop() {
		tree.Update(batch, batches[i%len(batches)])
		i++
	}
	cpu(b, cputime.Process()-used, 2*benchBatch, "cpu-ns/change")
}

func BenchmarkVerifyPath(b *testing.B) {
	tree := bigTree()
	root, leaf, p := tree.Root(), [32]byte{1, 64, 226, 1}, tree.Prove(123456)
	used := cputime.Process()
	for b.Loop() {
		if !p.Verify(root, leaf) {
			b.Fatal("not proved")
		}
	}
	cpu(b, cputime.Process()-used, 1, "cpu-ns/path")
}
