package workload

import (
	"context"
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
	times := make([]time.Duration, costSlices)
	for i := range times {
		if times[i], err = batchTime(checks, i); err != nil {
			return 0, err
		}
	}
	slices.Sort(times)
	return times[costSlices/5] / CostBatch, nil
}

// VerifyCostBeside is the same while something else runs, until the context ends: a batch every
// interval, and the mean of them all. Whatever a crowded machine makes dearer for the others in that time
// (threads of one core, caches, memory, clock rates), it makes dearer for it.
func VerifyCostBeside(ctx context.Context, payments []Payment, interval time.Duration) (time.Duration, error) {
	checks, err := signatureChecks(payments, costSlices*CostBatch)
	if err != nil {
		return 0, err
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	var sum time.Duration
	for i := 0; ; i++ {
		took, err := batchTime(checks, i)
		if err != nil {
			return 0, err
		}
		sum += took
		select {
		case <-tick.C:
		case <-ctx.Done():
			return sum / time.Duration((i+1)*CostBatch), nil
		}
	}
}

// batchTime is the CPU time of one batch, the ith of the checks and from the start again.
func batchTime(checks []crypto.Check, i int) (time.Duration, error) {
	batches := len(checks) / CostBatch
	if batches == 0 {
		return 0, errors.New("workload: too few payments to measure the verify cost")
	}
	batch := checks[i%batches*CostBatch:][:CostBatch]
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	began := cputime.Thread()
	if !crypto.VerifyBatch(batch) {
		return 0, errors.New("workload: own signatures do not verify")
	}
	return cputime.Thread() - began, nil
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
