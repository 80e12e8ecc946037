package wallet

import (
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/asterism-network/asterism/kernel"
)

// A State is what became of a payment, as far as the wallet has scanned.
type State string

// The states. Rejected is for ever: the transaction has a receipt that says so, or another
// final one spent its input.
const (
	Pending  State = "pending"
	Final    State = "final"
	Rejected State = "rejected"
)

// A Payment is one decision to pay, known by its reference. It is written down before its
// bytes leave the machine, and sending it again sends the same bytes, so a reference is paid
// at most once. A further attempt is made only when the earlier ones can never become final.
type Payment struct {
	Reference string           `json:"reference"`
	Request   kernel.Hash      `json:"request"` // digest of what was asked
	Created   kernel.Timestamp `json:"created_ms"`
	Asset     kernel.AssetID   `json:"asset"`
	Lines     []Line           `json:"lines"`
	Memo      hexBytes         `json:"memo,omitempty"`
	Attempts  []Attempt        `json:"attempts"`

	// Filled in when a payment is handed out; never stored.
	State       State              `json:"-"`
	Transaction kernel.TxHash      `json:"-"` // of the final, else the newest live, else the newest attempt
	Commit      kernel.CommitIndex `json:"-"`
	Rule        kernel.Rule        `json:"-"` // why the newest attempt was rejected
}

// A Line is one receiver and what it gets.
type Line struct {
	To     string        `json:"to"`
	Amount kernel.Amount `json:"amount"`
}

// An Attempt is one signed transaction of a payment.
type Attempt struct {
	Transaction kernel.TxHash `json:"transaction"`
	Signed      hexBytes      `json:"signed"`
	Inputs      []Ref         `json:"inputs"`
	Change      kernel.Amount `json:"change,omitzero"`
}

// Signed returns the bytes of the attempt that Transaction names.
func (p *Payment) Signed() []byte { return slices.Clone(p.attempt().Signed) }

func (p *Payment) attempt() *Attempt {
	for i := range p.Attempts {
		if p.Attempts[i].Transaction == p.Transaction {
			return &p.Attempts[i]
		}
	}
	return p.last()
}

func (p *Payment) last() *Attempt { return &p.Attempts[len(p.Attempts)-1] }

func (p *Payment) total() (sum kernel.Amount) {
	for _, l := range p.Lines {
		sum, _ = sum.Add(l.Amount) // checked when the payment was planned
	}
	return sum
}

// book is what the payment file holds.
type book struct {
	payments map[string]Payment
	order    []string                 // references by first attempt
	byHash   map[kernel.TxHash]string // reference of each attempt
}

func newBook() book {
	return book{payments: map[string]Payment{}, byHash: map[kernel.TxHash]string{}}
}

func (b *book) attempt(hash kernel.TxHash) bool { _, ok := b.byHash[hash]; return ok }

// put takes a payment with one attempt more than before.
func (b *book) put(p Payment) error {
	old, known := b.payments[p.Reference]
	if p.Reference == "" || len(p.Attempts) != len(old.Attempts)+1 || known && old.Request != p.Request {
		return fmt.Errorf("%w: payment %.80q does not follow what was written before", ErrDamaged, p.Reference)
	}
	last := p.last()
	if b.attempt(last.Transaction) || len(last.Signed) == 0 || len(last.Inputs) == 0 {
		return fmt.Errorf("%w: payment %.80q repeats a transaction or has none", ErrDamaged, p.Reference)
	}
	if !known {
		b.order = append(b.order, p.Reference)
	}
	b.payments[p.Reference] = p
	b.byHash[last.Transaction] = p.Reference
	return nil
}

// attemptState says what became of one attempt.
func (w *Wallet) attemptState(a *Attempt) (State, kernel.CommitIndex, kernel.Rule) {
	if i, ok := w.facts.byHash[a.Transaction]; ok {
		return Final, w.facts.items[i].Commit, 0
	}
	if r, ok := w.facts.rejected[a.Transaction]; ok {
		return Rejected, r.Commit, r.Rule
	}
	for _, ref := range a.Inputs {
		if o := w.facts.outputs[ref]; o != nil && o.Spent() && o.SpentBy != a.Transaction {
			return Rejected, o.SpentAt, kernel.InputSpent
		}
	}
	return Pending, 0, 0
}

// withState fills in what follows from the facts: final if an attempt is, pending while any may
// still become final, rejected when all are dead.
func (w *Wallet) withState(p Payment) Payment {
	p.State = ""
	for i := range p.Attempts {
		a := &p.Attempts[i]
		state, commit, rule := w.attemptState(a)
		if state == Rejected && p.State == Pending {
			continue
		}
		p.State, p.Commit, p.Rule, p.Transaction = state, commit, rule, a.Transaction
		if state == Final {
			break
		}
	}
	return p
}

// liveAttempt returns the newest attempt that may still become final, nil if there is none. If
// there are several, they spend the same inputs: see renew.
func (w *Wallet) liveAttempt(p Payment) *Attempt {
	if p = w.withState(p); p.State == Pending {
		return p.attempt()
	}
	return nil
}

// hexBytes are bytes whose JSON form is hex.
type hexBytes []byte

// MarshalText returns lower-case hex digits.
func (b hexBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(b)), nil }

// UnmarshalText reads hex digits.
func (b *hexBytes) UnmarshalText(text []byte) (err error) {
	*b, err = hex.DecodeString(string(text))
	return err
}
