package node

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// work does so many pieces of a millisecond each and returns how long that took.
func work(pieces uint64, pause func(done, all uint64) bool) time.Duration {
	began := time.Now()
	for i := range pieces {
		time.Sleep(time.Millisecond)
		if pause(i+1, pieces) {
			break
		}
	}
	return time.Since(began)
}

// TestSpread: work takes the time that it is given if half of that is enough, else twice its own.
func TestSpread(t *testing.T) {
	for _, c := range []struct {
		pieces          uint64
		within          time.Duration
		hurry           bool
		atLeast, atMost time.Duration
	}{
		{100, 10 * time.Second, false, 9900 * time.Millisecond, 10100 * time.Millisecond},
		{100, 10 * time.Second, true, 190 * time.Millisecond, 210 * time.Millisecond},
		{5000, time.Second, false, 9900 * time.Millisecond, 10100 * time.Millisecond},
		{1, 10 * time.Second, false, 0, 2 * time.Millisecond}, // too little to rest for
	} {
		synctest.Test(t, func(t *testing.T) {
			var hurry atomic.Bool
			hurry.Store(c.hurry)
			if took := work(c.pieces, spread(t.Context(), c.within, &hurry)); took < c.atLeast || took > c.atMost {
				t.Errorf("%d ms of work within %v, hurry %t: %v", c.pieces, c.within, c.hurry, took)
			}
		})
	}
}

// TestSpreadHurries: hurry that begins while it rests is noticed soon, and so is the end.
func TestSpreadHurries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hurry atomic.Bool
		time.AfterFunc(time.Second, func() { hurry.Store(true) })
		if took := work(100, spread(t.Context(), time.Hour, &hurry)); took > 2*time.Second {
			t.Errorf("took %v", took)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if took := work(100, spread(ctx, time.Hour, new(atomic.Bool))); took > 1100*time.Millisecond {
			t.Errorf("ended after %v", took)
		}
	})
}
