package wire

import (
	"encoding/binary"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/pillars"
)

// FrameSize is the number of bytes in front of every payload [PIL-MSG-1]: the network's magic number, little-endian as the profile
// has it; the kind; the length of the payload and the first four bytes of its double SHA-256, big-endian.
const FrameSize = 4 + 1 + 4 + 4

// A Frame is what stands in front of a payload.
type Frame struct {
	Kind Kind
	Size int
	Sum  [4]byte
}

// AppendFrame appends a message with what stands in front of it.
func AppendFrame(b []byte, magic uint32, m Message) []byte {
	start := len(b)
	b = append(b, make([]byte, FrameSize)...)
	b = m.append(b)
	payload := b[start+FrameSize:]
	head := b[start : start+FrameSize]
	binary.LittleEndian.PutUint32(head, magic)
	head[4] = byte(m.Kind())
	binary.BigEndian.PutUint32(head[5:], uint32(len(payload)))
	sum := pillars.DoubleSHA256(payload)
	copy(head[9:], sum[:4])
	return b
}

// ParseFrame reads what stands in front of a payload, and refuses another network, kinds that do not exist and sizes that
// the kind never has, before anything is read for them.
func ParseFrame(head [FrameSize]byte, magic uint32) (f Frame, err error) {
	r := codec.NewReader(head[4:])
	f.Kind, f.Size = Kind(r.U8("kind")), int(r.U32("size"))
	r.Fixed(f.Sum[:], "checksum")
	switch {
	case binary.LittleEndian.Uint32(head[:]) != magic:
		return f, &codec.Error{Fault: codec.BadValue, Field: "magic"}
	case !f.Kind.Valid():
		return f, &codec.Error{Fault: codec.BadValue, Field: "kind"}
	case f.Size > f.Kind.MaxSize():
		return f, &codec.Error{Fault: codec.TooLarge, Field: f.Kind.String()}
	}
	return f, nil
}

// Check reports whether a payload is the one that the frame announced.
func (f *Frame) Check(payload []byte) bool {
	sum := pillars.DoubleSHA256(payload)
	return len(payload) == f.Size && [4]byte(sum[:4]) == f.Sum
}
