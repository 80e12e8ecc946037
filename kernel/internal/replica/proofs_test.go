package replica

import (
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// counting takes every snapshot and share for good and counts transactions verified alone.
type counting struct {
	ledger.Direct
	single int
}

func (*counting) Snapshot(kernel.Author, kernel.SnapshotID, kernel.Signature) bool { return true }
func (*counting) Share(kernel.Author, kernel.Round, *kernel.CoinShare) bool        { return true }
func (*counting) VerifyBatch(checks []crypto.Check) bool                           { return crypto.VerifyBatch(checks) }

func (c *counting) Verify(tx *kernel.Transaction, signed kernel.Hash, keys [][]kernel.Key) bool {
	c.single++
	return c.Direct.Verify(tx, signed, keys)
}

// unbatched is counting without batches.
type unbatched struct {
	Proofs
}

// TestSharedMemory lets two replicas share a memory: what one has verified the other need not,
// and a signature that is bad stays bad. Without Batch every transaction is checked alone, and
// the answers are the same.
func TestSharedMemory(t *testing.T) {
	w := newWorld(t, 10)
	var raws [][]byte
	for i := range 9 {
		raws = append(raws, w.payment(i, "shared"))
	}
	raw := w.snapshot(3, bodyOf(raws...), nil)
	bad := w.unsigned(9)
	for _, tt := range []struct {
		name   string
		proofs func(*counting) Proofs
		alone  int
	}{
		{"in batches", func(c *counting) Proofs { return c }, 0},
		{"one by one", func(c *counting) Proofs { return unbatched{c} }, 9},
	} {
		counted, memory := new(counting), NewMemory()
		for i := range 2 {
			r := w.open(0, w.create(0), nil)
			r, err := New(Config{Genesis: w.genesis, Store: r.store, Proofs: tt.proofs(counted), Memory: memory})
			w.must(err)
			a, err := r.Inspect(3, raw, false)
			if err != nil || len(a.Claims) != 9 || counted.single != tt.alone+min(i, 1) {
				t.Errorf("%s, replica %d: %d claims, %d checked alone: %v", tt.name, i, len(a.Claims), counted.single, err)
			}
			if _, err := r.Candidate(bad); err == nil || counted.single != tt.alone+1 {
				t.Errorf("%s, replica %d: bad signature: %v, %d checked alone", tt.name, i, err, counted.single)
			}
		}
	}
}

// TestNewRefuses opens what cannot be a replica.
func TestNewRefuses(t *testing.T) {
	w := newWorld(t, 1)
	r := w.replica()
	g := *w.genesis
	g.CoinKey = g.CoinKey[1:]
	if _, err := New(Config{Genesis: &g, Store: r.store}); err == nil {
		t.Error("a genesis without its whole coin key is taken")
	}
}
