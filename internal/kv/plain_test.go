package kv

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
)

const plainPath = "db/" + plainName

// plainHistory is a store of n batches, the i-th of which is synced if sync says so, and where
// each record begins.
func plainHistory(t testing.TB, n int, sync func(i int) bool) (disk *CrashFS, begins []int) {
	t.Helper()
	disk = Crashable()
	db := openWith(t, disk, Options{Engine: Plain})
	for i := range n {
		begins = append(begins, int(db.DiskBytes()))
		commit(t, db, sync(i), func(b *Batch) {
			b.Set(fmt.Appendf(nil, "%02d", i), bytes.Repeat([]byte{'a' + byte(i)}, 300))
		})
	}
	left := disk.Kill()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return left, begins
}

// batchesIn is how many batches of plainHistory a store holds, which must be the first ones.
func batchesIn(t testing.TB, db *DB) (n int) {
	t.Helper()
	err := db.Ascend(nil, nil, func(k, v []byte) (bool, error) {
		if string(k) != fmt.Sprintf("%02d", n) || !bytes.Equal(v, bytes.Repeat([]byte{'a' + byte(n)}, 300)) {
			t.Fatalf("batch %d became %q=%q", n, k, v)
		}
		n++
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestPlainFindsEveryFlip turns each bit of a file in turn. No flip is served: the store says
// that it is damaged.
func TestPlainFindsEveryFlip(t *testing.T) {
	disk, _ := plainHistory(t, 6, func(i int) bool { return i%2 == 0 })
	size, err := disk.Stat(plainPath)
	if err != nil {
		t.Fatal(err)
	}
	for at := range size.Size() {
		left := disk.Kill()
		if err := left.FlipAt(plainPath, at, uint(at%8)); err != nil {
			t.Fatal(err)
		}
		if db, err := Open(left, "db", Options{Engine: Plain}); !errors.Is(err, ErrDamaged) {
			t.Fatalf("byte %d: %d batches are served, %v", at, batchesIn(t, db), err)
		}
		if db, err := Open(left, "db", Options{Engine: Plain}); !errors.Is(err, ErrDamaged) {
			t.Fatalf("byte %d, the second time: %d batches are served, %v", at, batchesIn(t, db), err)
		}
	}
}

// TestPlainTornEnd cuts and blanks the file as a crash may and as it may not.
func TestPlainTornEnd(t *testing.T) {
	const n = 8
	blank := func(from, to int) func([]byte) []byte {
		return func(b []byte) []byte { clear(b[from:to]); return b }
	}
	cut := func(to int) func([]byte) []byte { return func(b []byte) []byte { return b[:to] } }
	never := func(int) bool { return false }
	_, begins := plainHistory(t, n, never)
	third := begins[3] - begins[3]%sector // in record 2 and 3
	for _, tt := range []struct {
		name  string
		sync  func(int) bool
		spoil func([]byte) []byte
		want  int // batches; damage if negative
	}{
		{"whole", never, cut(begins[7] + 0), 7},
		{"a byte of a head", never, cut(begins[5] + 1), 5},
		{"a head", never, cut(begins[5] + recordHead), 5},
		{"all but a byte", never, cut(begins[6] - 1), 5},
		{"the format only", never, cut(begins[0]), 0},
		{"half of the format", never, cut(begins[0] - 1), -1},
		{"nothing", never, cut(0), -1},
		{"a lost sector, unsynced ones behind", never, blank(third, third+sector), 2},
		{"half a lost sector", never, blank(third+10, third+sector/2), -1},
		{"a lost sector, a synced one behind it", func(i int) bool { return i == 6 }, blank(third, third+sector), -1},
		{"a lost sector, known to be durable", func(i int) bool { return i == 4 }, blank(third, third+sector), -1},
		{"a lost head", never, blank(begins[4], begins[4]+recordHead), 4},
		{"zeros behind the end", never, func(b []byte) []byte { return append(b, make([]byte, 2000)...) }, n},
		{"letters behind the end", never, func(b []byte) []byte { return append(b, strings.Repeat("x", 2000)...) }, -1},
	} {
		disk, _ := plainHistory(t, n, tt.sync)
		content, err := ReadFile(disk, plainPath, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		spoiled := Crashable()
		if err := MakeDir(spoiled, "db"); err != nil {
			t.Fatal(err)
		}
		writeFile(t, spoiled, plainPath, tt.spoil(content), true)
		if err := SyncDir(spoiled, "db"); err != nil {
			t.Fatal(err)
		}
		db, err := Open(spoiled, "db", Options{Engine: Plain})
		if tt.want < 0 {
			if !errors.Is(err, ErrDamaged) {
				t.Errorf("%s: %v, want damage", tt.name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := batchesIn(t, db); got != tt.want {
			t.Errorf("%s: %d batches, want %d", tt.name, got, tt.want)
		}
		// What was cut off must not come back behind what is written now.
		commit(t, db, true, func(b *Batch) { b.Set([]byte("~"), bytes.Repeat([]byte{'~'}, 300)) })
		after := openWith(t, spoiled.Crash(0, 1), Options{Engine: Plain})
		if got := strings.Count(contents(t, after, nil, nil), "="); got != tt.want+1 {
			t.Errorf("%s: %d pairs after one more batch, want %d", tt.name, got, tt.want+1)
		}
	}
}

// TestPlainForgetsHistory overwrites one key until opening the store writes a small new file.
func TestPlainForgetsHistory(t *testing.T) {
	disk := Crashable()
	db := openWith(t, disk, Options{Engine: Plain})
	var want string
	for i := range 300 {
		commit(t, db, false, func(b *Batch) { b.Set([]byte("k"), bytes.Repeat([]byte{byte('0' + i%10)}, 1000)) })
		want = contents(t, db, nil, nil)
	}
	before := db.DiskBytes()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = openWith(t, disk, Options{Engine: Plain})
	if after := db.DiskBytes(); before < 300_000 || after > 2000 {
		t.Errorf("%d bytes became %d", before, after)
	}
	if got := contents(t, openWith(t, disk.Crash(0, 1), Options{Engine: Plain}), nil, nil); got != want {
		t.Errorf("a crash after it left %.20q", got)
	}
}

// TestPlainFatal breaks each change of a commit: Fatal hears of it once, the store is dead, and
// what was durable before is there.
func TestPlainFatal(t *testing.T) {
	for n := uint64(1); n <= 2; n++ {
		disk := Crashable()
		f := Faulty(disk)
		var told []error
		db := openWith(t, f, Options{Engine: Plain, Fatal: func(err error) { told = append(told, err) }})
		commit(t, db, true, func(b *Batch) { b.Set([]byte("a"), []byte("1")) })
		f.FailAfter(n, false)
		b := db.NewBatch()
		b.Set([]byte("b"), []byte("2"))
		if err := b.Commit(true); !errors.Is(err, syscall.EIO) || len(told) != 1 || !errors.Is(told[0], syscall.EIO) {
			t.Errorf("change %d: %v, fatal is told %v", n, err, told)
		}
		b = db.NewBatch()
		b.Set([]byte("c"), []byte("3"))
		if err := b.Commit(false); err == nil || len(told) != 1 {
			t.Errorf("change %d: a dead store takes a batch, fatal is told %v", n, told)
		}
		if got := contents(t, db, nil, nil); got != "a=1" {
			t.Errorf("change %d: the dead store holds %q", n, got)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		for _, left := range []*CrashFS{disk.Kill(), disk.Crash(0, 1), disk.Crash(50, 1)} {
			after := openWith(t, left, Options{Engine: Plain})
			if got := contents(t, after, nil, nil); got != "a=1" && got != "a=1 b=2" {
				t.Errorf("change %d: left %q", n, got)
			}
		}
	}
}

// TestPlainFatalInFlush breaks the sync that Flush asks for.
func TestPlainFatalInFlush(t *testing.T) {
	f := Faulty(Crashable())
	var told []error
	db := openWith(t, f, Options{Engine: Plain, Fatal: func(err error) { told = append(told, err) }})
	commit(t, db, false, func(b *Batch) { b.Set([]byte("a"), []byte("1")) })
	f.FailAfter(1, false)
	if err := db.Flush(); !errors.Is(err, syscall.EIO) || len(told) != 1 {
		t.Errorf("flush: %v, fatal is told %v", err, told)
	}
	if err := db.Flush(); err == nil || len(told) != 1 {
		t.Errorf("flush of a dead store: %v, fatal is told %v", err, told)
	}
}

// TestMisuse holds the callers to the rules.
func TestMisuse(t *testing.T) {
	eachEngine(t, func(t *testing.T, o Options) {
		disk := Crashable()
		db := openWith(t, disk, o)
		if _, err := Open(disk, "db", o); err == nil {
			t.Error("a folder is open twice")
		}
		panics := func(what string, call func()) {
			defer func() {
				if recover() == nil {
					t.Errorf("%s does not panic", what)
				}
			}()
			call()
		}
		b := db.NewBatch()
		panics("an empty key", func() { b.Set(nil, []byte("v")) })
		panics("an empty key", func() { b.Append([]byte{}, []byte("v")) })
		panics("an empty key that is deleted", func() { b.Delete([]byte{}) })
		if o.Engine == Plain {
			b.Drop()
			b.Drop()
			panics("a batch that has ended", func() { b.Set([]byte("k"), nil) })
			panics("a batch that has ended", func() { _ = b.Commit(false) })
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if o.Engine == Plain {
			late := db.NewBatch()
			late.Set([]byte("k"), nil)
			if err := late.Commit(false); err == nil {
				t.Error("a closed store takes a batch")
			}
		}
		again := openWith(t, disk, o)
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzReplay gives replay any bytes behind a format: it may not panic, and what it accepts must
// be accepted again when it is written again.
func FuzzReplay(f *testing.F) {
	disk, begins := plainHistory(f, 4, func(i int) bool { return i == 1 })
	content, err := ReadFile(disk, plainPath, 1<<20)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content[len(plainFormat):])
	f.Add(content[len(plainFormat) : begins[3]+50])
	f.Add(make([]byte, 600))
	f.Fuzz(func(t *testing.T, b []byte) {
		content := slices.Concat([]byte(plainFormat), b)
		var batches [][]byte
		end, err := replay(content, func(batch []byte) error { batches = append(batches, batch); return nil })
		if err != nil {
			return
		}
		written := []byte(plainFormat)
		for _, batch := range batches {
			record := append(make([]byte, recordHead), batch...)
			_, durable, _ := readHead(content, len(written))
			fillHead(record, len(written), int(durable))
			written = append(written, record...)
		}
		if !bytes.Equal(written, content[:end]) {
			t.Fatalf("%x is read as %x", content[:end], written)
		}
	})
}
