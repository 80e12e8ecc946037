package wallet

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
)

// XIN that votes, or that stands behind a light witness, stays where it is until that is over. Whoever votes
// need not be this wallet on this machine, so nothing about it is kept here: a node tells.

// A LockSource lists what is locked, of everybody; *client.Client is one.
type LockSource interface {
	Locks(ctx context.Context, after string, limit int) (client.LockPage, error)
}

// A Lock keeps an output of the wallet where it is.
type Lock struct {
	Ref     Ref                `json:"ref"`
	Until   kernel.CommitIndex `json:"until"`            // it can be spent after this commit
	Witness kernel.Key         `json:"witness,omitzero"` // the light witness whose weight it is
	Motions []kernel.Hash      `json:"motions,omitempty"`
}

// lockPage is how many locks are asked for at once; maxLockPages bounds what a node can make of it.
const (
	lockPage     = 500
	maxLockPages = 10_000
)

// ReadLocks asks a node what is locked, and remembers which of the wallet's outputs are. The node is told
// nothing: it lists all locks, and is asked only by wallets that have XIN. Call it after a Scan. A node can
// make a wallet believe that its money is locked, or that it is not; it can do no more.
func (w *Wallet) ReadLocks(ctx context.Context, source LockSource) error {
	if !w.hasXIN() {
		return nil
	}
	found := map[Ref]Lock{}
	for after, pages := "", 0; ; pages++ {
		page, err := source.Locks(ctx, after, lockPage)
		var answer *client.Error
		if errors.As(err, &answer) && answer.Name == "method_not_found" {
			return nil // a node of an older version: it refuses what is locked, by name
		}
		if err != nil {
			return fmt.Errorf("read which outputs are locked: %w", err)
		}
		w.keepLocks(found, page.Items)
		if page.Next == "" {
			break
		}
		if page.Next <= after || pages == maxLockPages {
			return fmt.Errorf("%w: its list of locks does not end", ErrHistory)
		}
		after = page.Next
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.locks = found
	return nil
}

func (w *Wallet) hasXIN() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range w.facts.outputs {
		if o.Asset == kernel.XIN && !o.Spent() {
			return true
		}
	}
	return false
}

// keepLocks takes the wallet's own from a page.
func (w *Wallet) keepLocks(found map[Ref]Lock, page []client.Lock) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range page {
		l := &page[i]
		ref := Ref{Hash: l.Hash, Index: l.Index}
		if o := w.facts.outputs[ref]; o != nil && o.Asset == kernel.XIN {
			found[ref] = Lock{Ref: ref, Until: l.Until, Witness: l.Witness, Motions: l.Motions}
		}
	}
}

// Locks returns the wallet's unspent outputs that are locked, as far as it has scanned, by reference.
func (w *Wallet) Locks() []Lock {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := []Lock{}
	for ref, l := range w.locks {
		if o := w.facts.outputs[ref]; o != nil && !o.Spent() && w.locked(o) {
			list = append(list, l)
		}
	}
	slices.SortFunc(list, func(a, b Lock) int { return a.Ref.compare(b.Ref) })
	return list
}

// locked reports whether an output cannot be spent by what the next commit brings.
func (w *Wallet) locked(o *Output) bool {
	l, ok := w.locks[o.Ref]
	return ok && l.Until >= w.facts.cursor.Next
}

// lackOf says that it is locks that a request fails for, where it is; else it returns the error as it is.
func (w *Wallet) lackOf(err error, req *Request, want kernel.Amount) error {
	var until kernel.CommitIndex
	var free, held kernel.Amount
	reserved := w.reserved()
	for _, o := range w.facts.outputs {
		if _, taken := reserved[o.Ref]; taken || o.Spent() || !req.takes(o) {
			continue
		}
		if w.locked(o) {
			held, until = plus(held, o.Amount), max(until, w.locks[o.Ref].Until)
			continue
		}
		free = plus(free, o.Amount)
	}
	if held.IsZero() || plus(free, held).Compare(want) < 0 {
		return err
	}
	return fmt.Errorf("%w: have %s, need %s; %w: %s XIN until commit %d", ErrInsufficient, free, want, ErrVoting, held, until)
}
