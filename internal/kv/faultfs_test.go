package kv

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"
)

// touch does one operation of each kind that changes the disk, and some that do not.
func touch(fsys FS) (failed []string) {
	note := func(what string, err error) {
		if err != nil {
			failed = append(failed, what)
		}
	}
	lock, err := fsys.Lock("d/lock")
	note("lock", err)
	if lock != nil {
		_ = lock.Close()
	}
	note("mkdir", fsys.MkdirAll("d/e", 0o700))
	f, err := fsys.Create("d/f", Ordinary)
	note("create", err)
	if err == nil {
		_, err = f.Write([]byte("12345678"))
		note("write", err)
		note("sync", f.SyncData())
		note("close", f.Close())
	}
	g, err := fsys.OpenReadWrite("d/g", Ordinary)
	note("create again", err)
	if err == nil {
		_ = g.Close()
	}
	note("link", fsys.Link("d/base", "d/h"))
	note("rename", fsys.Rename("d/base", "d/i"))
	note("folder", SyncDir(fsys, "d"))
	note("remove", fsys.Remove("d/gone"))
	_, err = ReadFile(fsys, "d/still", 10)
	note("read", err)
	return failed
}

func faulty(t testing.TB) (*FaultFS, *CrashFS) {
	disk := Crashable()
	if err := MakeDir(disk, "d"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"d/base", "d/gone", "d/still"} {
		writeFile(t, disk, name, []byte("content"), true)
	}
	if err := SyncDir(disk, "d"); err != nil {
		t.Fatal(err)
	}
	return Faulty(disk), disk
}

// TestEachChangeCanFail fails one change after the other, each alone and all from there on.
func TestEachChangeCanFail(t *testing.T) {
	order := []string{"lock", "mkdir", "create", "write", "sync", "create again", "link", "rename", "folder", "remove"}
	f, _ := faulty(t)
	if failed := touch(f); len(failed) > 0 {
		t.Fatal("without a fault:", failed)
	}
	if n := f.Counts().Changes(); n != uint64(len(order)) {
		t.Fatalf("%d changes, want %d: %v", n, len(order), f.Counts())
	}
	for i, what := range order {
		f, _ := faulty(t)
		f.FailAfter(uint64(i+1), false)
		if failed := touch(f); len(failed) != 1 || failed[0] != what {
			t.Errorf("change %d alone: %v failed, want %s", i+1, failed, what)
		}
		f, _ = faulty(t)
		f.FailAfter(uint64(i+1), true)
		if failed := touch(f); len(failed) == 0 || failed[0] != what || failed[len(failed)-1] != "remove" {
			t.Errorf("from change %d: %v failed, want %s and all that follow", i+1, failed, what)
		}
		f.FailAfter(0, false)
		if err := f.MkdirAll("d/later", 0o700); err != nil {
			t.Error("after repair:", err)
		}
	}
	f, disk := faulty(t)
	f.FailAfter(4, true)
	touch(f)
	if err := f.MkdirAll("x", 0o700); !errors.Is(err, syscall.EIO) {
		t.Errorf("a broken disk says %v", err)
	}
	if b, err := ReadFile(disk, "d/f", 100); string(b) != "1234" {
		t.Errorf("of a failed write %q arrived, %v", b, err)
	}
}

// TestFullDisk refuses what needs space and nothing else.
func TestFullDisk(t *testing.T) {
	f, _ := faulty(t)
	if _, err := f.GetDiskUsage("d"); err == nil {
		t.Error("memory knows its size")
	}
	f.SetFull(true)
	if failed := touch(f); fmt.Sprint(failed) != "[lock mkdir create create again link rename folder]" {
		t.Error("a full disk refused", failed)
	}
	if usage, err := f.GetDiskUsage("d"); err != nil || usage.AvailBytes != 0 {
		t.Errorf("a full disk has %d bytes free, %v", usage.AvailBytes, err)
	}
	if _, err := f.Create("d/f", Ordinary); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a full disk says %v", err)
	}
	f.SetFull(false)
	if err := f.MkdirAll("d/later", 0o700); err != nil {
		t.Error("with space again:", err)
	}
}

// TestFlip turns exactly one bit, the same for the same seed, for readers and after a crash.
func TestFlip(t *testing.T) {
	places := map[string]bool{}
	for seed := range uint64(40) {
		f, disk := faulty(t)
		at, bit, err := f.Flip("d/still", seed)
		if err != nil {
			t.Fatal(err)
		}
		places[fmt.Sprint(at, bit)] = true
		want := []byte("content")
		want[at] ^= 1 << bit
		for _, left := range []FS{f, disk.Kill(), disk.Crash(0, 0)} {
			if b, err := ReadFile(left, "d/still", 100); !bytes.Equal(b, want) {
				t.Fatalf("seed %d: %q, want %q, %v", seed, b, want, err)
			}
		}
		again, _ := faulty(t)
		if at2, bit2, _ := again.Flip("d/still", seed); at2 != at || bit2 != bit {
			t.Fatalf("seed %d: byte %d bit %d, then byte %d bit %d", seed, at, bit, at2, bit2)
		}
	}
	if len(places) < 20 {
		t.Errorf("40 seeds flip %d bits", len(places))
	}
	f, disk := faulty(t)
	if _, _, err := f.Flip("d/none", 1); !errors.Is(err, fs.ErrNotExist) {
		t.Error("flip in no file:", err)
	}
	writeFile(t, disk, "d/empty", nil, true)
	if _, _, err := f.Flip("d/empty", 1); err == nil {
		t.Error("flip in an empty file")
	}
	if _, _, err := Faulty(Memory()).Flip("d/still", 1); err == nil {
		t.Error("flip in memory that is no CrashFS")
	}
	if err := disk.FlipAt("d/still", 7, 0); err == nil {
		t.Error("flip behind the end")
	}
}

// TestSlow sees each operation before it happens, and may crash the disk in between.
func TestSlow(t *testing.T) {
	f, disk := faulty(t)
	var seen Counts
	var written []bool
	f.Slow(func(op Operation, name string) {
		seen[op]++
		if name == "d/f" {
			_, err := disk.Kill().Stat("d/f")
			written = append(written, err == nil)
		}
	})
	touch(f)
	f.Slow(nil)
	if seen != f.Counts() || seen[OpRead] == 0 {
		t.Errorf("seen %v, counted %v", seen, f.Counts())
	}
	if fmt.Sprint(written) != "[false true true true]" {
		t.Errorf("create, write, sync, close of a file: it was there before: %v", written)
	}
	touch(f)
	if seen == f.Counts() {
		t.Error("the counters stand still")
	}
}

// TestReplace goes on after a crash with what it left.
func TestReplace(t *testing.T) {
	f, disk := faulty(t)
	before := f.Counts()
	writeFile(t, f, "d/lost", []byte("never synced"), false)
	f.FailAfter(3, false)
	f.Replace(disk.Crash(0, 1))
	if _, err := f.Stat("d/lost"); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the file that was lost:", err)
	}
	writeFile(t, f, "d/new", []byte("new"), false)
	if _, err := f.Create("d/third", Ordinary); !errors.Is(err, syscall.EIO) {
		t.Error("the fault is forgotten:", err)
	}
	if _, err := disk.Stat("d/new"); err == nil {
		t.Error("the old disk is written")
	}
	if n := f.Counts().Changes() - before.Changes(); n != 5 {
		t.Errorf("%d changes were counted, want 5", n)
	}
}

// TestLockOnBadDisk does not take a disk that refuses the lock's file for a folder in use.
func TestLockOnBadDisk(t *testing.T) {
	f, _ := faulty(t)
	f.SetFull(true)
	if _, err := LockFolder(f, "d"); errors.Is(err, ErrLocked) || !errors.Is(err, syscall.ENOSPC) {
		t.Error("on a full disk:", err)
	}
	f.SetFull(false)
	f.FailAfter(1, false)
	if _, err := LockFolder(f, "d"); errors.Is(err, ErrLocked) || !errors.Is(err, syscall.EIO) {
		t.Error("on a broken disk:", err)
	}
	lock, err := LockFolder(f, "d")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := LockFolder(f, "d"); !errors.Is(err, ErrLocked) {
		t.Error("twice:", err)
	}
	_ = lock.Close()
}
