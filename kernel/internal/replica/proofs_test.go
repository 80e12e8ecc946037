package replica

import (
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// counting takes every snapshot for good, and counts transactions verified alone and
// signatures checked together.
type counting struct {
	ledger.Direct
	single, together int
}

func (*counting) Snapshot(kernel.Key, kernel.SnapshotID, kernel.Signature) bool { return true }

func (*counting) SnapshotCheck(kernel.Key, *kernel.SnapshotID, kernel.Signature) (crypto.Check, bool) {
	return crypto.Check{}, false
}

func (c *counting) VerifyBatch(checks []crypto.Check) bool {
	c.together += len(checks)
	return crypto.VerifyBatch(checks)
}

func (c *counting) VerifyEach(checks []crypto.Check) []bool {
	c.together += len(checks)
	return crypto.VerifyEach(checks)
}

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
		name            string
		proofs          func(*counting) Proofs
		alone, together int
	}{
		{"in batches", func(c *counting) Proofs { return c }, 0, 9},
		{"one by one", func(c *counting) Proofs { return unbatched{c} }, 9, 0},
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
		if counted.together != tt.together {
			t.Errorf("%s: %d signatures checked together", tt.name, counted.together)
		}
	}
}

// TestVerifyAhead executes a body that was accepted before a restart, so that nothing in it was
// verified since: its signatures are checked together.
func TestVerifyAhead(t *testing.T) {
	w := newWorld(t, 9)
	counted := new(counting)
	r := w.open(0, w.create(0), counted)
	var raws [][]byte
	for i := range 9 {
		raws = append(raws, w.payment(i, "ahead"))
	}
	raw := w.snapshot(3, bodyOf(raws...), nil)
	id, _, err := (&Replica{memory: NewMemory()}).peek(raw)
	w.must(err)
	w.must(r.Persist(&Output{Persist: []engine.Record{{ID: id, Author: 3, Round: 9, Raw: raw}}}))
	x, _, err := r.Execute(engine.Ordered{Commit: &kernel.Commit{
		Index: 1, Timestamp: w.genesis.Timestamp + 1, Leader: kernel.Parent{Author: 3, Round: 9, ID: id},
		Snapshots: []kernel.CommittedID{{Author: 3, Round: 9, ID: id}},
	}})
	w.must(err)
	if len(x.Final) != 9 || counted.single != 0 || counted.together != 9 {
		t.Errorf("%d final, %d checked alone, %d signatures together", len(x.Final), counted.single, counted.together)
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
