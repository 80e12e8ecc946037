package wallet

import (
	"encoding/hex"
	"unicode"
	"unicode/utf8"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
)

// An Item is what one final transaction did to the wallet.
type Item struct {
	Transaction    kernel.TxHash      `json:"transaction"`
	Commit         kernel.CommitIndex `json:"commit"`
	Time           kernel.Timestamp   `json:"time_ms"`
	Class          string             `json:"class"`
	Asset          kernel.AssetID     `json:"asset"`
	Received       kernel.Amount      `json:"received"`
	Spent          kernel.Amount      `json:"spent"`
	SharedReceived kernel.Amount      `json:"shared_received,omitzero"`
	SharedSpent    kernel.Amount      `json:"shared_spent,omitzero"`
	Memo           hexBytes           `json:"memo,omitempty"` // at most 256 bytes; larger extras are not kept
	Deposit        string             `json:"deposit,omitempty"`
	Withdrawal     *kernel.Withdrawal `json:"withdrawal,omitempty"`
}

func newItem(commit *client.Commit, t *finalTransaction) Item {
	item := Item{
		Transaction: t.hash, Commit: commit.Index, Time: commit.Timestamp,
		Class: t.tx.Class().String(), Asset: t.tx.Asset,
	}
	if len(t.tx.Extra) <= maxMemo {
		item.Memo = t.tx.Extra
	}
	if len(t.tx.Inputs) > 0 && t.tx.Inputs[0].Deposit != nil {
		item.Deposit = t.tx.Inputs[0].Deposit.Transaction
	}
	if len(t.tx.Outputs) > 0 {
		item.Withdrawal = t.tx.Outputs[0].Withdrawal
	}
	return item
}

func (i *Item) spend(o *Output) (ok bool) {
	sum := &i.Spent
	if o.Shared() {
		sum = &i.SharedSpent
	}
	*sum, ok = sum.Add(o.Amount)
	return ok
}

func (i *Item) receive(o *Output) (ok bool) {
	sum := &i.Received
	if o.Shared() {
		sum = &i.SharedReceived
	}
	*sum, ok = sum.Add(o.Amount)
	return ok
}

// A Direction says what a payment did to the wallet's own balance.
type Direction string

// The directions.
const (
	Incoming Direction = "in"
	Outgoing Direction = "out"
	Internal Direction = "self"   // to itself: a consolidation
	Shared   Direction = "shared" // only outputs that others hold keys of
)

// net returns direction and amount of what the item changed.
func (i *Item) net() (Direction, kernel.Amount) {
	switch c := i.Received.Compare(i.Spent); {
	case i.Received.IsZero() && i.Spent.IsZero():
		return Shared, i.sharedNet()
	case c > 0:
		return Incoming, minus(i.Received, i.Spent)
	case c < 0:
		return Outgoing, minus(i.Spent, i.Received)
	}
	return Internal, i.Received
}

func (i *Item) sharedNet() kernel.Amount {
	if d, ok := i.SharedReceived.Sub(i.SharedSpent); ok {
		return d
	}
	return minus(i.SharedSpent, i.SharedReceived)
}

// An Entry is one payment as history shows it: one line for each transaction, whatever the
// number of its outputs.
type Entry struct {
	State       State              `json:"state"`
	Direction   Direction          `json:"direction"`
	Amount      kernel.Amount      `json:"amount"`
	Asset       kernel.AssetID     `json:"asset"`
	Transaction kernel.TxHash      `json:"transaction"`
	Commit      kernel.CommitIndex `json:"commit"`  // 0 while pending
	Time        kernel.Timestamp   `json:"time_ms"` // of the commit; while pending, of the wallet's decision
	Class       string             `json:"class"`
	Shared      kernel.Amount      `json:"shared,omitzero"` // change of shared outputs, either way
	With        []string           `json:"with,omitempty"`  // receivers, where the wallet knows them
	Memo        string             `json:"memo,omitempty"`
	Reference   string             `json:"reference,omitempty"`
	Rule        kernel.Rule        `json:"rule,omitempty"` // why it was rejected
}

// History returns every payment in and out, final ones in the order of the ledger, then those
// that are pending or rejected.
func (w *Wallet) History() []Entry {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := make([]Entry, 0, len(w.facts.items)+len(w.book.order))
	for i := range w.facts.items {
		list = append(list, w.entry(&w.facts.items[i]))
	}
	for _, reference := range w.book.order {
		p := w.withState(w.book.payments[reference])
		if p.State != Final {
			e := Entry{State: p.State, Direction: Outgoing, Time: p.Created, Class: "script", Rule: p.Rule}
			e.Asset, e.Amount, e.Transaction = p.Asset, p.total(), p.Transaction
			e.decorate(p)
			list = append(list, e)
		}
	}
	return list
}

func (w *Wallet) entry(i *Item) Entry {
	e := Entry{
		State: Final, Asset: i.Asset, Transaction: i.Transaction, Commit: i.Commit, Time: i.Time,
		Class: i.Class, Memo: memoText(i.Memo),
	}
	e.Direction, e.Amount = i.net()
	if e.Direction != Shared {
		e.Shared = i.sharedNet()
	}
	if i.Withdrawal != nil {
		e.With = []string{i.Withdrawal.Address}
	}
	if i.Deposit != "" {
		e.With = []string{i.Deposit}
	}
	if reference, ok := w.book.byHash[i.Transaction]; ok {
		e.decorate(w.book.payments[reference])
	}
	return e
}

func (e *Entry) decorate(p Payment) {
	e.Reference, e.Memo, e.With = p.Reference, memoText(p.Memo), nil
	for _, line := range p.Lines {
		e.With = append(e.With, line.To)
	}
}

// memoText shows a memo as text if it is text that prints, else as 0x and hex. What a stranger
// wrote must not steer a terminal.
func memoText(b []byte) string {
	if !utf8.Valid(b) {
		return "0x" + hex.EncodeToString(b)
	}
	for _, r := range string(b) {
		if !unicode.IsPrint(r) {
			return "0x" + hex.EncodeToString(b)
		}
	}
	return string(b)
}
