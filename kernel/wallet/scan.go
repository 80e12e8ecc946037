package wallet

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
)

// A Source gives the steps of the total order; *client.Client is one. Pages are consecutive and
// begin at from, which may lie beyond what the node has executed.
type Source interface {
	CommitsPage(ctx context.Context, from kernel.CommitIndex, limit int) (client.CommitPage, error)
	Transaction(ctx context.Context, hash kernel.TxHash) (*client.Transaction, error)
}

// Progress says how far a scan came.
type Progress struct {
	Next    kernel.CommitIndex `json:"next"`    // first commit not read
	Head    kernel.CommitIndex `json:"head"`    // newest commit that the node has executed
	Outputs int                `json:"outputs"` // found by this scan
}

// Behind reports whether the node has executed less than the wallet has read.
func (p Progress) Behind() bool { return p.Head+1 < p.Next }

const (
	scanPage = 200
	// saveEvery bounds the empty commits that are read again after a crash.
	saveEvery = 10_000
)

// Scan reads the total order from where the last scan ended to the node's head. Outputs and
// cursor are written together: a crash at any point repeats work and counts nothing twice.
// The view key stays here; the node is asked for commits and learns nothing.
func (w *Wallet) Scan(ctx context.Context, source Source) (Progress, error) {
	w.scanning.Lock()
	defer w.scanning.Unlock()
	var p Progress
	for {
		found, done, err := w.scanOnce(ctx, source, &p)
		p.Outputs += found
		if err != nil || done {
			return p, err
		}
	}
}

// scanOnce reads one page. It asks for the last commit it knows again, to see that the node
// tells the same history.
func (w *Wallet) scanOnce(ctx context.Context, source Source, p *Progress) (found int, done bool, err error) {
	w.mu.Lock()
	cursor := w.facts.cursor
	w.mu.Unlock()
	from := cursor.Next
	if !cursor.Digest.IsZero() {
		from--
	}
	page, err := source.CommitsPage(ctx, from, scanPage)
	if err != nil {
		return 0, false, fmt.Errorf("read commits from %d: %w", from, err)
	}
	p.Head, p.Next = page.Head, cursor.Next
	commits, err := newCommits(page.Items, from, cursor)
	if err != nil || len(commits) == 0 {
		return 0, true, err
	}
	steps, err := w.decode(ctx, source, commits)
	if err != nil {
		return 0, false, err
	}
	w.match(steps)
	c, err := w.take(steps)
	if err != nil {
		return 0, false, err
	}
	p.Next = c.Cursor.Next
	return len(c.Created), p.Next > page.Head, nil
}

// newCommits checks that a page continues what was read, and returns what is new in it.
func newCommits(items []client.Commit, from kernel.CommitIndex, cursor Cursor) ([]client.Commit, error) {
	for i := range items {
		if want := from + kernel.CommitIndex(i); items[i].Index != want {
			return nil, fmt.Errorf("%w: commit %d where %d follows", ErrHistory, items[i].Index, want)
		}
	}
	if len(items) > 0 && from < cursor.Next {
		if items[0].Digest != cursor.Digest {
			return nil, fmt.Errorf("%w: commit %d has digest %s, was %s", ErrHistory, from, items[0].Digest.Short(), cursor.Digest.Short())
		}
		return items[1:], nil
	}
	return items, nil
}

// A step is one commit, decoded.
type step struct {
	commit       *client.Commit
	transactions []finalTransaction
}

type finalTransaction struct {
	hash kernel.TxHash
	tx   *kernel.Transaction
	mine []Output
}

func (w *Wallet) decode(ctx context.Context, source Source, commits []client.Commit) ([]step, error) {
	steps := make([]step, len(commits))
	for i := range commits {
		steps[i].commit = &commits[i]
		for _, t := range commits[i].Transactions {
			if t.Hex == "" { // left out of a large page
				whole, err := source.Transaction(ctx, t.Hash)
				if err != nil {
					return nil, fmt.Errorf("read transaction %s: %w", t.Hash, err)
				}
				if whole == nil {
					return nil, fmt.Errorf("%w: no bytes of final transaction %s", ErrHistory, t.Hash)
				}
				t.Hex = whole.Hex
			}
			tx, err := t.Decode()
			if err != nil {
				return nil, fmt.Errorf("%w: commit %d: %v", ErrHistory, commits[i].Index, err)
			}
			steps[i].transactions = append(steps[i].transactions, finalTransaction{hash: t.Hash, tx: tx})
		}
	}
	return steps, nil
}

// match tries the view key on every output, on all cores: about 60 µs each.
func (w *Wallet) match(steps []step) {
	var all []*finalTransaction
	for i := range steps {
		for j := range steps[i].transactions {
			all = append(all, &steps[i].transactions[j])
		}
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(all)) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(all) {
					return
				}
				all[i].mine = w.keys.match(all[i].hash, all[i].tx)
			}
		})
	}
	wg.Wait()
}

// take turns steps into one change, makes it durable and then visible.
func (w *Wallet) take(steps []step) (*change, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := reader{facts: &w.facts, own: w.book.attempt, created: map[Ref]*Output{}, keys: map[kernel.Key]bool{}, spent: map[Ref]bool{}}
	for i := range steps {
		if err := r.read(&steps[i]); err != nil {
			return nil, err
		}
	}
	if err := w.facts.check(&r.change); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrHistory, err)
	}
	if !r.change.empty() || r.change.Cursor.Next-w.saved >= saveEvery {
		if err := w.scanFile.put(&r.change); err != nil {
			return nil, err
		}
		w.saved = r.change.Cursor.Next
	}
	return &r.change, w.facts.apply(&r.change)
}

// saveCursor writes a cursor that moved over commits without meaning for the wallet.
func (w *Wallet) saveCursor() error {
	if w.saved == w.facts.cursor.Next {
		return nil
	}
	w.saved = w.facts.cursor.Next
	return w.scanFile.put(change{Cursor: w.facts.cursor})
}

// A reader collects what commits in a row mean, on top of facts that stay as they are.
type reader struct {
	facts   *facts
	own     func(kernel.TxHash) bool // is this one of our payments
	change  change
	created map[Ref]*Output
	keys    map[kernel.Key]bool
	spent   map[Ref]bool
}

func (r *reader) read(s *step) error {
	for i := range s.transactions {
		if err := r.transaction(s.commit, &s.transactions[i]); err != nil {
			return err
		}
	}
	for _, receipt := range s.commit.Receipts {
		_, known := r.facts.rejected[receipt.Transaction]
		if receipt.Status == kernel.Rejected && r.own(receipt.Transaction) && !known {
			r.change.Rejected = append(r.change.Rejected, receipt)
		}
	}
	r.change.Cursor = Cursor{Next: s.commit.Index + 1, Digest: s.commit.Digest}
	return nil
}

func (r *reader) transaction(commit *client.Commit, t *finalTransaction) error {
	item := newItem(commit, t)
	touched, ok := false, true
	for i := range t.tx.Inputs {
		ref := Ref(t.tx.Inputs[i].OutputRef)
		o := r.output(ref)
		if o == nil {
			continue
		}
		if o.Spent() || r.spent[ref] {
			return fmt.Errorf("%w: output %s is spent twice", ErrHistory, ref)
		}
		r.spent[ref] = true
		r.change.Spent = append(r.change.Spent, spending{Ref: ref, By: t.hash, At: commit.Index})
		touched, ok = true, ok && item.spend(o)
	}
	for i := range t.mine {
		o := t.mine[i]
		o.Created = commit.Index
		key := o.Keys[o.Own]
		if _, used := r.facts.keys[key]; used || r.keys[key] {
			r.change.Burned = append(r.change.Burned, o.Ref)
			continue
		}
		r.keys[key], r.created[o.Ref] = true, &o
		r.change.Created = append(r.change.Created, o)
		touched, ok = true, ok && item.receive(&o)
	}
	if !ok {
		return fmt.Errorf("%w: amounts of transaction %s overflow", ErrHistory, t.hash)
	}
	if touched {
		r.change.Items = append(r.change.Items, item)
	}
	return nil
}

// output returns an output of ours, from before or from this change.
func (r *reader) output(ref Ref) *Output {
	if o := r.facts.outputs[ref]; o != nil {
		return o
	}
	return r.created[ref]
}
