package store

import (
	"testing"

	"github.com/asterism-network/asterism/internal/kv"
)

// TestFolderNameIsDurable kills the creation of a folder before each change of the disk and goes
// on with what is there. What is synced then is not lost with the folder's name.
func TestFolderNameIsDurable(t *testing.T) {
	disk := kv.Crashable()
	faults := kv.Faulty(disk)
	var left []*kv.CrashFS
	faults.Slow(func(op kv.Operation, _ string) {
		if op.Changes() {
			left = append(left, disk.Kill())
		}
	})
	engine = kv.Plain
	defer func() { engine = kv.Pebble }()
	f := newFixture(t, faults, 1)
	opened := 0
	for i, disk := range append(left, disk.Kill()) {
		o := f.options
		if o.FS = disk; !Exists(f.dir, o) {
			if err := Create(f.dir, f.genesis, f.self, f.initial, nil, o); err != nil {
				t.Fatalf("create after change %d: %v", i, err)
			}
		} else {
			opened++
		}
		s, err := Open(f.dir, f.network, f.self, o)
		if err != nil {
			t.Fatalf("open after change %d: %v", i, err)
		}
		r := f.record(1, 1)
		if err := s.Append([]Record{r}, true); err != nil {
			t.Fatal(err)
		}
		o.FS = disk.Crash(0, 1)
		again, err := Open(f.dir, f.network, f.self, o)
		if err != nil {
			t.Fatalf("open after change %d and a power loss: %v", i, err)
		}
		if got, ok := again.Snapshot(r.ID); !ok || !equalRecord(got, r) {
			t.Fatalf("after change %d a synced record is lost", i)
		}
		f.close(t, again)
		f.close(t, s)
	}
	if opened == 0 {
		t.Error("no kill left a folder: this test shows nothing")
	}
}
