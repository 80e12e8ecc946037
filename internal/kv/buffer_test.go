package kv

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// bufferedEngines are both engines behind a buffer.
func bufferedEngines(t *testing.T, test func(t *testing.T, o Options)) {
	for _, e := range engines {
		if e.options.Buffer != nil {
			t.Run(e.name, func(t *testing.T) {
				own := *e.options.Buffer
				e.options.Buffer = &own
				test(t, e.options)
			})
		}
	}
}

// A table is a map, with values of all sizes and slots that must grow.
func TestTable(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	table, model := newTable(), map[string]string{}
	deleted := map[string]bool{}
	for i := range 20_000 {
		key := fmt.Sprint(random.IntN(5000))
		value := strings.Repeat(fmt.Sprint(i), random.IntN(20))
		if i%5000 == 17 {
			value = strings.Repeat("large", lastChunk/3)
		}
		kind := entrySet
		if random.IntN(5) == 0 {
			kind, value = entryDelete, ""
		}
		table.put(kind, []byte(key), []byte(value), hashKey([]byte(key)))
		model[key], deleted[key] = value, kind == entryDelete
	}
	for i := range 6000 {
		key := fmt.Sprint(i)
		want, there := model[key]
		got, kind := table.get([]byte("x"), []byte(key), hashKey([]byte(key)))
		if string(got) != "x"+want || (kind != 0) != there || there && (kind == entryDelete) != deleted[key] {
			t.Fatalf("key %s is %.40q, kind %d; want %.40q, %v", key, got, kind, want, deleted[key])
		}
	}
	var keys []string
	for _, r := range table.sorted() {
		key, value, there := table.at(r)
		if keys = append(keys, string(key)); string(value) != model[string(key)] || there == deleted[string(key)] {
			t.Fatalf("row %s is %.40q %v", key, value, there)
		}
	}
	if !slices.Equal(keys, slices.Sorted(maps.Keys(model))) {
		t.Fatalf("%d rows are not the %d keys in order", len(keys), len(model))
	}
}

// Whoever reads while batches come and are folded sees each key grow only, and a batch at once.
func TestReadersMeetFolds(t *testing.T) {
	bufferedEngines(t, func(t *testing.T, o Options) {
		db := openWith(t, Crashable(), o)
		defer db.Close()
		const keys = 10
		var done atomic.Bool
		var committed atomic.Uint64
		var wg sync.WaitGroup
		for r := range 4 {
			wg.Go(func() {
				random := rand.New(rand.NewPCG(uint64(r), 1))
				var seen [keys]uint64
				for !done.Load() {
					k := random.IntN(keys)
					floor := committed.Load()
					if r%2 == 1 && floor > 10 {
						n := floor - random.Uint64N(min(floor, 60))
						_, ok, err := db.GetYoung(nil, numbered('y', n), numbered('e', n))
						if err != nil || n > 0 && n+4 <= floor && !ok {
							t.Errorf("the young key of batch %d is missing after %d, %v", n, floor, err)
							return
						}
						continue
					}
					b, _, err := db.Get(nil, []byte{'k', byte(k)})
					n := uint64(0)
					if len(b) == 8 {
						n = binary.BigEndian.Uint64(b)
					}
					if err != nil || n < seen[k] || n < floor {
						t.Errorf("key %d is of batch %d after %d, %d were committed, %v", k, n, seen[k], floor, err)
						return
					}
					seen[k] = n
				}
			})
		}
		stop := time.Now().Add(300 * time.Millisecond)
		for n := uint64(1); time.Now().Before(stop) && !t.Failed(); n++ {
			commit(t, db, n%50 == 0, func(b *Batch) {
				b.Set(numbered('e', n), nil)
				if n > 4 {
					b.Set(numbered('y', n-4), nil) // often behind a fold
				}
				for k := range byte(keys) {
					b.Set([]byte{'k', k}, binary.BigEndian.AppendUint64(nil, n))
				}
				b.Set(numbered('z', n), make([]byte, n%300))
				b.Append([]byte("tail"), []byte("+"))
			})
			committed.Store(n)
			if b, _, err := db.Get(nil, []byte("tail")); err != nil || uint64(len(b)) != n {
				t.Fatalf("after batch %d a value has %d tails, %v", n, len(b), err)
			}
		}
		done.Store(true)
		wg.Wait()
	})
}

// A young key keeps all its tails, wherever it and its elder are when one more comes.
func TestAppendYoung(t *testing.T) {
	eachEngine(t, func(t *testing.T, o Options) {
		db := openWith(t, Crashable(), o)
		defer db.Close()
		ages := []uint64{0, 1, 3, 60}
		for n := uint64(1); n <= 300; n++ {
			commit(t, db, n%50 == 0, func(b *Batch) {
				b.Set(numbered('e', n), nil)
				for _, age := range ages {
					if n > age {
						b.AppendYoung(numbered('y', n-age), []byte("+"), numbered('e', n-age))
					}
				}
			})
			for i, age := range ages {
				if n <= age {
					continue
				}
				if b, _, err := db.Get(nil, numbered('y', n-age)); err != nil || string(b) != "++++"[:i+1] {
					t.Fatalf("the young key of batch %d has the tails %q after batch %d, %v", n-age, b, n, err)
				}
			}
		}
	})
}

func numbered(table byte, n uint64) []byte { return binary.BigEndian.AppendUint64([]byte{table}, n) }

// Nothing reaches the engine before Before has returned, and nothing after it failed.
func TestBefore(t *testing.T) {
	bufferedEngines(t, func(t *testing.T, o Options) {
		disk := Crashable()
		broken := errors.New("log is broken")
		var calls atomic.Int32
		o.Buffer.Before = func() error {
			db := openWith(t, disk.Kill(), Options{Engine: o.Engine, MemtableBytes: o.MemtableBytes, Buffer: &Buffer{}})
			defer db.Close()
			if ok, err := db.Has([]byte("second")); ok || err != nil {
				t.Error("a batch is on the disk before what it rests on:", err)
			}
			if calls.Add(1) > 1 {
				return broken
			}
			return nil
		}
		db := openWith(t, disk, o)
		commit(t, db, true, func(b *Batch) { b.Set([]byte("first"), nil) })
		b := db.NewBatch()
		b.Set([]byte("second"), nil)
		if err := b.Commit(true); !errors.Is(err, broken) {
			t.Errorf("commit: %v, want %v", err, broken)
		}
		if ok, err := db.Has([]byte("second")); !ok || err != nil {
			t.Error("what is in memory is not read:", ok, err)
		}
		late := db.NewBatch()
		if err := late.Commit(false); !errors.Is(err, broken) {
			t.Errorf("a later commit: %v, want %v", err, broken)
		}
		if err := db.Ascend(nil, nil, nil); !errors.Is(err, broken) {
			t.Errorf("a scan: %v, want %v", err, broken)
		}
		s := db.Snapshot()
		if _, _, err := s.Get(nil, []byte("first")); !errors.Is(err, broken) {
			t.Errorf("a snapshot: %v, want %v", err, broken)
		}
		_ = s.Close()
		if err := db.Close(); !errors.Is(err, broken) {
			t.Errorf("close: %v, want %v", err, broken)
		}
		o.Buffer.Before = nil
		db = openWith(t, disk, o)
		defer db.Close()
		if got := contents(t, db, nil, nil); got != "first=" {
			t.Errorf("the disk holds %q", got)
		}
	})
}

// crashLeaves compares what a power cut now would leave.
func crashLeaves(t *testing.T, disk *CrashFS, o Options, want string) {
	t.Helper()
	left := openWith(t, disk.Crash(0, 1), Options{Engine: o.Engine, MemtableBytes: o.MemtableBytes, Buffer: &Buffer{}})
	if got := contents(t, left, nil, nil); got != want {
		t.Errorf("a crash left %q, want %q", got, want)
	}
	if err := left.Close(); err != nil {
		t.Error(err)
	}
}

// Last rows are in the fold for which they were asked, and in it only together with the rest.
func TestLast(t *testing.T) {
	bufferedEngines(t, func(t *testing.T, o Options) {
		disk := Crashable()
		var folds byte
		o.Buffer.Last = func(set func(key, value []byte)) {
			folds++
			set([]byte("last"), []byte{'0' + folds})
		}
		o.Buffer.Before = func() error {
			db := openWith(t, disk.Kill(), Options{Engine: o.Engine, MemtableBytes: o.MemtableBytes, Buffer: &Buffer{}})
			defer db.Close()
			if value, _, err := db.Get(nil, []byte("last")); err != nil || len(value) > 0 && value[0] == '0'+folds {
				t.Error("a last row is on the disk before the log:", err)
			}
			return nil
		}
		db := openWith(t, disk, o)
		if err := db.Flush(); err != nil { // of nothing else
			t.Fatal(err)
		}
		commit(t, db, false, func(b *Batch) { b.Set([]byte("row"), nil) })
		if value, _, _ := db.Get(nil, []byte("last")); string(value) != "1" {
			t.Errorf("read %q after one fold", value)
		}
		commit(t, db, true, func(b *Batch) { b.Set([]byte("synced"), nil) })
		if value, _, _ := db.Get(nil, []byte("last")); string(value) != "2" {
			t.Errorf("read %q after two folds", value)
		}
		crashLeaves(t, disk, o, "last=2 row= synced=")
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}

// The first fold comes earlier if that is asked for, and only the first.
func TestFirstFold(t *testing.T) {
	bufferedEngines(t, func(t *testing.T, o Options) {
		var folds atomic.Int32
		*o.Buffer = Buffer{Bytes: 10_000, Commits: 10, First: 30, Before: func() error { folds.Add(1); return nil }}
		for _, value := range []int{10, 1000} { // ten commits and ten thousand bytes
			folds.Store(0)
			db := openWith(t, Memory(), o)
			var at []int
			for i := range 24 {
				commit(t, db, false, func(b *Batch) { b.Set([]byte{'k', byte(i)}, make([]byte, value)) })
				if int(folds.Load()) > len(at) {
					at = append(at, i+1)
				}
			}
			if want := []int{3, 13, 23}; !slices.Equal(at, want) {
				t.Errorf("folds after %v commits of %d bytes, want %v", at, value, want)
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// heldFolds are options with folds in the background, which wait until release is closed.
func heldFolds() (o Options, release chan struct{}) {
	o = engines[2].options
	own := *o.Buffer
	release = make(chan struct{})
	own.Before = func() error { <-release; return nil }
	o.Buffer = &own
	return o, release
}

// While a fold waits one more table fills; then committers wait too, and memory is bounded.
func TestFoldHoldsCommitters(t *testing.T) {
	o, release := heldFolds()
	o.Buffer.Commits = 3
	db := openWith(t, Crashable(), o)
	var commits atomic.Int32
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		for i := range byte(9) {
			b := db.NewBatch()
			b.Set([]byte{'k', i}, []byte{i})
			if err := b.Commit(false); err != nil {
				t.Error(err)
			}
			commits.Add(1)
		}
	}()
	for commits.Load() < 5 {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(20 * time.Millisecond)
	if n := commits.Load(); n != 5 {
		t.Errorf("%d commits went past a fold that hangs, want 5", n)
	}
	for i := range byte(5) {
		if v, ok, err := db.Get(nil, []byte{'k', i}); !ok || err != nil || !bytes.Equal(v, []byte{i}) {
			t.Errorf("key %d during a fold: %x %v %v", i, v, ok, err)
		}
	}
	close(release)
	<-finished
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// A fold that is begun waits for nothing, and takes all that was committed before.
func TestFoldBegins(t *testing.T) {
	o, release := heldFolds()
	disk := Crashable()
	db := openWith(t, disk, o)
	commit(t, db, false, func(b *Batch) { b.Set([]byte("before"), nil) })
	if err := db.Fold(); err != nil {
		t.Fatal(err)
	}
	commit(t, db, false, func(b *Batch) { b.Set([]byte("behind"), nil) })
	close(release)
	if err := db.engine.(*buffered).awaitFold(); err != nil {
		t.Fatal(err)
	}
	crashLeaves(t, disk, o, "before=")
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

// A batch committed apart is durable at once and takes no other along, also when those cannot be
// folded any more.
func TestCommitApart(t *testing.T) {
	bufferedEngines(t, func(t *testing.T, o Options) {
		disk := Crashable()
		o.Buffer.Before = func() error { return errors.New("never") }
		db := openWith(t, disk, o)
		if ok, _ := db.Has([]byte("apart")); ok {
			t.Fatal("in a new store")
		}
		commit(t, db, false, func(b *Batch) { b.Set([]byte("ordinary"), nil) })
		apart := func(fill func(b *Batch)) {
			b := db.NewBatch()
			fill(b)
			if err := b.CommitApart(); err != nil {
				t.Fatal(err)
			}
		}
		apart(func(b *Batch) { b.Set([]byte("apart"), nil) })
		if ok, err := db.Has([]byte("apart")); !ok || err != nil {
			t.Error("it is not read:", err)
		}
		crashLeaves(t, disk, o, "apart=")
		apart(func(b *Batch) { b.Delete([]byte("apart")) })
		if ok, err := db.Has([]byte("apart")); ok || err != nil {
			t.Error("its end is not read:", err)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Error("a key was committed in both ways")
				}
			}()
			apart(func(b *Batch) { b.Set([]byte("ordinary"), nil) })
		}()
		_ = db.Close()
	})
}

// What a crash leaves of a fold can be a table of the engine by another name. The next fold must
// not write into it.
func TestLeftoverOfFold(t *testing.T) {
	o := engines[2].options
	own := *o.Buffer
	own.TableBytes, own.Background = 1, false
	o.Buffer, o.Growing = &own, 'z'
	disk := Crashable()
	db := openWith(t, disk, o)
	commit(t, db, true, func(b *Batch) { b.Set([]byte("a"), []byte("1")); b.Set([]byte("z"), []byte("2")) })
	names, err := disk.List("db")
	if err != nil {
		t.Fatal(err)
	}
	tables := 0
	for _, name := range names {
		if strings.HasSuffix(name, ".sst") {
			tables++
			if err := disk.Link(disk.PathJoin("db", name), disk.PathJoin("db", []string{foldFile, foldedLast}[tables-1])); err != nil {
				t.Fatal(err)
			}
		}
	}
	if tables != 2 {
		t.Fatalf("a fold made %d tables, want 2: %v", tables, names)
	}
	commit(t, db, true, func(b *Batch) { b.Set([]byte("b"), []byte("3")); b.Set([]byte("z2"), []byte("4")) })
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = openWith(t, disk, o)
	defer db.Close()
	if got := contents(t, db, nil, nil); got != "a=1 b=3 z=2 z2=4" {
		t.Errorf("the store holds %q", got)
	}
}

// A fold and a batch apart put new layers into place at the same time. Neither forgets to end what read the engine for the
// other's: the engine does not close while something reads it.
func TestFoldBesideApart(t *testing.T) {
	for round := range 20 {
		db := openWith(t, Memory(), Options{Engine: Pebble, MemtableBytes: 256 << 10, Buffer: &Buffer{Bytes: 64 << 10, Commits: 1 << 20, Background: true, TableBytes: 1 << 30}})
		var stop atomic.Bool
		var readers sync.WaitGroup
		for g := range 4 {
			readers.Go(func() {
				for i := uint64(g); !stop.Load(); i++ {
					if _, _, err := db.Get(nil, binary.BigEndian.AppendUint64([]byte("r"), i)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for i := range 60 {
			commit(t, db, false, func(b *Batch) { b.Set(binary.BigEndian.AppendUint64([]byte("k"), uint64(i)), []byte("v")) })
			if err := db.Fold(); err != nil {
				t.Fatal(err)
			}
			b := db.NewBatch()
			b.Set([]byte("apart"), []byte{byte(i)})
			if err := b.CommitApart(); err != nil {
				t.Fatal(err)
			}
		}
		stop.Store(true)
		readers.Wait()
		if err := db.Close(); err != nil {
			t.Fatalf("round %d: %.200v", round, err)
		}
	}
}
