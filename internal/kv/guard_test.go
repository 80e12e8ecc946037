package kv

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// TestMarkersPointAtDurableNames cuts the power around a marker's coming and going: the file that
// it points at, and the marker that takes its place, are there.
func TestMarkersPointAtDurableNames(t *testing.T) {
	disk := Crashable()
	if err := MakeDir(disk, "d"); err != nil {
		t.Fatal(err)
	}
	g := &guardedFS{FS: disk, fatal: func(err error) { t.Error(err) }}
	create := func(name string) {
		t.Helper()
		f, err := g.Create(name, vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	survives := func(name string) bool {
		_, err := disk.Crash(0, 1).Stat(name)
		return err == nil
	}
	create("d/MANIFEST-1")
	if survives("d/MANIFEST-1") {
		t.Fatal("names are durable without a sync: this test shows nothing")
	}
	create("d/marker.manifest.1")
	if !survives("d/MANIFEST-1") {
		t.Error("a marker can outlive the file that it points at")
	}
	if err := g.Remove("d/marker.manifest.0"); err == nil {
		t.Error("removed a marker that never was")
	}
	if !survives("d/marker.manifest.1") {
		t.Error("the old marker can be gone before the new one is there")
	}
}

// TestFullDiskWhileOpening: the engine flushes what it finds in its log while it opens, and tries
// again for ever if the disk refuses. Opening must end with the disk's error instead.
func TestFullDiskWhileOpening(t *testing.T) {
	for _, what := range []string{".sst", "marker.manifest", ".log", "MANIFEST"} {
		disk := Crashable()
		db := open(t, disk)
		fill(t, db, 100)
		left := disk.Kill()
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		full := errorfs.Wrap(left, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind == errorfs.OpCreate && strings.Contains(op.Path, what) {
				return &fs.PathError{Op: "create", Path: op.Path, Err: syscall.ENOSPC}
			}
			return nil
		}))
		result, died := make(chan error, 1), make(chan error, 8)
		go func() {
			_, err := Open(full, "db", Options{Fatal: func(err error) { died <- err; select {} }})
			result <- err
		}()
		select {
		case err := <-result:
			if !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("no room for %s: %v", what, err)
			}
		case err := <-died:
			if !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("no room for %s: %v", what, err)
			}
		case <-time.After(3 * time.Minute):
			t.Fatalf("no room for %s: opening hangs", what)
		}
		again := open(t, left.Kill())
		if v, ok, err := again.Get(nil, []byte("key 7")); err != nil || !ok || len(v) == 0 {
			t.Errorf("after no room for %s: %q %v %v", what, v, ok, err)
		}
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestFullDiskEndsTheProcess: a flush that the disk refuses is not tried again for ever, with all
// writers waiting for it.
func TestFullDiskEndsTheProcess(t *testing.T) {
	full := errorfs.Wrap(Memory(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpCreate && strings.HasSuffix(op.Path, ".sst") {
			return &fs.PathError{Op: "create", Path: op.Path, Err: syscall.ENOSPC}
		}
		return nil
	}))
	died := make(chan error, 8)
	db, err := Open(full, "db", Options{MemtableBytes: 16 << 10, Fatal: func(err error) { died <- err; select {} }})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			b := db.NewBatch()
			b.Set([]byte("key"), make([]byte, 1000))
			if b.Commit(false) != nil {
				return
			}
		}
	}()
	select {
	case err := <-died:
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("died of %v", err)
		}
	case <-time.After(3 * time.Minute):
		t.Fatal("writers wait for ever")
	}
}

func fill(t *testing.T, db *DB, n int) {
	t.Helper()
	for i := range n {
		b := db.NewBatch()
		b.Set(fmt.Appendf(nil, "key %d", i), make([]byte, 100))
		if err := b.Commit(i == n-1); err != nil {
			t.Fatal(err)
		}
	}
}
