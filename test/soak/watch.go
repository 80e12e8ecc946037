package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
)

// A watch follows the commit stream of every node through all its restarts and compares: what
// any node has shown once, as a commit or as a receipt, every node must show alike for ever.
// It is a wallet.Source too: the total order, whichever node shows it first.
type watch struct {
	nodes  []*node
	quorum int
	broken func(error) // told about the first contradiction and every later one

	mu       sync.Mutex // guards all below
	shown    map[kernel.CommitIndex]fingerprint
	order    []client.Commit // without what wallets do not need
	payments map[kernel.TxHash]*payment
	list     []*payment // in order of submission
	finality []time.Duration
	progress time.Time // when a payment became final last
}

// A fingerprint is what two nodes must agree on about a commit.
type fingerprint struct {
	digest   kernel.Digest
	receipts [32]byte
}

// A payment is what the run knows of one transaction.
type payment struct {
	hash      kernel.TxHash
	raw       []byte
	submitted time.Time
	holders   []holder // nodes that acknowledged it
	receipt   *kernel.Receipt
	seen      uint64 // nodes that have shown the receipt
	again     bool   // submitted again, since every holder was killed
}

// A holder is a node's process that acknowledged a transaction.
type holder struct {
	node       *node
	generation int
}

func newWatch(nodes []*node, quorum int, broken func(error)) *watch {
	return &watch{nodes: nodes, quorum: quorum, broken: broken,
		shown: map[kernel.CommitIndex]fingerprint{}, payments: map[kernel.TxHash]*payment{}, progress: time.Now()}
}

// run follows every node until ctx ends.
func (w *watch) run(ctx context.Context) {
	var all sync.WaitGroup
	for _, n := range w.nodes {
		all.Go(func() {
			for next := kernel.CommitIndex(0); ctx.Err() == nil; {
				next = w.follow(ctx, n, next)
				_ = pause(ctx, 300*time.Millisecond)
			}
		})
	}
	all.Wait()
}

// follow reads a node's stream until it breaks for good, and returns where to go on.
func (w *watch) follow(ctx context.Context, n *node, next kernel.CommitIndex) kernel.CommitIndex {
	for commit, err := range n.rpc.Commits(ctx, next) {
		if err != nil {
			return next
		}
		w.add(n, commit)
		next = commit.Index + 1
	}
	return next
}

func (w *watch) add(n *node, c *client.Commit) {
	w.mu.Lock()
	defer w.mu.Unlock()
	print := fingerprint{c.Digest, sumReceipts(c.Receipts)}
	if first, ok := w.shown[c.Index]; ok && first != print {
		w.broken(fmt.Errorf("%s shows commit %d with state %s, another was shown with %s", n.name, c.Index, c.Digest, first.digest))
	}
	w.shown[c.Index] = print
	if int(c.Index) == len(w.order) {
		slim := *c
		slim.Snapshots = nil
		w.order = append(w.order, slim)
	}
	for i := range c.Receipts {
		w.receipt(n, &c.Receipts[i])
	}
}

func sumReceipts(list []kernel.Receipt) (sum [32]byte) {
	h := sha256.New()
	for _, r := range list {
		h.Write(r.AppendBinary(nil))
	}
	h.Sum(sum[:0])
	return sum
}

func (w *watch) receipt(n *node, r *kernel.Receipt) {
	p := w.payments[r.Transaction]
	if p == nil {
		return
	}
	if p.receipt != nil && *p.receipt != *r {
		w.broken(fmt.Errorf("%s shows receipt %+v, another was shown: %+v", n.name, *r, *p.receipt))
	}
	if r.Status != kernel.Final {
		w.broken(fmt.Errorf("payment %s is rejected: %s", r.Transaction, r.Rule))
	}
	p.receipt = r
	before := count(p.seen)
	p.seen |= 1 << n.number
	if before < w.quorum && count(p.seen) == w.quorum {
		w.progress = time.Now()
		w.finality = append(w.finality, w.progress.Sub(p.submitted))
	}
}

func count(set uint64) (n int) {
	for ; set != 0; set &= set - 1 {
		n++
	}
	return n
}

// submitting notes a transaction before it is handed to any node.
func (w *watch) submitting(hash kernel.TxHash, raw []byte) *payment {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := &payment{hash: hash, raw: raw, submitted: time.Now()}
	w.payments[hash], w.list = p, append(w.list, p)
	return p
}

// acknowledged notes that a node took a transaction.
func (w *watch) acknowledged(p *payment, h holder) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p.holders = append(p.holders, h)
}

// open lists the payments that not every node has shown as final.
func (w *watch) open() (list []*payment) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.list {
		if count(p.seen) < len(w.nodes) {
			list = append(list, p)
		}
	}
	return list
}

// all lists every payment.
func (w *watch) all() []*payment {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]*payment(nil), w.list...)
}

// orphaned reports whether nothing that acknowledged a payment before it was final is left: what
// a node holds in memory only is lost with the process, and the client's to submit again.
func (w *watch) orphaned(p *payment) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p.receipt != nil {
		return false
	}
	for _, h := range p.holders {
		if h.node.alive() == h.generation {
			return false
		}
	}
	return true
}

// stalled says how long no payment has become final while some were waiting.
func (w *watch) stalled() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.list {
		if count(p.seen) < w.quorum && len(p.holders) > 1 {
			return min(time.Since(w.progress), time.Since(p.submitted))
		}
	}
	return 0
}

// CommitsPage implements wallet.Source.
func (w *watch) CommitsPage(_ context.Context, from kernel.CommitIndex, limit int) (client.CommitPage, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := kernel.CommitIndex(len(w.order))
	page := client.CommitPage{Next: from}
	if n > 0 {
		page.Head = n - 1
	}
	if from < n {
		page.Items = w.order[from:min(n, from+kernel.CommitIndex(limit))]
		page.Next = from + kernel.CommitIndex(len(page.Items))
	}
	return page, nil
}

// Transaction implements wallet.Source; it is never needed: a stream's commits are complete.
func (w *watch) Transaction(context.Context, kernel.TxHash) (*client.Transaction, error) {
	return nil, nil
}

// newest is the newest commit that any node has shown.
func (w *watch) newest() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return uint64(max(len(w.order), 1) - 1)
}
