package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/workload"
)

// callSize is how many payments one call carries at most, so that its body stays below 1 MiB.
const callSize = 400

// callsAtOnce is how many calls a sender has under way at one node.
const callsAtOnce = 2

// A sender hands payments to the nodes as a payment service would: a few calls under way at each
// node, each with all that has come together meanwhile. A node that says it is full is asked
// again later, with everything; nothing is given up.
type sender struct {
	nodes  []*client.Client
	copies int
	random *rand.Rand // the dispatcher's
	queues []*queue

	mu      sync.Mutex // guards all below
	counts  counts
	refused map[string]int // by name: will not be tried again
	err     error
	onTaken func(numbers []int, now time.Time)
}

// counts are what became of submissions, each copy counted.
type counts struct {
	taken   int
	retried int // asked to come back later
	calls   int
	slowed  time.Duration // that payments waited because of it
}

// now returns the counts of this moment.
func (s *sender) now() counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts
}

func (c counts) since(before counts) counts {
	return counts{c.taken - before.taken, c.retried - before.retried, c.calls - before.calls, c.slowed - before.slowed}
}

// A parcel is a payment on its way to a node.
type parcel struct {
	number int // of the tracker
	raw    []byte
}

func newSender(nodes []*client.Client, copies int, seed uint64, onTaken func([]int, time.Time)) *sender {
	s := &sender{nodes: nodes, copies: copies, random: rand.New(rand.NewPCG(seed, 7)), refused: map[string]int{}, onTaken: onTaken}
	for range nodes {
		s.queues = append(s.queues, &queue{ready: make(chan struct{}, 1)})
	}
	return s
}

// run sends until ctx ends.
func (s *sender) run(ctx context.Context) {
	var group sync.WaitGroup
	for i := range s.nodes {
		for range callsAtOnce {
			group.Go(func() { s.serve(ctx, i) })
		}
	}
	group.Wait()
}

// give hands a payment to as many random nodes as there shall be copies.
func (s *sender) give(p *workload.Payment, number int) {
	if s.copies == 1 {
		s.queues[s.random.IntN(len(s.queues))].put(parcel{number, p.Raw})
		return
	}
	for _, i := range s.random.Perm(len(s.queues))[:s.copies] {
		s.queues[i].put(parcel{number, p.Raw})
	}
}

// serve makes call after call to one node.
func (s *sender) serve(ctx context.Context, node int) {
	q := s.queues[node]
	for {
		list := q.take(ctx, callSize)
		if list == nil {
			return
		}
		again, pause, err := s.call(ctx, node, list)
		if err != nil {
			if ctx.Err() == nil {
				s.fail(err)
			}
			return
		}
		if len(again) == 0 {
			continue
		}
		q.putBack(again)
		s.note(func() { s.counts.slowed += pause * time.Duration(len(again)) })
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// call submits a list and returns what must be submitted again after a pause.
func (s *sender) call(ctx context.Context, node int, list []parcel) (again []parcel, pause time.Duration, err error) {
	raws := make([][]byte, len(list))
	for i, p := range list {
		raws[i] = p.raw
	}
	answers, err := s.nodes[node].SendRawTransactions(ctx, raws)
	now := time.Now()
	if wait, temporary := comeBack(err); temporary {
		s.note(func() { s.counts.calls++; s.counts.retried += len(list) })
		return list, wait, nil
	}
	if err != nil {
		return nil, 0, err
	}
	taken := make([]int, 0, len(list))
	for i := range answers {
		refusal := answers[i].Err()
		if refusal == nil {
			taken = append(taken, list[i].number)
			continue
		}
		if wait, temporary := comeBack(refusal); temporary {
			again, pause = append(again, list[i]), max(pause, wait)
			continue
		}
		s.note(func() { s.refused[nameOf(refusal)]++ })
		if s.copies == 1 {
			return nil, 0, fmt.Errorf("a node refused a payment: %w", refusal)
		}
	}
	s.onTaken(taken, now)
	s.note(func() { s.counts.calls++; s.counts.taken += len(taken); s.counts.retried += len(again) })
	return again, pause, nil
}

// comeBack reports whether a node asked to be asked again, and when.
func comeBack(err error) (wait time.Duration, temporary bool) {
	var refusal *client.Error
	if errors.Is(err, client.ErrRateLimited) || errors.Is(err, client.ErrNotReady) || errors.As(err, &refusal) && refusal.Name == "timeout" {
		errors.As(err, &refusal)
		return max(refusal.RetryAfter(), 50*time.Millisecond), true
	}
	return 0, false
}

func nameOf(err error) string {
	var refusal *client.Error
	if errors.As(err, &refusal) && refusal.Name != "" {
		return refusal.Name
	}
	return err.Error()
}

func (s *sender) note(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *sender) fail(err error) {
	s.note(func() { s.err = errors.Join(s.err, err) })
}

func (s *sender) failed() (err error) {
	s.note(func() { err = s.err })
	return err
}

// A queue is what waits for one node.
type queue struct {
	ready chan struct{} // has a token while list is not empty

	mu   sync.Mutex
	list []parcel
}

func (q *queue) put(p parcel) {
	q.mu.Lock()
	q.list = append(q.list, p)
	q.mu.Unlock()
	q.signal()
}

// putBack puts what was taken to the front again.
func (q *queue) putBack(list []parcel) {
	q.mu.Lock()
	q.list = append(list, q.list...)
	q.mu.Unlock()
	q.signal()
}

func (q *queue) signal() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// take waits for parcels and returns up to limit of them; nil when ctx has ended.
func (q *queue) take(ctx context.Context, limit int) (taken []parcel) {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-q.ready:
		}
		q.mu.Lock()
		n := min(len(q.list), limit)
		taken = append(taken, q.list[:n]...)
		q.list = q.list[n:]
		more := len(q.list) > 0
		q.mu.Unlock()
		if more {
			q.signal()
		}
		if n > 0 {
			return taken
		}
	}
}
