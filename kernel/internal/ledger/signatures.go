package ledger

import (
	"slices"

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

// A Together collects the signatures of many transactions, of one snapshot or of several, so that
// one batch holds them all: 1024 together cost half as much each as alone. The zero Together is
// empty. A caller with several cores gives each a Together of its own.
type Together struct {
	checks []crypto.Check
	added  []addition
}

// An addition is a transaction's part of the checks.
type addition struct {
	end       int             // of its checks; they begin where those of the one before end
	aggregate *AggregateCheck // instead of checks
	wrong     bool            // without any verification
}

// Add takes a transaction that decoded, with the keys of the outputs that it spends as for
// Verifier. Both must stay as they are until Verify.
func (t *Together) Add(p *Parsed, keys [][]kernel.Key) {
	a := addition{}
	before, ok := len(t.checks), false
	t.checks, a.aggregate, ok = appendChecks(t.checks, p.Transaction, &p.Hash, keys)
	if a.wrong = !ok; a.wrong {
		t.checks = t.checks[:before]
	}
	a.end = len(t.checks)
	t.added = append(t.added, a)
}

// Signatures is how many signatures are collected, aggregates apart: what decides the gain.
func (t *Together) Signatures() int { return len(t.checks) }

// Verify answers for each transaction, in the order of Add, what Direct answers for it alone, and
// empties the Together for use again.
func (t *Together) Verify() []bool {
	each := crypto.VerifyEach(t.checks)
	good, begin := make([]bool, len(t.added)), 0
	for i, a := range t.added {
		if a.aggregate != nil {
			good[i] = a.aggregate.Verify()
		} else {
			good[i] = !a.wrong && !slices.Contains(each[begin:a.end], false)
		}
		begin = a.end
	}
	clear(t.checks) // keys and hashes belong to transactions that may be let go
	t.checks, t.added = t.checks[:0], t.added[:0]
	return good
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

// SignatureChecks returns what has to be verified for tx: either single checks or an aggregate.
// Keys are those of the outputs that tx spends, one list per input. Not ok means that a signature
// names a key that is not there.
func SignatureChecks(tx *kernel.Transaction, hash kernel.TxHash, keys [][]kernel.Key) (checks []crypto.Check, aggregate *AggregateCheck, ok bool) {
	checks, aggregate, ok = appendChecks(make([]crypto.Check, 0, len(keys)), tx, &hash, keys)
	if !ok || aggregate != nil {
		checks = nil
	}
	return checks, aggregate, ok
}

// appendChecks appends the checks of tx, which refer to hash. What it appends when not ok means
// nothing.
func appendChecks(checks []crypto.Check, tx *kernel.Transaction, hash *kernel.TxHash, keys [][]kernel.Key) ([]crypto.Check, *AggregateCheck, bool) {
	if a := tx.Aggregate; a != nil {
		all := flatten(keys)
		for _, signer := range a.Signers {
			if int(signer) >= len(all) {
				return checks, nil, false
			}
		}
		return checks, &AggregateCheck{Keys: all, Signers: a.Signers, Message: *hash, Signature: a.Signature}, len(a.Signers) > 0
	}
	if len(tx.Signatures) != len(keys) {
		return checks, nil, false
	}
	before := len(checks)
	for i, m := range tx.Signatures {
		for j := range m {
			s := &m[j]
			if int(s.Index) >= len(keys[i]) {
				return checks, nil, false
			}
			checks = append(checks, crypto.Check{Key: keys[i][s.Index], Message: hash[:], Signature: s.Signature})
		}
	}
	return checks, nil, len(checks) > before
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
// spends, or the custodian's for a deposit. Not ok means that an input is not known, that one is
// spent, after which nobody asks for signatures, or that the class has other signers: its rules
// verify it alone. What is answered here must be what they ask for, since a Verifier may remember
// its answer by the signed bytes. [EXE-4]
func SigningKeys(v View, tx *kernel.Transaction, c *Context) (keys [][]kernel.Key, ok bool) {
	switch tx.Class() {
	case kernel.ClassScript, kernel.ClassWithdrawalSubmit, kernel.ClassDeposit, kernel.ClassNodePledge:
	default:
		return nil, false
	}
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
		if !known || !out.SpentBy.IsZero() {
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
