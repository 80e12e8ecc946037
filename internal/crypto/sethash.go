package crypto

import (
	"encoding/binary"

	"github.com/zeebo/blake3"
)

// SetHashSize is the size of a SetHash's state in bytes.
const SetHashSize = 2048

// A SetHash is the hash of a set that elements are added to and removed from in any order, at a
// cost that does not depend on the set's size: LtHash with 1024 lanes of 16 bits, little-endian,
// each the sum modulo 2^16 of the elements' lanes. The lanes of an element are 2048 bytes of
// BLAKE3 output. Finding two sets with one hash is a hard lattice problem (200 bits or more).
//
// It is a multiset: adding twice differs from adding once. Whoever removes what is not in the
// set, or adds what is, has a hash of nothing; callers keep count. The zero value is the empty
// set, and the bytes are its whole state.
type SetHash [SetHashSize]byte

// Add puts an element, which must be encoded so that no two kinds of elements are confused.
func (h *SetHash) Add(element []byte) {
	var lanes SetHash
	lanes.expand(element)
	for i := 0; i < SetHashSize; i += 8 {
		h.put(i, addLanes(h.at(i), lanes.at(i)))
	}
}

// Remove takes an element out.
func (h *SetHash) Remove(element []byte) {
	var lanes SetHash
	lanes.expand(element)
	for i := 0; i < SetHashSize; i += 8 {
		h.put(i, subLanes(h.at(i), lanes.at(i)))
	}
}

// Merge adds every element of other, as if each had been added to h.
func (h *SetHash) Merge(other *SetHash) {
	for i := 0; i < SetHashSize; i += 8 {
		h.put(i, addLanes(h.at(i), other.at(i)))
	}
}

// Sum is the 32-byte hash of the set.
func (h *SetHash) Sum() [HashSize]byte { return SumLabel("asterism set", h[:]) }

// AppendBinary appends the state.
func (h *SetHash) AppendBinary(b []byte) ([]byte, error) { return append(b, h[:]...), nil }

func (h *SetHash) expand(element []byte) {
	const label = "asterism set element"
	w := blake3.New()
	w.Write([]byte{byte(len(label))})
	w.WriteString(label)
	w.Write(element)
	w.Digest().Read(h[:])
}

func (h *SetHash) at(i int) uint64     { return binary.LittleEndian.Uint64(h[i : i+8]) }
func (h *SetHash) put(i int, v uint64) { binary.LittleEndian.PutUint64(h[i:i+8], v) }

// Four 16-bit lanes are added in one word: the lanes are split into even and odd ones, so a
// carry falls into a gap and is masked away.
const evenLanes = 0x0000ffff0000ffff

func addLanes(a, b uint64) uint64 {
	even := (a&evenLanes + b&evenLanes) & evenLanes
	odd := (a>>16&evenLanes + b>>16&evenLanes) & evenLanes
	return even | odd<<16
}

func subLanes(a, b uint64) uint64 {
	const borrow = 0x0001000000010000
	even := (a&evenLanes + borrow - b&evenLanes) & evenLanes
	odd := (a>>16&evenLanes + borrow - b>>16&evenLanes) & evenLanes
	return even | odd<<16
}
