// Package pow is the seal of proof of work: Ethash, revision 23, written from its public
// specification, and the rules of a header sealed with it.
//
// It is pure: a cache or a dataset is a function of the epoch. Whoever wants a dataset quickly
// fills ranges of it on several processors, whoever verifies keeps a few caches in Recent.
package pow

import "fmt"

// The constants of Ethash that are the same on every network.
const (
	wordBytes      = 4
	itemBytes      = 64  // one Keccak-512 output: the unit of cache and dataset
	itemWords      = 16  // itemBytes / wordBytes
	mixBytes       = 128 // what one access reads: two items
	mixWords       = 32
	cacheRounds    = 3
	datasetParents = 256
	accesses       = 64
)

// Sizes say how large cache and dataset are in each epoch. They are fields of the network profile: a
// development network mines with kilobytes, a public one with gigabytes.
type Sizes struct {
	EpochBlocks   uint32 // heights an epoch lasts
	CacheBytes    uint64 // of epoch 0, before it is lowered to a prime number of items
	CacheGrowth   uint64 // more in each epoch
	DatasetBytes  uint64
	DatasetGrowth uint64
	Epochs        uint32 // how many there are; heights beyond have no seal
}

// Public are the sizes of the public Ethash networks.
var Public = Sizes{
	EpochBlocks: 30_000,
	CacheBytes:  1 << 24, CacheGrowth: 1 << 17,
	DatasetBytes: 1 << 30, DatasetGrowth: 1 << 23,
	Epochs: 2048,
}

// Small are sizes for development networks: a dataset of half a mebibyte, ready at once.
var Small = Sizes{
	EpochBlocks: 30_000,
	CacheBytes:  1 << 14, CacheGrowth: 1 << 7,
	DatasetBytes: 1 << 19, DatasetGrowth: 1 << 12,
	Epochs: 2048,
}

// maxDatasetBytes keeps an item's index within 32 bits, as Ethash needs it.
const maxDatasetBytes = uint64(itemBytes) << 31

// Check says why sizes cannot be used. A genesis is outside data: what it asks for is bounded
// here, before anything is allocated.
func (s Sizes) Check() error {
	last := uint64(s.Epochs) - 1
	switch {
	case s.EpochBlocks == 0 || s.Epochs == 0:
		return fmt.Errorf("pow: no epochs")
	case s.Epochs > 1<<16:
		return fmt.Errorf("pow: %d epochs, at most %d", s.Epochs, 1<<16)
	case s.CacheBytes < 4*itemBytes || s.DatasetBytes < 4*mixBytes:
		return fmt.Errorf("pow: cache of %d bytes, dataset of %d: too small", s.CacheBytes, s.DatasetBytes)
	case s.CacheGrowth > maxDatasetBytes || s.DatasetGrowth > maxDatasetBytes,
		s.CacheBytes > maxDatasetBytes || s.DatasetBytes > maxDatasetBytes,
		s.CacheBytes+last*s.CacheGrowth > maxDatasetBytes || s.DatasetBytes+last*s.DatasetGrowth > maxDatasetBytes:
		return fmt.Errorf("pow: the last epoch's sizes are beyond %d bytes", maxDatasetBytes)
	}
	return nil
}

// Epoch is the epoch of a height, whatever sealed the blocks in between.
func (s Sizes) Epoch(height uint32) uint32 { return height / s.EpochBlocks }

// Cache is the size in bytes of an epoch's cache: the linear size, lowered to a prime number of
// items.
func (s Sizes) Cache(epoch uint32) uint64 {
	return primeSize(s.CacheBytes+s.CacheGrowth*uint64(epoch), itemBytes)
}

// Dataset is the size in bytes of an epoch's dataset, a prime number of accesses.
func (s Sizes) Dataset(epoch uint32) uint64 {
	return primeSize(s.DatasetBytes+s.DatasetGrowth*uint64(epoch), mixBytes)
}

// primeSize is the largest odd-prime multiple of unit that is at least one unit below size. As in
// the specification only every second multiple is looked at: sizes are even numbers of units.
func primeSize(size, unit uint64) uint64 {
	n := size/unit - 1
	if n%2 == 0 && n > 2 {
		n--
	}
	for !prime(n) {
		n -= 2
	}
	return n * unit
}

// prime is trial division: numbers here are below 2^31, and it is asked a few times an epoch.
func prime(n uint64) bool {
	if n < 4 {
		return n == 2 || n == 3
	}
	if n%2 == 0 {
		return false
	}
	for d := uint64(3); d*d <= n; d += 2 {
		if n%d == 0 {
			return false
		}
	}
	return true
}
