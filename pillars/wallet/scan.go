package wallet

import (
	"bytes"
	"context"
	"fmt"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/script"
)

const (
	// DefaultGap is how many addresses in a row without payment end a chain (BIP 44).
	DefaultGap = 20
	maxGap     = 10_000
	// maxOutputs bounds what a scan holds in memory.
	maxOutputs = 1_000_000
	maxPages   = 100_000
	// scanTries is how often a scan starts again because a block came in meanwhile.
	scanTries = 3
)

// Progress says what a scan found.
type Progress struct {
	Tip       Tip
	Addresses int // asked about
	Outputs   int // ever made for the wallet
	Unspent   int
}

// A found is what one scan collects; the wallet takes it over whole or not at all.
type found struct {
	addresses    int
	outputs      map[pillars.Outpoint]*Output
	transactions map[pillars.TxID]*pillars.Transaction
	used         map[string][2]uint32 // by account
	purses       map[pillars.Address]*Purse
	unspent      int
}

// Scan asks for all outputs of the wallet's addresses, further and further until so many in a row
// were never paid to. Of every unspent output it fetches the transaction and compares: what a node
// says about values is not believed. A scan starts from nothing, so a reorganisation needs no care;
// it is repeated if the tip changed meanwhile, and at last taken as of the earlier tip.
func (w *Wallet) Scan(ctx context.Context, source Source) (Progress, error) {
	w.scanning.Lock()
	defer w.scanning.Unlock()
	var tip Tip
	var all *found
	for try := range scanTries {
		before, err := source.Tip(ctx)
		if err != nil {
			return Progress{}, fmt.Errorf("ask for the tip: %w", err)
		}
		if all, err = w.scanOnce(ctx, source); err != nil {
			return Progress{}, err
		}
		after, err := source.Tip(ctx)
		if err != nil {
			return Progress{}, fmt.Errorf("ask for the tip: %w", err)
		}
		if tip = before; before == after || try == scanTries-1 {
			break
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	p := Progress{Tip: tip, Addresses: all.addresses, Outputs: len(all.outputs), Unspent: all.unspent}
	return p, w.take(tip, all)
}

func (w *Wallet) scanOnce(ctx context.Context, source Source) (*found, error) {
	w.mu.Lock()
	accounts := w.book.copyAccounts()
	known, gap := w.transactions, w.book.Gap
	w.mu.Unlock()
	all := &found{
		outputs: map[pillars.Outpoint]*Output{}, transactions: map[pillars.TxID]*pillars.Transaction{},
		used: map[string][2]uint32{}, purses: map[pillars.Address]*Purse{},
	}
	for _, a := range accounts {
		for _, chain := range a.chains() {
			if err := all.chain(ctx, source, a, chain, uint32(gap)); err != nil {
				return nil, fmt.Errorf("account %s: %w", a.ID, err)
			}
		}
	}
	for _, o := range all.outputs {
		if o.Spent {
			continue
		}
		all.unspent++
		if err := all.fetch(ctx, source, known, o); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// chain asks about one chain of an account.
func (f *found) chain(ctx context.Context, source Source, a *Account, chain, gap uint32) error {
	used := a.Used[chain]
	end := func() uint32 {
		if a.fixed() {
			return 1
		}
		return min(max(used, a.Next[chain])+gap, maxIndex)
	}
	for from := uint32(0); from < end(); {
		to := min(from+MaxQuery, end())
		var ask []pillars.Address
		at := map[pillars.Address]uint32{}
		for i := from; i < to; i++ {
			p, err := a.Purse(chain, i)
			if err != nil {
				return err
			}
			ask, at[p.Address], f.purses[p.Address] = append(ask, p.Address), i, p
		}
		last, err := f.ask(ctx, source, ask, at)
		if err != nil {
			return err
		}
		used, from = max(used, last), to
	}
	both := f.used[a.ID]
	both[chain] = used
	f.used[a.ID] = both
	return nil
}

// ask reads all pages about some addresses and returns the first index behind those that were used.
func (f *found) ask(ctx context.Context, source Source, ask []pillars.Address, at map[pillars.Address]uint32) (used uint32, err error) {
	f.addresses += len(ask)
	from := ""
	for range maxPages {
		page, next, err := source.Outputs(ctx, ask, from)
		if err != nil {
			return 0, fmt.Errorf("ask for outputs: %w", err)
		}
		for i := range page {
			index, ok := at[script.Classify(page[i].Output.Script).Address]
			if !ok {
				return 0, fmt.Errorf("%w: output %s:%d was not asked for", ErrSource, page[i].Point.Tx, page[i].Point.Index)
			}
			used = max(used, index+1)
			f.outputs[page[i].Point] = &page[i]
		}
		if len(f.outputs) > maxOutputs {
			return 0, fmt.Errorf("%w: more than %d outputs", ErrSource, maxOutputs)
		}
		if next == "" {
			return used, nil
		}
		if next == from || len(page) == 0 {
			return 0, fmt.Errorf("%w: a page leads to itself", ErrSource)
		}
		from = next
	}
	return 0, fmt.Errorf("%w: more than %d pages", ErrSource, maxPages)
}

// fetch gets the transaction that made an output, and compares.
func (f *found) fetch(ctx context.Context, source Source, known map[pillars.TxID]*pillars.Transaction, o *Output) error {
	tx := f.transactions[o.Point.Tx]
	if tx == nil {
		tx = known[o.Point.Tx]
	}
	if tx == nil {
		var err error
		if tx, err = source.Transaction(ctx, o.Point.Tx); err != nil {
			return fmt.Errorf("ask for transaction %s: %w", o.Point.Tx, err)
		}
		if tx.ID() != o.Point.Tx {
			return fmt.Errorf("%w: asked for transaction %s, got %s", ErrSource, o.Point.Tx, tx.ID())
		}
	}
	f.transactions[o.Point.Tx] = tx
	if o.Point.Index >= uint32(len(tx.Outputs)) || tx.Version != o.Version || !same(&tx.Outputs[o.Point.Index], &o.Output) {
		return fmt.Errorf("%w: output %s:%d is not what its transaction says", ErrSource, o.Point.Tx, o.Point.Index)
	}
	return nil
}

func same(a, b *pillars.Output) bool {
	return a.Value == b.Value && bytes.Equal(a.Script, b.Script) && a.Attachment == b.Attachment
}

// take makes what a scan found the wallet's view.
func (w *Wallet) take(tip Tip, all *found) error {
	changed := false
	for id, used := range all.used {
		a, err := w.account(id)
		if err != nil {
			continue // removed meanwhile
		}
		for chain, v := range used {
			if v > a.Used[chain] || v > a.Next[chain] {
				a.Used[chain], a.Next[chain], changed = max(a.Used[chain], v), max(a.Next[chain], v), true
			}
		}
	}
	w.tip, w.outputs, w.transactions = tip, all.outputs, all.transactions
	for address, p := range all.purses {
		w.purses[address] = p
	}
	if settled := w.settle(); !settled && !changed {
		return nil
	}
	return w.save(w.book)
}

// Tip returns the block that the wallet's view is of.
func (w *Wallet) Tip() Tip {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.tip
}
