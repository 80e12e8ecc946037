// Package wallet receives and pays on the Kernel: it finds outputs with the view key, chooses
// inputs, builds and signs transactions, sends them, and keeps the record of what was paid.
//
// A wallet is three files. The key file is encrypted (internal/keystore). The scan file holds
// what the ledger says; it has no secret and may be deleted at any time. The payment file
// holds what the wallet itself decided to send, each payment written down before its bytes
// leave the machine. Whether a payment is pending, final or rejected is never stored twice: it
// follows from the other two, so no crash can make them disagree.
//
// Only final outputs are spent. Randomness is an argument; a plan is a function of its seed.
package wallet

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/asterism-network/asterism/kernel"
)

// The ways in which a wallet refuses.
var (
	ErrWatchOnly       = errors.New("watch-only wallet: it sees and cannot spend")
	ErrInsufficient    = errors.New("not enough spendable money")
	ErrVoting          = errors.New("money is locked because it votes")
	ErrConsolidate     = errors.New("the amount lies in more than 256 small outputs: consolidate first")
	ErrReceiver        = errors.New("receiver is not valid")
	ErrRequest         = errors.New("payment request is not valid")
	ErrReferenceReused = errors.New("reference belongs to another payment")
	ErrReserved        = errors.New("an input of the plan is taken by now: plan again")
	ErrEffects         = errors.New("signed bytes do not do what was planned")
	ErrRefused         = errors.New("payment was rejected")
	ErrHistory         = errors.New("this node tells another history: another network, or it lies")
	ErrNetwork         = errors.New("file belongs to another network")
)

// A Wallet sees and spends for one address on one network. Its methods may be called from
// several goroutines.
type Wallet struct {
	name    string
	network kernel.NetworkID
	keys    Keys
	unlock  func() error // releases the lock on the files

	scanning sync.Mutex // one scan at a time; never taken while holding mu

	mu       sync.Mutex // guards all below; never held while the network is asked
	facts    facts
	book     book
	scanFile *journal
	sentFile *journal
	saved    kernel.CommitIndex // the cursor that the scan file has
	locks    map[Ref]Lock       // of the wallet's outputs, as a node told at the last ReadLocks
}

// New returns a wallet that lives in memory only and starts to scan at birthday: for tests,
// simulated users and services that keep their own records.
func New(keys Keys, network kernel.NetworkID, birthday kernel.CommitIndex) *Wallet {
	return &Wallet{
		network: network, keys: keys,
		unlock: func() error { return nil },
		facts:  newFacts(birthday), book: newBook(),
		scanFile: &journal{}, sentFile: &journal{},
		saved: birthday,
	}
}

// Name returns the wallet's name, empty in memory.
func (w *Wallet) Name() string { return w.name }

// Network returns the network that the wallet belongs to.
func (w *Wallet) Network() kernel.NetworkID { return w.network }

// Keys returns the wallet's keys; they print their address only.
func (w *Wallet) Keys() Keys { return w.keys }

// Address is where payments to the wallet go.
func (w *Wallet) Address() kernel.Address { return w.keys.address }

// Close waits for a scan to end, writes its cursor down, releases the files and forgets the
// keys, as far as the runtime lets it.
func (w *Wallet) Close() error {
	w.scanning.Lock()
	defer w.scanning.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.keys.spend[:])
	clear(w.keys.view[:])
	w.keys.canSpend = false
	return errors.Join(w.saveCursor(), w.scanFile.close(), w.sentFile.close(), w.unlock())
}

// A Balance is what a wallet has of one asset.
type Balance struct {
	Asset      kernel.AssetID `json:"asset"`
	Final      kernel.Amount  `json:"final"`       // own unspent outputs, those of pending payments included
	Spendable  kernel.Amount  `json:"spendable"`   // Final without what pending payments hold and what is locked
	Locked     kernel.Amount  `json:"locked"`      // part of Final that votes, or is a light witness's, and cannot be spent yet; see ReadLocks
	PendingOut kernel.Amount  `json:"pending_out"` // leaves with pending payments, change not counted
	PendingIn  kernel.Amount  `json:"pending_in"`  // change that comes back with pending payments
	Shared     kernel.Amount  `json:"shared"`      // unspent outputs that others hold keys of; not part of Final
}

// Balances returns one balance for each asset the wallet ever had, by asset id.
func (w *Wallet) Balances() []Balance {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := map[kernel.AssetID]*Balance{}
	of := func(asset kernel.AssetID) *Balance {
		if all[asset] == nil {
			all[asset] = &Balance{Asset: asset}
		}
		return all[asset]
	}
	reserved := w.reserved()
	held := map[kernel.AssetID]kernel.Amount{}
	for _, o := range w.facts.outputs {
		b := of(o.Asset)
		switch _, taken := reserved[o.Ref]; {
		case o.Spent():
		case o.Shared():
			b.Shared = plus(b.Shared, o.Amount)
		case taken:
			b.Final = plus(b.Final, o.Amount)
			held[o.Asset] = plus(held[o.Asset], o.Amount)
		case w.locked(o):
			b.Final, b.Locked = plus(b.Final, o.Amount), plus(b.Locked, o.Amount)
		default:
			b.Final, b.Spendable = plus(b.Final, o.Amount), plus(b.Spendable, o.Amount)
		}
	}
	for _, p := range w.book.payments {
		if a := w.liveAttempt(p); a != nil {
			b := of(p.Asset)
			if sum, ok := b.PendingIn.Add(a.Change); ok {
				b.PendingIn = sum
			}
		}
	}
	for asset, sum := range held {
		b := of(asset)
		b.PendingOut, _ = sum.Sub(b.PendingIn) // zero if the inputs are not scanned yet
	}
	list := make([]Balance, 0, len(all))
	for _, b := range all {
		list = append(list, *b)
	}
	slices.SortFunc(list, func(a, b Balance) int { return a.Asset.Compare(b.Asset) })
	return list
}

// Outputs returns the outputs of which every key is the wallet's, oldest first.
func (w *Wallet) Outputs() []Output { return w.list(false) }

// Shared returns the outputs of which others hold keys too, oldest first.
func (w *Wallet) Shared() []Output { return w.list(true) }

func (w *Wallet) list(shared bool) []Output {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.facts.list(func(o *Output) bool { return o.Shared() == shared })
}

// spendable returns the unspent outputs that no pending payment holds, in a fixed order.
func (w *Wallet) spendable(want func(*Output) bool) []Output {
	reserved := w.reserved()
	return w.facts.list(func(o *Output) bool {
		_, taken := reserved[o.Ref]
		return !o.Spent() && !taken && want(o)
	})
}

// list returns the outputs that want wants, by commit and reference.
func (f *facts) list(want func(*Output) bool) []Output {
	list := []Output{}
	for _, o := range f.outputs {
		if want(o) {
			list = append(list, *o)
		}
	}
	slices.SortFunc(list, func(a, b Output) int {
		return cmp.Or(cmp.Compare(a.Created, b.Created), a.Ref.compare(b.Ref))
	})
	return list
}

// reserved returns the inputs of pending payments with the hash that spends them.
func (w *Wallet) reserved() map[Ref]kernel.TxHash {
	held := map[Ref]kernel.TxHash{}
	for _, p := range w.book.payments {
		if a := w.liveAttempt(p); a != nil {
			for _, ref := range a.Inputs {
				held[ref] = a.Transaction
			}
		}
	}
	return held
}

// Payments returns the payments that the wallet made, oldest first, with their state.
func (w *Wallet) Payments() []Payment {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := make([]Payment, 0, len(w.book.order))
	for _, reference := range w.book.order {
		list = append(list, w.withState(w.book.payments[reference]))
	}
	return list
}

// Payment returns the payment with the given reference.
func (w *Wallet) Payment(reference string) (Payment, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, ok := w.book.payments[reference]
	if !ok {
		return Payment{}, false
	}
	return w.withState(p), true
}

// Assets returns the assets that the wallet ever had, sorted.
func (w *Wallet) Assets() []kernel.AssetID {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := map[kernel.AssetID]bool{}
	for _, o := range w.facts.outputs {
		seen[o.Asset] = true
	}
	return slices.SortedFunc(maps.Keys(seen), kernel.AssetID.Compare)
}
