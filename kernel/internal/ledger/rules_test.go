package ledger

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// An ending is what execution makes of an occurrence.
type ending string

const (
	isFinal     ending = "final"
	isRejected  ending = "rejected"
	isVoid      ending = "void, no fault"
	isE3        ending = "void, E3"
	notEncoded  ending = "has no encoding" // the decoder is stricter than the rule
	isSubmitted ending = "submission only"
)

// bases are one valid transaction per class. Each is final if it is left alone.
var bases = map[string]func(w *world) *kernel.Transaction{
	"transfer": func(w *world) *kernel.Transaction {
		w.settle(w.sign(w.spend(kernel.XIN, w.refs(0, 1), w.output(whole(100), 1, 1), w.output(whole(100), 2, 3))))
		first := w.final(0)
		refs := []kernel.OutputRef{{Hash: first, Index: 0}, {Hash: first, Index: 1}}
		tx := w.spend(kernel.XIN, refs, w.output(whole(150), 1, 1), w.output(whole(50), 2, 2))
		tx.References = []kernel.TxHash{first}
		return w.sign(tx)
	},
	"deposit": func(w *world) *kernel.Transaction {
		tx := w.deposit(1, whole(5))
		tx.Asset = kernel.XIN
		tx.Inputs[0].Deposit.AssetKey = kernel.XINAssetKey
		return w.sign(tx)
	},
	"withdrawal": func(w *world) *kernel.Transaction {
		out := kernel.Output{Type: kernel.OutputWithdrawalSubmit, Amount: whole(30), Withdrawal: &kernel.Withdrawal{Address: "0xabc", Tag: "memo"}}
		return w.sign(w.spend(kernel.BTC, w.refs(8), out, w.output(whole(70), 1, 1)))
	},
	"storage": func(w *world) *kernel.Transaction {
		burn := w.output(kernel.NewAmount(3*storagePrice), 64, 1)
		rest, _ := whole(100).Sub(burn.Amount)
		tx := w.spend(kernel.XIN, w.refs(2), burn, w.output(rest, 1, 1))
		tx.Extra = make([]byte, 3*storageStep)
		return w.sign(tx)
	},
}

// final returns the i-th final transaction after genesis.
func (w *world) final(i int) kernel.TxHash {
	genesis := 0
	for _, hash := range w.view.receiptOrder {
		if r := w.view.receipts[hash]; r.Commit == 0 {
			genesis++
		}
	}
	return w.view.receiptOrder[genesis+i]
}

type ruleCase struct {
	name   string
	base   string
	broken func(w *world, tx *kernel.Transaction)
	want   kernel.Rule
	ends   ending
}

var ruleCases = []ruleCase{
	{"no inputs", "transfer", func(_ *world, tx *kernel.Transaction) { tx.Inputs, tx.Signatures = nil, nil }, kernel.UnknownClass, isE3},
	{"no outputs", "transfer", func(_ *world, tx *kernel.Transaction) { tx.Outputs = nil }, kernel.UnknownClass, isE3},
	{"unknown output type", "transfer", func(_ *world, tx *kernel.Transaction) { tx.Outputs[1].Type = 0xa2 }, kernel.UnknownClass, isE3},
	{"value from nowhere beside a spend", "withdrawal", func(_ *world, tx *kernel.Transaction) {
		tx.Inputs = append(tx.Inputs, kernel.Input{Mint: &kernel.Mint{Group: "UNIVERSAL"}}, kernel.Input{OutputRef: kernel.OutputRef{Index: 1}, Deposit: &kernel.Deposit{}})
	}, kernel.UnknownClass, isE3},
	{"257 inputs", "transfer", func(_ *world, tx *kernel.Transaction) { tx.Inputs = make([]kernel.Input, 257) }, kernel.TooManyInputs, notEncoded},
	{"257 outputs", "transfer", func(_ *world, tx *kernel.Transaction) { tx.Outputs = make([]kernel.Output, 257) }, kernel.TooManyOutputs, notEncoded},
	{"257 keys", "transfer", func(_ *world, tx *kernel.Transaction) { tx.Outputs[1].Keys = make([]kernel.Key, 257) }, kernel.TooManyKeys, notEncoded},
	{"17 references", "transfer", func(_ *world, tx *kernel.Transaction) { tx.References = make([]kernel.TxHash, 17) }, kernel.TooManyReferences, isE3},
	{"input index 1025", "transfer", func(_ *world, tx *kernel.Transaction) { tx.Inputs[0].Index = 1025 }, kernel.InputIndexRange, isE3},
	{"257 bytes of extra", "transfer", func(_ *world, tx *kernel.Transaction) { tx.Extra = make([]byte, 257) }, kernel.ExtraTooLarge, isE3},
	{"one byte more than paid", "storage", func(_ *world, tx *kernel.Transaction) { tx.Extra = append(tx.Extra, 0) }, kernel.ExtraTooLarge, isE3},
	{"storage in another asset", "storage", func(_ *world, tx *kernel.Transaction) { tx.Asset = kernel.BTC }, kernel.ExtraTooLarge, isE3},
	{"storage for two keys", "storage", func(w *world, tx *kernel.Transaction) { tx.Outputs[0].Keys = append(tx.Outputs[0].Keys, w.key()) }, kernel.ExtraTooLarge, isE3},
	{"storage that 63 may spend", "storage", func(_ *world, tx *kernel.Transaction) { tx.Outputs[0].Script = kernel.NewScript(63) }, kernel.ExtraTooLarge, isE3},
	{"input twice", "transfer", func(_ *world, tx *kernel.Transaction) { tx.Inputs[1] = tx.Inputs[0] }, kernel.InputDuplicate, isE3},
	{"zero output", "transfer", func(_ *world, tx *kernel.Transaction) { tx.Outputs[0].Amount = kernel.Amount{} }, kernel.AmountZero, isE3},
	{"zero deposit", "deposit", func(_ *world, tx *kernel.Transaction) { tx.Inputs[0].Deposit.Amount = kernel.Amount{} }, kernel.AmountZero, isE3},
	{"outputs of 2^128", "transfer", func(_ *world, tx *kernel.Transaction) {
		tx.Outputs[0].Amount = kernel.AmountFromUnits(1<<63, 0)
		tx.Outputs[1].Amount = kernel.AmountFromUnits(1<<63, 0)
	}, kernel.AmountOverflow, isE3},
	{"identity as key", "transfer", func(_ *world, tx *kernel.Transaction) { tx.Outputs[0].Keys[0] = kernel.Key{0: 1} }, kernel.OutputKeyInvalid, isE3},
	{"zero as key", "transfer", func(_ *world, tx *kernel.Transaction) { tx.Outputs[0].Keys[0] = kernel.Key{} }, kernel.OutputKeyInvalid, isE3},
	{"key off the curve", "transfer", func(_ *world, tx *kernel.Transaction) { tx.Outputs[0].Keys[0] = kernel.Key{0: 2} }, kernel.OutputKeyInvalid, isE3},
	{"key not canonical", "transfer", func(_ *world, tx *kernel.Transaction) { tx.Outputs[0].Keys[0] = notCanonical }, kernel.OutputKeyInvalid, isE3},
	{"key twice in an output", "transfer", func(_ *world, tx *kernel.Transaction) { tx.Outputs[1].Keys[1] = tx.Outputs[1].Keys[0] }, kernel.OutputKeyDuplicate, isE3},
	{"key twice in two outputs", "transfer", func(_ *world, tx *kernel.Transaction) { tx.Outputs[1].Keys[1] = tx.Outputs[0].Keys[0] }, kernel.OutputKeyDuplicate, isE3},
	{"no mask", "transfer", func(_ *world, tx *kernel.Transaction) { tx.Outputs[0].Mask = kernel.Key{} }, kernel.MaskInvalid, isE3},
	{"mask off the curve", "transfer", func(_ *world, tx *kernel.Transaction) { tx.Outputs[0].Mask = kernel.Key{0: 2} }, kernel.MaskInvalid, isE3},
	{"mask not canonical", "transfer", func(_ *world, tx *kernel.Transaction) { tx.Outputs[0].Mask = notCanonical }, kernel.MaskInvalid, isE3},
	{"threshold 65", "transfer", func(_ *world, tx *kernel.Transaction) { tx.Outputs[0].Script = kernel.NewScript(65) }, kernel.ScriptInvalid, isE3},
	{"script of two bytes", "transfer", func(_ *world, tx *kernel.Transaction) { tx.Outputs[0].Script = kernel.Script{0xff, 0xfe} }, kernel.ScriptInvalid, isE3},
	{"no script", "transfer", func(_ *world, tx *kernel.Transaction) { tx.Outputs[0].Script = nil }, kernel.ScriptInvalid, isE3},
	{"script output with withdrawal", "transfer", func(_ *world, tx *kernel.Transaction) { tx.Outputs[0].Withdrawal = &kernel.Withdrawal{Address: "a"} }, kernel.OutputShape, isE3},
	{"withdrawal with keys", "withdrawal", func(w *world, tx *kernel.Transaction) { tx.Outputs[0].Keys = []kernel.Key{w.key()} }, kernel.OutputShape, isE3},
	{"withdrawal with script", "withdrawal", func(_ *world, tx *kernel.Transaction) { tx.Outputs[0].Script = kernel.NewScript(1) }, kernel.OutputShape, isE3},
	{"withdrawal with mask", "withdrawal", func(w *world, tx *kernel.Transaction) { tx.Outputs[0].Mask = w.key() }, kernel.OutputShape, isE3},
	{"pledge with withdrawal", "transfer", func(_ *world, tx *kernel.Transaction) {
		tx.Outputs[0] = kernel.Output{Type: kernel.OutputNodePledge, Amount: whole(1), Withdrawal: &kernel.Withdrawal{Address: "a"}}
	}, kernel.OutputShape, isE3},
	{"one map for two inputs", "transfer", unsigned(func(_ *world, tx *kernel.Transaction) { tx.Signatures = tx.Signatures[:1] }), kernel.SignatureShape, isE3},
	{"signature by a key that is not there", "transfer", unsigned(func(_ *world, tx *kernel.Transaction) { tx.Signatures[0][0].Index = 1 }), kernel.SignatureShape, isE3},
	{"indexes fall", "transfer", unsigned(func(_ *world, tx *kernel.Transaction) { tx.Signatures[1][0].Index = 2 }), kernel.SignatureShape, notEncoded},
	{"aggregate signer that is not there", "transfer", unsigned(func(w *world, tx *kernel.Transaction) { w.aggregate(tx).Aggregate.Signers[2] = 4 }), kernel.SignatureShape, isE3},
	{"aggregate signers fall", "transfer", unsigned(func(w *world, tx *kernel.Transaction) { w.aggregate(tx).Aggregate.Signers[1] = 0 }), kernel.SignatureShape, notEncoded},
	{"aggregate beside maps", "transfer", unsigned(func(_ *world, tx *kernel.Transaction) { tx.Aggregate = &kernel.AggregateSignature{} }), kernel.SignatureShape, notEncoded},
	{"deposit without signature", "deposit", unsigned(func(_ *world, tx *kernel.Transaction) { tx.Signatures = nil }), kernel.SignatureShape, isE3},
	{"deposit signed by key 1", "deposit", unsigned(func(_ *world, tx *kernel.Transaction) { tx.Signatures[0][0].Index = 1 }), kernel.SignatureShape, isE3},
	{"unsigned", "transfer", unsigned(func(_ *world, tx *kernel.Transaction) { tx.Signatures = nil }), kernel.ThresholdNotMet, isE3},
	{"empty map", "transfer", unsigned(func(_ *world, tx *kernel.Transaction) { tx.Signatures[0] = nil }), kernel.ThresholdNotMet, isE3},
	{"one of two signatures", "transfer", unsigned(func(_ *world, tx *kernel.Transaction) { tx.Signatures[1] = tx.Signatures[1][:1] }), kernel.ThresholdNotMet, isE3},
	{"aggregate of one of two", "transfer", unsigned(func(w *world, tx *kernel.Transaction) {
		a := w.aggregate(tx).Aggregate
		a.Signers = a.Signers[:2]
	}), kernel.ThresholdNotMet, isE3},
	{"aggregate without an input's key", "transfer", unsigned(func(w *world, tx *kernel.Transaction) {
		a := w.aggregate(tx).Aggregate
		a.Signers = a.Signers[1:]
	}), kernel.ThresholdNotMet, isE3},
	{"a bit of a signature", "transfer", unsigned(func(_ *world, tx *kernel.Transaction) { tx.Signatures[1][1].Signature[0] ^= 1 }), kernel.SignatureInvalid, isE3},
	{"signatures swapped", "transfer", unsigned(func(_ *world, tx *kernel.Transaction) {
		m := tx.Signatures[1]
		m[0].Signature, m[1].Signature = m[1].Signature, m[0].Signature
	}), kernel.SignatureInvalid, isE3},
	{"a bit of an aggregate", "transfer", unsigned(func(w *world, tx *kernel.Transaction) { w.aggregate(tx).Aggregate.Signature[40] ^= 1 }), kernel.SignatureInvalid, isE3},
	{"signed before a change", "transfer", unsigned(func(_ *world, tx *kernel.Transaction) { tx.Extra = []byte{1} }), kernel.SignatureInvalid, isE3},
	{"unknown transaction", "transfer", func(_ *world, tx *kernel.Transaction) { tx.Inputs[0].Hash[0] ^= 1 }, kernel.InputNotFound, isE3},
	{"unknown output", "transfer", func(_ *world, tx *kernel.Transaction) { tx.Inputs[0].Index = 1024 }, kernel.InputNotFound, isE3},
	{"input spent", "transfer", func(w *world, tx *kernel.Transaction) {
		w.settle(w.sign(w.spend(kernel.XIN, []kernel.OutputRef{tx.Inputs[0].OutputRef}, w.output(whole(100), 1, 1))))
	}, kernel.InputSpent, isRejected},
	{"input of another asset", "withdrawal", func(_ *world, tx *kernel.Transaction) { tx.Asset = kernel.XIN }, kernel.InputAsset, isVoid},
	{"transfer spends a pledge", "transfer", func(w *world, tx *kernel.Transaction) {
		w.view.outputs[tx.Inputs[0].OutputRef].Type = kernel.OutputNodePledge
	}, kernel.InputType, isVoid},
	{"withdrawal spends a node's return", "withdrawal", func(w *world, tx *kernel.Transaction) {
		w.view.outputs[tx.Inputs[0].OutputRef].Type = kernel.OutputNodeRemove
	}, kernel.InputType, isVoid},
	{"one unit more", "transfer", func(_ *world, tx *kernel.Transaction) {
		tx.Outputs[0].Amount, _ = tx.Outputs[0].Amount.Add(kernel.NewAmount(1))
	}, kernel.AmountMismatch, isE3},
	{"one unit less", "withdrawal", func(_ *world, tx *kernel.Transaction) {
		tx.Outputs[0].Amount, _ = tx.Outputs[0].Amount.Sub(kernel.NewAmount(1))
	}, kernel.AmountMismatch, isE3},
	{"deposit pays out more", "deposit", func(_ *world, tx *kernel.Transaction) { tx.Outputs[0].Amount = whole(6) }, kernel.AmountMismatch, isE3},
	{"ghost key used", "transfer", func(w *world, tx *kernel.Transaction) {
		out, _ := w.view.Output(tx.Inputs[0].OutputRef)
		tx.Outputs[1].Keys[1] = out.Keys[0]
	}, kernel.GhostKeyUsed, isRejected},
	{"unknown reference", "transfer", func(_ *world, tx *kernel.Transaction) { tx.References[0][0] ^= 1 }, kernel.ReferenceNotFound, isVoid},
	{"rejected reference", "transfer", func(w *world, tx *kernel.Transaction) { tx.References = append(tx.References, w.rejected()) }, kernel.ReferenceNotFound, isVoid},
	{"deposit credited before", "deposit", func(w *world, tx *kernel.Transaction) {
		first := *tx
		first.Outputs = []kernel.Output{w.output(whole(5), 1, 1)}
		w.settle(w.sign(&first))
	}, kernel.DepositUsed, isRejected},
	{"deposit under another key", "deposit", func(_ *world, tx *kernel.Transaction) { tx.Inputs[0].Deposit.AssetKey = "0xfake" }, kernel.DepositAsset, isVoid},
	{"deposit from another chain", "deposit", func(_ *world, tx *kernel.Transaction) { tx.Inputs[0].Deposit.Chain = kernel.BTC }, kernel.DepositAsset, isVoid},
	{"deposit up to the ceiling", "deposit", func(_ *world, tx *kernel.Transaction) { setDeposit(tx, whole(10_000-800)) }, kernel.DepositCeiling, isVoid},
	{"deposit signed by another", "deposit", func(w *world, _ *kernel.Transaction) { w.custodian = kernel.AccountFromSeed([64]byte{9}) }, kernel.DepositCustodian, isE3},
	{"no custodian", "deposit", func(w *world, _ *kernel.Transaction) { w.context.Custodian = nil }, kernel.DepositCustodian, isVoid},
	{"two deposits", "deposit", func(_ *world, tx *kernel.Transaction) {
		tx.Inputs = append(tx.Inputs, kernel.Input{OutputRef: kernel.OutputRef{Index: 1}, Deposit: tx.Inputs[0].Deposit})
	}, kernel.DepositShape, isE3},
	{"deposit into a withdrawal", "deposit", func(_ *world, tx *kernel.Transaction) {
		tx.Outputs[0] = kernel.Output{Type: kernel.OutputWithdrawalSubmit, Amount: whole(5), Withdrawal: &kernel.Withdrawal{Address: "a"}}
	}, kernel.DepositShape, isE3},
	{"deposit of no asset", "deposit", func(_ *world, tx *kernel.Transaction) { tx.Asset = kernel.AssetID{} }, kernel.DepositShape, isE3},
	{"deposit from no chain", "deposit", func(_ *world, tx *kernel.Transaction) { tx.Inputs[0].Deposit.Chain = kernel.AssetID{} }, kernel.DepositShape, isE3},
	{"deposit that names an output", "deposit", func(_ *world, tx *kernel.Transaction) { tx.Inputs[0].Index = 1 }, kernel.DepositShape, isE3},
	{"deposit without asset key", "deposit", func(_ *world, tx *kernel.Transaction) { tx.Inputs[0].Deposit.AssetKey = "" }, kernel.DepositShape, isE3},
	{"deposit without transaction", "deposit", func(_ *world, tx *kernel.Transaction) { tx.Inputs[0].Deposit.Transaction = "" }, kernel.DepositShape, isE3},
	{"deposit with a space", "deposit", func(_ *world, tx *kernel.Transaction) { tx.Inputs[0].Deposit.Transaction += " " }, kernel.DepositShape, isE3},
	{"withdrawal second", "withdrawal", func(_ *world, tx *kernel.Transaction) { tx.Outputs[0], tx.Outputs[1] = tx.Outputs[1], tx.Outputs[0] }, kernel.WithdrawalShape, isE3},
	{"two withdrawals", "withdrawal", func(_ *world, tx *kernel.Transaction) { tx.Outputs[1] = tx.Outputs[0] }, kernel.WithdrawalShape, isE3},
	{"withdrawal to nowhere", "withdrawal", func(_ *world, tx *kernel.Transaction) { tx.Outputs[0].Withdrawal.Address = "" }, kernel.WithdrawalShape, isE3},
	{"withdrawal without data", "withdrawal", func(_ *world, tx *kernel.Transaction) { tx.Outputs[0].Withdrawal = nil }, kernel.WithdrawalShape, isE3},
	{"genesis input", "transfer", func(w *world, tx *kernel.Transaction) { tx.Inputs[0].Genesis = w.context.Network[:] }, kernel.GenesisInput, isE3},
	{"mint", "transfer", func(_ *world, tx *kernel.Transaction) {
		tx.Inputs = []kernel.Input{{Mint: &kernel.Mint{Group: "UNIVERSAL", Batch: 1, Amount: whole(200)}}}
	}, kernel.ClassNotActive, isVoid},
	{"node pledge", "transfer", func(_ *world, tx *kernel.Transaction) {
		tx.Outputs = []kernel.Output{{Type: kernel.OutputNodePledge, Amount: whole(200)}}
	}, kernel.ClassNotActive, isVoid},
	{"withdrawal claim", "transfer", func(_ *world, tx *kernel.Transaction) {
		tx.Outputs[0] = kernel.Output{Type: kernel.OutputWithdrawalClaim, Amount: whole(150)}
	}, kernel.ClassNotActive, isVoid},
	{"custodian update", "storage", func(_ *world, tx *kernel.Transaction) {
		tx.Outputs[0].Type = kernel.OutputCustodianUpdate
		tx.Extra = make([]byte, 100_000)
	}, kernel.ClassNotActive, isVoid},
	{"final already", "transfer", func(w *world, tx *kernel.Transaction) { w.settle(w.sign(tx)) }, kernel.AlreadyFinal, isSubmitted},
}

// notCanonical is a point of large order in an encoding whose y is not below p = 2^255 - 19.
var notCanonical = func() kernel.Key {
	for y := byte(2); y < 19; y++ {
		if crypto.CurveKey(kernel.Key{y}) {
			key := kernel.Key{0: 0xed + y, 31: 0x7f}
			for i := 1; i < 31; i++ {
				key[i] = 0xff
			}
			return key
		}
	}
	panic("no small y is on the curve")
}()

// rulesElsewhere have their cases in tests of their own, because no single change of a valid
// transaction breaks them.
var rulesElsewhere = map[kernel.Rule]string{
	kernel.Malformed:           "TestBytesThatAreNoTransaction",
	kernel.TransactionTooLarge: "TestSizeLimit",

	kernel.PledgeShape: "TestMemberRules", kernel.MemberExtraInvalid: "TestMemberRules", kernel.PledgeFunding: "TestMemberRules",
	kernel.PledgeAmount: "TestMemberRules", kernel.MemberKnown: "TestMemberRules", kernel.TooManyMembers: "TestMemberRules",
	kernel.AcceptShape: "TestMemberRules", kernel.MemberNotPledging: "TestMemberRules", kernel.CancelShape: "TestMemberRules",
	kernel.CancelAmount: "TestMemberRules", kernel.CancelReceiver: "TestMemberRules",

	kernel.OutputLocked: "TestVotesLock", kernel.AssetFrozen: "TestRegistrations",
}

// unsigned marks a change that must not be signed again.
func unsigned(f func(*world, *kernel.Transaction)) func(*world, *kernel.Transaction) {
	return func(w *world, tx *kernel.Transaction) {
		f(w, tx)
		w.custodian.Spend = crypto.Scalar{}
	}
}

func setDeposit(tx *kernel.Transaction, amount kernel.Amount) {
	tx.Inputs[0].Deposit.Amount, tx.Outputs[0].Amount = amount, amount
}

// rejected makes a transaction lose and returns its hash.
func (w *world) rejected() kernel.TxHash {
	first := w.sign(w.spend(kernel.XIN, w.refs(7), w.output(whole(100), 1, 1)))
	second := w.sign(w.spend(kernel.XIN, w.refs(7), w.output(whole(100), 1, 1)))
	w.commit(snapshot(1, 1, 0, w.entries(first)), snapshot(2, 1, 0, w.entries(second)))
	return second.Hash()
}

// build makes the case's transaction in a new world.
func (c *ruleCase) build(t *testing.T) (*world, *kernel.Transaction) {
	w := newWorld(t)
	tx := bases[c.base](w)
	if err := w.check(tx); err != nil {
		t.Fatal("base case is not valid:", err)
	}
	if d := w.execute(snapshot(0, 9, w.view.Head().Index, w.entries(tx))); len(d.Receipts) != 1 || d.Receipts[0].Status != kernel.Final || len(d.Faults) != 0 {
		t.Fatal("base case does not become final")
	}
	c.broken(w, tx)
	if w.custodian.Spend != (crypto.Scalar{}) && c.ends != notEncoded && c.ends != isSubmitted {
		w.sign(tx)
	}
	return w, tx
}

// TestRules: each case breaks one fact, and submission and execution name the one rule.
func TestRules(t *testing.T) {
	seen := map[kernel.Rule]bool{}
	for rule := range rulesElsewhere {
		seen[rule] = true
	}
	for _, c := range ruleCases {
		t.Run(c.name, func(t *testing.T) {
			w, tx := c.build(t)
			if err := Check(w.view, tx, nil, w.context); !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if c.ends != notEncoded {
				if got := w.ending(tx); got != c.ends {
					t.Fatalf("%v ends %q, want %q", c.want, got, c.ends)
				}
			}
		})
		seen[c.want] = true
	}
	for rule := kernel.Rule(1); int(rule) <= kernel.RuleCount; rule++ {
		if !seen[rule] && rule != kernel.ConflictsWith { // of the mempool, not of the ledger
			t.Errorf("rule %v has no case", rule)
		}
	}
}

// ending executes tx as an occurrence whose author knew no commit after genesis.
func (w *world) ending(tx *kernel.Transaction) ending {
	d := w.execute(snapshot(0, 9, 0, w.entries(tx)))
	switch {
	case len(d.Receipts) == 1 && d.Receipts[0].Status == kernel.Rejected && len(d.Faults) == 0:
		return isRejected
	case len(d.Receipts) == 1 && d.Receipts[0].Status == kernel.Final && len(d.Faults) == 0:
		return isFinal
	case len(d.Receipts) == 0 && len(d.Faults) == 1 && d.Faults[0].Kind == FaultInvalid:
		return isE3
	case len(d.Receipts) == 0 && len(d.Faults) == 0:
		if _, judged := w.view.Receipt(tx.Hash()); judged {
			return isSubmitted
		}
		return isVoid
	}
	return "something else"
}

// What was parsed stays what it is whatever becomes of the bytes: they may be a part of something much larger.
func TestParsedHoldsNoBytes(t *testing.T) {
	tx := &kernel.Transaction{Asset: kernel.XIN, Extra: []byte("extra")}
	tx.Inputs = []kernel.Input{{Genesis: []byte("genesis")}, {OutputRef: kernel.OutputRef{Index: 1}}}
	tx.Outputs = []kernel.Output{{Amount: kernel.NewAmount(1), Script: kernel.NewScript(1)}, {Amount: kernel.NewAmount(1), Script: kernel.NewScript(2)}}
	tx.Outputs[0].Withdrawal = &kernel.Withdrawal{Address: "address", Tag: "tag"}
	raw, err := tx.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	want, got := Parse(bytes.Clone(raw)), Parse(raw)
	for i := range raw {
		raw[i] = ^raw[i]
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("parsed is %+v, was %+v", got.Transaction, want.Transaction)
	}
}
