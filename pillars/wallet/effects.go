package wallet

import (
	"fmt"
	"strings"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/script"
)

// Effects are what a draft does, read from its bytes: what a person confirms before signing. ID is
// the transaction's if that does not change by signing (version 5), and else that of the unsigned
// one, so that two machines can compare.
type Effects struct {
	ID       pillars.TxID   `json:"id"`
	Version  uint32         `json:"version"`
	Spends   []Effect       `json:"spends"`
	Makes    []Effect       `json:"makes"`
	Fee      pillars.Amount `json:"fee"`
	LockTime uint32         `json:"lock_time,omitempty"`
	Missing  int            `json:"missing_signatures"`
	Warnings []string       `json:"warnings,omitempty"`
}

// An Effect is one input or output.
type Effect struct {
	To      string         `json:"to"` // address, or the kind of script
	Amount  pillars.Amount `json:"amount"`
	Carries string         `json:"carries,omitempty"`
	Lock    string         `json:"lock,omitempty"`
	Own     bool           `json:"own"` // this wallet derives the address itself
}

// Effects reads a draft with this wallet's eyes. It checks the draft first.
func (w *Wallet) Effects(d *Draft) (e Effects, err error) {
	if err := d.Check(&w.params); err != nil {
		return e, err
	}
	e = Effects{ID: d.Tx.ID(), Version: d.Tx.Version, LockTime: d.Tx.LockTime}
	in, out, ok := pillars.Amount(0), pillars.Amount(0), true
	for i := range d.Inputs {
		spent, proven := d.Spent(i)
		if in, ok = in.Add(spent.Output.Value); !ok {
			return e, fmt.Errorf("%w: inputs above all money", ErrDraft)
		}
		e.Spends = append(e.Spends, w.effect(&spent.Output, d.hintIn(i)))
		if !proven {
			e.warn("input %d: its value is claimed, not proved", i)
		}
		if !e.Spends[i].Own {
			e.warn("input %d is not this wallet's", i)
		}
	}
	for i := range d.Tx.Outputs {
		out, _ = out.Add(d.Tx.Outputs[i].Value) // Check did
		e.Makes = append(e.Makes, w.effect(&d.Tx.Outputs[i], &d.Outputs[i]))
		if hint := d.Outputs[i]; hint.Own && !e.Makes[i].Own {
			e.warn("output %d is called the payer's own and is not this wallet's", i)
		}
	}
	if e.Fee, ok = in.Sub(out); !ok {
		return e, fmt.Errorf("%w: outputs of %s from inputs of %s", ErrDraft, out, in)
	}
	missing, err := d.Missing()
	for _, n := range missing {
		e.Missing += n
	}
	e.assets(d)
	if usual := w.usualFee(d); e.Fee > 10*usual {
		e.warn("the fee of %s is more than ten times the usual %s", e.Fee, usual)
	}
	return e, err
}

// usualFee is about what a wallet would pay for the transaction.
func (w *Wallet) usualFee(d *Draft) pillars.Amount {
	fee := max(w.params.Fees.Transaction, pillars.Amount(d.Tx.Size()+len(d.Inputs)*inputSize)*DefaultFeePerKB/1000)
	for i := range d.Tx.Outputs {
		switch v := d.Tx.Outputs[i].Attachment.Payload.(type) {
		case pillars.AssetIssue:
			if !v.Secondary() {
				fee = max(fee, w.params.Fees.Asset)
			}
		case pillars.Avatar:
			if v.Status == pillars.StatusRegister {
				fee = max(fee, w.params.Fees.Avatar)
			}
		}
	}
	return fee
}

func (e *Effects) warn(format string, args ...any) {
	e.Warnings = append(e.Warnings, fmt.Sprintf(format, args...))
}

// assets warns where units of an asset vanish or come from nowhere: the network refuses that, but
// a person should not find out from it.
func (e *Effects) assets(d *Draft) {
	sums := map[string][2]uint64{}
	var order []string
	add := func(o *pillars.Output, side int) {
		if _, issue := o.Attachment.Payload.(pillars.AssetIssue); issue && side == 1 {
			return
		}
		if symbol, quantity, ok := o.Asset(); ok {
			both, seen := sums[symbol]
			if !seen {
				order = append(order, symbol)
			}
			both[side] += quantity
			sums[symbol] = both
		}
	}
	for i := range d.Inputs {
		spent, _ := d.Spent(i)
		add(&spent.Output, 0)
	}
	for i := range d.Tx.Outputs {
		add(&d.Tx.Outputs[i], 1)
	}
	for _, symbol := range order {
		if both := sums[symbol]; both[0] != both[1] {
			e.warn("%d units of %s go in and %d come out", both[0], symbol, both[1])
		}
	}
}

// hintIn is where an input's address may lie, by the path of its key.
func (d *Draft) hintIn(i int) *DraftOutput {
	for _, o := range d.Inputs[i].Keys {
		if n := len(o.Path); n == 1 {
			return &DraftOutput{Index: o.Path[0]}
		} else if n >= 2 {
			return &DraftOutput{Chain: o.Path[n-2], Index: o.Path[n-1]}
		}
	}
	return &DraftOutput{}
}

func (w *Wallet) effect(o *pillars.Output, hint *DraftOutput) Effect {
	out := script.Classify(o.Script)
	e := Effect{To: out.Address.Text(w.params.Address), Amount: o.Value, Carries: describe(&o.Attachment), Own: w.derives(out.Address, hint)}
	switch out.Template {
	case script.BlackHole:
		e.To = "nobody (burned)"
	case script.LockHeight, script.SequenceLock:
		e.Lock = describeLock(out)
	case script.Attenuation:
		e.Lock = out.Model
	}
	if e.To == "" {
		e.To = "script of kind " + out.Template.String()
	}
	return e
}

// derives reports whether an address is the wallet's: one that it knows, or one that it derives at
// the place the hint says. The hint is not believed.
func (w *Wallet) derives(a pillars.Address, hint *DraftOutput) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if a.IsZero() || w.purses[a] != nil {
		return !a.IsZero()
	}
	for _, account := range w.book.Accounts {
		if p, err := account.Purse(hint.Chain, hint.Index); err == nil && p.Address == a {
			return true
		}
	}
	return false
}

func describeLock(out script.Output) string {
	lock, ok := relativeLock(out.Lock)
	switch {
	case out.Template == script.LockHeight:
		return fmt.Sprintf("for %d blocks", out.Lock)
	case !ok:
		return ""
	case lock.Seconds > 0:
		return fmt.Sprintf("for %d seconds", lock.Seconds)
	}
	return fmt.Sprintf("for %d blocks", lock.Blocks)
}

// describe says in words what an attachment carries.
func describe(a *pillars.Attachment) string {
	var b strings.Builder
	switch v := a.Payload.(type) {
	case pillars.AssetTransfer:
		fmt.Fprintf(&b, "%d units of %s", v.Quantity, v.Symbol)
	case pillars.AssetIssue:
		word := "issue"
		if v.Secondary() {
			word = "further issue"
		}
		fmt.Fprintf(&b, "%s of %d units of %s by %s", word, v.Supply, v.Symbol, v.Issuer)
	case pillars.Message:
		fmt.Fprintf(&b, "message %q", v.Text)
	case pillars.Avatar:
		word := "register"
		if v.Status == pillars.StatusTransfer {
			word = "move"
		}
		fmt.Fprintf(&b, "%s avatar %s at %s", word, v.Symbol, v.Address)
	case pillars.Certificate:
		words := []string{"keep", "issue", "transfer", "issue"}
		fmt.Fprintf(&b, "%s certificate of type %#x for %s, held by %s", words[v.Status&3], uint32(v.Kind), v.Symbol, v.Owner)
	case pillars.Token:
		word := "register"
		if v.Status == pillars.StatusTransfer {
			word = "transfer"
		}
		fmt.Fprintf(&b, "%s token %s", word, v.Symbol)
	}
	if a.To != "" {
		fmt.Fprintf(&b, " to avatar %s", a.To)
	}
	return strings.TrimSpace(b.String())
}

// String shows the effects on several lines.
func (e Effects) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "transaction %s, version %d\n", e.ID, e.Version)
	for _, part := range []struct {
		word string
		list []Effect
	}{{"spends", e.Spends}, {"pays", e.Makes}} {
		for _, x := range part.list {
			fmt.Fprintf(&b, "  %s %s ETP, %s", part.word, x.Amount, x.To)
			for _, more := range []string{x.Carries, x.Lock} {
				if more != "" {
					b.WriteString(", " + more)
				}
			}
			if x.Own {
				b.WriteString(" (own)")
			}
			b.WriteByte('\n')
		}
	}
	fmt.Fprintf(&b, "  fee %s ETP\n", e.Fee)
	for _, warning := range e.Warnings {
		fmt.Fprintf(&b, "warning: %s\n", warning)
	}
	return b.String()
}
