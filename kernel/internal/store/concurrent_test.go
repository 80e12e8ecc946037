package store

import (
	"testing"

	"github.com/asterism-network/asterism/internal/kv"
)

// TestDurableBeforeIndexed: a sync beside an append makes a record durable before the index knows
// of it. A fold that writes the index just then must not take it for written.
func TestDurableBeforeIndexed(t *testing.T) {
	fs := kv.Memory()
	f := newFixture(t, fs, 3)
	s := f.open(t)
	first, second := f.record(1, 1), f.record(2, 1)
	if err := s.Append([]Record{first}, false); err != nil {
		t.Fatal(err)
	}
	entries, err := s.log.append([]Record{second}) // the first half of Append
	if err != nil {
		t.Fatal(err)
	}
	if err := s.flushIndex(); err != nil {
		t.Fatal(err)
	}
	if err := s.index.add(entries[0], &second); err != nil { // the second half
		t.Fatal(err)
	}
	if !s.Has(first.ID) || !s.Has(second.ID) {
		t.Errorf("found: %v and %v", s.Has(first.ID), s.Has(second.ID))
	}
	if s.index.size() != 1 {
		t.Errorf("%d entries in memory, want the second", s.index.size())
	}
	f.close(t, s)
	s = f.open(t)
	defer f.close(t, s)
	if !s.Has(first.ID) || !s.Has(second.ID) {
		t.Errorf("found after a restart: %v and %v", s.Has(first.ID), s.Has(second.ID))
	}
}
