package workload

import (
	"errors"
	"runtime"
	"slices"
	"time"

	"github.com/asterism-network/asterism/internal/cputime"
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// CostBatch is how many signatures the verify cost is measured with at once.
const CostBatch = 1024

// costSlices is how many batches are timed; the cost is their 20th percentile, which hardly
// moves with what else the machine does.
const costSlices = 25

// VerifyCost is the pure cost of verifying one of the payments' signatures in batches of
// CostBatch, with the network's own batch verification: CPU time of one thread, user and system.
// It needs at least CostBatch signatures, and takes a third of a second.
func VerifyCost(payments []Payment) (time.Duration, error) {
	checks, err := signatureChecks(payments, costSlices*CostBatch)
	if err != nil {
		return 0, err
	}
	if len(checks) < CostBatch {
		return 0, errors.New("workload: too few payments to measure the verify cost")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	batches, times := len(checks)/CostBatch, make([]time.Duration, 0, costSlices)
	for i := range costSlices {
		batch := checks[i%batches*CostBatch:][:CostBatch]
		began := cputime.Thread()
		if !crypto.VerifyBatch(batch) {
			return 0, errors.New("workload: own signatures do not verify")
		}
		times = append(times, cputime.Thread()-began)
	}
	slices.Sort(times)
	return times[costSlices/5] / CostBatch, nil
}

// signatureChecks lists up to limit signatures of the payments with their keys.
func signatureChecks(payments []Payment, limit int) (checks []crypto.Check, err error) {
	for i := range payments {
		p := &payments[i]
		var tx kernel.Transaction
		if err := tx.UnmarshalBinary(p.Raw); err != nil {
			return nil, err
		}
		for k, m := range tx.Signatures {
			checks = append(checks, crypto.Check{Key: p.keys[k], Message: p.Hash[:], Signature: m[0].Signature})
		}
		if len(checks) >= limit {
			return checks[:limit], nil
		}
	}
	return checks, nil
}
