package kv

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"pgregory.net/rapid"
)

func open(t testing.TB, fs FS) *DB {
	t.Helper()
	db, err := Open(fs, "db", Options{MemtableBytes: 64 << 10, CacheBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// TestModel compares a store with a map under random batches, scans, snapshots and openings.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		fs := Memory()
		db := open(t, fs)
		model := map[string]string{}
		key := rapid.StringOfN(rapid.RuneFrom([]rune("ab\u0000")), 1, 3, -1)
		var fixed *Snapshot
		var fixedModel map[string]string
		same := func(r Reader, want map[string]string) {
			var keys []string
			err := r.Ascend(nil, nil, func(k, v []byte) (bool, error) {
				if want[string(k)] != string(v) {
					rt.Fatalf("key %q is %q, want %q", k, v, want[string(k)])
				}
				keys = append(keys, string(k))
				return true, nil
			})
			if err != nil || len(keys) != len(want) || !slices.IsSorted(keys) {
				rt.Fatalf("scan: %q, %v, want %v", keys, err, want)
			}
			_ = r.Descend(nil, nil, func(k, _ []byte) (bool, error) {
				if string(k) != keys[len(keys)-1] {
					rt.Fatalf("backwards scan begins with %q", k)
				}
				return false, nil
			})
			for _, k := range []string{"a", "b", "ab", "zz"} {
				v, ok, err := r.Get([]byte("x"), []byte(k))
				has, _ := r.Has([]byte(k))
				if w, held := want[k]; err != nil || ok != held || has != held || ok && string(v) != "x"+w {
					rt.Fatalf("get %q: %q %v %v", k, v, ok, err)
				}
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"batch": func(rt *rapid.T) {
				b := db.NewBatch()
				for range rapid.IntRange(1, 5).Draw(rt, "writes") {
					k, v := key.Draw(rt, "key"), rapid.StringN(0, 4, -1).Draw(rt, "value")
					switch rapid.IntRange(0, 3).Draw(rt, "kind") {
					case 0:
						b.Delete([]byte(k))
						delete(model, k)
					case 1:
						b.Append([]byte(k), []byte(v))
						model[k] += v
					default:
						b.Set([]byte(k), []byte(v))
						model[k] = v
					}
				}
				if err := b.Commit(rapid.Bool().Draw(rt, "sync")); err != nil {
					rt.Fatal(err)
				}
			},
			"snapshot": func(rt *rapid.T) {
				if fixed != nil {
					_ = fixed.Close()
				}
				fixed, fixedModel = db.Snapshot(), map[string]string{}
				for k, v := range model {
					fixedModel[k] = v
				}
			},
			"reopen": func(rt *rapid.T) {
				if fixed != nil {
					_ = fixed.Close()
					fixed = nil
				}
				if err := db.Close(); err != nil {
					rt.Fatal(err)
				}
				db = open(t, fs)
			},
			"": func(rt *rapid.T) {
				same(db, model)
				if fixed != nil {
					same(fixed, fixedModel)
				}
			},
		})
		if fixed != nil {
			_ = fixed.Close()
		}
		_ = db.Close()
	})
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
