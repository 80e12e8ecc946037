package replica

import (
	"slices"
	"testing"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// A weave is two rounds by all members: those of round 9 name those of round 8.
type weave struct {
	*world
	below [members][]byte // encoded snapshots of round 8
	ids   [members]kernel.SnapshotID
}

func newWeave(t *testing.T) *weave {
	w := &weave{world: newWorld(t, 4)}
	for a := range kernel.Author(members) {
		w.below[a], w.ids[a] = w.first(a, 0)
	}
	return w
}

// first is an author's snapshot of round 8; another for each number.
func (w *weave) first(a kernel.Author, variant kernel.Timestamp) ([]byte, kernel.SnapshotID) {
	raw := w.snapshot(a, bodyOf(), func(h *kernel.Header) {
		h.Round, h.Timestamp = 8, h.Timestamp+variant
		for i := range h.Parents {
			h.Parents[i].Round = 7
		}
	})
	var s kernel.Snapshot
	w.must(s.UnmarshalBinary(raw))
	return raw, s.Header.ID()
}

// second is an author's snapshot of round 9 over all of round 8, and its short form.
func (w *weave) second(a kernel.Author, body *kernel.Body) (raw, frame []byte) {
	raw = w.snapshot(a, body, func(h *kernel.Header) {
		for i := range h.Parents {
			h.Parents[i].ID = w.ids[h.Parents[i].Author]
		}
	})
	p, _, err := wire.PushOf(raw)
	w.must(err)
	return raw, wire.Append(nil, *p)
}

func (w *weave) decode(r *Replica, from kernel.Author, frame []byte) *engine.Input {
	w.t.Helper()
	in, err := decodeFrom(r, from, frame)
	w.must(err)
	if in == nil {
		in = new(engine.Input)
	}
	return in
}

// TestPush: what is pushed arrives as the very bytes that were signed, whatever comes first.
func TestPush(t *testing.T) {
	w := newWeave(t)
	r := w.replica()
	raw, frame := w.second(3, bodyOf(w.payment(0, "a"), w.payment(1, "b")))
	if len(frame) > len(raw)-200 {
		t.Errorf("%d bytes in place of %d", len(frame), len(raw))
	}
	for a := range kernel.Author(members - 1) {
		w.decode(r, a, wire.Append(nil, wire.Snapshot{Raw: w.below[a]}))
	}
	in := w.decode(r, 3, frame)
	if len(in.Arrived) != 0 || len(in.Missed) != 1 || !slices.Equal(in.Missed[0].Lacks, []wire.Place{{Author: 6, Round: 8}}) || in.Missed[0].At != (wire.Place{Author: 3, Round: 9}) {
		t.Fatalf("one parent is not here: %+v", in)
	}
	in = w.decode(r, 6, wire.Append(nil, wire.Snapshot{Raw: w.below[6]}))
	if len(in.Arrived) != 2 || string(in.Arrived[1].Raw) != string(raw) || in.Arrived[1].From != 3 || len(in.Arrived[1].Claims) != 2 {
		t.Fatalf("its last parent came: %+v", in)
	}
	if again := w.decode(r, 3, frame); len(again.Arrived)+len(again.Missed) != 0 {
		t.Errorf("it came again: %+v", again)
	}
	raw, frame = w.second(4, bodyOf())
	if in = w.decode(r, 4, frame); len(in.Arrived) != 1 || string(in.Arrived[0].Raw) != string(raw) {
		t.Errorf("all parents are here: %+v", in)
	}
}

// TestPushTwins: where a place has two snapshots, or another than the author meant, the whole form is
// asked for and nobody is blamed; many in a row are no accident.
func TestPushTwins(t *testing.T) {
	w := newWeave(t)
	r := w.replica()
	for a := range kernel.Author(members - 1) {
		w.decode(r, a, wire.Append(nil, wire.Snapshot{Raw: w.below[a]}))
	}
	other, _ := w.first(6, 1)
	w.decode(r, 6, wire.Append(nil, wire.Snapshot{Raw: other}))
	raw, frame := w.second(3, bodyOf())
	if in := w.decode(r, 3, frame); len(in.Arrived) != 0 || len(in.Missed) != 1 || len(in.Missed[0].Lacks) != 0 || in.Missed[0].At != (wire.Place{Author: 3, Round: 9}) {
		t.Fatalf("another snapshot is known: %+v", in)
	}
	w.decode(r, 5, wire.Append(nil, wire.Snapshot{Raw: w.below[6]})) // now both are
	_, frame = w.second(4, bodyOf())
	if in := w.decode(r, 4, frame); len(in.Arrived) != 0 || len(in.Missed) != 1 || len(in.Missed[0].Lacks) != 0 {
		t.Fatalf("two are known: %+v", in)
	}
	if in := w.decode(r, 3, wire.Append(nil, wire.Snapshot{Raw: raw})); len(in.Arrived) != 1 {
		t.Fatalf("the whole form: %+v", in)
	}
}

// TestPushStrange: a sender of many pushes that mean nothing is no honest node, a few mean nothing.
func TestPushStrange(t *testing.T) {
	w := newWeave(t)
	r := w.replica()
	for a := range kernel.Author(members) {
		w.decode(r, a, wire.Append(nil, wire.Snapshot{Raw: w.below[a]}))
	}
	_, frame := w.second(3, bodyOf())
	for i := range strangest + 1 {
		bad := slices.Clone(frame)
		bad[len(bad)-2-1-i%32]++ // in the signature: the empty body is two bytes
		in, err := decodeFrom(r, 3, bad)
		if (err != nil) != (i == strangest) {
			t.Fatalf("push %d: %+v %v", i, in, err)
		}
	}
	body := slices.Clone(frame)
	body[len(body)-1] = 1 // one entry, and nothing behind
	if _, err := decodeFrom(r, 4, body); err == nil {
		t.Error("a body that does not decode is taken")
	}
}

// TestPushWaiting: what waits is bounded, and the whole form ends the wait.
func TestPushWaiting(t *testing.T) {
	w := newWeave(t)
	r := w.replica()
	raw, frame := w.second(3, bodyOf())
	m, err := wire.Decode(frame)
	w.must(err)
	for i := range 3 * pushesKept {
		p := m.(wire.Push)
		p.Round += kernel.Round(i)
		w.decode(r, 3, wire.Append(nil, p))
	}
	if n := len(r.Seat().pushes.queue[3]); n != pushesKept {
		t.Errorf("%d pushes wait, limit %d", n, pushesKept)
	}
	w.decode(r, 3, frame)
	w.decode(r, 3, wire.Append(nil, wire.Snapshot{Raw: raw}))
	if slices.ContainsFunc(r.Seat().pushes.queue[3], func(p *push) bool { return p.Round == 9 }) {
		t.Error("it came whole and waits still")
	}
}

// TestEncode: only an own snapshot whose places are unambiguous, for everybody, gets the short form.
func TestEncode(t *testing.T) {
	w := newWeave(t)
	r := w.replica()
	raw, short := w.second(0, bodyOf())
	whole := wire.Append(nil, wire.Snapshot{Raw: raw})
	all := Envelope{Own: true, Message: wire.Snapshot{Raw: raw}}
	encodes := func(what string, e Envelope, want []byte) {
		t.Helper()
		if got := r.Encode(e); string(got) != string(want) {
			t.Errorf("%s: %d bytes, want %d", what, len(got), len(want))
		}
	}
	encodes("parents are not known", all, whole)
	for a := range kernel.Author(members) {
		w.decode(r, a+1, wire.Append(nil, wire.Snapshot{Raw: w.below[a]}))
	}
	encodes("all are known", all, short)
	encodes("to one", Envelope{Message: all.Message}, whole)
	theirs, _ := w.second(1, bodyOf())
	encodes("another's", Envelope{Own: true, Message: wire.Snapshot{Raw: theirs}}, wire.Append(nil, wire.Snapshot{Raw: theirs}))
	other, _ := w.first(5, 1)
	w.decode(r, 5, wire.Append(nil, wire.Snapshot{Raw: other}))
	encodes("a twin is known", all, whole)
}
