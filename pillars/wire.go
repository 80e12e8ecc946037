package pillars

import (
	"encoding/binary"
	"math"

	"github.com/asterism-network/asterism/internal/codec"
)

// The wire of the Bitcoin family: little-endian integers, and lengths of 1, 3, 5 or 9 bytes.
// A length has one encoding here, the shortest; anything longer is refused as non-canonical.

func readU16(r *codec.Reader, field string) uint16 {
	if b := r.View(2, field); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func readU32(r *codec.Reader, field string) uint32 {
	if b := r.View(4, field); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func readU64(r *codec.Reader, field string) uint64 {
	if b := r.View(8, field); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// readCount reads the number of elements of at least size bytes each and refuses more than limit,
// or more than the bytes that are left can hold. After a fault it is zero.
func readCount(r *codec.Reader, limit, size int, field string) int {
	n, least := uint64(r.U8(field)), uint64(0)
	switch n {
	case 0xfd:
		n, least = uint64(readU16(r, field)), 0xfd
	case 0xfe:
		n, least = uint64(readU32(r, field)), math.MaxUint16+1
	case 0xff:
		n, least = readU64(r, field), math.MaxUint32+1
	}
	switch {
	case r.Failed():
	case n < least:
		r.Fail(codec.NonCanonical, field)
	case n > uint64(limit):
		r.Fail(codec.TooLarge, field)
	case n > uint64(r.Left()/max(size, 1)):
		r.Fail(codec.Truncated, field)
	}
	if r.Failed() {
		return 0
	}
	return int(n)
}

// readBytes copies a counted string of bytes; an empty one is nil.
func readBytes(r *codec.Reader, limit int, field string) []byte {
	return append([]byte(nil), r.View(readCount(r, limit, 1, field), field)...)
}

func readString(r *codec.Reader, limit int, field string) string {
	return string(r.View(readCount(r, limit, 1, field), field))
}

func appendU32(b []byte, v uint32) []byte { return binary.LittleEndian.AppendUint32(b, v) }
func appendU64(b []byte, v uint64) []byte { return binary.LittleEndian.AppendUint64(b, v) }

func appendCount(b []byte, n int) []byte {
	switch {
	case n < 0xfd:
		return append(b, byte(n))
	case n <= math.MaxUint16:
		return binary.LittleEndian.AppendUint16(append(b, 0xfd), uint16(n))
	case n <= math.MaxUint32:
		return appendU32(append(b, 0xfe), uint32(n))
	}
	return appendU64(append(b, 0xff), uint64(n))
}

func appendBytes[T []byte | string](b []byte, v T) []byte {
	return append(appendCount(b, len(v)), v...)
}
