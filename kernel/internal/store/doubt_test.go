package store

import (
	"errors"

	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
)

// filled is a store with a few records and a commit.
func filled(t *testing.T, fsys kv.FS) (*fixture, *Store, []Record) {
	t.Helper()
	f := newFixture(t, fsys, 3)
	f.options.SegmentBytes = 2 << 10
	s := f.open(t)
	var records []Record
	for round := range 12 {
		records = append(records, f.record(2, kernel.Round(1+round)))
		if err := s.Append(records[round:], true); err != nil {
			t.Fatal(err)
		}
	}
	c, d := f.commit(s, records[:8], 5)
	if err := s.Commit(c, d, nil); err != nil {
		t.Fatal(err)
	}
	return f, s, records
}

// A log that is gone leaves a store that serves its state, takes the snapshots again and stays
// in doubt until it is told otherwise.
func TestLostLog(t *testing.T) { eachEngine(t, testLostLog) }

func testLostLog(t *testing.T) {
	disk := kv.Memory()
	f, s, records := filled(t, disk)
	f.close(t, s)
	if err := disk.RemoveAll(disk.PathJoin(f.dir, logDir)); err != nil {
		t.Fatal(err)
	}
	s = f.open(t)
	if s.LogState() != Doubtful || s.Head().Index != 1 || s.Doubt() == "" {
		t.Fatalf("lost log is %v at commit %d", s.LogState(), s.Head().Index)
	}
	if _, ok := s.Snapshot(records[0].ID); ok {
		t.Fatal("a lost record is served")
	}
	if err := s.Append(records, true); err != nil {
		t.Fatal("append what was lost:", err)
	}
	f.close(t, s)
	s = f.open(t)
	if s.LogState() != Doubtful {
		t.Fatal("the doubt ended by itself")
	}
	for _, r := range records {
		if got, ok := s.Snapshot(r.ID); !ok || !equalRecord(got, r) {
			t.Fatal("a record that was appended again is not served")
		}
		if ids := s.Variants(r.Author, r.Round); len(ids) != 1 {
			t.Fatalf("variants after the loss: %v", ids)
		}
	}
	if err := s.ClearDoubt(); err != nil {
		t.Fatal(err)
	}
	f.close(t, s)
	s = f.open(t)
	if s.LogState() != Intact {
		t.Fatalf("after the doubt was cleared: %s", s.Doubt())
	}
	f.close(t, s)
}

// Every segment that is missing or cut short is noticed when the log is read.
func TestMissingParts(t *testing.T) { eachEngine(t, testMissingParts) }

func testMissingParts(t *testing.T) {
	disk := kv.Crashable()
	f, s, _ := filled(t, disk)
	f.close(t, s)
	logs := disk.PathJoin(f.dir, logDir)
	numbers, err := segmentNumbers(disk, logs)
	if err != nil || len(numbers) < 4 {
		t.Fatal(numbers, err)
	}
	for _, n := range numbers {
		name := disk.PathJoin(logs, segmentName(n))
		whole, err := kv.ReadFile(disk, name, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for _, keep := range []int{-1, 0, initSize, len(whole) - 1} {
			clone := disk.Kill()
			if keep < 0 {
				err = clone.Remove(name)
			} else {
				writeFile(t, clone, name, slices.Clone(whole[:keep]))
			}
			if err != nil || keep == len(whole) {
				continue
			}
			o := f.options
			o.FS = clone
			s, err := Open(f.dir, f.network, f.self, o)
			if err != nil {
				t.Fatal(err)
			}
			_ = s.ScanAccepted(0, func(uint64, Record) error { return nil })
			if s.LogState() != Doubtful {
				t.Errorf("segment %d of %d cut to %d of %d bytes: log is %v", n, len(numbers), keep, len(whole), s.LogState())
			}
			_ = s.Close()
		}
	}
}

// A full disk is noticed before anything is written, and free space is all it needs to go on.
func TestReserve(t *testing.T) {
	disk := vfs.NewMem()
	f, s, _ := filled(t, disk)
	disk.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: defaultReserve - 1, TotalBytes: 1 << 40})
	r := f.record(1, 50)
	if err := s.Append([]Record{r}, true); !errors.Is(err, ErrDiskFull) {
		t.Fatalf("append to a full disk: %v", err)
	}
	c, d := f.commit(s, nil, 1)
	if err := s.Commit(c, d, nil); !errors.Is(err, ErrDiskFull) {
		t.Fatalf("commit to a full disk: %v", err)
	}
	disk.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: defaultReserve, TotalBytes: 1 << 40})
	if err := s.Append([]Record{r}, true); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(c, d, nil); err != nil {
		t.Fatal(err)
	}
	f.close(t, s)
}
