package ledger

import (
	"errors"
	"slices"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// TestBoundaries takes every limit at one below, at it, and one above. [T21]
func TestBoundaries(t *testing.T) {
	type change = func(w *world, tx *kernel.Transaction, n int)
	for _, tt := range []struct {
		name  string
		base  string
		limit int
		set   change
		want  kernel.Rule
	}{
		{"references", "transfer", 16, func(_ *world, tx *kernel.Transaction, n int) { tx.References = make([]kernel.TxHash, n) }, kernel.TooManyReferences},
		{"inputs", "transfer", 256, func(_ *world, tx *kernel.Transaction, n int) { fillInputs(tx, n) }, kernel.TooManyInputs},
		{"outputs", "transfer", 256, func(w *world, tx *kernel.Transaction, n int) {
			tx.Outputs = nil
			for range n {
				tx.Outputs = append(tx.Outputs, w.output(kernel.NewAmount(1), 1, 1))
			}
		}, kernel.TooManyOutputs},
		{"keys", "transfer", 256, func(w *world, tx *kernel.Transaction, n int) { tx.Outputs[0] = w.output(whole(150), 1, n) }, kernel.TooManyKeys},
		{"input index", "transfer", 1024, func(_ *world, tx *kernel.Transaction, n int) { tx.Inputs[0].Index = uint16(n) }, kernel.InputIndexRange},
		{"extra", "transfer", 256, func(_ *world, tx *kernel.Transaction, n int) { tx.Extra = make([]byte, n) }, kernel.ExtraTooLarge},
		{"paid extra", "storage", 3072, func(_ *world, tx *kernel.Transaction, n int) { tx.Extra = make([]byte, n) }, kernel.ExtraTooLarge},
		{"threshold", "transfer", 64, func(_ *world, tx *kernel.Transaction, n int) { tx.Outputs[0].Script = kernel.NewScript(uint8(n)) }, kernel.ScriptInvalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for n := tt.limit - 1; n <= tt.limit+1; n++ {
				w := newWorld(t)
				tx := bases[tt.base](w)
				tt.set(w, tx, n)
				err := CheckForm(tx, 1000)
				if n <= tt.limit && err != nil || n > tt.limit && !errors.Is(err, tt.want) {
					t.Errorf("%d: got %v", n, err)
				}
			}
		})
	}
}

func fillInputs(tx *kernel.Transaction, n int) {
	tx.Inputs, tx.Signatures = nil, nil
	for i := range n {
		tx.Inputs = append(tx.Inputs, kernel.Input{OutputRef: kernel.OutputRef{Index: uint16(i)}})
		tx.Signatures = append(tx.Signatures, kernel.SignatureMap{{}})
	}
}

func TestSizeLimit(t *testing.T) {
	tx := bases["transfer"](newWorld(t))
	if err := CheckForm(tx, kernel.MaxTransactionSize); err != nil {
		t.Error(err)
	}
	if err := CheckForm(tx, kernel.MaxTransactionSize+1); !errors.Is(err, kernel.TransactionTooLarge) {
		t.Errorf("got %v", err)
	}
	if p := Parse(make([]byte, kernel.MaxTransactionSize+1)); p.Refusal == nil || p.Refusal.Rule != kernel.Malformed {
		t.Errorf("got %v", p.Refusal)
	}
}

// TestStoragePrice: 1 KiB for each whole 0.0001 XIN, never below 256 B or above 4 MiB.
func TestStoragePrice(t *testing.T) {
	for _, tt := range []struct {
		amount kernel.Amount
		want   int
	}{
		{kernel.NewAmount(1), 256},
		{kernel.NewAmount(9_999), 256},
		{kernel.NewAmount(10_000), 1024},
		{kernel.NewAmount(10_001), 1024},
		{kernel.NewAmount(19_999), 1024},
		{kernel.NewAmount(20_000), 2048},
		{kernel.NewAmount(4095 * 10_000), 4095 * 1024},
		{kernel.NewAmount(4096 * 10_000), 4 << 20},
		{kernel.NewAmount(4097 * 10_000), 4 << 20},
		{kernel.NewAmount(1<<64 - 1), 4 << 20},
		{kernel.AmountFromUnits(1, 0), 4 << 20},
		{kernel.AmountFromUnits(1<<64-1, 1<<64-1), 4 << 20},
	} {
		tx := &kernel.Transaction{Asset: kernel.XIN, Outputs: []kernel.Output{
			{Amount: kernel.NewAmount(1), Script: kernel.NewScript(64), Keys: make([]kernel.Key, 1)},
			{Amount: tt.amount, Script: kernel.NewScript(64), Keys: make([]kernel.Key, 1)},
		}}
		if got := extraAllowed(tx); got != tt.want {
			t.Errorf("%v XIN buys %d bytes, want %d", tt.amount, got, tt.want)
		}
	}
}

// TestAmountEdges deposits and moves the smallest and the largest amount there is.
func TestAmountEdges(t *testing.T) {
	largest := kernel.AmountFromUnits(1<<64-1, 1<<64-1)
	w := newWorld(t)
	all := w.deposit(1, largest)
	w.settle(all)
	if err := w.check(w.deposit(2, kernel.NewAmount(1))); !errors.Is(err, kernel.DepositCeiling) {
		t.Errorf("one unit above 2^128-1: got %v", err)
	}
	rest, _ := largest.Sub(kernel.NewAmount(1))
	ref := []kernel.OutputRef{{Hash: all.Hash()}}
	split := w.sign(w.spend(doge, ref, w.output(rest, 1, 1), w.output(kernel.NewAmount(1), 1, 1)))
	w.settle(split)
	refs := []kernel.OutputRef{{Hash: split.Hash()}, {Hash: split.Hash(), Index: 1}}
	out := kernel.Output{Type: kernel.OutputWithdrawalSubmit, Amount: largest, Withdrawal: &kernel.Withdrawal{Address: "0xabc"}}
	w.settle(w.sign(w.spend(doge, refs, out)))
	if err := w.check(w.deposit(3, kernel.NewAmount(1))); !errors.Is(err, kernel.DepositCeiling) {
		t.Errorf("deposits ever reach 2^128: got %v", err)
	}
}

// TestDepositCeiling: the total must stay below it, to the unit, and what was withdrawn makes room.
func TestDepositCeiling(t *testing.T) {
	w := newWorld(t)
	room, _ := whole(10_000 - 800).Sub(kernel.NewAmount(1))
	tx := bases["deposit"](w)
	setDeposit(tx, room)
	w.settle(w.sign(tx))
	one := bases["deposit"](w)
	one.Inputs[0].Deposit.Index = 2
	setDeposit(one, kernel.NewAmount(1))
	if err := w.check(w.sign(one)); !errors.Is(err, kernel.DepositCeiling) {
		t.Fatalf("got %v", err)
	}
	out := kernel.Output{Type: kernel.OutputWithdrawalSubmit, Amount: whole(100), Withdrawal: &kernel.Withdrawal{Address: "0xabc"}}
	w.settle(w.sign(w.spend(kernel.XIN, w.refs(0), out)))
	w.settle(one)
}

// TestThresholds: signatures are counted against the script, and one is always needed.
func TestThresholds(t *testing.T) {
	for _, tt := range []struct {
		threshold    uint8
		keys, signed int
		want         kernel.Rule
	}{
		{0, 1, 1, 0},
		{0, 1, 0, kernel.ThresholdNotMet},
		{0, 2, 2, 0},
		{1, 1, 1, 0},
		{1, 3, 3, 0}, // more than needed, all good
		{2, 3, 1, kernel.ThresholdNotMet},
		{2, 3, 2, 0},
		{3, 3, 3, 0},
		{3, 3, 2, kernel.ThresholdNotMet},
		{4, 3, 3, kernel.ThresholdNotMet}, // can never be spent
		{64, 1, 1, kernel.ThresholdNotMet},
		{64, 64, 63, kernel.ThresholdNotMet},
		{64, 64, 64, 0},
	} {
		w := newWorld(t)
		lock := w.sign(w.spend(kernel.XIN, w.refs(0), w.output(whole(100), tt.threshold, tt.keys)))
		w.settle(lock)
		tx := w.spend(kernel.XIN, []kernel.OutputRef{{Hash: lock.Hash()}}, w.output(whole(100), 1, 1))
		hash := tx.Hash()
		var m kernel.SignatureMap
		for i, key := range lock.Outputs[0].Keys[:tt.signed] {
			s := w.privates[key]
			m = append(m, kernel.IndexedSignature{Index: uint16(i), Signature: s.Sign(hash[:])})
		}
		tx.Signatures = []kernel.SignatureMap{m}
		if err := w.check(tx); tt.want == 0 && err != nil || tt.want != 0 && !errors.Is(err, tt.want) {
			t.Errorf("%d of %d, %d signed: got %v", tt.threshold, tt.keys, tt.signed, err)
		}
	}
}

// TestEveryInputIsSigned: an input that asks for no signature cannot ride on another's. Here both
// signers of an aggregate belong to the first input.
func TestEveryInputIsSigned(t *testing.T) {
	w := newWorld(t)
	lock := w.sign(w.spend(kernel.XIN, w.refs(0, 1), w.output(whole(100), 1, 2), w.output(whole(100), 0, 1)))
	w.settle(lock)
	refs := []kernel.OutputRef{{Hash: lock.Hash()}, {Hash: lock.Hash(), Index: 1}}
	tx := w.spend(kernel.XIN, refs, w.output(whole(200), 1, 1))
	keys := append(slices.Clone(lock.Outputs[0].Keys), lock.Outputs[1].Keys...)
	for _, tt := range []struct {
		signers []uint16
		want    kernel.Rule
	}{{[]uint16{0, 1}, kernel.ThresholdNotMet}, {[]uint16{2}, kernel.ThresholdNotMet}, {[]uint16{0, 2}, 0}, {[]uint16{1, 2}, 0}} {
		var privates []kernel.Scalar
		for _, s := range tt.signers {
			privates = append(privates, w.privates[keys[s]])
		}
		sig, err := crypto.AggregateSign(keys, tt.signers, privates, tx.Hash(), make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		tx.Aggregate = &kernel.AggregateSignature{Signers: tt.signers, Signature: sig}
		if err := w.check(tx); tt.want == 0 && err != nil || tt.want != 0 && !errors.Is(err, tt.want) {
			t.Errorf("signers %v: got %v", tt.signers, err)
		}
	}
}

// TestBytesThatAreNoTransaction: whatever does not decode is its author's fault and leaves nothing.
func TestBytesThatAreNoTransaction(t *testing.T) {
	w := newWorld(t)
	good := w.raw(bases["withdrawal"](w))
	for name, raw := range map[string][]byte{
		"empty":     {},
		"zero":      make([]byte, 400),
		"truncated": good[:len(good)-1],
		"trailing":  append(good[:len(good):len(good)], 0),
		"version 4": append([]byte{0x77, 0x77, 0, 4}, good[4:]...),
	} {
		if p := Parse(raw); p.Transaction != nil || !errors.Is(p.Refusal, kernel.Malformed) {
			t.Errorf("%s: got %v", name, p.Refusal)
		}
		body := &kernel.Body{Entries: []kernel.Entry{{Kind: kernel.EntryTransaction, Bytes: raw}}}
		d := w.execute(snapshot(3, 1, 0, body))
		if len(d.Receipts) != 0 || len(d.Faults) != 1 || d.Faults[0].Kind != FaultInvalid || d.Faults[0].Author != 3 {
			t.Errorf("%s: %d receipts, faults %v", name, len(d.Receipts), d.Faults)
		}
	}
}
