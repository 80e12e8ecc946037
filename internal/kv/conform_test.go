package kv

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Every engine has to pass the tests of this file and of model_test.go.
var engines = []struct {
	name    string
	options Options
}{
	{"pebble", Options{MemtableBytes: 64 << 10, CacheBytes: 1 << 20}},
	{"plain", Options{Engine: Plain}},
	{"pebble buffered", Options{Growing: '5', MemtableBytes: 64 << 10, CacheBytes: 1 << 20, Buffer: &Buffer{Bytes: 9 << 10, Commits: 6, CacheBytes: 5 << 10, TableBytes: 6 << 10, Background: true, Filtered: []byte("0123456789abcdefghijklmnopqrstuvwxyz"), FilterBytes: 64}}},
	{"plain buffered", Options{Engine: Plain, Buffer: &Buffer{Bytes: 9 << 10, Commits: 6, CacheBytes: 5 << 10, Filtered: []byte("13579acegikmoqsuwy"), FilterBytes: 64}}},
}

func eachEngine(t *testing.T, test func(t *testing.T, o Options)) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) { test(t, e.options) })
	}
}

func openWith(t testing.TB, fsys FS, o Options) *DB {
	t.Helper()
	db, err := Open(fsys, "db", o)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// contents are the pairs between two bounds in order, and backwards when last is first.
func contents(t testing.TB, r Reader, lower, upper []byte) string {
	t.Helper()
	var up, down []string
	err := r.Ascend(lower, upper, func(k, v []byte) (bool, error) {
		up = append(up, fmt.Sprintf("%s=%s", k, v))
		return true, nil
	})
	err = errors.Join(err, r.Descend(lower, upper, func(k, v []byte) (bool, error) {
		down = append(down, fmt.Sprintf("%s=%s", k, v))
		return true, nil
	}))
	slices.Reverse(down)
	if err != nil || !slices.Equal(up, down) {
		t.Fatalf("up %q, down %q, %v", up, down, err)
	}
	return strings.Join(up, " ")
}

func commit(t testing.TB, db *DB, sync bool, fill func(b *Batch)) {
	t.Helper()
	b := db.NewBatch()
	fill(b)
	if err := b.Commit(sync); err != nil {
		t.Fatal(err)
	}
}

func TestOperations(t *testing.T) {
	eachEngine(t, func(t *testing.T, o Options) {
		fsys := Crashable()
		db := openWith(t, fsys, o)
		b := func(s string) []byte { return []byte(s) }
		for i, step := range []struct {
			fill func(x *Batch)
			want string
		}{
			{func(*Batch) {}, ""},
			{func(x *Batch) { x.Set(b("b"), b("1")); x.Set(b("a"), b("2")) }, "a=2 b=1"},
			{func(x *Batch) { x.Set(b("b"), nil); x.Set(b("b\x00"), b("3")) }, "a=2 b= b\x00=3"},
			{func(x *Batch) { x.Append(b("b"), b("4")); x.Append(b("c"), b("5")) }, "a=2 b=4 b\x00=3 c=5"},
			{func(x *Batch) { x.Append(b("b"), b("6")); x.Append(b("b"), b("7")); x.Append(b("c"), nil) }, "a=2 b=467 b\x00=3 c=5"},
			{func(x *Batch) { x.Delete(b("b")); x.Append(b("b"), b("8")); x.Delete(b("none")) }, "a=2 b=8 b\x00=3 c=5"},
			{func(x *Batch) { x.Set(b("c"), b("x")); x.Delete(b("c")) }, "a=2 b=8 b\x00=3"},
			{func(x *Batch) { x.Delete(b("b")) }, "a=2 b\x00=3"},
			{func(x *Batch) { x.Delete(b("a")); x.Delete(b("b\x00")); x.Append(b("a"), b("0")) }, "a=0"},
			{func(x *Batch) { x.Delete(b("a")) }, ""},
		} {
			commit(t, db, i%2 == 0, step.fill)
			if got := contents(t, db, nil, nil); got != step.want {
				t.Fatalf("step %d: %q, want %q", i, got, step.want)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			db = openWith(t, fsys, o)
			if got := contents(t, db, nil, nil); got != step.want {
				t.Fatalf("step %d, opened again: %q, want %q", i, got, step.want)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestBounds(t *testing.T) {
	eachEngine(t, func(t *testing.T, o Options) {
		db := openWith(t, Crashable(), o)
		defer db.Close()
		commit(t, db, false, func(b *Batch) {
			for _, k := range []string{"a", "b", "c", "\xff"} {
				b.Set([]byte(k), nil)
			}
		})
		none := []byte(nil)
		for _, tt := range []struct {
			lower, upper []byte
			want         string
		}{
			{none, none, "a= b= c= \xff="},
			{[]byte("b"), none, "b= c= \xff="},
			{none, []byte("c"), "a= b="},
			{[]byte("a\x00"), []byte("c\x00"), "b= c="},
			{[]byte("b"), []byte("b"), ""},
			{[]byte("c"), []byte("a"), ""},
			{[]byte{}, []byte("b"), "a="},
			{none, []byte{}, ""},
			{[]byte("\xff\x00"), none, ""},
		} {
			if got := contents(t, db, tt.lower, tt.upper); got != tt.want {
				t.Errorf("from %q to %q: %q, want %q", tt.lower, tt.upper, got, tt.want)
			}
		}
		stop := errors.New("stop")
		for _, scan := range []func(_, _ []byte, _ func(_, _ []byte) (bool, error)) error{db.Ascend, db.Descend} {
			calls := 0
			if err := scan(nil, nil, func(_, _ []byte) (bool, error) { calls++; return calls < 2, nil }); err != nil || calls != 2 {
				t.Errorf("%d calls until it said stop, %v", calls, err)
			}
			if err := scan(nil, nil, func(_, _ []byte) (bool, error) { calls++; return true, stop }); !errors.Is(err, stop) || calls != 3 {
				t.Errorf("the visitor's error: %v after %d calls", err, calls)
			}
		}
		if v, ok, err := db.Get([]byte("x"), []byte("a")); string(v) != "x" || !ok || err != nil {
			t.Errorf("an empty value: %q %v %v", v, ok, err)
		}
		if v, ok, err := db.Get([]byte("x"), []byte("none")); string(v) != "x" || ok || err != nil {
			t.Errorf("no value: %q %v %v", v, ok, err)
		}
	})
}

// Nothing that is written later shows in a snapshot or in a scan under way, and what the caller
// does with its own bytes later shows nowhere.
func TestIsolation(t *testing.T) {
	eachEngine(t, func(t *testing.T, o Options) {
		db := openWith(t, Crashable(), o)
		defer db.Close()
		key, value := []byte("k00"), []byte("v")
		commit(t, db, false, func(b *Batch) {
			for i := range 100 {
				copy(key, fmt.Sprintf("k%02d", i))
				b.Set(key, value)
			}
			copy(key, "xxx")
			value[0] = 'x'
		})
		before := contents(t, db, nil, nil)
		if !strings.HasPrefix(before, "k00=v k01=v") {
			t.Fatal("the batch kept the caller's bytes:", before)
		}
		s := db.Snapshot()
		seen := 0
		err := db.Ascend(nil, nil, func(k, _ []byte) (bool, error) {
			if seen++; seen == 1 {
				commit(t, db, false, func(b *Batch) {
					for i := 10; i < 90; i++ {
						b.Delete(fmt.Appendf(nil, "k%02d", i))
					}
					b.Set([]byte("new"), nil)
				})
			}
			return true, nil
		})
		if err != nil || seen != 100 {
			t.Errorf("the scan saw %d keys, %v", seen, err)
		}
		commit(t, db, true, func(b *Batch) { b.Append([]byte("k00"), []byte("+")) })
		if got := contents(t, s, nil, nil); got != before {
			t.Errorf("the snapshot changed to %q", got)
		}
		later := db.Snapshot()
		if got := contents(t, later, nil, nil); !strings.HasPrefix(got, "k00=v+ ") || strings.Count(got, "=") != 21 {
			t.Errorf("the later snapshot is %q", got)
		}
		if err := errors.Join(s.Close(), later.Close()); err != nil {
			t.Error(err)
		}
		dropped := db.NewBatchSize(100)
		dropped.Set([]byte("dropped"), nil)
		if dropped.Bytes() == 0 {
			t.Error("a batch of no bytes")
		}
		dropped.Drop()
		if ok, err := db.Has([]byte("dropped")); ok || err != nil {
			t.Error("a dropped batch was applied:", err)
		}
	})
}

// A synced batch covers those before it, even if it is empty itself, and Flush does.
func TestSyncCovers(t *testing.T) {
	eachEngine(t, func(t *testing.T, o Options) {
		for name, settle := range map[string]func(db *DB) error{
			"flush":        (*DB).Flush,
			"empty batch":  func(db *DB) error { return db.NewBatch().Commit(true) },
			"synced batch": func(db *DB) error { b := db.NewBatch(); b.Delete([]byte("none")); return b.Commit(true) },
			"close":        (*DB).Close,
		} {
			disk := Crashable()
			db := openWith(t, disk, o)
			commit(t, db, false, func(b *Batch) { b.Set([]byte("k"), []byte("v")) })
			if err := settle(db); err != nil {
				t.Fatal(err)
			}
			left := openWith(t, disk.Crash(0, 1), o)
			if got := contents(t, left, nil, nil); got != "k=v" {
				t.Errorf("%s: a crash left %q", name, got)
			}
			_ = left.Close()
			if name != "close" {
				_ = db.Close()
			}
		}
	})
}

// A moment is what a crash would leave before some operation, and what had been promised then.
type moment struct {
	left           *CrashFS
	what           string
	acked, durable int // batches
	all            bool
}

// TestCrashPoints cuts the power, and kills the process, before every change of the disk.
func TestCrashPoints(t *testing.T) {
	eachEngine(t, func(t *testing.T, o Options) {
		total := 0
		for seed := range uint64(3) {
			total += crashPoints(t, o, seed)
		}
		t.Logf("%d crash points", total)
		if total < 100 {
			t.Errorf("only %d crash points", total)
		}
	})
}

func crashPoints(t *testing.T, o Options, seed uint64) int {
	disk := Crashable()
	f := Faulty(disk)
	var mu sync.Mutex
	var moments []moment
	var now moment
	points := 0
	f.Slow(func(op Operation, name string) {
		if !op.Changes() {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		points++
		for i, percent := range []int{0, 50, 100, -1} {
			if o.Engine == Pebble && !full() && points%4 != i {
				continue // opening it takes milliseconds
			}
			m := now
			m.what = fmt.Sprintf("seed %d, before change %d (%v of %s), %d%%", seed, points, op, name, percent)
			if m.all = percent < 0; m.all {
				m.left = disk.Kill()
			} else {
				m.left = disk.Crash(percent, seed<<32+uint64(points))
			}
			moments = append(moments, m)
		}
	})
	states := runBatches(t, f, o, seed, func(acked, durable int) {
		mu.Lock()
		now.acked, now.durable = acked, durable
		mu.Unlock()
	})
	for _, m := range moments {
		at := judgeMoment(t, m, o, states)
		if m.all && o.Engine == Plain && o.Buffer == nil && at < m.acked {
			t.Fatalf("%s: batch %d was written, the state is that after %d", m.what, m.acked, at)
		}
	}
	return points
}

// runBatches commits random batches, closing and opening in between, and returns the state after
// each. Key "n" says how many there were.
func runBatches(t *testing.T, fsys FS, o Options, seed uint64, progress func(acked, durable int)) []string {
	random := rand.New(rand.NewPCG(seed, 0))
	db := openWith(t, fsys, o)
	states := []string{""}
	model := map[string]string{}
	durable := 0
	for n := 1; n <= 60; n++ {
		b := db.NewBatch()
		for range random.IntN(12) {
			k := fmt.Sprint(random.IntN(40))
			switch v := strings.Repeat(fmt.Sprint(n), random.IntN(120)); random.IntN(6) {
			case 0:
				b.Delete([]byte(k))
				delete(model, k)
			case 1:
				b.Append([]byte(k), []byte(v))
				model[k] += v
			case 2:
				b.Delete([]byte(k))
				b.Append([]byte(k), []byte(v))
				model[k] = v
			default:
				b.Set([]byte(k), []byte(v))
				model[k] = v
			}
		}
		b.Set([]byte("n"), []byte(fmt.Sprint(n)))
		model["n"] = fmt.Sprint(n)
		states = append(states, modelContents(model))
		sync := random.IntN(4) == 0
		if err := b.Commit(sync); err != nil {
			t.Fatal(err)
		}
		if sync {
			durable = n
		}
		progress(n, durable)
		if n%25 == 0 {
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			progress(n, n)
			durable = n
			db = openWith(t, fsys, o)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return states
}

func modelContents(model map[string]string) string {
	var pairs []string
	for _, k := range slices.Sorted(maps.Keys(model)) {
		pairs = append(pairs, k+"="+model[k])
	}
	return strings.Join(pairs, " ")
}

// judgeMoment opens what a crash left and returns after how many batches the state is. Then it
// goes on from there: what is synced now survives the next crash.
func judgeMoment(t *testing.T, m moment, o Options, states []string) int {
	t.Helper()
	at := 0
	db, err := Open(m.left, "db", o)
	if err != nil {
		t.Fatalf("%s: %v", m.what, err)
	}
	got := contents(t, db, nil, nil)
	if at = slices.Index(states, got); at < m.durable || at > m.acked+1 {
		t.Fatalf("%s: the state is that after batch %d, %d were durable, %d done", m.what, at, m.durable, m.acked)
	}
	commit(t, db, true, func(b *Batch) { b.Set([]byte("~"), []byte("late")) })
	want := contents(t, db, nil, nil)
	lost := m.left.Crash(0, 1)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for name, left := range map[string]*CrashFS{"closing": m.left, "a second crash": lost} {
		again, err := Open(left, "db", o)
		if err != nil {
			t.Fatalf("%s, then %s: %v", m.what, name, err)
		}
		if contents(t, again, nil, nil) != want {
			t.Fatalf("%s, then %s: a batch that was synced is lost", m.what, name)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return at
}
