package sim

import (
	"context"
	"maps"
	"slices"
	"sync"
)

// Each runs do for every number below n on the given number of goroutines and calls done with
// the results in the order of the numbers, as soon as they are there, on the caller's goroutine.
// It stops early when done returns false or ctx ends, and says how many results it gave out.
func Each[R any](ctx context.Context, n, workers int, do func(int) R, done func(int, R) bool) int {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	results := make([]chan R, n)
	for i := range results {
		results[i] = make(chan R, 1)
	}
	next := make(chan int)
	var group sync.WaitGroup
	defer group.Wait()
	defer stop()
	for range max(1, min(workers, n)) {
		group.Go(func() {
			for i := range next {
				results[i] <- do(i)
			}
		})
	}
	group.Go(func() {
		defer close(next)
		for i := range n {
			select {
			case next <- i:
			case <-ctx.Done():
				return
			}
		}
	})
	for i := range n {
		select {
		case r := <-results[i]:
			if !done(i, r) {
				return i + 1
			}
		case <-ctx.Done():
			return i
		}
	}
	return n
}

// Counts counts things by name.
type Counts map[string]int

// Add adds another count to this one.
func (c Counts) Add(o Counts) {
	for name, n := range o {
		c[name] += n
	}
}

// Names lists the names in order.
func (c Counts) Names() []string { return slices.Sorted(maps.Keys(c)) }
