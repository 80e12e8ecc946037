package p2p

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"testing"
)

func decode(b []byte) (kind frameKind, payload []byte, err error) {
	r := frameReader{stream: bytes.NewReader(b)}
	return r.next(nil)
}

func TestFrameRules(t *testing.T) {
	good := appendFrame(nil, frameData, []byte("snapshot"))
	if kind, payload, err := decode(good); err != nil || kind != frameData || string(payload) != "snapshot" {
		t.Fatalf("base case: kind %d, payload %q, %v", kind, payload, err)
	}
	for _, tt := range []struct {
		name string
		in   []byte
		want error
	}{
		{"nothing", nil, io.EOF},
		{"cut in the header", good[:3], io.ErrUnexpectedEOF},
		{"cut before the payload", good[:headerSize], io.ErrUnexpectedEOF},
		{"cut in the payload", good[:len(good)-1], io.ErrUnexpectedEOF},
		{"kind zero", appendFrame(nil, 0, []byte("x")), FrameMalformed},
		{"kind after the last", appendFrame(nil, frameClose+1, []byte("x")), FrameMalformed},
		{"empty data", appendHeader(nil, frameData, 0), FrameMalformed},
		{"data over the limit", appendHeader(nil, frameData, MaxFrameSize+1), FrameTooLarge},
		{"data with the largest length", []byte{byte(frameData), 255, 255, 255, 255}, FrameTooLarge},
		{"ping of seven bytes", appendFrame(nil, framePing, make([]byte, 7)), FrameMalformed},
		{"pong of nine bytes", appendFrame(nil, framePong, make([]byte, 9)), FrameMalformed},
		{"long close", appendHeader(nil, frameClose, MaxFrameSize), FrameMalformed},
		{"empty hello", appendHeader(nil, frameHello, 0), FrameMalformed},
		{"short keep", appendHeader(nil, frameKeep, 4), FrameMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, _, err := decode(tt.in); !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestLargestFrame(t *testing.T) {
	payload := bytes.Repeat([]byte{1, 2, 3, 5}, MaxFrameSize/4)
	kind, got, err := decode(appendFrame(nil, frameData, payload))
	if err != nil || kind != frameData || !bytes.Equal(got, payload) {
		t.Fatalf("kind %d, %d bytes, %v", kind, len(got), err)
	}
}

// A promised length alone must cost next to nothing.
func TestAllocationFollowsBytes(t *testing.T) {
	lie := append(appendHeader(nil, frameData, MaxFrameSize), make([]byte, 1000)...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 64 {
		if _, _, err := decode(lie); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if per := (after.TotalAlloc - before.TotalAlloc) / 64; per > 2*firstStep {
		t.Errorf("%d bytes allocated for 1000 that arrived", per)
	}
}

func TestFaultsHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for f := Fault(1); f < faultEnd; f++ {
		name := f.Error()
		if name == "" || seen[name] {
			t.Errorf("fault %d has the name %q", f, name)
		}
		seen[name] = true
	}
	if len(seen) != FaultCount {
		t.Errorf("%d names for %d faults", len(seen), FaultCount)
	}
}

func FuzzFrame(f *testing.F) {
	f.Add(appendFrame(nil, frameData, []byte("snapshot")))
	f.Add(appendFrame(appendFrame(nil, framePing, make([]byte, 8)), frameClose, []byte{3}))
	f.Add(appendFrame(nil, frameHello, make([]byte, 16)))
	f.Add(appendHeader(nil, frameData, MaxFrameSize))
	f.Add([]byte{1, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, in []byte) {
		r := frameReader{stream: bytes.NewReader(in)}
		var again []byte
		for {
			kind, payload, err := r.next(nil)
			if err != nil {
				break
			}
			again = appendFrame(again, kind, payload)
		}
		if !bytes.HasPrefix(in, again) {
			t.Fatalf("decoded %x, encodes as %x", in, again)
		}
	})
}
