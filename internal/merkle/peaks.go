package merkle

import "math/bits"

// Peaks are the full subtrees of a list, the largest first: all that is needed to append to it
// and to know its root, at 32 bytes for each bit of the count that is set. The zero Peaks are
// those of the empty list.
type Peaks struct {
	Count  uint64
	Hashes [][32]byte
}

// Append adds a leaf. It panics at 2^MaxDepth of them.
func (p *Peaks) Append(leaf [32]byte) {
	if p.Count == 1<<MaxDepth {
		panic("merkle: more leaves than a path can lead to")
	}
	hash := leafHash(leaf)
	for n := p.Count; n&1 == 1; n >>= 1 {
		last := len(p.Hashes) - 1
		hash = node(p.Hashes[last], hash)
		p.Hashes = p.Hashes[:last]
	}
	p.Hashes = append(p.Hashes, hash)
	p.Count++
}

// Valid reports whether there are as many hashes as the count asks for.
func (p *Peaks) Valid() bool {
	return p.Count <= 1<<MaxDepth && len(p.Hashes) == bits.OnesCount64(p.Count)
}

// Root is the root over all leaves that were appended.
func (p *Peaks) Root() [32]byte { return seal(p.Count, bag(p.Hashes)) }

// bag joins peaks from the smallest upwards.
func bag(peaks [][32]byte) (top [32]byte) {
	if len(peaks) == 0 {
		return top
	}
	top = peaks[len(peaks)-1]
	for i := len(peaks) - 2; i >= 0; i-- {
		top = node(peaks[i], top)
	}
	return top
}

// Peaks returns the peaks of the tree.
func (t *Tree) Peaks() Peaks {
	p := Peaks{Count: t.count}
	for start, n := uint64(0), t.count; n > 0; {
		k := uint64(1) << (bits.Len64(n) - 1)
		p.Hashes = append(p.Hashes, t.top(start, k))
		start, n = start+k, n-k
	}
	return p
}
