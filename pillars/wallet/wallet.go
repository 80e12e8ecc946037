// Package wallet receives and pays on Pillars: it derives keys and addresses, finds outputs,
// chooses inputs, builds transactions of every kind, signs them, alone or with others, here or on
// a machine without network.
//
// It is a zone of trust of its own. Keys are encrypted at rest, leave the process in no call, and
// are used in one place (Wallet.Sign); the daemon that answers a Source learns addresses, and gets
// signed bytes. Everything that a wallet signs goes through a Draft, which holds the transactions
// that it spends from, so values and attachments are read from hashed bytes and not believed; and
// everything it makes is judged by the rules of the network before it is handed out.
//
// Choosing inputs draws from a seed: equal wallets and equal seeds give equal transactions.
package wallet

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/asterism-network/asterism/internal/keystore"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/script"
)

// The ways in which a wallet refuses.
var (
	ErrKeyText         = errors.New("not a key expression")
	ErrAccount         = errors.New("no such account")
	ErrWatchOnly       = errors.New("watch-only wallet: it sees and cannot sign")
	ErrInsufficient    = errors.New("not enough to spend")
	ErrTooManyInputs   = errors.New("the amount lies in too many small outputs: consolidate first")
	ErrCoin            = errors.New("output cannot be spent so")
	ErrRequest         = errors.New("request is not valid")
	ErrFee             = errors.New("fee is out of bounds")
	ErrDraft           = errors.New("not a draft that can be signed")
	ErrIncomplete      = errors.New("signatures are missing")
	ErrSignature       = errors.New("signature does not verify")
	ErrMessage         = errors.New("message cannot be signed or verified so")
	ErrPSBT            = errors.New("not a PSBT that fits")
	ErrNetwork         = errors.New("belongs to another network")
	ErrName            = errors.New("wallet name: want 1 to 32 of a-z, 0-9, - and _")
	ErrLocked          = keystore.ErrInUse
	ErrDamaged         = errors.New("wallet file is damaged")
	ErrReferenceReused = errors.New("reference belongs to another payment")
	ErrGap             = errors.New("too many addresses in a row were never paid to: a restored wallet would not find more")
	ErrSource          = errors.New("the node's answer contradicts itself")
)

// A Wallet sees and spends for its accounts on one network. Its methods may be called from several
// goroutines.
type Wallet struct {
	name   string
	params pillars.Params
	save   func(*book) error // makes the book durable
	unlock func() error      // releases the lock on the files

	scanning sync.Mutex // one scan at a time; never taken while holding mu

	mu           sync.Mutex // guards all below; never held while the network is asked
	master       *master    // nil in a watch-only wallet
	book         *book
	purses       map[pillars.Address]*Purse
	tip          Tip // zero before the first scan
	outputs      map[pillars.Outpoint]*Output
	transactions map[pillars.TxID]*pillars.Transaction // that made the unspent ones
}

// New returns a wallet of a seed that lives in memory only, with the usual accounts: for tests,
// simulated users, and programs that keep their own records.
func New(seed [64]byte, p pillars.Params) (*Wallet, error) {
	m, err := newMaster(seed[:])
	if err != nil {
		return nil, err
	}
	w := newWallet(p, m, newBook())
	for _, scheme := range []Scheme{Direct, BIP44, BIP84, BIP86} {
		if _, err := w.addAccount(scheme, 0); err != nil {
			return nil, err
		}
	}
	return w, w.fill()
}

func newWallet(p pillars.Params, m *master, b *book) *Wallet {
	return &Wallet{
		params: p, master: m, book: b,
		save: func(*book) error { return nil }, unlock: func() error { return nil },
		purses: map[pillars.Address]*Purse{}, outputs: map[pillars.Outpoint]*Output{}, transactions: map[pillars.TxID]*pillars.Transaction{},
	}
}

// Name returns the wallet's name, empty in memory.
func (w *Wallet) Name() string { return w.name }

// Params returns the profile of the wallet's network.
func (w *Wallet) Params() pillars.Params { return w.params }

// WatchOnly reports whether the wallet sees without being able to sign.
func (w *Wallet) WatchOnly() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.master == nil
}

// Fingerprint names the master key; zero in a watch-only wallet.
func (w *Wallet) Fingerprint() (f Fingerprint) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.master != nil {
		f = w.master.fingerprint
	}
	return f
}

// Close releases the files and forgets the keys, as far as the runtime lets it.
func (w *Wallet) Close() error {
	w.scanning.Lock()
	defer w.scanning.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.master != nil {
		w.master.zero()
		w.master = nil
	}
	return w.unlock()
}

// Sign adds the signatures that this wallet can make, and returns how many. The draft is checked
// first; show its Effects to a person before.
func (w *Wallet) Sign(d *Draft) (added int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.master == nil {
		return 0, ErrWatchOnly
	}
	return w.master.sign(d, &w.params)
}

// A Balance is what a wallet has of ETP or an asset.
type Balance struct {
	Symbol    string `json:"symbol"`
	Spendable uint64 `json:"spendable"`
	Held      []Held `json:"held,omitempty"` // what cannot be spent now, and why
}

// Balances returns one balance for ETP and for each asset of which there is an unspent output, ETP
// first. An account's id restricts it to that account.
func (w *Wallet) Balances(account string) []Balance {
	w.mu.Lock()
	defer w.mu.Unlock()
	coins := w.unspent()
	if account != "" {
		coins = slices.DeleteFunc(coins, func(c Coin) bool { return c.Purse.Account != account })
	}
	symbols := []string{etp}
	for i := range coins {
		if symbol, _, ok := coins[i].Output.Output.Asset(); ok && !slices.Contains(symbols, symbol) {
			symbols = append(symbols, symbol)
		}
	}
	slices.Sort(symbols[1:])
	list := make([]Balance, len(symbols))
	for i, symbol := range symbols {
		list[i] = w.balance(symbol, coins)
	}
	return list
}

func (w *Wallet) balance(symbol string, coins []Coin) Balance {
	b := Balance{Symbol: symbol}
	of := slices.Clone(coins)
	for i := range of {
		c := &of[i]
		if c.Reason != Spendable {
			continue
		}
		if symbol == etp && !c.Free() {
			c.Reason = Carries
			continue
		}
		free, _ := w.released(c, symbol)
		b.Spendable += free
		if whole := c.quantity(symbol); free < whole {
			c.Reason = TimeLocked
			c.Output.Output.Attachment.Payload = pillars.AssetTransfer{Symbol: symbol, Quantity: whole - free}
		}
	}
	b.Held = held(symbol, of)
	return b
}

// Coins returns the unspent outputs, oldest first, each with the reason why it cannot be spent now.
func (w *Wallet) Coins() []Coin {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.unspent()
}

// unspent judges what the last scan found.
func (w *Wallet) unspent() []Coin {
	reserved, frozen := w.reserved(), map[pillars.Outpoint]bool{}
	for _, point := range w.book.Frozen {
		frozen[point] = true
	}
	var list []Coin
	for _, o := range w.outputs {
		if o.Spent {
			continue
		}
		purse := w.purses[script.Classify(o.Output.Script).Address]
		if purse == nil {
			continue
		}
		c := Coin{Output: *o, Purse: purse}
		c.judge(&w.params, w.tip)
		switch {
		case frozen[o.Point]:
			c.Reason = Frozen
		case reserved[o.Point]:
			c.Reason = Reserved
		}
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b Coin) int { return a.order(&b) })
	return list
}

// Owns returns how an address is spent from, or nil if it is not this wallet's.
func (w *Wallet) Owns(a pillars.Address) *Purse {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.purses[a]
}

// KeyOf returns the key of an own address of one key, for others to put into a multisig or draft.
func (w *Wallet) KeyOf(a pillars.Address) (KeyOrigin, error) {
	p := w.Owns(a)
	if p == nil || len(p.Keys) != 1 {
		return KeyOrigin{}, fmt.Errorf("%w: not an own address of one key", ErrRequest)
	}
	return p.Keys[0], nil
}
