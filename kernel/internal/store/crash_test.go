package store

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
)

var (
	firstSeed = flag.Uint64("first", 1, "first seed of the crash tests")
	seeds     = flag.Uint64("seeds", 3, "number of seeds of the crash tests")
	every     = flag.Int("every", 7, "crash before every n-th operation on the file system")
)

// A witness knows what was promised to the user of a store, and judges what a crash left.
type witness struct {
	mu       sync.Mutex
	appended []Record    // in order, those of the call under way included
	durable  int         // of appended: acknowledged with sync
	dumps    []string    // of the state after each commit
	covered  []int       // by each commit: its newest snapshot's place in appended, plus one
	twin     *Store      // on a disk without faults, one call ahead: what the dumps are taken from
	dead     atomic.Bool // the process died in the background: the run may go on for ever
}

var errDead = errors.New("the process died in the background")

// newWitness makes a witness for a store that was just created.
func newWitness(t testing.TB, seed uint64) *witness {
	f := newFixture(t, kv.Memory(), seed)
	w := &witness{twin: f.open(t), covered: []int{0}}
	t.Cleanup(func() {
		if !w.dead.Load() {
			f.close(t, w.twin)
		}
	})
	w.dumps = []string{dump(t, w.twin)}
	return w
}

func (w *witness) promised() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.durable
}

// freeze returns what the witness knows now: after a death in the background the run may go on
// for a moment.
func (w *witness) freeze() *witness {
	w.mu.Lock()
	defer w.mu.Unlock()
	return &witness{appended: slices.Clone(w.appended), durable: w.durable, dumps: slices.Clone(w.dumps), covered: slices.Clone(w.covered)}
}

// stateTables are those that Commit writes.
var stateTables = []byte{tableTransaction, tableHash, tableGhost, tableSpend, tableIdentity, tableNumber, tableAsset, tableFault, tableBlame, tableCommit, tableJudged, tablePosition, tableSnapshot, tableIssued, tableSystem}

// dump is a hash over everything that Commit writes.
func dump(t testing.TB, s *Store) string {
	t.Helper()
	state, err := tryDump(s)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

// tryDump is dump for a state that may not be readable.
func tryDump(s *Store) (string, error) {
	h := sha256.New()
	for _, table := range stateTables {
		lower := []byte{table}
		err := s.db.Ascend(lower, kv.After(lower), func(key, value []byte) (bool, error) {
			fmt.Fprintf(h, "%x=%x\n", key, value)
			return true, nil
		})
		if err != nil {
			return "", err
		}
	}
	head := s.Head()
	fmt.Fprintf(h, "%d %x %x", head.Index, head.State.Sum(), s.Consensus())
	return string(h.Sum(nil)), nil
}

// judge opens what a crash left and compares it with what was promised.
func (w *witness) judge(t testing.TB, f *fixture, fsys kv.FS, promised int) {
	t.Helper()
	// A fixture of its own: a run whose process died in the background may still be using the other.
	g := &fixture{dir: f.dir, options: f.options, genesis: f.genesis, network: f.network, self: f.self, initial: f.initial}
	g.options.FS, g.random, g.next = fsys, rand.New(rand.NewPCG(49, 1)), 1<<20
	s, err := Open(g.dir, g.network, g.self, g.options)
	if err != nil {
		t.Fatalf("open after the crash: %v", err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}()
	if s.LogState() == Doubtful {
		t.Fatalf("an ordinary crash left the log in doubt: %s", s.Doubt())
	}
	head := s.Head().Index
	if int(head) >= len(w.dumps) || dump(t, s) != w.dumps[head] {
		t.Fatalf("the state is not that of commit %d", head)
	}
	held := 0
	err = s.ScanAccepted(0, func(_ uint64, r Record) error {
		if held >= len(w.appended) || !equalRecord(r, w.appended[held]) {
			return fmt.Errorf("record %d is not the one that was appended", held)
		}
		if got, ok := s.Snapshot(r.ID); !ok || !equalRecord(got, r) {
			return fmt.Errorf("record %d is not found by its id", held)
		}
		held++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if held < promised || held < w.covered[head] {
		t.Fatalf("%d records left, %d were acknowledged, commit %d covers %d", held, promised, head, w.covered[head])
	}
	// Life goes on, and what is written now survives the next opening.
	r := g.record(49, 1)
	if err := s.Append([]Record{r}, true); err != nil {
		t.Fatal(err)
	}
	c, d := g.commit(s, []Record{r}, 1)
	if err := s.Commit(c, d, nil); err != nil {
		t.Fatal(err)
	}
}

// drive does n random things to a store, until one fails.
func (w *witness) drive(t testing.TB, f *fixture, s *Store, random *rand.Rand, n int) error {
	round := kernel.Round(len(w.appended))
	for range n {
		if w.dead.Load() {
			return errDead
		}
		switch random.IntN(4) {
		case 0, 1:
			var records []Record
			for range 1 + random.IntN(3) {
				round++
				records = append(records, f.record(kernel.Author(random.IntN(7)), round))
			}
			w.mu.Lock()
			w.appended = append(w.appended, records...)
			w.mu.Unlock()
			sync := random.IntN(2) == 0
			if err := s.Append(records, sync); err != nil {
				return err
			}
			if sync {
				w.mu.Lock()
				w.durable = len(w.appended)
				w.mu.Unlock()
			}
		case 2:
			if err := w.commit(t, f, s, random); err != nil {
				return err
			}
		case 3:
			if random.IntN(3) > 0 {
				continue
			}
			if err := s.SyncNow(); err != nil {
				return err
			}
			w.mu.Lock()
			w.durable = len(w.appended)
			w.mu.Unlock()
		}
	}
	return nil
}

// commit commits a snapshot that is in no commit yet.
func (w *witness) commit(t testing.TB, f *fixture, s *Store, random *rand.Rand) error {
	from := w.covered[len(w.covered)-1]
	if from == len(w.appended) {
		return nil
	}
	to := from + 1 + random.IntN(len(w.appended)-from)
	c, d := f.commit(s, w.appended[from:to], 1+random.IntN(20))
	blob := f.bytes(50)
	if err := w.twin.Append(w.appended[from:to], false); err != nil {
		t.Error(err)
	}
	if err := w.twin.Commit(c, d, blob); err != nil {
		t.Error(err)
	}
	state := dump(t, w.twin)
	w.mu.Lock()
	w.covered = append(w.covered, to)
	w.dumps = append(w.dumps, state)
	w.mu.Unlock()
	return s.Commit(c, d, blob)
}

// A crash is what was left at one moment, and what was promised then.
type crash struct {
	fs       *kv.CrashFS
	promised int
	at       string
}

// TestCrashes cuts the power before every n-th operation on the file system, with everything,
// half or nothing of what was not synced lost, and opens the folder again.
func TestCrashes(t *testing.T) { eachEngine(t, testCrashes) }

func testCrashes(t *testing.T) {
	points, n := 0, *seeds
	switch {
	case full():
		n = max(n, 36)
	case testing.Short():
		n = 1
	}
	for seed := *firstSeed; seed < *firstSeed+n; seed++ {
		points += crashRun(t, seed)
		if t.Failed() {
			t.Fatalf("replay: go test ./kernel/internal/store -run Crashes -first %d -seeds 1 -every %d", seed, *every)
		}
	}
	t.Logf("%d crash points", points)
}

func crashRun(t *testing.T, seed uint64) int {
	disk := kv.Crashable()
	var crashes []crash
	var mu sync.Mutex
	w := newWitness(t, seed)
	var operations atomic.Int64
	var armed atomic.Bool
	fsys := errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if !armed.Load() || op.Kind.ReadOrWrite() == errorfs.OpIsRead {
			return nil
		}
		n := operations.Add(1)
		if n%int64(*every) != 0 {
			return nil
		}
		promised := w.promised()
		percent := []int{0, 50, 90, 100}[n/int64(*every)%4]
		left := disk.Crash(percent, seed<<32+uint64(n))
		mu.Lock()
		crashes = append(crashes, crash{left, promised, fmt.Sprintf("operation %d (%v %s), %d%% of the unsynced kept", n, op.Kind, op.Path, percent)})
		mu.Unlock()
		return nil
	}))
	f := newFixture(t, fsys, seed)
	f.options.SegmentBytes = 16 << 10
	f.options.MemtableBytes = 64 << 10
	s := f.open(t)
	armed.Store(true)
	random := rand.New(rand.NewPCG(seed, 2))
	for range 4 {
		if err := w.drive(t, f, s, random, 40); err != nil {
			t.Fatal(err)
		}
		f.close(t, s)
		s = f.open(t)
	}
	f.close(t, s)
	mu.Lock()
	defer mu.Unlock()
	for _, c := range crashes {
		t.Run(c.at, func(t *testing.T) { w.judge(t, f, c.fs, c.promised) })
	}
	return len(crashes)
}

// TestBrokenDisk lets each of the operations of a run fail in turn, as a full disk or a broken
// one. Then the process ends, or the store is closed, and the folder is opened again.
func TestBrokenDisk(t *testing.T) { eachEngine(t, testBrokenDisk) }

func testBrokenDisk(t *testing.T) {
	skip := int64(0) // TestEveryFault has more
	if testing.Short() {
		skip = 15
	}
	for _, fault := range []error{syscall.ENOSPC, syscall.EIO} {
		sites := 0
		for n := int64(1); n < 400; n += 1 + n/8 + skip {
			if !brokenRun(t, fault, n) {
				break
			}
			sites++
		}
		t.Logf("%v: %d places", fault, sites)
		if sites < 10 && !testing.Short() {
			t.Errorf("%v: only %d places to fail", fault, sites)
		}
	}
}

// brokenRun lets the n-th write of a run and the next ones fail; false if there are not so many.
func brokenRun(t *testing.T, fault error, n int64) bool {
	disk := kv.Crashable()
	var operations atomic.Int64
	var armed, hit atomic.Bool
	fsys := errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if !armed.Load() || op.Kind.ReadOrWrite() == errorfs.OpIsRead || op.Kind == errorfs.OpFileClose || op.Kind == errorfs.OpRemove {
			return nil
		}
		if i := operations.Add(1); i < n || i >= n+3 {
			return nil
		}
		hit.Store(true)
		return fault
	}))
	f := newFixture(t, fsys, uint64(n))
	f.options.SegmentBytes = 16 << 10
	f.options.MemtableBytes = 64 << 10
	died := make(chan error, 16)
	f.options.Fatal = func(err error) {
		died <- err
		select {} // the process is gone: nothing of it goes on
	}
	s := f.open(t)
	w := newWitness(t, 5)
	armed.Store(true)
	result := make(chan error, 1)
	go func() { result <- w.drive(t, f, s, rand.New(rand.NewPCG(uint64(n), 3)), 120) }()
	var err error
	closable := true
	select {
	case err = <-result:
	case err = <-died:
		closable = false
		w.dead.Store(true) // the run may wait in the store for ever, with the twin in its hands
	case <-time.After(3 * time.Minute):
		w.dead.Store(true)
		t.Fatal("the store hangs")
	}
	armed.Store(false)
	if !hit.Load() {
		return false
	}
	if err != nil && closable {
		if again := s.Append([]Record{f.record(48, 1)}, false); err != nil && !errors.Is(again, ErrHalted) {
			t.Errorf("append after %v: %v, want ErrHalted", err, again)
		}
	}
	before := w.promised()
	killed, lost := disk.Kill(), disk.Crash(0, 0)
	after := w.freeze()
	after.judge(t, f, killed, before)
	after.judge(t, f, lost, before)
	if !closable {
		return true
	}
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	select {
	case <-closed:
		after.judge(t, f, disk, before)
	case <-died:
	case <-time.After(3 * time.Minute):
		t.Fatal("Close hangs")
	}
	return true
}

// TestDamage flips one bit in every part of the log and demands that it is noticed.
func TestDamage(t *testing.T) {
	disk := kv.Crashable()
	f := newFixture(t, disk, 5)
	f.options.SegmentBytes = 4 << 10
	s := f.open(t)
	w := newWitness(t, 5)
	if err := w.drive(t, f, s, rand.New(rand.NewPCG(5, 5)), 60); err != nil {
		t.Fatal(err)
	}
	f.close(t, s)
	logs := disk.PathJoin(f.dir, logDir)
	numbers, err := segmentNumbers(disk, logs)
	if err != nil || len(numbers) < 3 {
		t.Fatalf("%d segments, %v", len(numbers), err)
	}
	flips := 0
	for _, n := range numbers {
		name := disk.PathJoin(logs, segmentName(n))
		whole, err := kv.ReadFile(disk, name, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for at := 0; at < len(whole); at += 97 {
			clone := disk.Kill()
			broken := bytes.Clone(whole)
			broken[at] ^= 1 << (at % 8)
			writeFile(t, clone, name, broken)
			damaged(t, f, clone, w, fmt.Sprintf("segment %d byte %d", n, at))
			flips++
		}
	}
	t.Logf("%d flips", flips)
}

// damaged demands that the store does not take a broken log for a whole one, and serves no
// record that differs from what was appended.
func damaged(t *testing.T, f *fixture, fsys kv.FS, w *witness, what string) {
	t.Helper()
	o := f.options
	o.FS = fsys
	s, err := Open(f.dir, f.network, f.self, o)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	held := 0
	for _, r := range w.appended {
		if got, ok := s.Snapshot(r.ID); ok && !equalRecord(got, r) {
			t.Fatalf("%s: a damaged record is served", what)
		} else if ok {
			held++
		}
	}
	_ = s.ScanAccepted(0, func(uint64, Record) error { return nil })
	if s.LogState() != Doubtful {
		t.Fatalf("%s: %d of %d records, yet the log is %v", what, held, len(w.appended), s.LogState())
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(f.dir, f.network, f.self, o); err != nil || s.LogState() != Doubtful {
		t.Fatalf("%s: the doubt is forgotten: %v", what, err)
	}
	_ = s.Close()
}

func writeFile(t testing.TB, fsys kv.FS, name string, b []byte) {
	t.Helper()
	file, err := fsys.Create(name, "test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		t.Fatal(err)
	}
}
