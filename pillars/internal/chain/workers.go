package chain

import (
	"sync"
	"sync/atomic"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/pow"
	"github.com/asterism-network/asterism/pillars/internal/state"
	"github.com/asterism-network/asterism/pillars/script"
)

// verifyScripts runs the scripts of a block input by input on so many goroutines, and returns what is wrong with
// the first input that fails, in the block's order, so that every node names the same one.
func verifyScripts(all []state.Scripts, workers int) error {
	type check struct {
		with  *script.Checker
		input int
	}
	var checks []check
	for _, s := range all {
		with := script.NewChecker(s.Tx, s.Spent, script.Block)
		for i := range s.Tx.Inputs {
			checks = append(checks, check{with, i})
		}
	}
	_, err := firstFault(len(checks), workers, func(i int) error { return checks[i].with.Input(checks[i].input) })
	return err
}

// seals is tree.Seals: the work of headers, on several goroutines. Stake is judged with the block, which
// the header alone does not show.
type seals struct {
	caches  pow.View
	workers int
}

// Verify implements tree.Seals.
func (s seals) Verify(headers []*pillars.Header) (good int, err error) {
	return firstFault(len(headers), s.workers, func(i int) error {
		if headers[i].Seal() != pillars.PoW {
			return nil
		}
		return pow.Verify(headers[i], s.caches)
	})
}

// firstFault checks n things on at most so many goroutines, and returns the first that has a fault, or n. Things behind
// it may not have been checked.
func firstFault(n, workers int, check func(i int) error) (first int, err error) {
	var next atomic.Int64
	var mu sync.Mutex // guards first and err
	first = n
	work := func() {
		for {
			i := int(next.Add(1)) - 1
			mu.Lock()
			done := i >= first
			mu.Unlock()
			if done {
				return
			}
			if cause := check(i); cause != nil {
				mu.Lock()
				if i < first {
					first, err = i, cause
				}
				mu.Unlock()
			}
		}
	}
	if workers = min(workers, n); workers <= 1 {
		work()
		return first, err
	}
	var wg sync.WaitGroup
	for range workers {
		wg.Go(work)
	}
	wg.Wait()
	return first, err
}
