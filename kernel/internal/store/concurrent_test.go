package store

import (
	"testing"

	"github.com/asterism-network/asterism/internal/kv"
)

// TestDurableBeforeIndexed: a sync beside an append makes a record durable before the index knows
// of it. A commit that writes the index just then must not take it for written.
func TestDurableBeforeIndexed(t *testing.T) {
	f := newFixture(t, kv.Memory(), 3)
	s := f.open(t)
	defer f.close(t, s)
	first, second := f.record(1, 1), f.record(2, 1)
	if err := s.Append([]Record{first}, false); err != nil {
		t.Fatal(err)
	}
	entries, err := s.log.append([]Record{second}) // the first half of Append
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SyncNow(); err != nil {
		t.Fatal(err)
	}
	b := s.db.NewBatch()
	written := s.index.flush(b, s.log.durable.Load())
	if err := s.index.add(entries[0], &second); err != nil { // the second half
		t.Fatal(err)
	}
	if err := b.Commit(false); err != nil {
		t.Fatal(err)
	}
	s.index.drop(written)
	if !s.Has(first.ID) || !s.Has(second.ID) {
		t.Errorf("found: %v and %v", s.Has(first.ID), s.Has(second.ID))
	}
	if s.index.size() != 1 {
		t.Errorf("%d entries in memory, want the second", s.index.size())
	}
}
