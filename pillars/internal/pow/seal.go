package pow

import (
	"github.com/holiman/uint256"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
)

// A View is where verification finds caches. Making one takes long: an implementation that serves
// several goroutines makes each only once and holds few.
type View interface {
	Sizes() Sizes
	Cache(epoch uint32) *Cache
}

// Verify says whether a header's nonce and mix hash are enough work for the difficulty that it shows
// [PIL-POW-4]. That it shows the right one is Branch.Check's, and must have been asked before: it
// bounds how much memory and time a header can ask for, since its height then is one above its parent's.
func Verify(h *pillars.Header, v View) error {
	sizes := v.Sizes()
	epoch := sizes.EpochOf(h.Number)
	if !sizes.fits(epoch) {
		return consensus.Reject(consensus.UnknownEpoch, "%d", epoch)
	}
	mix, result := v.Cache(epoch).Hash(Head(h), h.Nonce)
	if mix != h.MixHash {
		return consensus.Reject(consensus.WrongMix, "%x at %d, computed %x", h.MixHash, h.Number, mix)
	}
	return Enough(h, result)
}

// Enough says whether a result reaches the difficulty that a header shows.
func Enough(h *pillars.Header, result [32]byte) error {
	var got uint256.Int
	got.SetBytes32(result[:])
	if target := Target(&h.Bits); h.Bits.IsZero() || got.Gt(&target) {
		return consensus.Reject(consensus.WorkTooLittle, "%x at %d for difficulty %s", result, h.Number, h.Bits.Dec())
	}
	return nil
}
