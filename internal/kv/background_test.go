package kv

import (
	"errors"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A tableless file system has no space for tables: all else can be written.
type tableless struct {
	FS
	full atomic.Bool
}

func (f *tableless) Create(name string, category vfs.DiskWriteCategory) (File, error) {
	if f.full.Load() && strings.HasSuffix(name, ".sst") {
		return nil, syscall.ENOSPC
	}
	return f.FS.Create(name, category)
}

func put(t *testing.T, db *DB, key byte, size int) {
	t.Helper()
	b := db.NewBatch()
	b.Set([]byte{key}, make([]byte, size))
	if err := b.Commit(false); err != nil {
		t.Fatal(err)
	}
}

// TestOpenWithoutSpace opens a store that has to write a table on a full disk: an error, in
// bounded time, and all is there when there is space.
func TestOpenWithoutSpace(t *testing.T) {
	disk := &tableless{FS: Memory()}
	db, err := Open(disk, "d", Options{})
	if err != nil {
		t.Fatal(err)
	}
	put(t, db, 7, 100)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	disk.full.Store(true)
	ended := make(chan error, 1)
	go func() {
		_, err := Open(disk, "d", Options{Fatal: func(err error) { t.Errorf("fatal: %v", err); select {} }})
		ended <- err
	}()
	select {
	case err := <-ended:
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("opens with %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("opening on a full disk does not end")
	}
	again := Memory() // the first opener still holds the lock: its process would be gone
	if _, err := vfs.Clone(disk.FS, again, "d", "d"); err != nil {
		t.Fatal(err)
	}
	if db, err = Open(again, "d", Options{}); err != nil {
		t.Fatal(err)
	}
	if ok, err := db.Has([]byte{7}); !ok || err != nil {
		t.Errorf("what was committed is gone: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

// TestBuffersCannotBeWritten fills the buffers of an open store that can write no tables: Fatal
// is told, where the engine alone would stand still without a word.
func TestBuffersCannotBeWritten(t *testing.T) {
	disk, told := &tableless{FS: Memory()}, make(chan error, 1)
	db, err := Open(disk, "d", Options{MemtableBytes: 64 << 10, Fatal: func(err error) { told <- err; select {} }})
	if err != nil {
		t.Fatal(err)
	}
	disk.full.Store(true)
	go func() {
		for i := range 100 {
			put(t, db, byte(i), 8<<10)
		}
	}()
	select {
	case err := <-told:
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("told %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("nobody is told")
	}
}
