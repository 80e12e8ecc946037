package node

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/asterism-network/asterism/kernel/internal/replica"
	"github.com/asterism-network/asterism/kernel/internal/rpc"
)

// A desk checks transactions of many calls together: signatures are cheaper by the dozen, and most
// calls bring one or two. While one batch is checked the next gathers, so nobody waits for company: a
// call that comes alone is checked at once, by its own goroutine, and while many come the batches
// are as large as the time that the one before took.
type desk struct {
	judge func([][]byte) []replica.Judged

	mu      sync.Mutex // guards all below; judge is called without it
	busy    bool       // somebody checks, or has been told to
	waiting []*slip    // by arrival
	held    int        // transactions in waiting
}

// A slip is what one call has to be checked. The desk's mu guards it until it is told.
type slip struct {
	raws    [][]byte
	answers []replica.Judged
	told    chan struct{} // has a token when there are answers, or when it is this one's turn
}

const (
	deskBatch = 512      // transactions that are checked together, or one call's
	deskRoom  = 16 << 10 // transactions that may wait for it; the door lets fewer in
)

// check checks the transactions of one call. The error is ctx's end, or a queue that is full: then
// nothing is known of them.
func (d *desk) check(ctx context.Context, raws [][]byte) ([]replica.Judged, error) {
	s := &slip{raws: raws, told: make(chan struct{}, 1)}
	d.mu.Lock()
	if d.held > 0 && d.held+len(raws) > deskRoom {
		d.mu.Unlock()
		return nil, &rpc.Overloaded{RetryAfter: time.Second}
	}
	d.waiting, d.held = append(d.waiting, s), d.held+len(raws)
	if d.busy {
		d.mu.Unlock()
		select {
		case <-s.told:
		case <-ctx.Done():
			return nil, d.withdraw(ctx, s)
		}
		if s.answers != nil {
			return s.answers, nil
		}
		d.mu.Lock()
	}
	d.busy = true
	batch := d.take()
	d.mu.Unlock()
	defer d.next() // also when the store fails below
	d.serve(batch)
	return s.answers, nil
}

// take takes what is checked next, at least one; the caller holds mu.
func (d *desk) take() (batch []*slip) {
	n, count := 0, 0
	for n < len(d.waiting) && (n == 0 || count+len(d.waiting[n].raws) <= deskBatch) {
		count += len(d.waiting[n].raws)
		n++
	}
	batch = slices.Clone(d.waiting[:n])
	d.waiting, d.held = slices.Delete(d.waiting, 0, n), d.held-count
	return batch
}

// serve checks a batch, whose first is the caller's own, and tells the others.
func (d *desk) serve(batch []*slip) {
	var raws [][]byte
	for _, s := range batch {
		raws = append(raws, s.raws...)
	}
	judged := d.judge(raws)
	for i, s := range batch {
		n := len(s.raws)
		s.answers, judged = judged[:n:n], judged[n:]
		if i > 0 {
			s.told <- struct{}{}
		}
	}
}

// next tells the first of those that wait that it is its turn.
func (d *desk) next() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.waiting) == 0 {
		d.busy = false
		return
	}
	d.waiting[0].told <- struct{}{}
}

// withdraw takes back a slip whose call has ended. If it was its turn, it is the next one's.
func (d *desk) withdraw(ctx context.Context, s *slip) error {
	d.mu.Lock()
	at := slices.Index(d.waiting, s)
	if at >= 0 {
		d.waiting, d.held = slices.Delete(d.waiting, at, at+1), d.held-len(s.raws)
	}
	turn := at >= 0 && len(s.told) > 0
	d.mu.Unlock()
	if turn {
		d.next()
	}
	return ctx.Err()
}
