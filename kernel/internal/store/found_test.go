package store

import (
	"testing"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// Outputs that share a place in memory are not taken for each other, however they are asked for.
func TestFoundOutputsShareAPlace(t *testing.T) {
	w := newWide(t)
	v := w.View()
	defer v.Close()
	other := kernel.OutputRef{Hash: kernel.TxHash{2, 31: 1}, Index: 7} // of nobody
	if w.found.place(other) != w.found.place(kernel.OutputRef{Hash: kernel.TxHash{2}, Index: 7}) {
		t.Fatal("not the same place")
	}
	for range 3 {
		for _, o := range w.d.Created { // index 1 of {2} stands where index 0 of {3} does
			got, ok := v.Output(o.Ref)
			if !ok || got.Keys[0] != o.Output.Keys[0] || got.Amount != o.Output.Amount {
				t.Fatalf("output %v: %v %+v", o.Ref, ok, got)
			}
			if _, ok := v.Output(other); ok {
				t.Fatal("an output of nobody")
			}
		}
		w.forgetRecent()
	}
	w.close(t, w.Store)
}

// What is remembered of an output is not that it is unspent, nor that it was there at every commit.
func TestFoundOutputsAreSpent(t *testing.T) {
	t.Run("recent", func(t *testing.T) { testFoundOutputsAreSpent(t, false) })
	t.Run("forgotten", func(t *testing.T) { testFoundOutputsAreSpent(t, true) })
}

func testFoundOutputsAreSpent(t *testing.T, forgotten bool) {
	f := newFixture(t, kv.Memory(), 3)
	s := f.open(t)
	before := s.View()
	commit := func(round kernel.Round) *ledger.Diff {
		c, d := f.prepare(t, s, round, 1)
		if err := s.Commit(c, d, nil); err != nil {
			t.Fatal(err)
		}
		return d
	}
	commit(1)
	ref := f.unspent[0]
	f.unspent = f.unspent[:1]
	unspent := s.View()
	for range 2 {
		if o, ok := unspent.Output(ref); !ok || !o.SpentBy.IsZero() {
			t.Fatalf("before it is spent: %v %+v", ok, o)
		}
		if forgotten {
			s.forgetRecent()
		}
	}
	d := commit(2)
	spent := s.View()
	for range 2 {
		if o, ok := spent.Output(ref); !ok || o.SpentBy != d.Receipts[0].Transaction || o.SpentAt != 2 {
			t.Errorf("after it is spent: %v %+v", ok, o)
		}
		if o, ok := unspent.Output(ref); !ok || !o.SpentBy.IsZero() {
			t.Errorf("in a view from before it was spent: %v %+v", ok, o)
		}
		if _, ok := before.Output(ref); ok {
			t.Error("in a view from before it was there")
		}
	}
	for _, v := range []*View{before, unspent, spent} {
		_ = v.Close()
	}
	f.close(t, s)
}
