package ledger

import (
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// TestElementsHoldEveryField: whatever of the state differs, its set hash differs.
func TestElementsHoldEveryField(t *testing.T) {
	type state struct {
		ref     kernel.OutputRef
		out     Output
		receipt kernel.Receipt
		id      kernel.Hash
		by      Owner
		assetID kernel.AssetID
		asset   Asset
		fault   Fault
		key     string
		value   []byte
	}
	changes := map[string]func(s *state){
		"nothing":           func(*state) {},
		"ref index":         func(s *state) { s.ref.Index++ },
		"type":              func(s *state) { s.out.Type++ },
		"amount":            func(s *state) { s.out.Amount = whole(2) },
		"key":               func(s *state) { s.out.Keys = []kernel.Key{{1}} },
		"keys":              func(s *state) { s.out.Keys = append(s.out.Keys, kernel.Key{}) },
		"mask":              func(s *state) { s.out.Mask[0]++ },
		"script":            func(s *state) { s.out.Script = kernel.NewScript(2) },
		"asset":             func(s *state) { s.out.Asset[0]++ },
		"created":           func(s *state) { s.out.Created++ },
		"spent":             func(s *state) { s.out.SpentBy[0]++ },
		"spent by another":  func(s *state) { s.out.SpentBy[1]++ },
		"spent later":       func(s *state) { s.out.SpentBy[0]++; s.out.SpentAt++ },
		"spent elsewhere":   func(s *state) { s.out.SpentBy[0]++; s.ref.Hash[0]++; s.receipt.Transaction[0]++ },
		"receipt":           func(s *state) { s.receipt.Transaction[0]++; s.ref.Hash[0]++ },
		"receipt status":    func(s *state) { s.receipt.Status = kernel.Rejected },
		"receipt commit":    func(s *state) { s.receipt.Commit++ },
		"receipt snapshot":  func(s *state) { s.receipt.Snapshot[0]++ },
		"receipt rule":      func(s *state) { s.receipt.Rule++ },
		"receipt winner":    func(s *state) { s.receipt.Winner[0]++ },
		"identity":          func(s *state) { s.id[0]++ },
		"identity's owner":  func(s *state) { s.by.Transaction[0]++ },
		"identity's commit": func(s *state) { s.by.Commit++ },
		"asset id":          func(s *state) { s.assetID[0]++ },
		"asset chain":       func(s *state) { s.asset.Chain[0]++ },
		"asset key":         func(s *state) { s.asset.Key = "k" },
		"asset symbol":      func(s *state) { s.asset.Symbol = "k" },
		"asset ceiling":     func(s *state) { s.asset.Ceiling = whole(1) },
		"deposited":         func(s *state) { s.asset.Deposited = whole(1) },
		"withdrawn":         func(s *state) { s.asset.Withdrawn = whole(1) },
		"unspent":           func(s *state) { s.asset.Unspent = whole(1) },
		"fault kind":        func(s *state) { s.fault.Kind++ },
		"fault author":      func(s *state) { s.fault.Author++ },
		"fault epoch":       func(s *state) { s.fault.Epoch++ },
		"fault round":       func(s *state) { s.fault.Round++ },
		"fault snapshot":    func(s *state) { s.fault.Snapshot[0]++ },
		"fault entry":       func(s *state) { s.fault.Entry[0]++ },
		"fault commit":      func(s *state) { s.fault.Commit++ },
		"system key":        func(s *state) { s.key = "kw" },
		"system value":      func(s *state) { s.value = []byte{1, 2} },
		"system boundary":   func(s *state) { s.key, s.value = "kv", nil },
	}
	sums := map[crypto.SetHash]string{}
	for name, change := range changes {
		s := state{key: "k", value: []byte("v"), out: Output{Output: kernel.Output{Amount: whole(1), Keys: []kernel.Key{{}}, Script: kernel.NewScript(1)}}}
		change(&s)
		var e Elements
		e.Transaction(s.receipt, []CreatedOutput{{Ref: s.ref, Output: s.out}})
		e.Identity(s.id, s.by)
		e.Asset(s.assetID, &s.asset)
		e.Fault(&s.fault)
		e.System(s.key, s.value)
		if other, same := sums[e.Sum()]; same {
			t.Errorf("%q and %q have the same set hash", name, other)
		}
		sums[e.Sum()] = name
	}
}

// TestSpendingsHaveOneOrder: what a commit adds for spent outputs, in the order in which they are
// spent, is what a count of the whole state adds.
func TestSpendingsHaveOneOrder(t *testing.T) {
	tx := func(n byte) kernel.TxHash { return kernel.TxHash{n} }
	ref := func(n byte, index uint16) kernel.OutputRef { return kernel.OutputRef{Hash: tx(n), Index: index} }
	for name, commits := range map[string][]int{"in one commit": {5}, "in commits of their own": {1, 1, 1, 1, 1}} {
		t.Run(name, func(t *testing.T) {
			steps := []struct {
				hash    byte
				outputs int
				spends  []kernel.OutputRef
			}{
				{hash: 9, outputs: 4},
				{hash: 8, outputs: 3},
				{hash: 1, outputs: 1, spends: []kernel.OutputRef{ref(9, 3), ref(8, 1), ref(9, 0), ref(8, 0)}},
				{hash: 3, outputs: 2, spends: []kernel.OutputRef{ref(8, 2), ref(1, 0), ref(9, 1)}},
				{hash: 2, spends: []kernel.OutputRef{ref(9, 2), ref(3, 1)}},
			}
			m := NewMemView()
			sums := map[crypto.SetHash]bool{}
			for i, n := range commits {
				o := newOverlay(m, n)
				for _, x := range steps[:n] {
					by := Owner{Transaction: tx(x.hash), Commit: kernel.CommitIndex(i)}
					for _, r := range x.spends {
						o.spend(r, by)
					}
					for j := range x.outputs {
						o.create(ref(x.hash, uint16(j)), Output{Created: by.Commit})
					}
					o.receipt(kernel.Receipt{Transaction: by.Transaction, Status: kernel.Final, Commit: by.Commit})
				}
				steps = steps[n:]
				m.Apply(o.close(kernel.CommitIndex(i), 0, kernel.Digest{}))
				if sum := m.Recount(); sum != m.Head().State || sums[sum] {
					t.Fatalf("the state of commit %d does not add up, or adds up to what it was", i)
				}
				sums[m.Head().State] = true
			}
		})
	}
}
