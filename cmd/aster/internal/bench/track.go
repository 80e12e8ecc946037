package bench

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/workload"
)

// A tracker knows when payments became final: the moment the last node showed the commit that
// holds the receipt. It takes receipts from the first node and digests from the others; nodes
// that show equal digests have equal receipts.
type tracker struct {
	all uint64 // one bit for each node

	mu       sync.Mutex // guards all below
	open     map[kernel.CommitIndex]*commit
	numbers  map[kernel.TxHash]int32 // of payments that are watched for
	when     []times                 // by number
	final    int
	rejected int
	trouble  error
	changed  chan struct{} // closed and replaced when something became final
	events   int
}

// times are those of one payment. Zero is not yet.
type times struct {
	due, taken, final time.Time
	rush              bool // of a burst's other clients
}

// A commit is one that not every node has shown yet.
type commit struct {
	digest   kernel.Digest
	seen     uint64
	receipts []kernel.Receipt
}

func newTracker(nodes int) *tracker {
	return &tracker{
		all: 1<<nodes - 1, open: map[kernel.CommitIndex]*commit{},
		numbers: map[kernel.TxHash]int32{}, changed: make(chan struct{}),
	}
}

// follow takes the commits of every node until ctx ends.
func (t *tracker) follow(ctx context.Context, nodes []*client.Client) {
	var group sync.WaitGroup
	for i, node := range nodes {
		group.Go(func() {
			for d, err := range node.Digests(ctx, 1, i == 0) {
				if err != nil {
					if ctx.Err() == nil {
						t.fail(fmt.Errorf("follow node %d: %w", i+1, err))
					}
					return
				}
				t.add(i, d, time.Now())
			}
		})
	}
	group.Wait()
}

func (t *tracker) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.trouble == nil {
		t.trouble = err
	}
	t.wake()
}

// wake tells those who wait; the caller holds mu.
func (t *tracker) wake() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// add takes a commit that a node shows.
func (t *tracker) add(node int, d *client.CommitDigest, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events++
	c := t.open[d.Index]
	if c == nil {
		c = &commit{digest: d.Digest}
		t.open[d.Index] = c
	}
	if c.digest != d.Digest && t.trouble == nil {
		t.trouble = fmt.Errorf("node %d has another state after commit %d than the others", node+1, d.Index)
	}
	c.seen |= 1 << node
	if node == 0 {
		c.receipts = d.Receipts
	}
	if c.seen != t.all {
		return
	}
	delete(t.open, d.Index)
	for i := range c.receipts {
		t.receipt(&c.receipts[i], now)
	}
	if len(c.receipts) > 0 || t.trouble != nil {
		t.wake()
	}
}

func (t *tracker) receipt(r *kernel.Receipt, now time.Time) {
	number, ours := t.numbers[r.Transaction]
	switch {
	case !ours:
	case r.Status == kernel.Final:
		t.when[number].final = now
		t.final++
	default:
		t.rejected++ // nobody spends twice here, and lanes wait for their turn
		if t.trouble == nil {
			t.trouble = fmt.Errorf("payment %s was rejected: %s", r.Transaction, r.Rule)
		}
	}
}

// watch adds payments to those that are watched for and returns the number of the first.
func (t *tracker) watch(payments []workload.Payment) (first int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	first = len(t.when)
	for i := range payments {
		t.numbers[payments[i].Hash] = int32(first + i)
	}
	t.when = append(t.when, make([]times, len(payments))...)
	return first
}

// wait waits until ok, which is called with mu held, or for trouble or ctx.
func (t *tracker) wait(ctx context.Context, ok func() bool) error {
	for {
		t.mu.Lock()
		done, err, changed := ok(), t.trouble, t.changed
		t.mu.Unlock()
		if err != nil || done {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
