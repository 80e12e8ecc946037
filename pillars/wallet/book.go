package wallet

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/script"
)

// A book is what a wallet decided, as opposed to what the chain says: its accounts, names for
// things, and what it sent.
type book struct {
	Accounts []*Account         `json:"accounts"`
	Gap      int                `json:"gap"`
	Labels   map[string]string  `json:"labels,omitempty"` // by address or transaction id
	Frozen   []pillars.Outpoint `json:"frozen,omitempty"`
	Sent     []Sent             `json:"sent,omitempty"` // oldest first
}

// A Sent is a transaction that left the wallet, or was about to.
type Sent struct {
	Reference string       `json:"reference,omitempty"` // the caller's name for the payment
	ID        pillars.TxID `json:"id"`
	Raw       Hex          `json:"raw"`
}

// Limits of a book.
const (
	maxAccounts  = 1000
	maxLabels    = 100_000
	maxLabel     = 255
	maxFrozen    = 100_000
	maxSent      = 10_000
	maxReference = 64
)

func newBook() *book { return &book{Gap: DefaultGap, Labels: map[string]string{}} }

func (b *book) check() error {
	if len(b.Accounts) > maxAccounts || len(b.Labels) > maxLabels || len(b.Frozen) > maxFrozen || len(b.Sent) > maxSent || b.Gap < 1 || b.Gap > maxGap {
		return fmt.Errorf("%w: a list is too long", ErrDamaged)
	}
	seen := map[string]bool{}
	for _, a := range b.Accounts {
		if a == nil || seen[a.ID] {
			return fmt.Errorf("%w: an account stands twice", ErrDamaged)
		}
		if err := a.check(); err != nil {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		seen[a.ID] = true
	}
	if b.Labels == nil {
		b.Labels = map[string]string{}
	}
	return nil
}

// copyAccounts returns copies that a scan may use while the wallet goes on.
func (b *book) copyAccounts() []*Account {
	var list []*Account
	for _, a := range b.Accounts {
		copied := a.copied()
		list = append(list, &copied)
	}
	return list
}

// copied shares nothing that changes.
func (a *Account) copied() Account {
	c := *a
	c.Members, c.cache = slices.Clone(a.Members), maps.Clone(a.cache)
	return c
}

// Accounts returns the accounts in their order; the first is what pays if nothing else is said.
func (w *Wallet) Accounts() []Account {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []Account
	for _, a := range w.book.copyAccounts() {
		list = append(list, *a)
	}
	return list
}

// account finds one by its id; the empty id is the first.
func (w *Wallet) account(id string) (*Account, error) {
	for _, a := range w.book.Accounts {
		if a.ID == id || id == "" {
			return a, nil
		}
	}
	return nil, fmt.Errorf("%w: %.60q", ErrAccount, id)
}

// AddAccount derives a further account of a scheme for one key.
func (w *Wallet) AddAccount(scheme Scheme, number uint32) (Account, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a, err := w.addAccount(scheme, number)
	if err != nil {
		return Account{}, err
	}
	return a.copied(), w.keep()
}

func (w *Wallet) addAccount(scheme Scheme, number uint32) (*Account, error) {
	if w.master == nil {
		return nil, ErrWatchOnly
	}
	if scheme == 0 || scheme >= schemeEnd || scheme.Shared() || number >= maxAccount || scheme == Direct && number > 0 {
		return nil, fmt.Errorf("%w: %s/%d", ErrAccount, scheme, number)
	}
	key, err := w.master.account(scheme, coinType(&w.params), number)
	if err != nil {
		return nil, err
	}
	return w.add(&Account{ID: scheme.String() + "/" + strconv.FormatUint(uint64(number), 10), Members: []PublicKey{key}})
}

// Watch adds an account of somebody's extended public key: this wallet sees it and cannot sign,
// unless the key is its own.
func (w *Wallet) Watch(scheme Scheme, name string, key PublicKey) (Account, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if scheme.Shared() {
		return Account{}, fmt.Errorf("%w: a multisig has several keys", ErrAccount)
	}
	a, err := w.add(&Account{ID: scheme.String() + "/" + name, Members: []PublicKey{key}})
	if err != nil {
		return Account{}, err
	}
	return a.copied(), w.keep()
}

// AddMultisig adds an account that so many of its members spend from together. Every member's
// wallet adds the same members; their order does not matter. Extended keys give as many addresses
// as are wanted, fixed ones exactly one, as on the running network.
func (w *Wallet) AddMultisig(scheme Scheme, name string, required int, members []PublicKey) (Account, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !scheme.Shared() {
		return Account{}, fmt.Errorf("%w: %s is for one key", ErrAccount, scheme)
	}
	a, err := w.add(&Account{ID: scheme.String() + "/" + name, Required: required, Members: slices.Clone(members)})
	if err != nil {
		return Account{}, err
	}
	return a.copied(), w.keep()
}

// MemberKey is this wallet's extended key for multisigs of a scheme: what to give to the others.
func (w *Wallet) MemberKey(scheme Scheme, number uint32) (PublicKey, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.master == nil {
		return PublicKey{}, ErrWatchOnly
	}
	if !scheme.Shared() || number >= maxAccount {
		return PublicKey{}, fmt.Errorf("%w: %s/%d", ErrAccount, scheme, number)
	}
	return w.master.account(scheme, coinType(&w.params), number)
}

func (w *Wallet) add(a *Account) (*Account, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	for _, other := range w.book.Accounts {
		if other.ID == a.ID {
			return nil, fmt.Errorf("%w: %s exists", ErrAccount, a.ID)
		}
	}
	if len(w.book.Accounts) == maxAccounts {
		return nil, fmt.Errorf("%w: %d exist", ErrAccount, maxAccounts)
	}
	w.book.Accounts = append(w.book.Accounts, a)
	return a, nil
}

// keep makes a change of accounts durable and known.
func (w *Wallet) keep() error {
	if err := w.fill(); err != nil {
		return err
	}
	return w.save(w.book)
}

// fill derives the addresses that the wallet knows as its own: those given out and a gap more.
func (w *Wallet) fill() error {
	for _, a := range w.book.Accounts {
		for _, chain := range a.chains() {
			end := min(a.Next[chain]+uint32(w.book.Gap), maxIndex)
			if a.fixed() {
				end = 1
			}
			for i := range end {
				p, err := a.Purse(chain, i)
				if err != nil {
					return err
				}
				w.purses[p.Address] = p
			}
		}
	}
	return nil
}

// NewAddress gives out the next address of an account.
func (w *Wallet) NewAddress(account string) (*Purse, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a, err := w.account(account)
	if err != nil {
		return nil, err
	}
	if a.fixed() {
		return a.Purse(Receive, 0)
	}
	if a.Next[Receive] >= a.Used[Receive]+uint32(w.book.Gap) {
		return nil, fmt.Errorf("%w: %d of account %s", ErrGap, w.book.Gap, a.ID)
	}
	p, err := a.Purse(Receive, a.Next[Receive])
	if err != nil {
		return nil, err
	}
	a.Next[Receive]++
	return p, w.keep()
}

// Address returns an address of an account that was or will be given out.
func (w *Wallet) Address(account string, chain, index uint32) (*Purse, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a, err := w.account(account)
	if err != nil {
		return nil, err
	}
	return a.Purse(chain, index)
}

// changePurse is where change of an account goes next.
func (w *Wallet) changePurse(a *Account) (*Purse, error) {
	if a.fixed() {
		return a.Purse(Receive, 0)
	}
	chain := a.changeChain()
	return a.Purse(chain, a.Next[chain])
}

// SetGap changes how many addresses in a row without payment end a chain.
func (w *Wallet) SetGap(gap int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if gap < 1 || gap > maxGap {
		return fmt.Errorf("%w: gap of %d, want 1 to %d", ErrRequest, gap, maxGap)
	}
	w.book.Gap = gap
	return w.keep()
}

// SetLabel names an address or transaction; the empty label forgets it.
func (w *Wallet) SetLabel(thing, label string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if thing == "" || len(thing) > 100 || len(label) > maxLabel || len(w.book.Labels) >= maxLabels {
		return fmt.Errorf("%w: label", ErrRequest)
	}
	if w.book.Labels[thing] = label; label == "" {
		delete(w.book.Labels, thing)
	}
	return w.save(w.book)
}

// Label returns the name of an address or transaction.
func (w *Wallet) Label(thing string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.book.Labels[thing]
}

// Freeze keeps an output from being chosen, or lets it be chosen again.
func (w *Wallet) Freeze(point pillars.Outpoint, frozen bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := slices.Index(w.book.Frozen, point)
	switch {
	case frozen && w.outputs[point] == nil:
		return fmt.Errorf("%w: %s:%d is not an output of this wallet", ErrCoin, point.Tx, point.Index)
	case frozen && at < 0 && len(w.book.Frozen) < maxFrozen:
		w.book.Frozen = append(w.book.Frozen, point)
	case !frozen && at >= 0:
		w.book.Frozen = slices.Delete(w.book.Frozen, at, at+1)
	}
	return w.save(w.book)
}

// A Sender takes signed transactions; the daemon is one, through its client.
type Sender interface {
	Submit(ctx context.Context, tx *pillars.Transaction) error
}

// Broadcast finishes a draft, writes it into the book, and only then gives it to the network. Its
// inputs are not chosen again. A reference, if given, makes it safe to ask twice: the second time
// sends the first transaction again and fails with ErrReferenceReused if the draft is another.
func (w *Wallet) Broadcast(ctx context.Context, to Sender, d *Draft, reference string) (*pillars.Transaction, error) {
	tx, err := d.Finish(&w.params)
	if err != nil {
		return nil, err
	}
	if err := w.record(tx, reference); err != nil {
		return nil, err
	}
	if err := to.Submit(ctx, tx); err != nil {
		return tx, fmt.Errorf("send %s: %w", tx.ID(), err)
	}
	return tx, nil
}

func (w *Wallet) record(tx *pillars.Transaction, reference string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	id := tx.ID()
	if len(reference) > maxReference {
		return fmt.Errorf("%w: reference of %d bytes", ErrRequest, len(reference))
	}
	for _, s := range w.book.Sent {
		if s.ID == id && s.Reference == reference {
			return nil
		}
		if reference != "" && s.Reference == reference {
			return fmt.Errorf("%w: %s", ErrReferenceReused, s.ID)
		}
	}
	if len(w.book.Sent) >= maxSent {
		w.book.Sent = slices.Delete(w.book.Sent, 0, 1)
	}
	w.book.Sent = append(w.book.Sent, Sent{Reference: reference, ID: id, Raw: tx.AppendBinary(nil)})
	for i := range tx.Outputs { // change addresses are given out now
		p := w.purses[script.Classify(tx.Outputs[i].Script).Address]
		if p == nil {
			continue
		}
		if a, err := w.account(p.Account); err == nil && !a.fixed() {
			a.Next[p.Chain] = max(a.Next[p.Chain], p.Index+1)
		}
	}
	return w.keep()
}

// Sent returns what the wallet sent, oldest first.
func (w *Wallet) Sent() []Sent {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.book.Sent)
}

// Forget frees the inputs of a transaction that the network refused. If it was relayed all the
// same it may still be mined: spending one of its inputs again is what makes sure that it is not.
func (w *Wallet) Forget(id pillars.TxID) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.book.Sent = slices.DeleteFunc(w.book.Sent, func(s Sent) bool { return s.ID == id })
	return w.save(w.book)
}

// reserved are the inputs of what was sent and is in no block.
func (w *Wallet) reserved() map[pillars.Outpoint]bool {
	all := map[pillars.Outpoint]bool{}
	for _, s := range w.book.Sent {
		var tx pillars.Transaction
		if tx.UnmarshalBinary(s.Raw) != nil || w.dead(&tx, s.ID) {
			continue
		}
		for i := range tx.Inputs {
			all[tx.Inputs[i].Previous] = true
		}
	}
	return all
}

// dead reports whether another transaction in a block spent one of the inputs.
func (w *Wallet) dead(tx *pillars.Transaction, id pillars.TxID) bool {
	for i := range tx.Inputs {
		o := w.outputs[tx.Inputs[i].Previous]
		if o != nil && o.Spent && o.SpentBy != id && o.SpentHeight <= w.tip.Height {
			return true
		}
	}
	return false
}

// settle drops what was sent long ago without a reference and is in a block for good.
func (w *Wallet) settle() (changed bool) {
	n := len(w.book.Sent)
	w.book.Sent = slices.DeleteFunc(w.book.Sent, func(s Sent) bool {
		var tx pillars.Transaction
		if s.Reference != "" || tx.UnmarshalBinary(s.Raw) != nil {
			return false
		}
		for i := range tx.Inputs {
			o := w.outputs[tx.Inputs[i].Previous]
			if o == nil || !o.Spent || uint64(o.SpentHeight)+uint64(w.params.Finality) > uint64(w.tip.Height) {
				return false
			}
		}
		return len(tx.Inputs) > 0
	})
	return len(w.book.Sent) != n
}
