package wire

import (
	"bytes"
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

var samples = []Message{
	Snapshot{[]byte("snapshot")},
	Want{[]kernel.SnapshotID{{1}, {2}}},
	Have{3, []kernel.Round{1, 2, 1 << 39}},
	More{},
	StartQuery{},
	StartAnswer{1, []byte("header")},
	Transactions{[][]byte{[]byte("a"), {}}},
}

func TestRoundTrip(t *testing.T) {
	for _, m := range samples {
		b := Append(nil, m)
		got, err := Decode(b)
		if err != nil {
			t.Fatalf("%T: %v", m, err)
		}
		if !bytes.Equal(Append(nil, got), b) {
			t.Errorf("%T does not survive", m)
		}
		if _, isSnapshot := m.(Snapshot); isSnapshot {
			continue
		}
		if _, err := Decode(append(b, 0)); err == nil {
			t.Errorf("%T: trailing byte accepted", m)
		}
		if len(b) > 1 {
			if _, err := Decode(b[:len(b)-1]); err == nil {
				t.Errorf("%T: truncated accepted", m)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, m := range samples {
		f.Add(Append(nil, m))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Decode(b)
		if err == nil && !bytes.Equal(Append(nil, m), b) {
			t.Fatal("not canonical")
		}
	})
}
