package replica

import (
	"errors"
	"io"
	"testing"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/asterism-network/asterism/kernel/internal/store"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// A crowd is all members of a world in one goroutine: real engines, stores in memory, messages
// delivered at once and in order.
type crowd struct {
	*world
	now   kernel.Timestamp
	seats []*seat
	mail  []letter
}

type seat struct {
	*Replica
	engine  *engine.Engine
	options store.Options
	input   engine.Input // for its next step
	diffs   []*ledger.Diff
}

type letter struct {
	from, to kernel.Author
	frame    []byte
}

func newCrowd(w *world) *crowd {
	c := &crowd{world: w, now: w.genesis.Timestamp + 1}
	for a := range kernel.Author(members) {
		c.seats = append(c.seats, &seat{options: w.create(a)})
		c.start(a)
	}
	return c
}

// start opens a member's folder, as a node does, and connects it to all.
func (c *crowd) start(a kernel.Author) {
	c.t.Helper()
	s := c.seats[a]
	s.Replica = c.open(a, s.options, nil)
	restored, err := s.Restored()
	c.must(err)
	config := s.EngineConfig(s.Seat(), author{c.world, a})
	config.BatchWindow, config.IdlePeriod = 10, 100
	s.engine, s.input = engine.New(config, restored), engine.Input{}
	for b, other := range c.seats {
		if kernel.Author(b) != a && other.engine != nil {
			s.input.Peers = append(s.input.Peers, engine.PeerChange{Peer: kernel.Author(b), Up: true})
			other.input.Peers = append(other.input.Peers, engine.PeerChange{Peer: a, Up: true})
		}
	}
}

// step lets every member take in what came, and 10 ms pass.
func (c *crowd) step() {
	c.t.Helper()
	c.now += 10
	mail := c.mail
	c.mail = nil
	for _, l := range mail {
		in, err := decodeFrom(c.seats[l.to].Replica, l.from, l.frame)
		if err != nil {
			c.t.Fatalf("member %d blames %d: %v", l.to, l.from, err)
		}
		if in != nil {
			to := &c.seats[l.to].input
			to.Arrived = append(to.Arrived, in.Arrived...)
			to.Messages = append(to.Messages, in.Messages...)
			to.Admitted = append(to.Admitted, in.Admitted...)
		}
	}
	for a, s := range c.seats {
		in := s.input
		s.input, in.Now = engine.Input{}, c.now
		out := s.engine.Step(in)
		c.perform(kernel.Author(a), &out)
	}
}

func (c *crowd) perform(a kernel.Author, out *engine.Output) {
	c.t.Helper()
	s := c.seats[a]
	c.must(s.Persist(outputOf(out)))
	for _, e := range out.Send {
		c.send(a, e)
	}
	for _, serving := range out.Serve {
		for _, id := range serving.IDs {
			if frame, ok := s.Frame(id); ok {
				c.mail = append(c.mail, letter{a, serving.To, frame})
			}
		}
	}
	s.Done(outputOf(out))
	for _, o := range out.Commits {
		x, diff, err := s.Execute(o)
		c.must(err)
		s.input.Executed = append(s.input.Executed, x)
		s.diffs = append(s.diffs, diff)
	}
}

func (c *crowd) send(from kernel.Author, e engine.Envelope) {
	frame, sampled := wire.Append(nil, e.Message), 0
	for to := range kernel.Author(members) {
		switch {
		case to == from, !e.To.All && e.To.Sample == 0 && to != e.To.Peer:
			continue
		case e.To.Sample > 0 && !e.To.All:
			if e.To.Except.Has(to) || sampled == e.To.Sample {
				continue
			}
			sampled++
		}
		c.mail = append(c.mail, letter{from, to, frame})
	}
}

// submit hands signed bytes to a member, as a client would.
func (c *crowd) submit(a kernel.Author, raw []byte) kernel.TxHash {
	c.t.Helper()
	candidate, err := c.seats[a].Candidate(raw)
	c.must(err)
	s := c.seats[a]
	s.input.Admitted = append(s.input.Admitted, candidate)
	return candidate.Hash
}

// settle steps until a transaction is final everywhere.
func (c *crowd) settle(tx kernel.TxHash) {
	c.t.Helper()
	for range 500 {
		final := 0
		for _, s := range c.seats {
			if r, ok := s.store.Receipt(tx); ok && r.Status == kernel.Final {
				final++
			}
		}
		if final == members {
			return
		}
		c.step()
	}
	c.t.Fatalf("transaction %s is not final everywhere after 500 steps", tx)
}

// sameState compares what members say about the commits that all have.
func (c *crowd) sameState() {
	c.t.Helper()
	low := c.seats[0].store.Head().Index
	for _, s := range c.seats {
		low = min(low, s.store.Head().Index)
	}
	want, _, _ := c.seats[0].store.CommitAt(low)
	for a, s := range c.seats {
		if got, _, ok := s.store.CommitAt(low); !ok || got.Digest != want.Digest {
			c.t.Errorf("commit %d: member %d has %v, member 0 has %v", low, a, got, want)
		}
	}
}

// TestRun settles payments among seven replicas, starts one again from its folder, and settles
// more: everybody has the same state, and the one that was away signs on.
func TestRun(t *testing.T) {
	w := newWorld(t, 12)
	c := newCrowd(w)
	for i := range 5 {
		c.settle(c.submit(kernel.Author(i), w.payment(i, "run")))
	}
	before := c.seats[2].engine.Status()
	head := c.seats[2].store.Head()
	w.close(c.seats[2].Replica)
	c.start(2)
	restored, err := c.seats[2].Restored()
	w.must(err)
	if !restored.Trusted || restored.Executed.Index != head.Index || restored.Executed.Digest != head.Digest || len(restored.Window) == 0 || restored.Order == nil {
		t.Errorf("restored: trusted %v, %v, %d in the window", restored.Trusted, restored.Executed, len(restored.Window))
	}
	for i := 5; i < 10; i++ {
		c.settle(c.submit(2, w.payment(i, "again")))
	}
	if after := c.seats[2].engine.Status(); after.Phase != engine.Active || after.Round <= before.Round {
		t.Errorf("started again: %v %s, round %d after %d", after.Phase, after.Reason, after.Round, before.Round)
	}
	c.sameState()
	if n := c.seats[0].bodies.cache.Len(); n > 3*members*10 {
		t.Errorf("%d bodies are kept", n)
	}
	c.seats[3].store.Distrust("damage met while reading")
	if r := w.restored(c.seats[3]); r.Trusted || len(r.Window) == 0 { // doubtful, but not lost
		t.Errorf("a doubtful log: trusted %v, %d in the window", r.Trusted, len(r.Window))
	}
}

// TestOpenBodies starts a member again between acceptance and execution: what it accepted waits
// on, is told to the engine, and is executed once.
func TestOpenBodies(t *testing.T) {
	w := newWorld(t, 4)
	c := newCrowd(w)
	c.settle(c.submit(0, w.payment(0, "first")))
	hash := c.submit(1, w.payment(1, "open"))
	var restored engine.Restored
	for range 100 {
		c.step()
		if restored = w.restored(c.seats[2]); len(restored.Open) > 0 {
			break
		}
	}
	if len(restored.Open) != 1 || len(restored.Open[0].Claims) != 1 || restored.Open[0].Claims[0].Hash != hash {
		t.Fatalf("open: %+v", restored.Open)
	}
	w.close(c.seats[2].Replica)
	c.start(2)
	c.settle(hash)
	if restored = w.restored(c.seats[2]); len(restored.Open) != 0 {
		t.Errorf("executed, and still open: %+v", restored.Open)
	}
	c.sameState()
}

func (w *world) restored(s *seat) engine.Restored {
	w.t.Helper()
	r, err := s.Restored()
	w.must(err)
	return r
}

// TestConflict submits two payments of one output to two members: one is final, and the other is
// rejected or excluded, everywhere alike; executions say so.
func TestConflict(t *testing.T) {
	w := newWorld(t, 2)
	c := newCrowd(w)
	x, y := c.submit(0, w.payment(0, "x")), c.submit(4, w.payment(0, "y"))
	last := c.submit(2, w.payment(1, "last"))
	c.settle(last)
	for range 50 {
		c.step()
	}
	c.sameState()
	for a, s := range c.seats {
		winner := 0
		for _, h := range []kernel.TxHash{x, y} {
			if r, ok := s.store.Receipt(h); ok && r.Status == kernel.Final {
				winner++
			}
		}
		if winner != 1 {
			t.Errorf("member %d: %d of two conflicting payments are final", a, winner)
		}
	}
}

// TestExecute executes bodies by hand, one a commit: what becomes final, what the engine hears
// of the rest, and that bodies are not kept longer than needed.
func TestExecute(t *testing.T) {
	w := newWorld(t, 3)
	r := w.replica()
	good, rival := w.pay(0, "good"), w.pay(0, "rival")
	stranger := *w.pay(1, "stranger")
	stranger.Signatures = w.pay(2, "other").Signatures      // the hash of a good payment, other signed bytes
	for _, tx := range []*kernel.Transaction{good, rival} { // both wait here, verified
		_, err := r.Candidate(w.encode(tx))
		w.must(err)
	}
	for i, tt := range []struct {
		name                  string
		tx                    *kernel.Transaction
		final, rejected, void int
	}{
		{"final", good, 1, 0, 0},
		{"again", good, 0, 0, 1},
		{"conflict", rival, 0, 1, 0},
		{"bad signature", &stranger, 0, 0, 0}, // says nothing about the bytes that wait
	} {
		round := kernel.Round(9 + i)
		raw := w.snapshot(3, bodyOf(w.encode(tt.tx)), func(h *kernel.Header) {
			h.Round = round
			for i := range h.Parents {
				h.Parents[i].Round = round - 1
			}
		})
		in, err := decodeFrom(r, 3, wire.Append(nil, wire.Snapshot{Raw: raw}))
		w.must(err)
		id := in.Arrived[0].ID
		w.must(r.Persist(&Output{Persist: []engine.Record{{ID: id, Author: 3, Round: round, Raw: raw}}}))
		if _, ok := r.bodies.get(id); !ok {
			t.Errorf("%s: the body is not kept", tt.name)
		}
		c := &kernel.Commit{
			Index: kernel.CommitIndex(i + 1), Timestamp: w.genesis.Timestamp + kernel.Timestamp(i+1), Position: uint64(i),
			Leader:    kernel.Parent{Author: 3, Round: round, ID: id},
			Snapshots: []kernel.CommittedID{{Author: 3, Round: round, ID: id}},
		}
		x, diff, err := r.Execute(engine.Ordered{Commit: c, Order: []byte(tt.name)})
		w.must(err)
		if len(x.Final) != tt.final || len(x.Rejected) != tt.rejected || len(x.Void) != tt.void || len(diff.Receipts) != tt.final+tt.rejected {
			t.Errorf("%s: %+v, receipts %+v", tt.name, x, diff.Receipts)
		}
		for _, h := range append(x.Rejected, x.Void...) {
			if h != tt.tx.Hash() {
				t.Errorf("%s: names %s", tt.name, h)
			}
		}
		if x.Commit != c || c.Digest != r.store.Head().Digest || string(r.store.Consensus()) != string(joinOrders([]byte(tt.name), nil)) {
			t.Errorf("%s: the commit is not stored with its digest and order", tt.name)
		}
		if _, ok := r.bodies.get(id); ok {
			t.Errorf("%s: an executed body is kept", tt.name)
		}
		if b := r.Body(id); b.Root() != in.Arrived[0].Header.BodyRoot {
			t.Errorf("%s: the log gives back another body", tt.name)
		}
	}
}

// TestLogLost takes a member's log away: it cannot go on from its state, and a rebuilt folder is
// trusted no more.
func TestLogLost(t *testing.T) {
	w := newWorld(t, 2)
	c := newCrowd(w)
	c.settle(c.submit(0, w.payment(0, "lost")))
	s := c.seats[5]
	w.close(s.Replica)
	w.must(s.options.FS.RemoveAll(s.options.FS.PathJoin(folder, "log")))
	broken := w.open(5, s.options, nil)
	_, err := broken.Restored()
	if !errors.Is(err, ErrLogLost) {
		t.Fatalf("restored: %v, want %v", err, ErrLogLost)
	}
	w.close(broken)
	rebuilt, err := Rebuild(folder, "aside", w.genesis, w.genesis.Members[5].Key, s.options, err)
	w.must(err)
	w.must(rebuilt.Close())
	if _, err := s.options.FS.Stat("aside"); err != nil {
		t.Errorf("the damaged folder is gone: %v", err)
	}
	c.start(5)
	if r := w.restored(s); r.Trusted || r.Executed.Index != 0 || len(r.Window) != 0 {
		t.Errorf("rebuilt: trusted %v, %v", r.Trusted, r.Executed)
	}
	c.settle(c.submit(5, w.payment(1, "follower")))
	if status := s.engine.Status(); status.Phase != engine.Following {
		t.Errorf("a rebuilt member is %v", status.Phase)
	}
	c.sameState()
}

// A watchedFS calls what is watching before every change of names.
type watchedFS struct {
	*kv.CrashFS
	before func()
}

func (f watchedFS) Rename(from, to string) error { f.before(); return f.CrashFS.Rename(from, to) }

func (f watchedFS) OpenDir(name string) (kv.File, error) { f.before(); return f.CrashFS.OpenDir(name) }

func (f watchedFS) Lock(name string) (io.Closer, error) { f.before(); return f.CrashFS.Lock(name) }

// TestRebuildCrash loses power, and is killed, all the while a folder is rebuilt: what is left is
// the damaged folder, or none, or one that is not trusted. A node that trusted it would sign
// rounds again that it has signed before.
func TestRebuildCrash(t *testing.T) {
	w := newWorld(t, 2)
	c := newCrowd(w)
	disk := kv.Crashable()
	s := c.seats[5]
	w.close(s.Replica)
	s.options.FS = disk
	w.must(Init(folder, w.genesis, w.genesis.Members[5].Key, s.options))
	c.start(5)
	c.settle(c.submit(0, w.payment(0, "crash")))
	w.close(s.Replica)
	w.must(disk.RemoveAll(disk.PathJoin(folder, "log")))
	w.must(kv.SyncDir(disk, folder))
	var left []*kv.CrashFS
	o := s.options
	o.FS = watchedFS{disk, func() { left = append(left, disk.Kill(), disk.Crash(0, 0), disk.Crash(50, uint64(len(left)))) }}
	rebuilt, err := Rebuild(folder, "aside", w.genesis, w.genesis.Members[5].Key, o, ErrLogLost)
	w.must(err)
	w.must(rebuilt.Close())
	left = append(left, disk.Crash(0, 0))
	found := map[string]int{}
	for i, fsys := range left {
		o.FS = fsys
		what := w.leftBehind(o)
		if found[what]++; what == "trusted" {
			t.Fatalf("moment %d: a rebuilt folder is trusted", i/3)
		}
	}
	if found["damaged"] == 0 || found["none"] == 0 || found["doubtful"] == 0 {
		t.Errorf("not every outcome was met: %v", found)
	}
}

// leftBehind says what member 5 finds in its folder.
func (w *world) leftBehind(o store.Options) string {
	w.t.Helper()
	if !store.Exists(folder, o) {
		return "none"
	}
	r := w.open(5, o, &counting{})
	defer w.close(r)
	restored, err := r.Restored()
	switch {
	case errors.Is(err, ErrLogLost):
		return "damaged"
	case err != nil:
		w.t.Fatal(err)
	case restored.Trusted:
		return "trusted"
	}
	return "doubtful"
}
