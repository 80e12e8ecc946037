package store

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// A commit needs no disk: while a sync of the log hangs, commits go on and are read.
func TestCommitDoesNotWaitForTheDisk(t *testing.T) { eachEngine(t, testCommitDoesNotWait) }

func testCommitDoesNotWait(t *testing.T) {
	var syncs atomic.Int64
	fsys := errorfs.Wrap(kv.Memory(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		switch op.Kind {
		case errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo:
			syncs.Add(1)
		}
		return nil
	}))
	f := newFixture(t, fsys, 4)
	f.options.FoldBytes, f.options.FoldCommits = 0, 0
	s := f.open(t)
	before := syncs.Load()
	for round := kernel.Round(1); round <= 20; round++ {
		r := f.record(1, round)
		if err := s.Append([]Record{r}, false); err != nil {
			t.Fatal(err)
		}
		c, d := f.commit(s, []Record{r}, 3)
		if err := s.Commit(c, d, nil); err != nil {
			t.Fatal(err)
		}
		if got, ok := s.Receipt(d.Receipts[0].Transaction); !ok || got != d.Receipts[0] {
			t.Fatalf("receipt of commit %d: %v %+v", c.Index, ok, got)
		}
	}
	if n := syncs.Load() - before; n != 0 {
		t.Errorf("20 commits synced %d times", n)
	}
	f.close(t, s)
}

// A doubt is durable though the log is halted, and takes no commit along that the log does not cover.
func TestDoubtOfAHaltedLog(t *testing.T) { eachEngine(t, testDoubtOfAHaltedLog) }

func testDoubtOfAHaltedLog(t *testing.T) {
	disk := kv.Crashable()
	var broken atomic.Bool
	fsys := errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if broken.Load() && op.Kind == errorfs.OpFileSyncData && strings.Contains(op.Path, logDir+"/") {
			return syscall.EIO
		}
		return nil
	}))
	f := newFixture(t, fsys, 5)
	f.options.FoldBytes, f.options.FoldCommits = 0, 0
	s := f.open(t)
	r := f.record(1, 1)
	if err := s.Append([]Record{r}, false); err != nil {
		t.Fatal(err)
	}
	c, d := f.commit(s, []Record{r}, 2)
	if err := s.Commit(c, d, nil); err != nil {
		t.Fatal(err)
	}
	broken.Store(true)
	if err := s.SyncNow(); !errors.Is(err, ErrHalted) {
		t.Fatalf("sync: %v", err)
	}
	s.Distrust("somebody holds more")
	lost := disk.Crash(0, 1)
	_ = s.Close()
	for name, left := range map[string]*kv.CrashFS{"crash": lost, "close": disk.Crash(0, 2)} {
		o := f.options
		o.FS = left
		again, err := Open(f.dir, f.network, f.self, o)
		if err != nil {
			t.Fatal(err)
		}
		if again.LogState() != Doubtful || again.Doubt() != "somebody holds more" || again.Head().Index != 0 {
			t.Errorf("%s left a log that is %v (%s) and commit %d, which no log covers", name, again.LogState(), again.Doubt(), again.Head().Index)
		}
		_ = again.Close()
	}
}

// A view shows its commit and nothing else, however many commits and folds pass under it.
func TestViewsStandStill(t *testing.T) {
	f := newFixture(t, kv.Memory(), 6)
	s := f.open(t)
	defer f.close(t, s)
	var mu sync.Mutex
	outputs := map[kernel.OutputRef]ledger.Output{}
	receipts := map[kernel.TxHash]kernel.Receipt{}
	var done atomic.Bool
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for !done.Load() {
				mu.Lock()
				v := s.View()
				at := v.Head().Index
				want := make(map[kernel.OutputRef]ledger.Output)
				for ref, o := range outputs {
					if want[ref] = o; len(want) == 50 {
						break
					}
				}
				mu.Unlock()
				for range 3 {
					for ref, o := range want {
						if got, ok := v.Output(ref); !ok || !reflect.DeepEqual(got, o) {
							t.Errorf("output %v of the view of commit %d is %+v, want %+v", ref, at, got, o)
							return
						}
					}
				}
				mu.Lock()
				var later []kernel.Receipt
				for _, r := range receipts {
					if r.Commit > at {
						later = append(later, r)
					}
				}
				mu.Unlock()
				for _, r := range later {
					if _, ok := v.Receipt(r.Transaction); ok {
						t.Errorf("the view of commit %d has a receipt of %d", at, r.Commit)
						return
					}
				}
				_ = v.Close()
			}
		})
	}
	for round := kernel.Round(1); round <= 60 && !t.Failed(); round++ {
		r := f.record(1, round)
		if err := s.Append([]Record{r}, round%3 == 0); err != nil {
			t.Fatal(err)
		}
		c, d := f.commit(s, []Record{r}, 15)
		mu.Lock() // so that outputs are those of the head
		if err := s.Commit(c, d, nil); err != nil {
			t.Fatal(err)
		}
		for _, o := range d.Created {
			outputs[o.Ref] = o.Output
		}
		for _, x := range d.Spent {
			o := outputs[x.Ref]
			o.SpentBy, o.SpentAt = x.By.Transaction, x.By.Commit
			outputs[x.Ref] = o
		}
		for _, r := range d.Receipts {
			receipts[r.Transaction] = r
		}
		mu.Unlock()
	}
	done.Store(true)
	wg.Wait()
}

// Transactions and keys whose fingerprints are equal are told apart by their rows.
func TestEqualFingerprints(t *testing.T) { eachEngine(t, testEqualFingerprints) }

func testEqualFingerprints(t *testing.T) {
	f := newFixture(t, kv.Memory(), 7)
	s := f.open(t)
	var made []*ledger.Diff
	for round := kernel.Round(1); round <= 9; round++ {
		c, d := f.prepare(t, s, round, 0)
		f.unspent = nil
		f.transfer(c, d)
		twin := kernel.TxHash{1, 2, 3, 4, 5, 6, 7, 8, byte(round)} // the same first bytes every time
		rename(d, twin)
		if err := s.Commit(c, d, nil); err != nil {
			t.Fatal(err)
		}
		made = append(made, d)
	}
	for range 2 {
		for _, d := range made {
			if got, ok := s.Receipt(d.Receipts[0].Transaction); !ok || got != d.Receipts[0] {
				t.Fatalf("receipt %v: %+v", ok, got)
			}
			for _, k := range d.Keys {
				if got, ok := s.GhostKey(k.Key); !ok || got != k.By {
					t.Fatalf("key %v: %+v", ok, got)
				}
			}
			v := s.View()
			if got, ok := v.Output(d.Created[2].Ref); !ok || !reflect.DeepEqual(got, d.Created[2].Output) {
				t.Fatalf("output %v: %+v", ok, got)
			}
			_ = v.Close()
		}
		if _, ok := s.Receipt(kernel.TxHash{1, 2, 3, 4, 5, 6, 7, 8, 99}); ok {
			t.Fatal("a receipt of nobody")
		}
		f.close(t, s)
		s = f.open(t)
	}
	f.close(t, s)
}

// rename gives the one transaction of a diff another hash.
func rename(d *ledger.Diff, hash kernel.TxHash) {
	d.Receipts[0].Transaction = hash
	for i := range d.Created {
		d.Created[i].Ref.Hash = hash
	}
	for i := range d.Keys {
		d.Keys[i].By.Transaction = hash
	}
	for i := range d.Taken {
		d.Taken[i].By.Transaction = hash
	}
}

// Keys that begin alike, as whoever pays can choose them, do not share fingerprints; and those
// that do are told apart.
func TestChosenKeys(t *testing.T) {
	prints := make(map[[fingerprintSize]byte]bool)
	for i := range 1000 {
		key := kernel.Key{31: byte(i), 30: byte(i >> 8)}
		prints[fingerprint(salt{}, &key)] = true
	}
	if len(prints) != 1000 {
		t.Errorf("%d fingerprints of 1000 keys", len(prints))
	}
	if key := (kernel.Key{1}); fingerprint(salt{}, &key) == fingerprint(salt{1}, &key) {
		t.Error("two folders have the same fingerprints")
	}
}

// A diff that execution cannot have made is refused before anything of it counts.
func TestBrokenDiffs(t *testing.T) {
	for name, breakIt := range map[string]func(f *fixture, c *kernel.Commit, d *ledger.Diff){
		"receipt of another commit":  func(_ *fixture, c *kernel.Commit, d *ledger.Diff) { d.Receipts[1].Commit++ },
		"snapshot of another commit": func(_ *fixture, c *kernel.Commit, d *ledger.Diff) { d.Receipts[1].Snapshot = kernel.SnapshotID{1} },
		"output without a receipt":   func(_ *fixture, c *kernel.Commit, d *ledger.Diff) { d.Receipts = d.Receipts[:1] },
		"output of another commit":   func(_ *fixture, c *kernel.Commit, d *ledger.Diff) { d.Created[1].Output.Created++ },
		"outputs in disorder":        func(_ *fixture, c *kernel.Commit, d *ledger.Diff) { d.Created[1].Ref.Index = 0 },
		"key that no output has":     func(_ *fixture, c *kernel.Commit, d *ledger.Diff) { d.Keys[0].Key[0] ^= 1 },
		"key that is missing":        func(_ *fixture, c *kernel.Commit, d *ledger.Diff) { d.Keys = d.Keys[1:] },
		"key of another":             func(_ *fixture, c *kernel.Commit, d *ledger.Diff) { d.Keys[0].By.Commit++ },
		"one key more":               func(_ *fixture, c *kernel.Commit, d *ledger.Diff) { d.Keys = append(d.Keys, d.Keys[0]) },
		"spend of what is not there": func(f *fixture, c *kernel.Commit, d *ledger.Diff) { f.fill(d.Spent[0].Ref.Hash[:]) },
		"spend by nobody":            func(f *fixture, c *kernel.Commit, d *ledger.Diff) { f.fill(d.Spent[0].By.Transaction[:]) },
		"spend at another commit":    func(f *fixture, c *kernel.Commit, d *ledger.Diff) { d.Spent[0].By.Commit++ },
		"identity taken by nobody":   func(f *fixture, c *kernel.Commit, d *ledger.Diff) { d.Taken = []ledger.TakenIdentity{{}} },
		"list longer than its length": func(f *fixture, c *kernel.Commit, d *ledger.Diff) {
			d.Created[0].Output.Keys = make([]kernel.Key, maxOutputKeys+1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, kv.Memory(), 8)
			s := f.open(t)
			for round := kernel.Round(1); round <= 2; round++ {
				c, d := f.prepare(t, s, round, 3)
				if round == 2 {
					breakIt(f, c, d)
				}
				if err := s.Commit(c, d, nil); (err != nil) != (round == 2) {
					t.Fatalf("commit %d: %v", round, err)
				}
			}
			if s.Head().Index != 1 {
				t.Errorf("head %d", s.Head().Index)
			}
			f.close(t, s)
			s = f.open(t)
			if s.Head().Index != 1 {
				t.Errorf("head %d after opening again", s.Head().Index)
			}
			f.close(t, s)
		})
	}
}

// What a fold leaves on the disk rests on all that the log held at its commits: the rule decided by
// snapshots that no commit names yet, and its state is among the rows.
func TestFoldCoversWhatTheRuleSaw(t *testing.T) { eachEngine(t, testFoldCovers) }

func testFoldCovers(t *testing.T) {
	disk := kv.Crashable()
	f := newFixture(t, disk, 9)
	s, named, seen := f.fold(t)
	o := f.options
	o.FS = disk.Crash(0, 1)
	f.close(t, s)
	s, err := Open(f.dir, f.network, f.self, o)
	if err != nil {
		t.Fatal(err)
	}
	if s.Head().Index != 1 || !s.Has(named.ID) || !s.Has(seen.ID) {
		t.Errorf("a crash left commit %d, its snapshot %v, the one it was decided by %v", s.Head().Index, s.Has(named.ID), s.Has(seen.ID))
	}
	f.close(t, s)
}

// fold opens the folder and folds a commit of one of two records.
func (f *fixture) fold(t *testing.T) (s *Store, named, seen Record) {
	t.Helper()
	s = f.open(t)
	named, seen = f.record(1, 1), f.record(2, 5)
	if err := s.Append([]Record{named, seen}, false); err != nil { // not durable when the commit comes
		t.Fatal(err)
	}
	c, d := f.commit(s, []Record{named}, 2)
	if err := s.Commit(c, d, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.db.Flush(); err != nil {
		t.Fatal(err)
	}
	return s, named, seen
}

// A record that is damaged after a fold is missed alone: recovery does not cut off what is behind it,
// on which the folded state rests.
func TestDamageBelowFold(t *testing.T) { eachEngine(t, testDamageBelowFold) }

func testDamageBelowFold(t *testing.T) {
	disk := kv.Crashable()
	f := newFixture(t, disk, 9)
	s, named, seen := f.fold(t)
	after := f.record(2, 6) // nothing folded rests on it
	if err := s.Append([]Record{after}, true); err != nil {
		t.Fatal(err)
	}
	o := f.options
	o.FS = disk.Kill()
	f.close(t, s)
	logs := o.FS.PathJoin(f.dir, logDir)
	numbers, err := segmentNumbers(o.FS, logs)
	if err != nil {
		t.Fatal(err)
	}
	name := o.FS.PathJoin(logs, segmentName(numbers[len(numbers)-1]))
	whole, err := kv.ReadFile(o.FS, name, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(whole, named.Header)
	if at < 0 {
		t.Fatal("the record is not in the log")
	}
	whole[at] ^= 1
	writeFile(t, o.FS, name, whole)
	if s, err = Open(f.dir, f.network, f.self, o); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Snapshot(named.ID); ok {
		t.Error("a damaged record is served")
	}
	for _, r := range []Record{seen, after} {
		if got, ok := s.Snapshot(r.ID); !ok || !equalRecord(got, r) {
			t.Errorf("%d@%d is gone", r.Author, r.Round)
		}
	}
	if err := s.Append([]Record{named}, true); err != nil {
		t.Error("the damaged record is not taken again:", err)
	}
	if got, ok := s.Snapshot(named.ID); !ok || !equalRecord(got, named) {
		t.Error("nor served")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
