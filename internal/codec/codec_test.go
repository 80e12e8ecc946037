package codec

import (
	"bytes"
	"errors"
	"testing"
)

func TestReaderReadsWhatAppendWrote(t *testing.T) {
	b := AppendU16(nil, 0x0102)
	b = AppendU32(b, 0x03040506)
	b = AppendU64(b, 0x0708090a0b0c0d0e)
	b = AppendBool(AppendBool(b, true), false)
	b = AppendBytes16(b, []byte("ab"))
	b = AppendBytes32(b, []byte("cde"))
	b = append(b, 9, 8)
	r := NewReader(b)
	var fixed [2]byte
	ok := r.U16("") == 0x0102 && r.U32("") == 0x03040506 && r.U64("") == 0x0708090a0b0c0d0e &&
		r.Bool("") && !r.Bool("") && string(r.View16(2, "")) == "ab" && string(r.View32(3, "")) == "cde"
	r.Fixed(fixed[:], "")
	if !ok || fixed != [2]byte{9, 8} || r.Done() != nil || r.Offset() != len(b) {
		t.Errorf("read otherwise, %v", r.Done())
	}
}

func TestFaults(t *testing.T) {
	for _, tt := range []struct {
		name   string
		bytes  []byte
		read   func(r *Reader)
		fault  Fault
		offset int
	}{
		{"u8", nil, func(r *Reader) { r.U8("f") }, Truncated, 0},
		{"u16", []byte{1}, func(r *Reader) { r.U16("f") }, Truncated, 0},
		{"u32", []byte{1, 2, 3}, func(r *Reader) { r.U32("f") }, Truncated, 0},
		{"u64", make([]byte, 7), func(r *Reader) { r.U64("f") }, Truncated, 0},
		{"fixed", make([]byte, 3), func(r *Reader) { r.Fixed(make([]byte, 4), "f") }, Truncated, 0},
		{"negative view", make([]byte, 3), func(r *Reader) { r.View(-1, "f") }, Truncated, 0},
		{"bool", []byte{2}, func(r *Reader) { r.Bool("f") }, NonCanonical, 1},
		{"bytes16 over the limit", []byte{0, 3, 1, 2, 3}, func(r *Reader) { r.View16(2, "f") }, TooLarge, 2},
		{"bytes16 cut", []byte{0, 3, 1, 2}, func(r *Reader) { r.View16(3, "f") }, Truncated, 2},
		{"bytes32 over the limit", []byte{0xff, 0xff, 0xff, 0xff}, func(r *Reader) { r.View32(1<<20, "f") }, TooLarge, 4},
		{"count over the limit", []byte{1, 0}, func(r *Reader) { r.Count16(255, 1, "f") }, TooLarge, 2},
		{"count over the bytes", []byte{0, 2, 1, 2, 3}, func(r *Reader) { r.Count16(10, 2, "f") }, Truncated, 2},
		{"count of nothing", []byte{0, 9}, func(r *Reader) { r.Count16(10, 0, "f") }, Truncated, 2},
		{"the first fault sticks", []byte{2}, func(r *Reader) { r.Bool("f"); r.U64("g"); r.Fail(BadValue, "h") }, NonCanonical, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := NewReader(tt.bytes)
			tt.read(r)
			var e *Error
			if !errors.As(r.Done(), &e) || *e != (Error{tt.fault, tt.offset, "f"}) {
				t.Fatalf("%v, want %s at %d", r.Done(), tt.fault, tt.offset)
			}
			if r.Left() != 0 || !r.Failed() || r.U8("") != 0 || r.View(0, "") != nil || r.Count32(9, 1, "") != 0 {
				t.Error("a reader with a fault reads on")
			}
		})
	}
	r := NewReader([]byte{1})
	if r.Err() != nil || !errors.Is(r.Done(), &Error{Fault: Trailing}) {
		t.Errorf("a byte left over: %v", r.Done())
	}
	if errors.Is(r.Done(), &Error{Fault: Truncated}) || errors.Is(r.Done(), &Error{Fault: Trailing, Field: "other"}) {
		t.Error("errors of another fault or field are the same")
	}
}

// TestViewCannotGrow checks that appending to a view does not write into the bytes behind it.
func TestViewCannotGrow(t *testing.T) {
	b := []byte{1, 2, 3}
	_ = append(NewReader(b).View(1, ""), 9)
	if b[1] != 2 {
		t.Error("a view reaches the bytes behind it")
	}
}

// FuzzReader drives a reader with a program: each byte is the next thing to read.
func FuzzReader(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7}, bytes.Repeat([]byte{0, 1}, 40))
	f.Add([]byte{5, 6, 7}, []byte{0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, program, b []byte) {
		r, want := NewReader(b), 0
		for _, op := range program {
			switch op % 9 {
			case 0:
				r.U8("")
				want = 1
			case 1:
				r.U16("")
				want = 2
			case 2:
				r.U32("")
				want = 4
			case 3:
				r.U64("")
				want = 8
			case 4:
				r.Bool("")
				want = 1
			case 5:
				want = 2 + len(r.View16(int(op), ""))
			case 6:
				want = 4 + len(r.View32(int(op), ""))
			case 7:
				want = 2
				if n := r.Count16(int(op), 3, ""); n > int(op) || 3*n > r.Left() {
					t.Fatalf("count %d of %d bytes", n, r.Left())
				}
			case 8:
				want = 4
				if n := r.Count32(int(op), 1, ""); n > int(op) || n > r.Left() {
					t.Fatalf("count %d of %d bytes", n, r.Left())
				}
			}
			if r.Failed() {
				if r.Left() != 0 || r.Err() == nil || r.Offset() > len(b) {
					t.Fatal("a reader with a fault reads on")
				}
				return
			}
			if r.Offset() < want || r.Offset()+r.Left() != len(b) {
				t.Fatalf("at %d with %d left of %d", r.Offset(), r.Left(), len(b))
			}
		}
	})
}
