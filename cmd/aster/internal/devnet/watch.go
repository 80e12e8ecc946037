package devnet

import (
	"context"
	"fmt"
	"math/bits"
	"sync"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
)

// A watch follows the commit stream of every node and compares them: the same commit must
// carry the same digest everywhere. It also times the payments it is told about, from
// submission until the last node has them final.
type watch struct {
	nodes []*client.Client
	all   uint64 // one bit for each node

	mu       sync.Mutex // guards all below
	heads    []kernel.CommitIndex
	open     map[kernel.CommitIndex]*sighting // commits that not every node has shown yet
	agreed   agreement
	conflict error // first two nodes that differ
	feed     *feed // nil: commits are not kept
	payments map[kernel.TxHash]*payment
	times    []time.Duration // of payments that are final everywhere
	rejected int
	flow     flow
	changed  chan struct{} // closed and replaced at every change
}

// A sighting is a commit as the first node showed it and which nodes have shown it.
type sighting struct {
	digest kernel.Digest
	first  int
	seen   uint64
}

// An agreement is the newest commit that all nodes have shown alike.
type agreement struct {
	Index  kernel.CommitIndex
	Digest kernel.Digest
}

// A payment is a transaction under way.
type payment struct {
	submitted time.Time
	final     uint64 // nodes that have shown it final
	refused   bool
}

func newWatch(nodes []*client.Client, keep bool) *watch {
	w := &watch{
		nodes: nodes, all: 1<<len(nodes) - 1,
		heads:    make([]kernel.CommitIndex, len(nodes)),
		open:     map[kernel.CommitIndex]*sighting{},
		payments: map[kernel.TxHash]*payment{},
		changed:  make(chan struct{}),
	}
	if keep {
		w.feed = new(feed)
	}
	return w
}

// run follows every node until ctx ends.
func (w *watch) run(ctx context.Context) {
	var wg sync.WaitGroup
	for i, node := range w.nodes {
		wg.Go(func() {
			for commit, err := range node.Commits(ctx, 0) {
				if err != nil {
					if ctx.Err() == nil && w.follows(i) {
						w.fail(fmt.Errorf("follow node %d: %w", i+1, err))
					}
					return
				}
				w.add(i, commit, time.Now())
			}
		})
	}
	wg.Wait()
}

func (w *watch) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conflict == nil {
		w.conflict = err
	}
	w.wake()
}

// trouble is the first thing that went wrong, nil while all is well.
func (w *watch) trouble() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.conflict
}

// wake tells the waiting that something has changed; the caller holds mu.
func (w *watch) wake() {
	close(w.changed)
	w.changed = make(chan struct{})
}

// add takes one commit from one node. A node's commits come in order, each once.
func (w *watch) add(node int, c *client.Commit, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heads[node] = c.Index
	w.compare(node, c)
	if w.feed != nil {
		w.feed.add(c)
	}
	for _, r := range c.Receipts {
		w.receipt(node, r, now)
	}
	w.wake()
}

func (w *watch) compare(node int, c *client.Commit) {
	s := w.open[c.Index]
	if s == nil {
		s = &sighting{digest: c.Digest, first: node}
		w.open[c.Index] = s
	}
	if s.digest != c.Digest && w.conflict == nil {
		w.conflict = fmt.Errorf("nodes %d and %d disagree about commit %d: state digests %s and %s", s.first+1, node+1, c.Index, s.digest, c.Digest)
	}
	s.seen |= 1 << node
	if s.seen&w.all == w.all {
		delete(w.open, c.Index)
		w.agreed = agreement{c.Index, s.digest}
	}
}

func (w *watch) receipt(node int, r kernel.Receipt, now time.Time) {
	p := w.payments[r.Transaction]
	switch {
	case p == nil || p.refused:
	case r.Status == kernel.Rejected:
		p.refused = true
		w.rejected++
	default:
		if p.final == 0 {
			w.flow.note(now)
		}
		p.final |= 1 << node
		if p.final&w.all == w.all {
			w.times = append(w.times, now.Sub(p.submitted))
			delete(w.payments, r.Transaction)
		}
	}
}

// submitted notes when a transaction was first handed to a node; repeating it changes nothing.
func (w *watch) submitted(hash kernel.TxHash, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.payments[hash] == nil {
		w.payments[hash] = &payment{submitted: now}
		w.flow.submitted++
	}
}

// until waits for a condition on the state, for a conflict, or for ctx.
func (w *watch) until(ctx context.Context, ok func() bool) error {
	for {
		w.mu.Lock()
		done, err, changed := ok(), w.conflict, w.changed
		w.mu.Unlock()
		if err != nil || done {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// settle waits until every node has shown the newest commit that any has shown when it is
// called, and returns the agreement reached.
func (w *watch) settle(ctx context.Context) (agreement, error) {
	var target kernel.CommitIndex
	w.mu.Lock()
	for _, head := range w.heads {
		target = max(target, head)
	}
	w.mu.Unlock()
	err := w.until(ctx, func() bool { return w.agreed.Index >= target })
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil && w.conflict == nil {
		err = fmt.Errorf("%s at commit %d, where others are at %d: %w", w.lagging(target), w.agreed.Index, target, err)
	}
	return w.agreed, err
}

// lagging names the nodes that have not shown a commit; the caller holds mu.
func (w *watch) lagging(target kernel.CommitIndex) string {
	var text string
	for i, head := range w.heads {
		if head < target {
			text += fmt.Sprintf("node-%d (%d) ", i+1, head)
		}
	}
	return text + "stand"
}

// undone describes the payments that are not final everywhere; the caller holds mu.
func (w *watch) undone() string {
	none, some := 0, 0
	missing := map[int]int{}
	for _, p := range w.payments {
		switch {
		case p.refused:
		case p.final == 0:
			none++
		default:
			some++
			for rest := w.all &^ p.final; rest != 0; rest &= rest - 1 {
				missing[bits.TrailingZeros64(rest)+1]++
			}
		}
	}
	return fmt.Sprintf("%d payments are final nowhere, %d not everywhere (missing by node: %v)", none, some, missing)
}

// drop forgets a node that has left: nothing waits for it any more.
func (w *watch) drop(node int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all &^= 1 << node
	w.heads[node] = 0
	for hash, p := range w.payments {
		if !p.refused && p.final&w.all == w.all {
			w.times = append(w.times, time.Since(p.submitted))
			delete(w.payments, hash)
		}
	}
	for index, s := range w.open {
		if s.seen&w.all != w.all {
			continue
		}
		if delete(w.open, index); index > w.agreed.Index {
			w.agreed = agreement{index, s.digest}
		}
	}
	w.wake()
}

// follows reports whether a node is one that counts.
func (w *watch) follows(node int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all>>node&1 == 1
}

// flowReport is how payments went so far. Those in flight when the traffic ended count until they are final.
func (w *watch) flowReport() (FlowReport, time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return FlowReport{Submitted: w.flow.submitted, Final: len(w.times)}, w.flow.longest
}

// paidBack reports whether a commit paid a stake back.
func (w *watch) paidBack(stake kernel.Amount) bool {
	w.feed.mu.Lock()
	defer w.feed.mu.Unlock()
	for i := range w.feed.commits {
		for _, f := range w.feed.commits[i].Transactions {
			tx, err := f.Decode()
			if err != nil || len(tx.Outputs) == 0 {
				continue
			}
			if out := &tx.Outputs[0]; out.Type == kernel.OutputNodeRemove && out.Amount == stake {
				return true
			}
		}
	}
	return false
}
