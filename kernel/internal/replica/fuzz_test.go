package replica

import (
	"bytes"
	"testing"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// sampleFrames are good frames of every kind, and some that fail late.
func sampleFrames(w *world) [][]byte {
	own, err := w.header(0, bodyOf(), nil).AppendBinary(nil)
	w.must(err)
	var frames [][]byte
	for _, m := range []wire.Message{
		wire.Snapshot{Raw: w.snapshot(3, bodyOf(), nil)},
		wire.Snapshot{Raw: w.snapshot(2, bodyOf(w.payment(0, "fuzz"), w.payment(1, "fuzz")), func(h *kernel.Header) { h.Share = w.share(2, 9) })},
		wire.Snapshot{Raw: w.snapshot(4, bodyOf(w.unsigned(0)), nil)},
		wire.Want{IDs: []kernel.SnapshotID{{1}, {2}}},
		wire.Have{Clock: make([]kernel.Round, members)},
		wire.More{},
		wire.Kept{First: 1, Current: 2},
		wire.StartQuery{},
		wire.StartAnswer{Newest: own},
		wire.StartAnswer{Epoch: 1},
		wire.Transactions{Raw: [][]byte{w.payment(0, "a"), w.payment(1, "b")}},
		wire.Transactions{Raw: [][]byte{w.unsigned(1)}},
	} {
		frames = append(frames, wire.Append(nil, m))
	}
	return frames
}

// FuzzDecode decodes arbitrary frames, with the real proofs and with proofs that take every
// signature of a member, so that what lies behind is reached too. Each is an error or an input
// that says no more than the frame; none panics.
func FuzzDecode(f *testing.F) {
	w := newWorld(f, 2)
	strict, lax := w.replica(), w.open(0, w.create(0), &counting{})
	for _, frame := range sampleFrames(w) {
		f.Add(frame)
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		for _, r := range []*Replica{strict, lax} {
			given := bytes.Clone(frame)
			in, err := decodeFrom(r, 3, given)
			if !bytes.Equal(given, frame) {
				t.Fatal("the frame is changed")
			}
			if in != nil && err != nil {
				t.Fatal("an input comes with an error")
			}
			if in != nil {
				soundInput(t, r, in, frame)
				r.Done(refusing(in)) // the next one is looked at afresh
			}
		}
	})
}

// soundInput checks what the engine may rely on.
func soundInput(t *testing.T, r *Replica, in *engine.Input, frame []byte) {
	m, err := wire.Decode(frame)
	if err != nil {
		t.Fatal("an input of what is no message")
	}
	switch m := m.(type) {
	case wire.Records, wire.Push: // of no epoch, or of another one
	case wire.StartAnswer:
		if m.Epoch == 0 && (len(in.Messages) != 1 || in.Messages[0].Newest != nil && in.Messages[0].Newest.Author != 0) {
			t.Fatalf("messages %+v", in.Messages)
		}
	case wire.Snapshot:
		a := in.Arrived[0]
		s := new(kernel.Snapshot)
		if err := s.UnmarshalBinary(m.Raw); err != nil {
			t.Fatalf("arrived without decoding: %v", err)
		}
		if len(in.Arrived) != 1 || a.From != 3 || a.ID != s.Header.ID() || int(a.Header.Author) >= members ||
			a.Header.Network != r.network || a.Header.Epoch != 0 || !bytes.Equal(a.Raw, m.Raw) || a.Entries != len(s.Body.Entries) ||
			len(a.Claims) > a.Entries || s.Body.Root() != a.Header.BodyRoot {
			t.Fatalf("arrival %+v", a)
		}
	case wire.Transactions:
		if len(in.Admitted) > len(m.Raw) || len(in.Messages)+len(in.Arrived) != 0 {
			t.Fatalf("input %+v", in)
		}
		for _, c := range in.Admitted {
			if p := r.Parse(c.Raw); p.Refusal != nil || p.Hash != c.Hash || len(c.Touches) == 0 {
				t.Fatalf("candidate %+v", c)
			}
		}
	default:
		if len(in.Messages) != 1 || in.Messages[0].From != 3 || !bytes.Equal(wire.Append(nil, in.Messages[0].Message), frame) {
			t.Fatalf("messages %+v", in.Messages)
		}
		if h := in.Messages[0].Newest; h != nil && h.Author != 0 {
			t.Fatal("the newest snapshot of another member")
		}
	}
}

func refusing(in *engine.Input) *Output {
	var out Output
	for _, a := range in.Arrived {
		out.Refused = append(out.Refused, engine.Refused{ID: a.ID})
	}
	return &out
}
