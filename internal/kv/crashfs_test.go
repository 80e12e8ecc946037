package kv

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
)

// dumpFS is every name and byte of a file system.
func dumpFS(t testing.TB, fsys FS) string {
	t.Helper()
	var b strings.Builder
	var walk func(dir string)
	walk = func(dir string) {
		names, err := fsys.List(dir)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(names)
		for _, name := range names {
			name = fsys.PathJoin(dir, name)
			info, err := fsys.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			if info.IsDir() {
				fmt.Fprintf(&b, "%s/\n", name)
				walk(name)
				continue
			}
			content, err := ReadFile(fsys, name, 1<<30)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "%s %x\n", name, content)
		}
	}
	walk("/")
	return b.String()
}

func writeFile(t testing.TB, fsys FS, name string, b []byte, sync bool) {
	t.Helper()
	f, err := fsys.OpenReadWrite(name, Ordinary)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(b); err != nil {
		t.Fatal(err)
	}
	if sync {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// history makes files and folders, some of them durable.
func history(t testing.TB) *CrashFS {
	disk := Crashable()
	for i := range 12 {
		dir := fmt.Sprintf("a/%d/b", i%5)
		if err := disk.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		for j := range 6 {
			name := fmt.Sprintf("%s/%d", dir, j)
			writeFile(t, disk, name, make([]byte, 3000*j), j%3 == 0)
			writeFile(t, disk, name, slices.Repeat([]byte{byte(i + 1)}, 1000*j+1), false)
			if j%4 == 1 {
				if err := disk.Rename(name, name+"."); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, d := range []string{"/", "a", dir}[:i%4] {
			if err := SyncDir(disk, d); err != nil {
				t.Fatal(err)
			}
		}
	}
	return disk
}

// TestCrashIsDeterministic runs one history 50 times: the same seed leaves the same bytes, and
// another seed leaves others.
func TestCrashIsDeterministic(t *testing.T) {
	want := dumpFS(t, history(t).Crash(50, 1))
	for range 49 {
		if got := dumpFS(t, history(t).Crash(50, 1)); got != want {
			t.Fatalf("the same history and seed left\n%.2000s\nand\n%.2000s", want, got)
		}
	}
	if dumpFS(t, history(t).Crash(50, 2)) == want {
		t.Error("another seed leaves the same")
	}
}

// TestPowerLoss writes down what may be lost and what may not.
func TestPowerLoss(t *testing.T) {
	disk := Crashable()
	if err := MakeDir(disk, "d"); err != nil {
		t.Fatal(err)
	}
	writeFile(t, disk, "d/kept", []byte("synced"), true)
	writeFile(t, disk, "d/nameless", []byte("synced"), true)
	writeFile(t, disk, "d/replaced", []byte("old"), true)
	writeFile(t, disk, "d/removed", []byte("synced"), true)
	if err := disk.Remove("d/nameless"); err != nil {
		t.Fatal(err)
	}
	if err := SyncDir(disk, "d"); err != nil {
		t.Fatal(err)
	}
	writeFile(t, disk, "d/nameless", []byte("synced"), true)
	writeFile(t, disk, "d/kept", []byte("edited"), false)
	writeFile(t, disk, "d/other", []byte("new"), true)
	if err := errors.Join(disk.Rename("d/other", "d/replaced"), disk.Remove("d/removed")); err != nil {
		t.Fatal(err)
	}
	content := func(fsys FS, name string) string {
		b, err := ReadFile(fsys, name, 100)
		if errors.Is(err, fs.ErrNotExist) {
			return "none"
		}
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for _, tt := range []struct {
		name              string
		lost, all, killed string
	}{
		{"kept", "synced", "edited", "edited"},
		{"nameless", "none", "synced", "synced"},
		{"replaced", "old", "new", "new"},
		{"other", "none", "none", "none"},
		{"removed", "synced", "synced", "none"},
	} {
		for left, want := range map[*CrashFS]string{
			disk.Crash(0, 1): tt.lost, disk.Crash(100, 1): tt.all, disk.Kill(): tt.killed,
			disk.Kill().Crash(0, 1): tt.lost, disk.Crash(100, 1).Crash(0, 1): tt.all,
		} {
			if got := content(left, "d/"+tt.name); got != want {
				t.Errorf("%s is %q, want %q", tt.name, got, want)
			}
		}
	}
	if err := disk.Remove("d/kept"); err != nil || content(disk.Kill(), "d/kept") != "none" {
		t.Error("the original does not go on")
	}
}

// TestSectorsAreLostWhole writes three sectors behind a durable half of one.
func TestSectorsAreLostWhole(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(200) {
		disk := Crashable()
		writeFile(t, disk, "f", slices.Repeat([]byte{'-'}, sector/2), true)
		if err := SyncDir(disk, "/"); err != nil {
			t.Fatal(err)
		}
		f, err := disk.OpenReadWrite("f", Ordinary)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt(slices.Repeat([]byte{'+'}, 5*sector/2), sector/2); err != nil {
			t.Fatal(err)
		}
		b, err := ReadFile(disk.Crash(50, seed), "f", 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		pattern := ""
		for from := 0; from < len(b); from += sector / 2 {
			part := b[from:min(len(b), from+sector/2)]
			if len(slices.Compact(slices.Clone(part))) != 1 {
				t.Fatalf("half a sector at byte %d is mixed", from)
			}
			pattern += string(part[:1])
		}
		if pattern[0] != '-' {
			t.Fatalf("synced bytes are lost: %q", pattern)
		}
		seen[pattern] = true
	}
	if len(seen) != 8 {
		t.Errorf("crashes left %d of 8 possible outcomes: %v", len(seen), seen)
	}
}

// TestDurableBytesAreOwn lets a file grow, be written over and be damaged after a sync, in the
// original and in what a kill left of it: neither may change what is durable in the other.
func TestDurableBytesAreOwn(t *testing.T) {
	disk := Crashable()
	old, more := strings.Repeat("a", 600), strings.Repeat("b", 5000)
	writeFile(t, disk, "f", []byte(old), true)
	if err := SyncDir(disk, "/"); err != nil {
		t.Fatal(err)
	}
	f, err := disk.OpenReadWrite("f", Ordinary)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte(more), int64(len(old))); err != nil {
		t.Fatal(err)
	}
	copied := disk.Kill()
	if err := errors.Join(disk.FlipAt("f", 3, 0), copied.FlipAt("f", 5, 0)); err != nil {
		t.Fatal(err)
	}
	damaged := old[:5] + "`" + old[6:]
	old = old[:3] + "`" + old[4:]
	for _, tt := range []struct {
		fs            *CrashFS
		written, left string
	}{{disk, old + more, old}, {copied, damaged + more, damaged}} {
		for _, read := range []struct {
			fs   *CrashFS
			want string
		}{{tt.fs, tt.written}, {tt.fs.Kill(), tt.written}, {tt.fs.Crash(0, 1), tt.left}, {tt.fs.Crash(100, 1), tt.written}} {
			if got, err := ReadFile(read.fs, "f", 1<<20); err != nil || string(got) != read.want {
				t.Errorf("%.5q… of %d bytes, want %.5q… of %d: %v", got, len(got), read.want, len(read.want), err)
			}
		}
	}
	writeFile(t, disk, "f", []byte("new"), false)
	if got, err := ReadFile(disk.Crash(0, 1), "f", 1<<20); err != nil || string(got) != old {
		t.Errorf("overwritten, unsynced: %.5q… of %d bytes, %v", got, len(got), err)
	}
}
