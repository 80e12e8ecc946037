package ledger

import (
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// Direct is the Verifier that remembers nothing.
type Direct struct{}

// Verify checks all signatures of tx in one batch.
func (Direct) Verify(tx *kernel.Transaction, _ kernel.Hash, keys [][]kernel.Key) bool {
	checks, aggregate, ok := SignatureChecks(tx, tx.Hash(), keys)
	switch {
	case !ok:
		return false
	case aggregate != nil:
		return aggregate.Verify()
	case len(checks) == 1:
		return crypto.Verify(checks[0].Key, checks[0].Message, checks[0].Signature)
	}
	return crypto.VerifyBatch(checks)
}

// An AggregateCheck is the question whether an aggregate signature is good.
type AggregateCheck struct {
	Keys      []kernel.Key
	Signers   []uint16
	Message   kernel.TxHash
	Signature kernel.Signature
}

// Verify answers it.
func (a *AggregateCheck) Verify() bool {
	return crypto.AggregateVerify(a.Keys, a.Signers, a.Message, a.Signature)
}

// SignatureChecks returns what has to be verified for tx, so that one batch can hold the checks
// of many transactions: either single checks or an aggregate. Keys are those of the outputs
// that tx spends, one list per input. Not ok means that a signature names a key that is not there.
func SignatureChecks(tx *kernel.Transaction, hash kernel.TxHash, keys [][]kernel.Key) (checks []crypto.Check, aggregate *AggregateCheck, ok bool) {
	if a := tx.Aggregate; a != nil {
		all := flatten(keys)
		for _, signer := range a.Signers {
			if int(signer) >= len(all) {
				return nil, nil, false
			}
		}
		return nil, &AggregateCheck{Keys: all, Signers: a.Signers, Message: hash, Signature: a.Signature}, len(a.Signers) > 0
	}
	if len(tx.Signatures) != len(keys) {
		return nil, nil, false
	}
	checks = make([]crypto.Check, 0, len(keys))
	for i, m := range tx.Signatures {
		for _, s := range m {
			if int(s.Index) >= len(keys[i]) {
				return nil, nil, false
			}
			checks = append(checks, crypto.Check{Key: keys[i][s.Index], Message: hash[:], Signature: s.Signature})
		}
	}
	return checks, nil, len(checks) > 0
}

func flatten(keys [][]kernel.Key) []kernel.Key {
	n := 0
	for _, list := range keys {
		n += len(list)
	}
	all := make([]kernel.Key, 0, n)
	for _, list := range keys {
		all = append(all, list...)
	}
	return all
}

// SigningKeys returns the keys that may sign tx, one list per input: those of the outputs it
// spends, or the custodian's for a deposit. Not ok means that an input is not known.
func SigningKeys(v View, tx *kernel.Transaction, c *Context) (keys [][]kernel.Key, ok bool) {
	keys = make([][]kernel.Key, len(tx.Inputs))
	for i := range tx.Inputs {
		if tx.Inputs[i].Deposit != nil {
			if c.Custodian == nil {
				return nil, false
			}
			keys[i] = []kernel.Key{*c.Custodian}
			continue
		}
		out, known := v.Output(tx.Inputs[i].OutputRef)
		if !known {
			return nil, false
		}
		keys[i] = out.Keys
	}
	return keys, true
}

// checkThresholds: every signature names a key of its input, and each input has as many as its
// script asks. A threshold above the number of keys can never be met. [TX-18] [TX-19]
func checkThresholds(tx *kernel.Transaction, spent []Output) *Refusal {
	counts := make([]int, len(spent))
	if tx.Aggregate != nil {
		if !countSigners(tx.Aggregate.Signers, spent, counts) {
			return refuse(kernel.SignatureShape, "invalid signature keys: a signer is not among the keys of the inputs")
		}
	} else {
		for i, m := range tx.Signatures {
			if last := m[len(m)-1].Index; int(last) >= len(spent[i].Keys) {
				return refuse(kernel.SignatureShape, "invalid signature keys of input %d: index %d of %d", i, last, len(spent[i].Keys))
			}
			counts[i] = len(m)
		}
	}
	for i := range spent {
		threshold, err := spent[i].Script.Threshold()
		if err != nil {
			return refuse(kernel.ThresholdNotMet, "invalid tx signature number: input %d has no script", i)
		}
		if need := max(1, int(threshold)); counts[i] < need {
			return refuse(kernel.ThresholdNotMet, "invalid tx signature number %d of input %d, want %d", counts[i], i, need)
		}
	}
	return nil
}

// countSigners maps ascending places in the concatenation of all key lists to their inputs.
func countSigners(signers []uint16, spent []Output, counts []int) bool {
	input, start := 0, 0
	for _, signer := range signers {
		for input < len(spent) && int(signer) >= start+len(spent[input].Keys) {
			start += len(spent[input].Keys)
			input++
		}
		if input == len(spent) {
			return false
		}
		counts[input]++
	}
	return true
}
