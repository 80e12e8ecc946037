package mining

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/asterism-network/asterism/pillars/internal/pow"
)

// fillSlice is how many pages of a dataset a worker fills at once: some tens of milliseconds.
const fillSlice = 2048

// NewDataset computes an epoch's whole dataset with so many workers: minutes and a gibibyte on a
// public network. It returns the context's error if that ends first. Progress, if there is one, is called
// after each slice, from any worker.
func NewDataset(ctx context.Context, c *pow.Cache, workers int, progress func(done, pages uint32)) (*pow.Dataset, error) {
	d := c.NewDataset()
	var next, done atomic.Uint32
	share(workers, func() {
		for ctx.Err() == nil {
			end := next.Add(fillSlice)
			first := end - fillSlice
			if first >= d.Pages() {
				return
			}
			end = min(end, d.Pages())
			d.Fill(first, end)
			if all := done.Add(end - first); progress != nil {
				progress(all, d.Pages())
			}
		}
	})
	if done.Load() < d.Pages() {
		return nil, context.Cause(ctx)
	}
	return d, nil
}

// searchSlice is how many nonces a worker tries before it looks whether to go on: under a tenth of a
// second even without a dataset.
const searchSlice = 64

// A Solution is a nonce that is enough work, and how many were tried for it.
type Solution struct {
	Nonce uint64
	Mix   [32]byte
	Tried uint64
}

// Search looks for a nonce from first on with so many workers, until one is found or the context ends. It
// then returns the context's error.
func Search(ctx context.Context, with pow.Hasher, w pow.Work, first uint64, workers int) (Solution, error) {
	var next, tried atomic.Uint64
	var found atomic.Pointer[Solution]
	share(workers, func() {
		for ctx.Err() == nil && found.Load() == nil {
			from := first + next.Add(searchSlice) - searchSlice
			nonce, mix, ok := pow.Search(with, w, from, searchSlice)
			if !ok {
				tried.Add(searchSlice)
				continue
			}
			tried.Add(nonce - from + 1)
			found.CompareAndSwap(nil, &Solution{Nonce: nonce, Mix: mix})
		}
	})
	s := found.Load()
	if s == nil {
		return Solution{Tried: tried.Load()}, context.Cause(ctx)
	}
	s.Tried = tried.Load()
	return *s, nil
}

// share runs the same work on so many goroutines, at least one, and waits for all.
func share(workers int, work func()) {
	var wg sync.WaitGroup
	for range max(workers, 1) {
		wg.Go(work)
	}
	wg.Wait()
}
