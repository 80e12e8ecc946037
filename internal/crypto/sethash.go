package crypto

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"

	"lukechampine.com/blake3/guts"
)

// SetHashSize is the size of a SetHash's state in bytes.
const SetHashSize = 2048

// A SetHash is the hash of a set that elements are added to and removed from in any order, at a
// cost that does not depend on the set's size: LtHash with 1024 lanes of 16 bits, little-endian,
// each the sum modulo 2^16 of the elements' lanes. The lanes of an element are 2048 bytes of
// BLAKE3 output over its SHA-256: machines have instructions for that one, and one block is left
// for the other. Finding two sets with one hash is a hard lattice problem (200 bits or more), or a
// collision of SHA-256 (128 bits, as of every hash here).
//
// It is a multiset: adding twice differs from adding once. Whoever removes what is not in the
// set, or adds what is, has a hash of nothing; callers keep count. The zero value is the empty
// set, and the bytes are its whole state.
type SetHash [SetHashSize]byte

// Add puts an element, which must be encoded so that no two kinds of elements are confused.
func (h *SetHash) Add(element []byte) {
	var lanes SetHash
	lanes.expand(element)
	h.Merge(&lanes)
}

// Remove takes an element out.
func (h *SetHash) Remove(element []byte) {
	var lanes SetHash
	lanes.expand(element)
	for i := 0; i < SetHashSize; i += 16 {
		a, b := (*[16]byte)(h[i:]), (*[16]byte)(lanes[i:])
		x, y := subLanes(word(a[:8]), word(b[:8])), subLanes(word(a[8:]), word(b[8:]))
		binary.LittleEndian.PutUint64(a[:8], x)
		binary.LittleEndian.PutUint64(a[8:], y)
	}
}

// Merge adds every element of other, as if each had been added to h.
func (h *SetHash) Merge(other *SetHash) {
	for i := 0; i < SetHashSize; i += 32 {
		a, b := (*[32]byte)(h[i:]), (*[32]byte)(other[i:])
		x, y := addLanes(word(a[:8]), word(b[:8])), addLanes(word(a[8:16]), word(b[8:16]))
		u, v := addLanes(word(a[16:24]), word(b[16:24])), addLanes(word(a[24:]), word(b[24:]))
		binary.LittleEndian.PutUint64(a[:8], x)
		binary.LittleEndian.PutUint64(a[8:], y)
		binary.LittleEndian.PutUint64(a[16:], u)
		binary.LittleEndian.PutUint64(a[24:], v)
	}
}

func word(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

// Sum is the 32-byte hash of the set.
func (h *SetHash) Sum() [HashSize]byte { return SumLabel("asterism set", h[:]) }

// AppendBinary appends the state.
func (h *SetHash) AppendBinary(b []byte) ([]byte, error) { return append(b, h[:]...), nil }

const elementLabel = "asterism set element"

// expand makes the lanes of an element: the first 2048 bytes of BLAKE3 over the label's length,
// the label and the element's SHA-256. That fits into one block, so all of them are compressions
// of it under successive counters, and sixteen (eight, without AVX-512) are done at once.
func (h *SetHash) expand(element []byte) {
	const prefix = 1 + len(elementLabel)
	var input [prefix + sha256.Size]byte
	input[0] = byte(len(elementLabel))
	copy(input[1:], elementLabel)
	sum := sha256.Sum256(element)
	copy(input[prefix:], sum[:])
	block := guts.CompressChunk(input[:], &guts.IV, 0, 0)
	block.Flags |= guts.FlagRoot
	for i := 0; i < SetHashSize; i += outputStep {
		guts.CompressBlocks((*[outputStep]byte)(h[i:]), block)
		block.Counter += guts.MaxSIMD
	}
	clearUpper(h)
}

// clearUpper leaves the vector registers as other code expects them. The library's AVX-512 code
// does not (v1.4.1 ends without VZEROUPPER), and until some other code does, every instruction of
// the older kind takes fifty times as long: a SHA-256 of 48 bytes 5 µs. Comparing more than 64
// bytes is the standard library's shortest way there.
func clearUpper(h *SetHash) bool { return bytes.Equal(h[:96], zeros[:]) }

var zeros [96]byte

// outputStep is how many bytes of output one call makes.
const outputStep = guts.MaxSIMD * guts.BlockSize

// Four 16-bit lanes are added in one word. Their top bits are kept out, so that no carry or borrow
// crosses from lane to lane, and put right by what addition is in one bit: exclusive or.
const topBits = 0x8000800080008000

func addLanes(a, b uint64) uint64 { return (a&^topBits + b&^topBits) ^ (a^b)&topBits }

func subLanes(a, b uint64) uint64 { return (a | topBits - b&^topBits) ^ (a^^b)&topBits }
