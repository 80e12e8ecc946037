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
	}
	changes := map[string]func(s *state){
		"nothing":           func(*state) {},
		"ref hash":          func(s *state) { s.ref.Hash[1]++ },
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
		"receipt":           func(s *state) { s.receipt.Transaction[0]++ },
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
	}
	sums := map[crypto.SetHash]string{}
	for name, change := range changes {
		s := state{out: Output{Output: kernel.Output{Amount: whole(1), Keys: []kernel.Key{{}}, Script: kernel.NewScript(1)}}}
		change(&s)
		var e Elements
		e.Output(s.ref, &s.out)
		e.Receipt(s.receipt)
		e.Identity(s.id, s.by)
		e.Asset(s.assetID, &s.asset)
		e.Fault(&s.fault)
		if other, same := sums[e.Sum()]; same {
			t.Errorf("%q and %q have the same set hash", name, other)
		}
		sums[e.Sum()] = name
	}
}
