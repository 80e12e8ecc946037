// Package app is the payment ledger that CometBFT is given for the comparison: the same signed
// transactions as the Kernel's, the same checks of keys, sums, spent outputs and signatures, by
// the same functions, over ABCI in the validator's own process.
//
// It knows one class of transaction only, transfers between outputs of one key and threshold
// one, and refuses the rest; it remembers nothing for anybody who asks. Wherever there was a
// choice it is the cheaper one: what the Kernel pays for beyond that is the Kernel's cost.
package app

import (
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// Limits of a transfer: far above what a load uses, and small enough for the loops below.
const (
	maxInputs  = 256
	maxOutputs = 256
	maxExtra   = 256 // bytes
)

// A Payment is a transaction whose own bytes are in order, with what has been found out about it.
// Nothing in it depends on the state: an output is named by the hash of what made it, so the keys
// that a payment's signatures are checked with never change.
type Payment struct {
	tx   *kernel.Transaction
	hash kernel.TxHash
	out  kernel.Amount // sum of the outputs
}

// Parse decodes the signed bytes of a transfer and checks what needs no state. The error is a
// kernel.Rule.
func Parse(raw []byte) (*Payment, error) {
	tx := new(kernel.Transaction)
	if err := tx.UnmarshalBinary(raw); err != nil {
		return nil, kernel.Malformed
	}
	if err := checkInputs(tx); err != nil {
		return nil, err
	}
	p := &Payment{tx: tx}
	for i := range tx.Outputs {
		var ok bool
		if p.out, ok = p.out.Add(tx.Outputs[i].Amount); !ok {
			return nil, kernel.AmountOverflow
		}
		if err := checkOutput(tx.Outputs, i); err != nil {
			return nil, err
		}
	}
	p.hash = tx.Hash()
	return p, nil
}

func checkInputs(tx *kernel.Transaction) error {
	switch {
	case tx.Class() != kernel.ClassScript:
		return kernel.UnknownClass
	case len(tx.Inputs) > maxInputs:
		return kernel.TooManyInputs
	case len(tx.Outputs) > maxOutputs:
		return kernel.TooManyOutputs
	case len(tx.Extra) > maxExtra:
		return kernel.ExtraTooLarge
	case len(tx.References) > 0:
		return kernel.ReferenceNotFound
	case len(tx.Signatures) != len(tx.Inputs):
		return kernel.SignatureShape
	}
	for i := range tx.Inputs {
		for k := range i {
			if tx.Inputs[k].OutputRef == tx.Inputs[i].OutputRef {
				return kernel.InputDuplicate
			}
		}
		if m := tx.Signatures[i]; len(m) != 1 || m[0].Index != 0 {
			return kernel.SignatureShape
		}
	}
	return nil
}

// checkOutput judges output i by itself and against the keys before it.
func checkOutput(outputs []kernel.Output, i int) error {
	out := &outputs[i]
	if out.Amount.IsZero() {
		return kernel.AmountZero
	}
	if len(out.Keys) != 1 || out.Withdrawal != nil {
		return kernel.OutputShape
	}
	if threshold, err := out.Script.Threshold(); err != nil || threshold != 1 {
		return kernel.ScriptInvalid
	}
	for k := range i {
		if outputs[k].Keys[0] == out.Keys[0] {
			return kernel.OutputKeyDuplicate
		}
	}
	if out.Mask.IsZero() || !crypto.CanonicalPoint(out.Mask) {
		return kernel.MaskInvalid
	}
	if !crypto.CurveKey(out.Keys[0]) {
		return kernel.OutputKeyInvalid
	}
	return nil
}

// checks appends what has to be verified for the payment; keys are those of what it spends.
func (p *Payment) checks(to []crypto.Check, keys []kernel.Key) []crypto.Check {
	for i, key := range keys {
		to = append(to, crypto.Check{Key: key, Message: p.hash[:], Signature: p.tx.Signatures[i][0].Signature})
	}
	return to
}

// verify checks a payment's signatures one by one: a batch is cheaper from four on, see
// BenchmarkVerify.
func verify(checks []crypto.Check) bool {
	if len(checks) > 3 {
		return crypto.VerifyBatch(checks)
	}
	for _, c := range checks {
		if !crypto.Verify(c.Key, c.Message, c.Signature) {
			return false
		}
	}
	return true
}
