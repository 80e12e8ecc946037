package store

import (
	"path/filepath"
	"testing"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
)

// diskFixture is a fixture on the machine's disk.
func diskFixture(b *testing.B) (*fixture, *Store) {
	b.Helper()
	f := newFixture(b, kv.Memory(), 1)
	f.dir = filepath.Join(b.TempDir(), "node")
	f.options = Options{}
	if err := Create(f.dir, f.genesis, f.self, f.initial, nil, f.options); err != nil {
		b.Fatal(err)
	}
	s := f.open(b)
	b.Cleanup(func() { f.close(b, s) })
	return f, s
}

// BenchmarkAppendSync appends one snapshot of 64 KiB and makes it durable.
func BenchmarkAppendSync(b *testing.B) {
	f, s := diskFixture(b)
	body := f.bytes(64 << 10)
	b.SetBytes(int64(len(body)))
	for round := kernel.Round(1); b.Loop(); round++ {
		b.StopTimer()
		r := f.record(1, round)
		r.Body = body
		b.StartTimer()
		if err := s.Append([]Record{r}, true); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCommit commits 1000 transactions of two inputs and three outputs.
func BenchmarkCommit(b *testing.B) {
	f, s := diskFixture(b)
	for round := kernel.Round(1); b.Loop(); round++ {
		b.StopTimer()
		c, d := f.prepare(b, s, round, 1000)
		d.Assets, d.Faults = nil, nil
		b.StartTimer()
		if err := s.Commit(c, d, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "µs/tx")
}

// BenchmarkView reads what checking a transaction reads: two outputs and three ghost keys.
func BenchmarkView(b *testing.B) {
	f, s := diskFixture(b)
	var refs []kernel.OutputRef
	for round := kernel.Round(1); round <= 50; round++ {
		r := f.record(1, round)
		if err := s.Append([]Record{r}, false); err != nil {
			b.Fatal(err)
		}
		c, d := f.commit(s, []Record{r}, 1000)
		d.Assets, d.Faults = nil, nil
		if err := s.Commit(c, d, nil); err != nil {
			b.Fatal(err)
		}
	}
	refs = append(refs, f.unspent...)
	v := s.View()
	defer v.Close()
	found := 0
	for i := 0; b.Loop(); i += 2 {
		for j := range 2 {
			if _, ok := v.Output(refs[(i+j)%len(refs)]); ok {
				found++
			}
		}
		for k := range 3 {
			v.GhostKey(kernel.Key{byte(i), byte(i >> 8), byte(k)})
		}
	}
	if found == 0 {
		b.Fatal("no output was found")
	}
}

// plainFixture is a fixture for a simulation: the plain engine on a file system in memory.
func plainFixture(b *testing.B) *fixture {
	f := newFixture(b, kv.Memory(), 1)
	f.options = Options{FS: kv.Crashable(), Engine: kv.Plain}
	return f
}

// BenchmarkCreatePlain makes a folder and opens it, as a simulation does for each of its nodes.
func BenchmarkCreatePlain(b *testing.B) {
	f := plainFixture(b)
	for b.Loop() {
		f.options.FS = kv.Crashable()
		if err := Create(f.dir, f.genesis, f.self, f.initial, nil, f.options); err != nil {
			b.Fatal(err)
		}
		f.close(b, f.open(b))
	}
	b.ReportAllocs()
}

// BenchmarkOpenPlain opens and closes a folder that has 100 commits of 10 transactions.
func BenchmarkOpenPlain(b *testing.B) {
	f := plainFixture(b)
	if err := Create(f.dir, f.genesis, f.self, f.initial, nil, f.options); err != nil {
		b.Fatal(err)
	}
	s := f.open(b)
	for round := kernel.Round(1); round <= 100; round++ {
		c, d := f.prepare(b, s, round, 10)
		if err := s.Commit(c, d, nil); err != nil {
			b.Fatal(err)
		}
	}
	f.close(b, s)
	for b.Loop() {
		f.close(b, f.open(b))
	}
	b.ReportAllocs()
}

// BenchmarkCommitPlain appends a record, syncs it and commits it with one transaction.
func BenchmarkCommitPlain(b *testing.B) {
	f := plainFixture(b)
	if err := Create(f.dir, f.genesis, f.self, f.initial, nil, f.options); err != nil {
		b.Fatal(err)
	}
	s := f.open(b)
	for round := kernel.Round(1); b.Loop(); round++ {
		b.StopTimer()
		r := f.record(1, round)
		c, d := f.commit(s, []Record{r}, 1)
		b.StartTimer()
		if err := s.Append([]Record{r}, true); err != nil {
			b.Fatal(err)
		}
		if err := s.Commit(c, d, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	f.close(b, s)
}

// BenchmarkHasNew asks for snapshots as they come: above all that there is of their authors.
func BenchmarkHasNew(b *testing.B) {
	f, s := diskFixture(b)
	for round := kernel.Round(1); round <= 300; round++ {
		var records []Record
		for author := range kernel.Author(7) {
			records = append(records, f.record(author, round))
		}
		if err := s.Append(records, false); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.db.Flush(); err != nil {
		b.Fatal(err)
	}
	ids := make([]kernel.SnapshotID, 1<<16)
	for i := range ids {
		f.fill(ids[i][:])
	}
	b.Run("by id", func(b *testing.B) {
		for i := range b.N {
			s.Has(ids[i%len(ids)])
		}
	})
	b.Run("by header", func(b *testing.B) {
		h := &kernel.Header{Author: 3, Round: 301}
		for i := range b.N {
			s.HasAt(ids[i%len(ids)], h)
		}
	})
}
