package bench

import (
	"context"
	"errors"
	"time"
)

// dispatchEvery is how often an open loop hands over what is due.
const dispatchEvery = 2 * time.Millisecond

// A stream is payments at a rate from some clients.
type stream struct {
	rate   float64
	sender *sender
	given  int
}

// due is how many payments of a stream that lasts for d are due when some of that has passed: number i, from 0,
// at i/rate.
func (s *stream) due(elapsed, d time.Duration) int {
	return min(1+int(s.rate*elapsed.Seconds()), int(s.rate*d.Seconds()))
}

// open sends payments at a rate for some time, whatever becomes of them: they are due when the
// clock says so, and wait for their lane or for a slow node at the clients' cost.
func (r *run) open(ctx context.Context, d time.Duration, streams ...*stream) error {
	sum := 0.0
	for _, s := range streams {
		sum += s.rate
		s.given = 0
	}
	r.make(int(sum*d.Seconds()) + len(streams))
	began := time.Now()
	tick := time.NewTicker(dispatchEvery)
	defer tick.Stop()
	for {
		elapsed := min(time.Since(began), d)
		for _, s := range streams {
			for due := s.due(elapsed, d); s.given < due; s.given++ {
				at := began.Add(time.Duration(float64(s.given) / s.rate * float64(time.Second)))
				if err := r.next(ctx, at, s.sender); err != nil {
					return err
				}
			}
		}
		if elapsed >= d {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// steady is open for the one stream of the usual clients.
func (r *run) steady(ctx context.Context, rate float64, d time.Duration) error {
	return r.open(ctx, d, &stream{rate: rate, sender: r.sender})
}

// closed keeps a number of payments under way for some time.
func (r *run) closed(ctx context.Context, inFlight int, d time.Duration) error {
	end := time.Now().Add(d)
	timed, cancel := context.WithDeadlineCause(ctx, end, errTime)
	defer cancel()
	for {
		free := 0
		err := r.tracker.wait(timed, func() bool {
			free = inFlight - (r.sent - r.tracker.final - r.tracker.rejected)
			return free > 0
		})
		if err == errTime {
			return nil
		}
		if err != nil {
			return err
		}
		if len(r.stock) < free {
			return errStock
		}
		now := time.Now()
		for range free {
			if err := r.next(timed, now, r.sender); err == errTime {
				return nil
			} else if err != nil {
				return err
			}
		}
	}
}

var (
	errTime  = errors.New("time is over")
	errStock = errors.New("no signed payments are left")
)

// next sends the next payment of the stock, when its lane's previous one is final.
func (r *run) next(ctx context.Context, due time.Time, by *sender) error {
	if before := r.number - r.load.Options().Lanes; before >= r.result.Load.Funding {
		ready := func() bool { return !r.tracker.when[before].final.IsZero() }
		if r.tracker.mu.Lock(); ready() {
			r.tracker.mu.Unlock()
		} else {
			r.tracker.mu.Unlock()
			began := time.Now()
			if err := r.tracker.wait(ctx, ready); err != nil {
				return err
			}
			r.stalled += time.Since(began)
		}
	}
	r.tracker.mu.Lock()
	w := &r.tracker.when[r.number]
	w.due, w.rush = due, by == r.rush
	r.tracker.mu.Unlock()
	by.give(&r.stock[0], r.number)
	r.stock[0].Raw = nil // the sender has it
	r.stock = r.stock[1:]
	r.number++
	r.sent++
	return nil
}
