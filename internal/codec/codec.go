// Package codec reads and writes the canonical binary form that every hash in Asterism is
// taken over: big-endian integers, explicit lengths, one encoding per value.
//
// A Reader treats every byte as hostile: a count is checked against its limit and against
// the bytes that are left before anything is allocated, and the first failure sticks, so a
// decoder reads its fields in a straight line and asks once, at the end.
package codec

import (
	"encoding/binary"
	"fmt"
)

// A Fault is one way in which bytes fail to be a canonical encoding.
type Fault uint8

// The faults, each with the name that RPC answers and tests use.
const (
	Truncated    Fault = iota + 1 // the bytes end inside a field
	Trailing                      // bytes are left after the last field
	TooLarge                      // a length or count is over its limit
	NonCanonical                  // the value has another, shorter or ordered, encoding
	BadValue                      // the field has no such value
)

var faultNames = [...]string{"", "truncated", "trailing_bytes", "too_large", "non_canonical", "bad_value"}

// String returns the stable name of the fault.
func (f Fault) String() string { return faultNames[f] }

// An Error says what is wrong, where, and in which field.
type Error struct {
	Fault  Fault
	Offset int    // bytes from the start of the value being decoded
	Field  string // the field being read, in the words of the specification
}

func (e *Error) Error() string {
	return fmt.Sprintf("malformed %s at byte %d: %s", e.Field, e.Offset, e.Fault)
}

// Is reports whether target is the same fault in any field, so tests can name the fault only.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Fault == e.Fault && (t.Field == "" || t.Field == e.Field)
}

// A Reader decodes one value from a byte slice. The zero Reader reads nothing; use NewReader.
type Reader struct {
	bytes  []byte
	offset int
	err    *Error
}

// NewReader reads from b, which must not change while slices returned by View are in use.
func NewReader(b []byte) *Reader { return &Reader{bytes: b} }

// Fail records a fault of the value that was just read; the first one sticks.
func (r *Reader) Fail(f Fault, field string) {
	if r.err == nil {
		r.err = &Error{Fault: f, Offset: r.offset, Field: field}
	}
}

// Failed reports whether a fault was met. Loops over decoded counts need not ask: counts are zero after a fault.
func (r *Reader) Failed() bool { return r.err != nil }

// Err returns the first fault, if any, without demanding that all bytes were read.
func (r *Reader) Err() error {
	if r.err == nil {
		return nil
	}
	return r.err
}

// Done returns the first fault; bytes that are left over are one.
func (r *Reader) Done() error {
	if r.err == nil && r.offset != len(r.bytes) {
		r.Fail(Trailing, "value")
	}
	return r.Err()
}

// Left returns how many bytes have not been read.
func (r *Reader) Left() int {
	if r.err != nil {
		return 0
	}
	return len(r.bytes) - r.offset
}

// Offset returns how many bytes have been read.
func (r *Reader) Offset() int { return r.offset }

// View returns the next n bytes without copying them, or nil after a fault.
func (r *Reader) View(n int, field string) []byte {
	if r.err != nil {
		return nil
	}
	if n < 0 || n > len(r.bytes)-r.offset {
		r.Fail(Truncated, field)
		return nil
	}
	b := r.bytes[r.offset : r.offset+n : r.offset+n]
	r.offset += n
	return b
}

// Fixed fills dst.
func (r *Reader) Fixed(dst []byte, field string) { copy(dst, r.View(len(dst), field)) }

// U8 reads one byte.
func (r *Reader) U8(field string) uint8 {
	if b := r.View(1, field); b != nil {
		return b[0]
	}
	return 0
}

// U16 reads a big-endian 16-bit integer.
func (r *Reader) U16(field string) uint16 {
	if b := r.View(2, field); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

// U32 reads a big-endian 32-bit integer.
func (r *Reader) U32(field string) uint32 {
	if b := r.View(4, field); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// U64 reads a big-endian 64-bit integer.
func (r *Reader) U64(field string) uint64 {
	if b := r.View(8, field); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// Bool reads a byte that must be 0 or 1.
func (r *Reader) Bool(field string) bool {
	v := r.U8(field)
	if v > 1 {
		r.Fail(NonCanonical, field)
	}
	return v == 1
}

// Count16 reads a 16-bit count of elements of at least size bytes each and refuses more than
// limit, or more than the bytes that are left can hold.
func (r *Reader) Count16(limit, size int, field string) int {
	return r.count(int(r.U16(field)), limit, size, field)
}

// Count32 is Count16 with a 32-bit count.
func (r *Reader) Count32(limit, size int, field string) int {
	return r.count(int(r.U32(field)), limit, size, field)
}

func (r *Reader) count(n, limit, size int, field string) int {
	switch {
	case r.err != nil:
		return 0
	case n > limit:
		r.Fail(TooLarge, field)
		return 0
	case n > r.Left()/max(size, 1):
		r.Fail(Truncated, field)
		return 0
	}
	return n
}

// View16 reads a 16-bit length and returns that many bytes without copying them.
func (r *Reader) View16(limit int, field string) []byte {
	return r.View(r.Count16(limit, 1, field), field)
}

// View32 reads a 32-bit length and returns that many bytes without copying them.
func (r *Reader) View32(limit int, field string) []byte {
	return r.View(r.Count32(limit, 1, field), field)
}

// AppendU16 appends v big-endian.
func AppendU16(b []byte, v uint16) []byte { return binary.BigEndian.AppendUint16(b, v) }

// AppendU32 appends v big-endian.
func AppendU32(b []byte, v uint32) []byte { return binary.BigEndian.AppendUint32(b, v) }

// AppendU64 appends v big-endian.
func AppendU64(b []byte, v uint64) []byte { return binary.BigEndian.AppendUint64(b, v) }

// AppendBool appends 1 or 0.
func AppendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

// AppendBytes16 appends a 16-bit length and v, which the caller has checked to fit.
func AppendBytes16(b, v []byte) []byte { return append(AppendU16(b, uint16(len(v))), v...) }

// AppendBytes32 appends a 32-bit length and v, which the caller has checked to fit.
func AppendBytes32(b, v []byte) []byte { return append(AppendU32(b, uint32(len(v))), v...) }
