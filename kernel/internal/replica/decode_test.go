package replica

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"unsafe"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/store"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// TestDecodeHonest decodes one message of each kind, as honest members send them.
func TestDecodeHonest(t *testing.T) {
	w := newWorld(t, 4)
	r := w.replica()
	paid := w.payment(0, "a")
	snapshot := w.snapshot(3, bodyOf(paid, w.payment(1, "b")), func(h *kernel.Header) { h.Share = w.share(3, 9) })
	own, err := w.header(0, bodyOf(), nil).AppendBinary(nil)
	w.must(err)
	seen := map[byte]bool{}
	for _, m := range []wire.Message{
		wire.Snapshot{Raw: snapshot},
		wire.Want{IDs: []kernel.SnapshotID{{1}, {2}}},
		wire.Ask{Places: []wire.Place{{Author: 1, Round: 2}}},
		wire.Have{Clock: make([]kernel.Round, members)},
		wire.More{},
		wire.Kept{First: 1, Current: 2},
		wire.StartQuery{},
		wire.StartAnswer{Newest: own},
		wire.StartAnswer{},
		wire.Transactions{Raw: [][]byte{paid, w.payment(1, "c")}},
	} {
		frame := wire.Append(nil, m)
		in, err := decodeFrom(r, 3, frame)
		if err != nil || in == nil {
			t.Fatalf("%T: %v, %v", m, in, err)
		}
		seen[frame[0]] = true
		switch m := m.(type) {
		case wire.Snapshot:
			if len(in.Arrived) != 1 {
				t.Fatalf("%d arrivals", len(in.Arrived))
			}
			a := in.Arrived[0]
			if a.From != 3 || a.ID != a.Header.ID() || a.Header.Author != 3 || a.Entries != 2 || len(a.Claims) != 2 || !bytes.Equal(a.Raw, snapshot) {
				t.Errorf("arrival %+v", a)
			}
		case wire.Transactions:
			if len(in.Admitted) != 2 || in.Admitted[0].Hash != r.Parse(paid).Hash || !bytes.Equal(in.Admitted[0].Raw, paid) || len(in.Admitted[0].Touches) != 2 {
				t.Errorf("admitted %+v", in.Admitted)
			}
		default:
			if len(in.Messages) != 1 || in.Messages[0].From != 3 || !bytes.Equal(wire.Append(nil, in.Messages[0].Message), frame) {
				t.Errorf("%T: messages %+v", m, in.Messages)
			}
			if a, ok := m.(wire.StartAnswer); ok && (in.Messages[0].Newest != nil) != (len(a.Newest) > 0) {
				t.Errorf("newest %v of %d bytes", in.Messages[0].Newest, len(a.Newest))
			}
		}
	}
	if len(seen) != 9 {
		t.Errorf("%d kinds of message decoded, there are 9 beside pushes", len(seen))
	}
}

// TestDecodeHostile breaks one fact of a good message each: its sender is to blame.
// TestHeaderVotes: a checkpoint signature in a snapshot's header is its author's vote, once, whoever passes the
// snapshot on; one in a header that does not verify is nobody's.
func TestHeaderVotes(t *testing.T) {
	w := newWorld(t, 1)
	r := w.replica()
	vote := kernel.CheckpointVote{Index: 9, Signature: kernel.Signature{1, 2, 3}}
	raw := w.snapshot(3, bodyOf(), func(h *kernel.Header) { h.Checkpoint = &vote })
	forged := slices.Clone(raw)
	forged[len(forged)-len(bodyOf().AppendBinary(nil))-5]++
	frames := []Incoming{{w.genesis.Members[5].Key, wire.Append(nil, wire.Snapshot{Raw: forged})}}
	if d := r.DecodeAll(frames); d[0].Err == nil || len(d[0].Votes) > 0 {
		t.Errorf("a forged header votes: %+v", d)
	}
	frames[0].Frame = wire.Append(nil, wire.Snapshot{Raw: raw})
	d := r.DecodeAll(append(frames, frames[0]))
	if len(d[0].Votes) != 1 || d[0].Votes[0] != (HeaderVote{w.genesis.Members[3].Key, wire.CheckpointVote{Vote: vote}}) || len(d[1].Votes) > 0 {
		t.Errorf("got %+v", d)
	}
}

func TestDecodeHostile(t *testing.T) {
	w := newWorld(t, 8)
	r := w.replica()
	body := bodyOf(w.payment(0, "a"))
	good := w.snapshot(3, body, nil)
	flipped := func(b []byte, from int) []byte { b = slices.Clone(b); b[from]++; return b }
	size := len(good) - len(body.AppendBinary(nil)) - 4
	less := w.pay(1, "less")
	less.Outputs[0].Amount = kernel.NewAmount(99_00000000)
	w.sign(less, w.coins[1])
	newest := func(author kernel.Author, change func(*kernel.Header)) []byte {
		b, err := w.header(author, bodyOf(), change).AppendBinary(nil)
		w.must(err)
		return b
	}
	forged := newest(0, nil)
	forged[len(forged)-1]++
	for _, tt := range []struct {
		name  string
		frame []byte
		rule  error // beside being refused at all
	}{
		{"empty frame", nil, nil},
		{"no such kind", []byte{99, 1, 2, 3}, nil},
		{"kind zero", []byte{0}, nil},
		{"too large", make([]byte, wire.MaxSize+1), nil},
		{"snapshot: no bytes", wire.Append(nil, wire.Snapshot{}), nil},
		{"snapshot: cut", wire.Append(nil, wire.Snapshot{Raw: good[:len(good)-1]}), nil},
		{"snapshot: trailing byte", wire.Append(nil, wire.Snapshot{Raw: append(slices.Clone(good), 0)}), nil},
		{"snapshot: signature", wire.Append(nil, wire.Snapshot{Raw: flipped(good, size-1)}), nil},
		{"snapshot: another body", wire.Append(nil, wire.Snapshot{Raw: flipped(good, len(good)-1)}), nil},
		{"snapshot: another network", wire.Append(nil, wire.Snapshot{Raw: w.snapshot(3, body, func(h *kernel.Header) { h.Network[0]++ })}), nil},
		{"snapshot: no member", wire.Append(nil, wire.Snapshot{Raw: w.snapshot(3, body, func(h *kernel.Header) {
			h.Author = members
			h.Parents[0].Author = members // its own previous one comes first
			h.SortParents()
		})}), nil},
		{"snapshot: another author", wire.Append(nil, wire.Snapshot{Raw: w.snapshot(3, body, func(h *kernel.Header) { h.Author = 4; h.SortParents() })}), nil},
		{"transactions: no transaction", wire.Append(nil, wire.Transactions{Raw: [][]byte{[]byte("no transaction")}}), kernel.Malformed},
		{"transactions: one bad signature", wire.Append(nil, wire.Transactions{Raw: [][]byte{w.payment(2, "good"), w.unsigned(3)}}), kernel.SignatureInvalid},
		{"transactions: sums", wire.Append(nil, wire.Transactions{Raw: [][]byte{w.encode(less)}}), kernel.AmountMismatch},
		{"answer: no header", wire.Append(nil, wire.StartAnswer{Newest: []byte{1}}), nil},
		{"answer: another's snapshot", wire.Append(nil, wire.StartAnswer{Newest: newest(3, nil)}), nil},
		{"answer: forged", wire.Append(nil, wire.StartAnswer{Newest: forged}), nil},
		{"have: trailing byte", append(wire.Append(nil, wire.Have{}), 0), nil},
		{"want: cut", wire.Append(nil, wire.Want{IDs: []kernel.SnapshotID{{1}}})[:20], nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in, err := decodeFrom(r, 3, tt.frame)
			if err == nil || in != nil {
				t.Fatalf("taken: %+v, %v", in, err)
			}
			if tt.rule != nil && !errors.Is(err, tt.rule) {
				t.Errorf("%v, want %v", err, tt.rule)
			}
		})
	}
	other := w.snapshot(3, bodyOf(), func(h *kernel.Header) { h.Epoch++ })
	if in, err := decodeFrom(r, 3, wire.Append(nil, wire.Snapshot{Raw: other})); err != nil || in != nil {
		t.Errorf("a snapshot of another epoch is not just let go of: %v, %v", in, err)
	}
	if in, err := decodeFrom(r, 3, wire.Append(nil, wire.Snapshot{Raw: good})); err != nil || in == nil {
		t.Errorf("the good snapshot: %v, %v", in, err)
	}
}

// TestDecodeOnce repeats snapshots: a known one, and one that is verified and on its way, are
// nothing to do; one that failed, or was refused, is looked at again.
func TestDecodeOnce(t *testing.T) {
	w := newWorld(t, 1)
	r := w.replica()
	good := w.snapshot(3, bodyOf(), nil)
	forged := slices.Clone(good)
	forged[len(forged)-len(bodyOf().AppendBinary(nil))-5]++ // the signature's last byte: the same id
	decode := func(raw []byte) *engine.Input {
		in, _ := decodeFrom(r, 3, wire.Append(nil, wire.Snapshot{Raw: raw}))
		return in
	}
	if decode(forged) != nil {
		t.Fatal("a forged snapshot is taken")
	}
	id, _, err := r.peek(good)
	w.must(err)
	if r.OnTheWay(id) {
		t.Error("a forged copy counts as the snapshot on its way")
	}
	in := decode(good)
	if in == nil {
		t.Fatal("a forged snapshot keeps the real one out")
	}
	if decode(good) != nil || !r.OnTheWay(id) {
		t.Error("a snapshot on its way is verified again, or asked for")
	}
	a := in.Arrived[0]
	r.Done(&Output{Refused: []engine.Refused{{ID: a.ID}}})
	if r.OnTheWay(id) {
		t.Error("a refused snapshot is not asked for again")
	}
	if _, ok := r.bodies.get(a.ID); ok {
		t.Error("the body of a refused snapshot is kept")
	}
	if decode(good) == nil {
		t.Error("a refused snapshot is not looked at again")
	}
	syncs := r.store.Stats().Syncs
	w.must(r.Persist(&Output{Sync: true, Persist: []engine.Record{{ID: a.ID, Author: 3, Round: 9, Raw: good}}}))
	if r.store.Stats().Syncs == syncs {
		t.Error("what must be synced is not")
	}
	if r.OnTheWay(id) {
		t.Error("a snapshot of the log is on its way")
	}
	r.Done(&Output{Refused: []engine.Refused{{ID: a.ID}}})
	if decode(good) != nil {
		t.Error("a snapshot of the log is verified again")
	}
	frame, ok := r.Frame(a.ID)
	if !ok || !bytes.Equal(frame, wire.Append(nil, wire.Snapshot{Raw: good})) {
		t.Error("the log gives back another snapshot")
	}
	if _, ok := r.Frame(kernel.SnapshotID{1}); ok {
		t.Error("a frame of a snapshot that is not there")
	}
}

// TestDecodeDamaged flips bits of the log under a running replica until a record cannot be read:
// then the snapshot is taken once more, and the log holds it again. While it reads, it is not.
func TestDecodeDamaged(t *testing.T) {
	w := newWorld(t, 1)
	disk := kv.Faulty(kv.Crashable())
	o := store.Options{FS: disk, Engine: kv.Plain, SegmentBytes: 1 << 20}
	w.must(Init(folder, w.genesis, w.genesis.Members[0].Key, o))
	r := w.open(0, o, nil)
	good := w.snapshot(3, bodyOf(w.payment(0, "a")), nil)
	decode := func() *engine.Input {
		in, err := decodeFrom(r, 2, wire.Append(nil, wire.Snapshot{Raw: good}))
		w.must(err)
		return in
	}
	id := decode().Arrived[0].ID
	record := &Output{Sync: true, Persist: []engine.Record{{ID: id, Author: 3, Round: 9, Raw: good}}}
	w.must(r.Persist(record))
	for seed := uint64(0); ; seed++ {
		if decode() != nil {
			t.Fatal("a snapshot of the log is verified again")
		}
		if _, _, err := disk.Flip(disk.PathJoin(folder, "log", "00000001.log"), seed); err != nil {
			t.Fatal(err)
		}
		if _, ok := r.Frame(id); !ok {
			break
		}
	}
	if decode() == nil {
		t.Fatal("a snapshot whose record is damaged is never taken again")
	}
	w.must(r.Persist(record))
	if _, ok := r.Frame(id); !ok || decode() != nil {
		t.Error("the log does not hold the snapshot again")
	}
}

// TestInspectStops shows that a body full of bad signatures costs one batch, and that good
// entries before the first bad one are claimed.
func TestInspectStops(t *testing.T) {
	const entries = groupSignatures + lookSignatures // too many for the common batch
	w := newWorld(t, entries)
	counted := &counting{}
	r := w.open(0, w.create(0), counted)
	var bad [][]byte
	for i := range entries {
		bad = append(bad, w.unsigned(i))
	}
	a, err := r.Inspect(3, w.snapshot(3, bodyOf(bad...), nil), false)
	if err != nil || a.Entries != entries || len(a.Claims) != 0 || counted.single != 1 || counted.together != lookSignatures {
		t.Errorf("%d entries, %d claims, %d checked together, %d alone: %v", a.Entries, len(a.Claims), counted.together, counted.single, err)
	}
	counted.single = 0
	var good [][]byte
	for i := range entries {
		good = append(good, w.payment(i, "good"))
	}
	body := bodyOf(good...)
	body.Entries[lookSignatures+5] = kernel.Entry{Kind: kernel.EntryTransaction, Bytes: bad[0]}
	body = bodyOf(bytesOf(body)...)
	at := slices.IndexFunc(body.Entries, func(e kernel.Entry) bool { return bytes.Equal(e.Bytes, bad[0]) })
	a, err = r.Inspect(3, w.snapshot(3, body, nil), false)
	if err != nil || len(a.Claims) != at {
		t.Errorf("%d claims before the bad entry %d: %v", len(a.Claims), at, err)
	}
}

func bytesOf(b *kernel.Body) (out [][]byte) {
	for _, e := range b.Entries {
		out = append(out, e.Bytes)
	}
	return out
}

// TestCandidate admits what the newest state allows, and names the transaction in any case.
func TestCandidate(t *testing.T) {
	w := newWorld(t, 2)
	r := w.replica()
	raw := w.payment(0, "now")
	c, err := r.Candidate(raw)
	if err != nil || c.Hash != r.Parse(raw).Hash || !bytes.Equal(c.Raw, raw) || c.Checked != 0 {
		t.Errorf("candidate %+v: %v", c, err)
	}
	bad := w.unsigned(1)
	if c, err = r.Candidate(bad); !errors.Is(err, kernel.SignatureInvalid) || c.Hash != r.Parse(bad).Hash || c.Raw != nil {
		t.Errorf("candidate %+v: %v", c, err)
	}
	unknown := w.pay(1, "unknown input")
	unknown.Inputs[0].Hash[3]++
	if _, err = r.Candidate(w.encode(unknown)); !errors.Is(err, kernel.InputNotFound) {
		t.Error(err)
	}
	if _, err = r.Candidate([]byte{1}); !errors.Is(err, kernel.Malformed) {
		t.Error(err)
	}
}

// TestRelayedOwnsItsBytes: what enters the mempool does not keep the frame that it came in.
func TestRelayedOwnsItsBytes(t *testing.T) {
	w := newWorld(t, 1)
	raw := w.payment(0, "relayed")
	frame := wire.Append(nil, wire.Transactions{Raw: [][]byte{raw}})
	in, err := decodeFrom(w.replica(), 3, frame)
	w.must(err)
	got := in.Admitted[0].Raw
	begin, at := uintptr(unsafe.Pointer(unsafe.SliceData(frame))), uintptr(unsafe.Pointer(unsafe.SliceData(got)))
	if !bytes.Equal(got, raw) || begin <= at && at < begin+uintptr(len(frame)) {
		t.Error("it is not its own, or not the same")
	}
}
