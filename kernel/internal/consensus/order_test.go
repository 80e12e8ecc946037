package consensus

import (
	"bytes"
	"testing"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/dag"
)

func sampleOrder() *Order {
	o := NewOrder(7, 3, 1_800_000_000_000, 21)
	o.Progress = dag.Progress{Round: 9, Rank: 2, Commits: 5}
	o.Covered.Clock[2] = 8
	o.Covered.Forks = []dag.Fork{{Author: 2, Tips: []dag.Tip{{Round: 8, ID: kernel.SnapshotID{1}}, {Round: 6, ID: kernel.SnapshotID{2}}}}}
	o.Limbo = []kernel.SnapshotID{{3}}
	return o
}

// FuzzOrder reads the order that is stored with a commit: whatever the disk holds, reading it
// ends with an error or with a value that is written back the same.
func FuzzOrder(f *testing.F) {
	b, _ := sampleOrder().AppendBinary(nil)
	f.Add(b)
	b, _ = NewOrder(50, 0, 1, 0).AppendBinary(nil)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		var o Order
		if o.UnmarshalBinary(b) != nil {
			return
		}
		if again, _ := o.AppendBinary(nil); !bytes.Equal(again, b) {
			t.Fatal("not canonical")
		}
	})
}

func TestOrderIsStoredWhole(t *testing.T) {
	b, _ := sampleOrder().AppendBinary(nil)
	var o Order
	if err := o.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	again, _ := o.AppendBinary(nil)
	if !bytes.Equal(again, b) || len(o.Limbo) != 1 || !o.Covered.Exposes(2) || o.Position != 21 {
		t.Error("the order changed on its way")
	}
	for i := range b {
		if o.UnmarshalBinary(b[:i]) == nil {
			t.Errorf("cut at byte %d: accepted", i)
		}
	}
}
