package node

import (
	"context"
	"sync"
	"time"

	"github.com/asterism-network/asterism/kernel/internal/rpc"
)

// A door keeps the time short that transactions wait in this node: a pool of fifty thousand is
// minutes long on a slow network and a blink on a fast one. It lets submissions in while those
// that wait are few, or will be gone soon at the speed at which others have left. The rest wait
// outside for a moment, which slows their clients down, and are then refused by name. What was let
// in is never lost.
type door struct {
	mu       sync.Mutex // guards all below
	waiting  int
	entering int       // let in, being checked or on their way to the engine
	samples  []leaving // of the last doorSpan, oldest first
	changed  chan struct{}
}

// A leaving is how many transactions had left at some time.
type leaving struct {
	at   time.Time
	left uint64
}

const (
	doorFree     = 1000            // may wait whatever the speed
	doorWait     = 2 * time.Second // that a transaction may have before it at the present speed
	doorPatience = time.Second     // that a submission stands before a full node
	doorSpan     = 2 * time.Second // over which the speed is taken
	doorSample   = 100 * time.Millisecond
)

// observe takes note of the pool after a step of the engine.
func (d *door) observe(now time.Time, waiting int, left uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting = waiting
	if d.changed != nil && d.room() > 0 {
		close(d.changed)
		d.changed = nil
	}
	if n := len(d.samples); n > 0 && now.Sub(d.samples[n-1].at) < doorSample {
		return
	}
	for len(d.samples) > 1 && now.Sub(d.samples[1].at) >= doorSpan {
		d.samples = d.samples[1:]
	}
	d.samples = append(d.samples, leaving{now, left})
}

// speed is how many transactions left a second; the caller holds mu.
func (d *door) speed() float64 {
	if len(d.samples) < 2 {
		return 0
	}
	first, last := d.samples[0], d.samples[len(d.samples)-1]
	return float64(last.left-first.left) / last.at.Sub(first.at).Seconds()
}

// room is how many more may come in; the caller holds mu.
func (d *door) room() int {
	return max(doorFree, int(d.speed()*doorWait.Seconds())) - d.waiting - d.entering
}

// enter waits for room and lets up to want in; leave must be called for them. The error is ctx's
// end in words for clients.
func (d *door) enter(ctx context.Context, want int) (got int, err error) {
	for {
		d.mu.Lock()
		if got = min(d.room(), want); got > 0 {
			d.entering += got
			d.mu.Unlock()
			return got, nil
		}
		if d.changed == nil {
			d.changed = make(chan struct{})
		}
		changed, again := d.changed, d.retryAfter()
		d.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return 0, &rpc.Overloaded{RetryAfter: again}
		}
	}
}

// push is enter for those that may not wait outside.
func (d *door) push(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.entering += n
}

// leave ends enter: they wait in the pool, or were refused.
func (d *door) leave(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.entering -= n
}

// retryAfter guesses when half of those that wait will have left; the caller holds mu.
func (d *door) retryAfter() time.Duration {
	speed := d.speed()
	if speed < 1 {
		return time.Second
	}
	half := time.Duration(float64(d.waiting) / 2 / speed * float64(time.Second))
	return min(max(half, 100*time.Millisecond), 2*time.Second)
}
