package store

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// forgetRecent leaves what is looked for to the search.
func (s *Store) forgetRecent() {
	s.recent.mu.Lock()
	defer s.recent.mu.Unlock()
	clear(s.recent.index[:])
}

// Whatever a ring of rows answers is right, and it knows the newest, over several rounds of the ring.
func TestRecentRowsGoRound(t *testing.T) {
	type key struct {
		hash kernel.TxHash
		part number
	}
	type entry struct {
		n    number
		row  []byte
		mark byte
	}
	random := rand.New(rand.NewPCG(1, 2))
	r := new(recentRows)
	var keys []key
	kept := make(map[key]*entry)
	check := func(from int) (known int) {
		for _, k := range keys[from:] {
			e := kept[k]
			for i := range uint16(partOutputs) {
				ref := kernel.OutputRef{Hash: k.hash, Index: uint16(k.part)*partOutputs + i}
				row, n, marked, ok := r.find(nil, &ref)
				if !ok {
					continue
				}
				if known++; n != e.n || !bytes.Equal(row, e.row) || marked != (e.mark>>i&1 != 0) {
					t.Fatalf("row %d is %d, %v %x, want %b %x", e.n, n, marked, row, e.mark, e.row)
				}
			}
		}
		return known / partOutputs
	}
	for written := 0; written < 5*recentBytes/2; {
		var k key
		for i := range k.hash {
			k.hash[i] = byte(random.Uint32())
		}
		k.part = number(random.IntN(3))
		e := &entry{n: number(len(keys)), row: append(k.hash[:], make([]byte, random.IntN(recentRow-32+1))...)}
		r.put(&k.hash, k.part, e.n, e.row)
		written += len(e.row)
		keys, kept[k] = append(keys, k), e
		if old := keys[random.IntN(len(keys))]; random.IntN(2) == 0 {
			i := random.IntN(partOutputs)
			if n, ok := r.spend(&kernel.OutputRef{Hash: old.hash, Index: uint16(int(old.part)*partOutputs + i)}); ok {
				if kept[old].mark |= 1 << i; n != kept[old].n {
					t.Fatalf("spent of row %d: %d", kept[old].n, n)
				}
			}
		}
	}
	if check(len(keys)-100) != 0 {
		t.Error("rows are found before they are shown")
	}
	r.show()
	if known := check(len(keys) - 1000); known != 1000 {
		t.Errorf("%d of the newest 1000 rows are found", known)
	}
	if known, fit := check(0), recentBytes/(recentRow/2); known < fit*9/10 || known > fit*11/10 {
		t.Errorf("%d rows are found, of about %d that there is room for", known, fit)
	}
	long := kernel.TxHash{1}
	r.put(&long, 0, 1, append(long[:], make([]byte, recentRow-31)...))
	r.show()
	if _, _, _, ok := r.find(nil, &kernel.OutputRef{Hash: long}); ok {
		t.Error("a row is kept that is too long")
	}
}

// Transactions whose hashes begin alike share a place. Each output is still what it was, whether its
// row is remembered or not.
func TestRecentRowsShareAPlace(t *testing.T) {
	f := newFixture(t, kv.Memory(), 3)
	s := f.open(t)
	c, d := f.prepare(t, s, 1, 0)
	const alike = 7 // more than share a line
	for i := range byte(alike) {
		hash := kernel.TxHash{1, 2, 3, 4, 5, 6, 7, 8, i}
		o := ledger.CreatedOutput{Ref: kernel.OutputRef{Hash: hash, Index: 1}, Output: f.output(c.Index)}
		d.Created = append(d.Created, o)
		d.Keys = append(d.Keys, ledger.TakenKey{Key: o.Output.Keys[0], By: ledger.Owner{Transaction: hash, Commit: c.Index}})
		d.Receipts = append(d.Receipts, kernel.Receipt{Transaction: hash, Status: kernel.Final, Commit: c.Index, Snapshot: c.Snapshots[0].ID})
	}
	if err := s.Commit(c, d, nil); err != nil {
		t.Fatal(err)
	}
	v := s.View()
	defer v.Close()
	remembered := 0
	for i := range d.Created {
		want := &d.Created[i]
		if _, _, _, ok := s.recent.find(nil, &want.Ref); ok {
			remembered++
		}
		got, ok := v.Output(want.Ref)
		if !ok || got.Keys[0] != want.Output.Keys[0] || got.Amount != want.Output.Amount || got.Created != c.Index || !got.SpentBy.IsZero() {
			t.Errorf("output of %v: %v %+v", want.Ref.Hash, ok, got)
		}
		other := want.Ref
		for _, other.Index = range []uint16{0, 2, 9} {
			if _, ok := v.Output(other); ok {
				t.Errorf("an output %d of %v", other.Index, want.Ref.Hash)
			}
		}
	}
	if want := len(s.recent.index[0]); remembered != want {
		t.Errorf("%d rows are remembered, want %d", remembered, want)
	}
	f.close(t, s)
}

// A commit that fails half-way has neither made an output nor spent one.
func TestRecentRowsOfAFailedCommit(t *testing.T) {
	f := newFixture(t, kv.Memory(), 4)
	s := f.open(t)
	commit := func(round kernel.Round, broken func(*ledger.Diff)) (*ledger.Diff, error) {
		c, d := f.prepare(t, s, round, 1)
		broken(d)
		return d, s.Commit(c, d, nil)
	}
	first, err := commit(1, func(*ledger.Diff) {})
	if err != nil {
		t.Fatal(err)
	}
	failed, err := commit(2, func(d *ledger.Diff) {
		d.Taken = append(d.Taken, ledger.TakenIdentity{}) // of no transaction: found when all rows are written
	})
	if err == nil || len(failed.Spent) == 0 {
		t.Fatalf("%v, %d outputs spent", err, len(failed.Spent))
	}
	if !slices.ContainsFunc(failed.Spent, func(x ledger.SpentOutput) bool {
		_, _, marked, ok := s.recent.find(nil, &x.Ref)
		return ok && marked
	}) {
		t.Fatal("the commit failed too early for this test")
	}
	v := s.View()
	defer v.Close()
	for i := range first.Created {
		ref := first.Created[i].Ref
		if o, ok := v.Output(ref); !ok || !o.SpentBy.IsZero() || o.SpentAt != 0 {
			t.Errorf("output that is there: %v %+v", ok, o)
		}
	}
	for i := range failed.Created {
		if _, ok := s.findOutput(failed.Created[i].Ref); ok {
			t.Error("an output that no commit made")
		}
	}
	f.close(t, s)
}

// What a commit makes and spends itself is spent, however its row was found: with a row before it that is too long
// for the ring, and with receipts in either order.
func TestRecentRowsSpentInTheirCommit(t *testing.T) {
	hashOf := func(n byte) kernel.TxHash { return kernel.TxHash{7: n} } // with a tag: the ring's first row is not found without
	for name, first := range map[string][3]byte{"makers first": {1, 2, 3}, "spenders first": {3, 2, 1}} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, kv.Memory(), 3)
			s := f.open(t)
			c, d := f.prepare(t, s, 1, 0)
			d.Receipts = d.Receipts[:0:0]
			d.Created, d.Spent, d.Keys = nil, nil, nil
			for _, n := range first { // the second spends an output of the first, the third one of the second
				hash := hashOf(n)
				by := ledger.Owner{Transaction: hash, Commit: c.Index}
				d.Receipts = append(d.Receipts, kernel.Receipt{Transaction: hash, Status: kernel.Final, Commit: c.Index, Snapshot: c.Snapshots[0].ID})
				o := ledger.CreatedOutput{Ref: kernel.OutputRef{Hash: hash}, Output: f.output(c.Index)}
				if n == 1 {
					f.addKeys(&o.Output, recentRow/32)
				}
				d.Created = append(d.Created, o)
				for _, k := range o.Output.Keys {
					d.Keys = append(d.Keys, ledger.TakenKey{Key: k, By: by})
				}
				if n > 1 {
					d.Spent = append(d.Spent, ledger.SpentOutput{Ref: kernel.OutputRef{Hash: hashOf(n - 1)}, By: by})
				}
			}
			if err := s.Commit(c, d, nil); err != nil {
				t.Fatal(err)
			}
			for _, x := range d.Spent {
				if o, ok := s.findOutput(x.Ref); !ok || o.SpentBy != x.By.Transaction || o.SpentAt != c.Index {
					t.Errorf("output of %v: %v, spent by %v at %d", x.Ref.Hash, ok, o.SpentBy, o.SpentAt)
				}
			}
			f.close(t, s)
		})
	}
}

// Whoever sees a commit sees what it made and spent, and nobody does before, while it is written.
func TestRecentRowsWhileCommitting(t *testing.T) {
	whileCommitting(t, 2, func(v *View, d *ledger.Diff, seen bool) {
		for i := range d.Created {
			if _, ok := v.Output(d.Created[i].Ref); ok != seen {
				t.Errorf("commit %d is there: %v; its output: %v", d.Head.Index, seen, ok)
			}
		}
		for i := range d.Spent {
			o, ok := v.Output(d.Spent[i].Ref)
			if seen && (!ok || o.SpentBy != d.Spent[i].By.Transaction || o.SpentAt != d.Head.Index) || !seen && !o.SpentBy.IsZero() {
				t.Errorf("commit %d is there: %v; what it spends: %v %+v", d.Head.Index, seen, ok, o)
			}
		}
	})
}
