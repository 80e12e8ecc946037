package merkle

import "fmt"

// A Range proves that the leaves from place From on are exactly those that are given, among Count
// under a root: nothing is left out and nothing added. Hashes are those of the subtrees outside,
// from left to right, at most 2·MaxDepth of them whatever the number of leaves.
//
// A Range of no leaves at From proves something too: that the list of From leaves under an older
// root is how this one begins, see Extends.
type Range struct {
	From, Count uint64
	Hashes      [][32]byte
}

// ProveRange proves the leaves from ≤ i < to; it panics if there are no such leaves.
func (t *Tree) ProveRange(from, to uint64) Range {
	if from > to || to > t.count {
		panic(fmt.Sprintf("merkle: no leaves %d to %d among %d", from, to, t.count))
	}
	r := Range{From: from, Count: t.count}
	if t.count > 0 {
		t.outside(&r, to, 0, t.count)
	}
	return r
}

// outside collects the largest subtrees of the n leaves from start that hold nothing of the range.
func (t *Tree) outside(r *Range, to, start, n uint64) {
	switch end := start + n; {
	case end <= r.From || start >= to:
		r.Hashes = append(r.Hashes, t.top(start, n))
	case n > 1:
		k := split(n)
		t.outside(r, to, start, k)
		t.outside(r, to, start+k, n-k)
	}
}

// Verify reports whether exactly these leaves stand from place From on under root; leaves of
// zeros are empty places.
func (r Range) Verify(root [32]byte, leaves [][32]byte) bool {
	n := uint64(len(leaves))
	if r.Count == 0 || r.Count > 1<<MaxDepth || r.From > r.Count || n > r.Count-r.From || len(r.Hashes) > 2*MaxDepth {
		return false
	}
	f := fold{from: r.From, to: r.From + n, leaves: leaves, hashes: r.Hashes, ok: true}
	top := f.top(0, r.Count)
	return f.ok && len(f.hashes) == 0 && seal(r.Count, top) == root
}

// Extends reports whether the From leaves under the old root are the first of the Count leaves
// under the new one. It is for lists that only grow.
func (r Range) Extends(older, newer [32]byte) bool {
	empty := seal(0, [32]byte{})
	switch {
	case r.Count == 0:
		return r.From == 0 && len(r.Hashes) == 0 && older == empty && newer == empty
	case r.From == 0:
		return older == empty && r.Verify(newer, nil)
	case r.From == r.Count:
		return older == newer && r.Verify(newer, nil)
	}
	peaks := Peaks{Count: r.From}
	for n := r.From; n > 0; n &= n - 1 {
		if len(peaks.Hashes) == len(r.Hashes) {
			return false
		}
		peaks.Hashes = r.Hashes[:len(peaks.Hashes)+1]
	}
	return peaks.Root() == older && r.Verify(newer, nil)
}

// A fold computes the top of a tree from the leaves of a range and the hashes around it.
type fold struct {
	from, to uint64
	leaves   [][32]byte
	hashes   [][32]byte // not used yet
	ok       bool
}

func (f *fold) top(start, n uint64) [32]byte {
	switch end := start + n; {
	case end <= f.from || start >= f.to:
		if len(f.hashes) == 0 {
			f.ok = false
			return [32]byte{}
		}
		hash := f.hashes[0]
		f.hashes = f.hashes[1:]
		return hash
	case n == 1:
		return leafHash(f.leaves[start-f.from])
	}
	k := split(n)
	l := f.top(start, k)
	return node(l, f.top(start+k, n-k))
}
