// Package pow is the seal of proof of work: Ethash, revision 23, written from its public
// specification, and the rules of a header sealed with it.
//
// It is pure: a cache or a dataset is a function of the epoch. Whoever wants a dataset quickly
// fills ranges of it on several processors, whoever verifies keeps a few caches in Recent.
package pow

import (
	"errors"
	"fmt"
	"math/bits"

	"github.com/asterism-network/asterism/pillars"
)

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

// Sizes say how large cache and dataset are in each epoch: a development network mines with
// kilobytes, a public one with gigabytes.
type Sizes pillars.EthashParams

// maxDatasetBytes keeps an item's index within 32 bits, as Ethash needs it.
const maxDatasetBytes = uint64(itemBytes) << 31

// Check says why sizes cannot be used. A genesis is outside data: what it asks for is bounded
// here, before anything is allocated.
func (s Sizes) Check() error {
	switch {
	case s.Epoch == 0:
		return errors.New("ethash: an epoch has no blocks")
	case s.CacheInit < 4*itemBytes || s.DatasetInit < 4*mixBytes:
		return fmt.Errorf("ethash: cache of %d bytes, dataset of %d: too small", s.CacheInit, s.DatasetInit)
	case !s.fits(0):
		return fmt.Errorf("ethash: cache of %d bytes, dataset of %d: above %d", s.CacheInit, s.DatasetInit, maxDatasetBytes)
	}
	return nil
}

// fits reports whether the tables of an epoch are within what 32-bit indexes reach. On the public
// profile that is so for some 16,000 epochs, four centuries.
func (s Sizes) fits(epoch uint32) bool {
	return linearFits(s.CacheInit, s.CacheGrowth, epoch) && linearFits(s.DatasetInit, s.DatasetGrowth, epoch)
}

func linearFits(initial, growth uint64, epoch uint32) bool {
	over, grown := bits.Mul64(growth, uint64(epoch))
	sum, carry := bits.Add64(initial, grown, 0)
	return over == 0 && carry == 0 && sum <= maxDatasetBytes
}

// EpochOf is the epoch of a height, whatever sealed the blocks in between.
func (s Sizes) EpochOf(height uint32) uint32 { return height / s.Epoch }

// Cache is the size in bytes of an epoch's cache: the linear size, lowered to a prime number of
// items [PIL-POW-2].
func (s Sizes) Cache(epoch uint32) uint64 {
	return primeSize(s.CacheInit+s.CacheGrowth*uint64(epoch), itemBytes)
}

// Dataset is the size in bytes of an epoch's dataset, a prime number of accesses [PIL-POW-2].
func (s Sizes) Dataset(epoch uint32) uint64 {
	return primeSize(s.DatasetInit+s.DatasetGrowth*uint64(epoch), mixBytes)
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
