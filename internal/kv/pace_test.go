package kv

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Work rests in proportion to itself, never for long, and not at all once somebody waits.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hurry := make(chan struct{})
		p := newPace(hurry)
		for _, x := range []struct{ work, rest time.Duration }{
			{10 * time.Millisecond, 90 * time.Millisecond},
			{time.Millisecond, 9 * time.Millisecond},
			{time.Hour, time.Second},
		} {
			time.Sleep(x.work)
			from := time.Now()
			if p.rest(); time.Since(from) != x.rest {
				t.Errorf("%v of work rested %v, want %v", x.work, time.Since(from), x.rest)
			}
		}
		time.AfterFunc(time.Millisecond, func() { close(hurry) })
		for _, rest := range []time.Duration{time.Millisecond, 0} {
			time.Sleep(time.Millisecond)
			from := time.Now()
			if p.rest(); time.Since(from) > rest {
				t.Errorf("rested %v while somebody waits, want %v", time.Since(from), rest)
			}
		}
		(*pace)(nil).rest()
	})
}

// A file that tables are merged into rests after each part, unless too much waits behind it.
func TestPacedFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &guardedFS{FS: Memory(), closing: make(chan struct{})}
		crowded := false
		g.crowded = func() bool { return crowded }
		g.opened.Store(true)
		write := func(name string, category vfs.DiskWriteCategory) time.Duration {
			f, err := g.Create(name, category)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			from := time.Now()
			for range 4 {
				time.Sleep(time.Millisecond)
				if _, err := f.Write(make([]byte, restBytes/2)); err != nil {
					t.Fatal(err)
				}
			}
			return time.Since(from) - 4*time.Millisecond
		}
		if got := write("merged", compacted); got != 2*restShare*2*time.Millisecond {
			t.Errorf("merging rested %v", got)
		}
		if got := write("other", Ordinary); got != 0 {
			t.Errorf("an ordinary file rested %v", got)
		}
		crowded = true
		if got := write("late", compacted); got != 0 {
			t.Errorf("merging rested %v though it is late", got)
		}
		crowded = false
		close(g.closing)
		if got := write("closing", compacted); got != 0 {
			t.Errorf("merging rested %v though the store closes", got)
		}
	})
}

// Whoever waits for a fold makes it rest no more.
func TestFoldHurries(t *testing.T) {
	o, release := heldFolds()
	db := openWith(t, Crashable(), o)
	commit(t, db, false, func(b *Batch) { b.Set([]byte("k"), nil) })
	if err := db.Fold(); err != nil {
		t.Fatal(err)
	}
	hurry := db.engine.(*buffered).hurry
	select {
	case <-hurry:
		t.Error("a fold hurries that nobody waits for")
	default:
	}
	flushed := make(chan error)
	go func() { flushed <- db.Flush() }()
	<-hurry
	close(release)
	if err := <-flushed; err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}
