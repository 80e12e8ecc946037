package pow

import (
	"slices"

	"golang.org/x/crypto/sha3"

	"github.com/holiman/uint256"

	"github.com/asterism-network/asterism/pillars"
)

// Head is what work is done over: everything in the header but nonce and mix hash [PIL-POW-1].
//
// The encoding is the running network's: the fields as RLP one after the other, without a list around
// them, and each 32-byte hash as a list of 32 small integers. An extension root follows in the same form.
func Head(h *pillars.Header) [32]byte {
	b := make([]byte, 0, 320)
	b = appendInteger(b, uint64(h.Version))
	b = appendDigits(b, h.Bits.Bytes())
	b = appendInteger(b, uint64(h.Number))
	b = appendHash(b, h.Merkle)
	b = appendHash(b, h.Previous)
	b = appendInteger(b, uint64(h.Timestamp))
	if h.Extended() {
		b = appendHash(b, h.ExtensionRoot)
	}
	k := sha3.NewLegacyKeccak256()
	k.Write(b)
	return [32]byte(k.Sum(nil))
}

// appendInteger appends an integer in RLP: its big-endian digits without zeros in front.
func appendInteger(to []byte, v uint64) []byte {
	var digits [8]byte
	n := len(digits)
	for ; v > 0; v >>= 8 {
		n--
		digits[n] = byte(v)
	}
	return appendDigits(to, digits[n:])
}

func appendDigits(to, digits []byte) []byte {
	if len(digits) == 1 && digits[0] < 0x80 {
		return append(to, digits[0])
	}
	return append(append(to, 0x80+byte(len(digits))), digits...)
}

// appendHash appends a list of 32 integers of one byte each. It has 32 to 64 bytes of content.
func appendHash[H ~[32]byte](to []byte, hash H) []byte {
	var content [64]byte
	list := content[:0]
	for _, v := range hash {
		list = appendInteger(list, uint64(v))
	}
	if len(list) <= 55 {
		to = append(to, 0xc0+byte(len(list)))
	} else {
		to = append(to, 0xf8, byte(len(list)))
	}
	return append(to, list...)
}

// Target is the largest result that is enough work: floor((2^256-1)/bits) [PIL-POW-4]. A header
// that shows no difficulty has no target: zero.
func Target(bits *uint256.Int) (target uint256.Int) {
	target.SetAllOne()
	target.Div(&target, bits) // by zero is zero
	return target
}

// Work is what a miner is given, in the form of the pool calls: head hash, seed hash and boundary.
type Work struct {
	Head, Seed, Boundary [32]byte
	Epoch                uint32
}

// Prepare says what is to be mined for a header whose every other field is in place.
func Prepare(s Sizes, h *pillars.Header) Work {
	target, epoch := Target(&h.Bits), s.EpochOf(h.Number)
	return Work{Head: Head(h), Seed: Seed(epoch), Boundary: target.Bytes32(), Epoch: epoch}
}

// Search tries nonces from first on and returns the first one that is enough, or false after count. It
// is one goroutine's share: whoever mines calls it in slices, on ranges of its own.
func Search(with Hasher, w Work, first, count uint64) (nonce uint64, mix [32]byte, found bool) {
	for i := range count {
		mix, result := with.Hash(w.Head, first+i)
		if slices.Compare(result[:], w.Boundary[:]) <= 0 {
			return first + i, mix, true
		}
	}
	return 0, [32]byte{}, false
}
