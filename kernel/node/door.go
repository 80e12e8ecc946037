package node

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/asterism-network/asterism/kernel/internal/rpc"
)

// A door keeps the time short that transactions wait in this node: a pool of fifty thousand is
// minutes long on a slow network and a blink on a fast one. It lets submissions in while those
// that wait will be gone soon at the speed at which others have left, which by Little's law bounds
// how long each stays. The rest stand in line outside for a moment, which slows their clients down, and
// are then refused by name. What was let in is never lost.
//
// Those in line take turns: however much somebody brings, others with little come in soon.
type door struct {
	trip func() time.Duration // to a quorum of the members and back, as far as known; nil is none

	mu        sync.Mutex // guards all below
	waiting   int
	entering  int           // let in, being checked or on their way to the engine
	samples   []leaving     // of the last doorSpan, oldest first
	distance  time.Duration // what trip said at the last sample
	line      []*caller
	lineBytes int
	lined     time.Time // when somebody last stood in line after others were let in
}

// A leaving is how many transactions had left at some time.
type leaving struct {
	at   time.Time
	left uint64
}

// A caller stands in line; door.mu guards it.
type caller struct {
	want, bytes int
	granted     chan int // takes one number, which ends the standing
}

const (
	doorFree     = 250             // may wait whatever the speed
	doorWait     = time.Second     // that a transaction may have before it at the present speed,
	doorTrips    = 4               // and so many trips: a payment needs w + 1.5 ways, and some are longer
	doorPatience = 2 * time.Second // that a submission stands in line
	doorShare    = 64              // that come in at a turn while others stand in line
	doorBytes    = 64 << 20        // that may stand in line
	doorSpan     = 2 * time.Second // over which the speed is taken
	doorSample   = 100 * time.Millisecond
	doorPressed  = 300 * time.Millisecond // that a line counts after its end: it comes and goes with every commit
)

// observe takes note of the pool after a step of the engine, and lets in whom there is room for.
func (d *door) observe(now time.Time, waiting int, left uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting = waiting
	d.serveLine()
	if len(d.line) > 0 {
		d.lined = now
	}
	if n := len(d.samples); n > 0 && now.Sub(d.samples[n-1].at) < doorSample {
		return
	}
	for len(d.samples) > 1 && now.Sub(d.samples[1].at) >= doorSpan {
		d.samples = d.samples[1:]
	}
	d.samples = append(d.samples, leaving{now, left})
	if d.trip != nil {
		d.distance = d.trip()
	}
}

// pressed reports whether somebody stood in line a moment ago.
func (d *door) pressed(now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return now.Sub(d.lined) < doorPressed
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
	stay := doorWait + doorTrips*d.distance
	return max(doorFree, int(d.speed()*stay.Seconds())) - d.waiting - d.entering
}

// serveLine lets in those in front; the caller holds mu.
func (d *door) serveLine() {
	for len(d.line) > 0 {
		c, room := d.line[0], d.room()
		if room <= 0 {
			return
		}
		got := min(room, c.want)
		if len(d.line) > 1 {
			got = min(got, doorShare)
		}
		d.entering += got
		d.line, d.lineBytes = slices.Delete(d.line, 0, 1), d.lineBytes-c.bytes
		c.granted <- got
	}
}

// enter waits for room and lets up to want in, which are of so many bytes together; leave or giveBack must be
// called for them. The error says, in words for clients, that there was no room before ctx ended.
func (d *door) enter(ctx context.Context, want, bytes int) (got int, err error) {
	c := &caller{want, bytes, make(chan int, 1)}
	d.mu.Lock()
	if len(d.line) > 0 && d.lineBytes+bytes > doorBytes {
		defer d.mu.Unlock()
		return 0, &rpc.Overloaded{RetryAfter: d.retryAfter()}
	}
	d.line, d.lineBytes = append(d.line, c), d.lineBytes+bytes
	d.serveLine()
	d.mu.Unlock()
	select {
	case got = <-c.granted:
		return got, nil
	case <-ctx.Done():
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if at := slices.Index(d.line, c); at >= 0 {
		d.line, d.lineBytes = slices.Delete(d.line, at, at+1), d.lineBytes-bytes
		return 0, &rpc.Overloaded{RetryAfter: d.retryAfter()}
	}
	return <-c.granted, nil // just now
}

// push is enter for those that may not wait outside.
func (d *door) push(n int) { d.leave(-n) }

// leave ends enter for those that came into the pool, which observe will count in a moment.
func (d *door) leave(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.entering -= n
}

// giveBack ends enter for those that did not come into the pool: others may.
func (d *door) giveBack(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.entering -= n
	d.serveLine()
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
