package p2p

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/asterism-network/asterism/kernel"
)

// MaxFrameSize bounds the payload of a data frame: the largest body with its header, and room
// for what stands around them. [NET-14]
const MaxFrameSize = kernel.MaxBodySize + 1<<20

// A frameKind is the first byte of a frame.
type frameKind uint8

// The kinds of frames. Only data frames reach the node; the others keep the connection. [NET-13]
const (
	frameData  frameKind = 1 // 1 to MaxFrameSize opaque bytes
	frameHello frameKind = 2 // first in each direction: the sender's instance, 16 bytes
	frameKeep  frameKind = 3 // the lower key keeps this connection: its sequence, 8 bytes
	framePing  frameKind = 4 // 8 bytes to be returned
	framePong  frameKind = 5 // the 8 bytes of the newest ping
	frameClose frameKind = 6 // last frame: the fault, 1 byte
)

// controlSize is the only payload length that a kind other than data has.
var controlSize = [...]int{frameHello: 16, frameKeep: 8, framePing: 8, framePong: 8, frameClose: 1}

const (
	headerSize = 5        // kind, then the payload's length as a big-endian 32-bit integer
	firstStep  = 64 << 10 // what a frame may allocate before its bytes arrive
)

// appendHeader appends the header of a frame with n bytes of payload.
func appendHeader(b []byte, kind frameKind, n int) []byte {
	return binary.BigEndian.AppendUint32(append(b, byte(kind)), uint32(n))
}

// appendFrame appends a whole frame; for the small kinds.
func appendFrame(b []byte, kind frameKind, payload []byte) []byte {
	return append(appendHeader(b, kind, len(payload)), payload...)
}

// parseHeader checks kind and length against each other, before anything is allocated.
func parseHeader(head [headerSize]byte) (kind frameKind, n int, err error) {
	kind, size := frameKind(head[0]), binary.BigEndian.Uint32(head[1:])
	switch {
	case kind == frameData && size > MaxFrameSize:
		return 0, 0, fail(FrameTooLarge, "%d bytes, limit %d", size, MaxFrameSize)
	case kind == frameData && size == 0:
		return 0, 0, fail(FrameMalformed, "empty data frame")
	case kind == frameData:
		return kind, int(size), nil
	case kind < frameHello || kind > frameClose:
		return 0, 0, fail(FrameMalformed, "unknown kind %d", kind)
	case size != uint32(controlSize[kind]):
		return 0, 0, fail(FrameMalformed, "kind %d with %d bytes, want %d", kind, size, controlSize[kind])
	}
	return kind, int(size), nil
}

// A frameReader splits a stream into frames. It is for one goroutine.
type frameReader struct {
	stream io.Reader
	head   [headerSize]byte // here so that it is not allocated for every frame
}

// next returns the next frame. The payload is the caller's to keep. The error is io.EOF only
// between two frames. admit is asked for the length of the whole frame before the payload is
// read or allocated, so that it can refuse, or delay by a budget; it may be nil.
func (r *frameReader) next(admit func(n int) error) (frameKind, []byte, error) {
	if _, err := io.ReadFull(r.stream, r.head[:]); err != nil {
		return 0, nil, err
	}
	kind, n, err := parseHeader(r.head)
	if err != nil {
		return 0, nil, err
	}
	if admit != nil {
		if err := admit(headerSize + n); err != nil {
			return 0, nil, err
		}
	}
	payload, err := r.payload(n)
	return kind, payload, err
}

// payload reads n bytes and allocates in steps, as they arrive: a promise of sixteen
// megabytes costs the promiser a quarter of them before it costs us the rest.
func (r *frameReader) payload(n int) ([]byte, error) {
	b, got := make([]byte, min(n, firstStep)), 0
	for {
		m, err := io.ReadFull(r.stream, b[got:])
		if got += m; err != nil {
			return nil, fmt.Errorf("read frame: %w", noEOF(err))
		}
		if got == n {
			return b, nil
		}
		grown := make([]byte, min(n, 4*len(b)))
		copy(grown, b)
		b = grown
	}
}

// noEOF turns an end of stream inside a frame into the error that it is.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
