package wire

import (
	"encoding/binary"
	"math/bits"
)

// SipHash is SipHash-2-4 (Aumasson and Bernstein, 2012) of a message under a key of two words.
func SipHash(k0, k1 uint64, m []byte) uint64 {
	v0, v1 := k0^0x736f6d6570736575, k1^0x646f72616e646f6d
	v2, v3 := k0^0x6c7967656e657261, k1^0x7465646279746573
	round := func(times int) {
		for range times {
			v0 += v1
			v1 = bits.RotateLeft64(v1, 13) ^ v0
			v0 = bits.RotateLeft64(v0, 32)
			v2 += v3
			v3 = bits.RotateLeft64(v3, 16) ^ v2
			v0 += v3
			v3 = bits.RotateLeft64(v3, 21) ^ v0
			v2 += v1
			v1 = bits.RotateLeft64(v1, 17) ^ v2
			v2 = bits.RotateLeft64(v2, 32)
		}
	}
	last := uint64(len(m)) << 56
	for ; len(m) >= 8; m = m[8:] {
		word := binary.LittleEndian.Uint64(m)
		v3 ^= word
		round(2)
		v0 ^= word
	}
	for i, c := range m {
		last |= uint64(c) << (8 * i)
	}
	v3 ^= last
	round(2)
	v0 ^= last
	v2 ^= 0xff
	round(4)
	return v0 ^ v1 ^ v2 ^ v3
}
