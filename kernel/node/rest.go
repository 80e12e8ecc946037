package node

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/asterism-network/asterism/kernel/internal/store"
)

// Housekeeping rests between spans of work, so that payments do not feel it. All nodes of a network come to a
// checkpoint at the same commit: what one does in a burst, all do in the same moment.

// restShare is how long work that nobody waits for rests for each span that it works.
const restShare = 4

// restful is a stop function that ends with ctx, and until then makes its caller work a fifth of the time.
func restful(ctx context.Context) func() bool {
	woke := time.Now()
	return func() bool {
		over := rest(ctx, restShare*time.Since(woke))
		woke = time.Now()
		return over
	}
}

// workSpan is how long spread lets its caller work before it looks at the clock twice.
const workSpan = 2 * time.Millisecond

// spread is a pause that ends with ctx, and until then spreads its caller's work evenly over some time, if half of
// it is enough. While there is hurry it works half of the time.
func spread(ctx context.Context, within time.Duration, hurry *atomic.Bool) store.Pause {
	began, woke := time.Now(), time.Now()
	return func(done, all uint64) bool {
		worked := time.Since(woke)
		if worked < workSpan {
			return ctx.Err() != nil
		}
		over, due := rest(ctx, worked), dueAt(within, done, all)
		for early := due - time.Since(began); early > 0 && !over && !hurry.Load(); early = due - time.Since(began) {
			over = rest(ctx, min(early, longestRest))
		}
		woke = time.Now()
		return over
	}
}

// longestRest is how soon a change of hurry is noticed.
const longestRest = 100 * time.Millisecond

// dueAt is when so much of the work is due that is to end within some time.
func dueAt(within time.Duration, done, all uint64) time.Duration {
	if all == 0 {
		return 0
	}
	return time.Duration(float64(within) * (float64(done) / float64(all)))
}

// rest returns after a span, or at once when ctx has ended; it reports that.
func rest(ctx context.Context, span time.Duration) (over bool) {
	timer := time.NewTimer(span)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return true
	case <-timer.C:
		return false
	}
}
