package crypto

import (
	"encoding/binary"
	"fmt"

	"github.com/zeebo/blake3"
)

// A Stream is an endless, reproducible sequence of bytes that depends on a label and on what was
// hashed with it. It replaces a random source wherever every node must draw the same numbers.
type Stream struct{ digest *blake3.Digest }

// NewStream starts the BLAKE3 output stream whose first 32 bytes are SumLabel(label, parts...).
// Give every stream a label that SumLabel is never used with.
func NewStream(label string, parts ...[]byte) *Stream {
	w := blake3.New()
	w.Write([]byte{byte(len(label))})
	w.WriteString(label)
	for _, p := range parts {
		w.Write(p)
	}
	return &Stream{w.Digest()}
}

// Fill overwrites b with the next bytes of the stream.
func (s *Stream) Fill(b []byte) {
	if _, err := s.digest.Read(b); err != nil {
		panic(fmt.Sprintf("crypto: hash stream ended: %v", err)) // after 2^64 bytes
	}
}

// Below returns the next number in [0, n), each equally likely: draws that would favour small
// numbers are thrown away.
func (s *Stream) Below(n uint64) uint64 {
	if n == 0 {
		panic("crypto: Below(0)")
	}
	var b [8]byte
	for bias := -n % n; ; { // 2^64 mod n
		s.Fill(b[:])
		if v := binary.LittleEndian.Uint64(b[:]); v >= bias {
			return v % n
		}
	}
}
