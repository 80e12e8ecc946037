package kv

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

func open(t testing.TB, fs FS) *DB {
	t.Helper()
	db, err := Open(fs, "db", Options{MemtableBytes: 64 << 10, CacheBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// A synced batch survives every power loss; an unsynced one is there whole or not at all.
func TestCrash(t *testing.T) {
	fs := Crashable()
	if err := MakeDir(fs, "db"); err != nil {
		t.Fatal(err)
	}
	db := open(t, fs)
	write := func(n byte, sync bool) {
		b := db.NewBatch()
		for k := range byte(50) {
			b.Set([]byte{n, k}, bytes.Repeat([]byte{n}, 100))
		}
		if err := b.Commit(sync); err != nil {
			t.Fatal(err)
		}
	}
	write(1, true)
	for n := byte(2); n < 40; n++ {
		write(n, false)
		after := open(t, fs.Crash(int(n)*2, uint64(n)))
		whole := true
		for i := byte(1); i <= n; i++ {
			held := 0
			_ = after.Ascend([]byte{i}, []byte{i + 1}, func(_, _ []byte) (bool, error) { held++; return true, nil })
			if held != 0 && held != 50 || i == 1 && held == 0 || !whole && held > 0 {
				t.Fatalf("batch %d of %d has %d of 50 keys", i, n, held)
			}
			whole = whole && held == 50
		}
		if err := after.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_ = db.Close()
}

func TestAfter(t *testing.T) {
	for _, tt := range []struct{ prefix, want []byte }{
		{[]byte{1}, []byte{2}}, {[]byte{1, 0xff}, []byte{2}}, {[]byte{0xff}, nil}, {nil, nil}, {[]byte{1, 2}, []byte{1, 3}},
	} {
		if got := After(tt.prefix); !bytes.Equal(got, tt.want) {
			t.Errorf("After(%x) = %x, want %x", tt.prefix, got, tt.want)
		}
	}
}

// The first failure of the engine's own log goes to Fatal, which does not return.
func TestFatal(t *testing.T) {
	var broken errorfs.Toggle
	broken.Injector = errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileWrite && strings.HasSuffix(op.Path, engineLog) {
			return syscall.ENOSPC
		}
		return nil
	})
	died := make(chan error, 1)
	db, err := Open(errorfs.Wrap(Memory(), &broken), "db", Options{Fatal: func(err error) {
		died <- err
		select {}
	}})
	if err != nil {
		t.Fatal(err)
	}
	broken.On()
	go func() {
		b := db.NewBatch()
		b.Set([]byte("key"), []byte("value"))
		_ = b.Commit(true)
	}()
	if err := <-died; !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("Fatal is told %v", err)
	}
}

// Another process is kept out and told whom to stop.
func TestLock(t *testing.T) {
	if dir := os.Getenv("KV_LOCK"); dir != "" {
		_, err := LockFolder(Disk(), dir)
		if errors.Is(err, ErrLocked) && strings.Contains(err.Error(), "process "+os.Getenv("KV_PID")) {
			os.Exit(0)
		}
		t.Fatalf("locked by both: %v", err)
	}
	dir := filepath.Join(t.TempDir(), "a", "b")
	if err := MakeDir(Disk(), dir); err != nil {
		t.Fatal(err)
	}
	lock, err := LockFolder(Disk(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := LockFolder(Disk(), dir); !errors.Is(err, ErrLocked) {
		t.Fatalf("locked twice in one process: %v", err)
	}
	other := exec.Command(os.Args[0], "-test.run", "^TestLock$")
	other.Env = append(os.Environ(), "KV_LOCK="+dir, "KV_PID="+strconv.Itoa(os.Getpid()))
	if out, err := other.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	if lock, err = LockFolder(Disk(), dir); err != nil {
		t.Fatal(err)
	}
	_ = lock.Close()
	if _, err := LockFolder(Disk(), filepath.Join(dir, "nowhere")); err == nil || errors.Is(err, ErrLocked) {
		t.Fatalf("lock of no folder: %v", err)
	}
}
