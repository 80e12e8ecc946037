package kv

import (
	"math/bits"
	"sync/atomic"
)

// A filter knows which keys there cannot be: it says no to a key only if nobody ever added it.
// Most questions of a ledger are for what must not be there yet; a question to
// the engine for what is not there costs a look into every table that might have it, the filter
// one line of memory. It is derived from the keys and never written to disk.
//
// A key sets four bits of one block of 256. Anyone may add and ask at any time.
type filter struct {
	words []atomic.Uint64
	keys  atomic.Int64 // added; one that is added again counts again
}

const (
	blockWords    = 4
	bitsPerKey    = 10 // 2 % of the keys that are not there look as if they were
	mostBytes     = 128 << 20
	growthFactor  = 4
	bytesPerEntry = 64 // about what a filtered key takes on disk with what belongs to it; a wrong guess costs one more filling
)

// newFilter makes a filter with room for so many keys, of at least so many bytes; above mostBytes it has less.
func newFilter(keys uint64, least int) *filter {
	size := min(max(keys*bitsPerKey/8, uint64(least), 8*blockWords), mostBytes)
	return &filter{words: make([]atomic.Uint64, size/(8*blockWords)*blockWords)}
}

// room is how many keys the filter is made for.
func (f *filter) room() int64 { return int64(len(f.words)) * 64 / bitsPerKey }

// full reports whether a larger one would be better.
func (f *filter) full() bool {
	return f.keys.Load() > f.room() && 8*len(f.words) < mostBytes/8*7
}

// block returns where a hash's bits are, and which.
func (f *filter) block(hash uint64) (words []atomic.Uint64, mask [blockWords]uint64) {
	i, _ := bits.Mul64(hash, uint64(len(f.words)/blockWords))
	h := hash * 0x9e3779b97f4a7c15 // the high bits chose the block
	for j := range mask {
		mask[j] = 1 << (h >> (64 - 6*(j+1)) & 63)
	}
	return f.words[blockWords*i : blockWords*i+blockWords], mask
}

func (f *filter) add(hash uint64) {
	words, mask := f.block(hash)
	for j := range mask {
		if words[j].Load()&mask[j] == 0 {
			words[j].Or(mask[j])
		}
	}
	f.keys.Add(1)
}

// touch reads a word of a hash's block.
func (f *filter) touch(hash uint64) uint64 {
	i, _ := bits.Mul64(hash, uint64(len(f.words)/blockWords))
	return f.words[blockWords*i].Load()
}

// mayHave is false only for what was not added.
func (f *filter) mayHave(hash uint64) bool {
	words, mask := f.block(hash)
	return words[0].Load()&mask[0] != 0 && words[1].Load()&mask[1] != 0 &&
		words[2].Load()&mask[2] != 0 && words[3].Load()&mask[3] != 0
}
