package store

import (
	"sync"
	"testing"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// What was looked for in vain is found once a commit has made it, by all views but those from before
// it, also if nobody looked for it, or somebody did for something else at its place.
func TestAbsencesEnd(t *testing.T) {
	f := newFixture(t, kv.Memory(), 3)
	s := f.open(t)
	before := s.View()
	for round := kernel.Round(1); round <= 3; round++ {
		c, d := f.prepare(t, s, round, 2)
		absent := func(v *View, why string) {
			t.Helper()
			for _, k := range d.Keys {
				other := k.Key
				other[31] ^= 1 // has its place
				if _, ok := v.GhostKey(k.Key); ok {
					t.Errorf("a key is there %s", why)
				}
				if _, ok := v.GhostKey(other); ok && round == 2 {
					t.Errorf("a key of nobody is there %s", why)
				}
			}
			for _, x := range d.Receipts {
				if _, ok := v.Receipt(x.Transaction); ok {
					t.Errorf("a receipt is there %s", why)
				}
			}
		}
		if round != 3 {
			for range 2 {
				absent(s.View(), "before its commit")
			}
		}
		if err := s.Commit(c, d, nil); err != nil {
			t.Fatal(err)
		}
		absent(before, "in a view from before its commit")
		after := s.View()
		for range 2 {
			for _, k := range d.Keys {
				if by, ok := after.GhostKey(k.Key); !ok || by != k.By {
					t.Errorf("key of commit %d: %v %+v", c.Index, ok, by)
				}
			}
			for _, x := range d.Receipts {
				if got, ok := after.Receipt(x.Transaction); !ok || got != x {
					t.Errorf("receipt of commit %d: %v %+v", c.Index, ok, got)
				}
			}
		}
	}
	f.close(t, s)
}

// Whoever sees a commit sees what it made, while others look for that all the time.
func TestAbsencesWhileCommitting(t *testing.T) {
	whileCommitting(t, 1, func(v *View, d *ledger.Diff, seen bool) {
		for _, k := range d.Keys {
			if by, ok := v.GhostKey(k.Key); ok != seen || ok && by != (ledger.Owner{Transaction: k.By.Transaction, Commit: d.Head.Index}) {
				t.Errorf("commit %d is there: %v; its key: %v %+v", d.Head.Index, seen, ok, by)
			}
		}
	})
}

// whileCommitting makes a hundred commits of n transactions, while others look at what each makes and spends until they
// have seen it.
func whileCommitting(t *testing.T, n int, look func(v *View, d *ledger.Diff, seen bool)) {
	f := newFixture(t, kv.Memory(), 3)
	s := f.open(t)
	for round := kernel.Round(1); round <= 100; round++ {
		c, d := f.prepare(t, s, round, n)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for seen := false; !seen; {
					v := s.View()
					seen = v.Head().Index == c.Index
					look(v, d, seen)
					_ = v.Close()
				}
			})
		}
		if err := s.Commit(c, d, nil); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
	}
	f.close(t, s)
}
