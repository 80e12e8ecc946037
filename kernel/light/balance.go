package light

import (
	"cmp"
	"slices"

	"github.com/asterism-network/asterism/kernel"
)

// A Balance is what an account owns of one asset.
type Balance struct {
	Asset   kernel.AssetID `json:"asset"`
	Amount  kernel.Amount  `json:"amount"` // of the outputs that its keys alone open
	Shared  kernel.Amount  `json:"shared"` // of those that others hold keys of too
	Outputs int            `json:"outputs"`
}

// Own returns every output of the account, spent ones included, by place. The caller must not
// change it.
func (a *Account) Own() []Own { return a.own }

// Balances returns what is unspent, by asset. The supply of an asset is below 2^128 units, so no
// sum overflows that a quorum would certify; ok is false if one does.
func (a *Account) Balances() (list []Balance, ok bool) {
	for i := range a.own {
		o := &a.own[i]
		if o.Spent {
			continue
		}
		place, found := slices.BinarySearchFunc(list, o.Output.Asset, func(b Balance, id kernel.AssetID) int { return b.Asset.Compare(id) })
		if !found {
			list = slices.Insert(list, place, Balance{Asset: o.Output.Asset})
		}
		if b := &list[place]; !sum(&b.Amount, &b.Shared, o) {
			return nil, false
		}
		list[place].Outputs++
	}
	return list, true
}

// Locked adds up the unspent XIN of the account that locked names: it votes, and cannot be spent yet. Checkpoints
// do not cover locks, so this is as good as whoever told of them. It is part of the amount in Balances.
func (a *Account) Locked(locked func(kernel.OutputRef) bool) (amount kernel.Amount, ok bool) {
	ok = true
	for i := range a.own {
		o := &a.own[i]
		if ok && !o.Spent && !o.Shared() && o.Output.Asset == kernel.XIN && locked(kernel.OutputRef{Hash: o.Output.Transaction, Index: o.Output.Index}) {
			amount, ok = amount.Add(o.Output.Amount)
		}
	}
	return amount, ok
}

func sum(amount, shared *kernel.Amount, o *Own) (ok bool) {
	if o.Shared() {
		amount = shared
	}
	*amount, ok = amount.Add(o.Output.Amount)
	return ok
}

// An Entry is what one transaction did to the account.
type Entry struct {
	Commit         kernel.CommitIndex `json:"commit"`
	Transaction    kernel.TxHash      `json:"transaction,omitzero"` // zero: it is only known that it came before the checkpoint of Commit
	Asset          kernel.AssetID     `json:"asset"`
	Received       kernel.Amount      `json:"received"`
	Spent          kernel.Amount      `json:"spent"`
	SharedReceived kernel.Amount      `json:"shared_received,omitzero"`
	SharedSpent    kernel.Amount      `json:"shared_spent,omitzero"`
}

// History returns what happened to the account, by commit and inside a commit by transaction. It
// is whole after a Replay; after a Scan it lacks what was spent before it was seen, and names a
// spending transaction only where Explain has told it.
func (a *Account) History() (list []Entry, ok bool) {
	events := a.events()
	slices.SortStableFunc(events, func(x, y event) int {
		return cmp.Or(cmp.Compare(x.commit, y.commit), x.transaction.Compare(y.transaction), x.own.Output.Asset.Compare(y.own.Output.Asset))
	})
	for i := range events {
		e := &events[i]
		if last := len(list) - 1; last < 0 || !list[last].sameAs(e) {
			list = append(list, Entry{Commit: e.commit, Transaction: e.transaction, Asset: e.own.Output.Asset})
		}
		if !list[len(list)-1].count(e) {
			return nil, false
		}
	}
	return list, true
}

// An event is the making or spending of an own output.
type event struct {
	commit      kernel.CommitIndex
	transaction kernel.TxHash
	own         *Own
	spends      bool
}

func (a *Account) events() []event {
	events := make([]event, 0, 2*len(a.own))
	for i := range a.own {
		o := &a.own[i]
		events = append(events, event{o.Output.Commit, o.Output.Transaction, o, false})
		if o.Spent {
			events = append(events, event{o.SpentAt, o.SpentBy, o, true})
		}
	}
	return events
}

func (e *Entry) sameAs(v *event) bool {
	return e.Commit == v.commit && e.Transaction == v.transaction && e.Asset == v.own.Output.Asset
}

func (e *Entry) count(v *event) bool {
	if v.spends {
		return sum(&e.Spent, &e.SharedSpent, v.own)
	}
	return sum(&e.Received, &e.SharedReceived, v.own)
}
