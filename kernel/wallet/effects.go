package wallet

import (
	"fmt"
	"strings"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// Effects are what a transaction does, read from its bytes: what a person confirms before
// signing. Transaction is the hash that is signed, so two devices can compare it.
type Effects struct {
	Transaction kernel.TxHash   `json:"transaction"`
	Class       string          `json:"class"`
	Asset       kernel.AssetID  `json:"asset"`
	Inputs      int             `json:"inputs"`
	Spends      kernel.Amount   `json:"spends"` // sum of the inputs that are known
	Unknown     int             `json:"unknown_inputs,omitempty"`
	Lines       []Effect        `json:"lines"`
	Memo        string          `json:"memo,omitempty"`
	References  []kernel.TxHash `json:"references,omitempty"`
}

// An Effect is one receiver and the sum of its outputs.
type Effect struct {
	To      string        `json:"to"` // address, withdrawal, or "unknown receiver"
	Amount  kernel.Amount `json:"amount"`
	Outputs int           `json:"outputs"`
	Back    bool          `json:"back,omitempty"` // to the wallet that looks, or to the payers
}

// UnknownReceiver stands for outputs whose receiver the looker cannot tell: the purpose of
// one-time keys.
const UnknownReceiver = "unknown receiver"

// String shows the effects on several lines.
func (e Effects) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "transaction %s\nspends %s of asset %s in %d inputs\n", e.Transaction, e.Spends, e.Asset, e.Inputs)
	if e.Unknown > 0 {
		fmt.Fprintf(&b, "%d of the inputs are unknown to this wallet\n", e.Unknown)
	}
	for _, l := range e.Lines {
		back := ""
		if l.Back {
			back = " (back)"
		}
		fmt.Fprintf(&b, "  %s to %s in %d outputs%s\n", l.Amount, l.To, l.Outputs, back)
	}
	if e.Memo != "" {
		fmt.Fprintf(&b, "memo %s\n", e.Memo)
	}
	return b.String()
}

// Explain decodes a signed or unsigned transaction and says what it does as far as this
// wallet can tell. Outputs to others are unknown receivers unless the wallet made them.
func (w *Wallet) Explain(raw []byte) (Effects, error) {
	var tx kernel.Transaction
	if err := tx.UnmarshalBinary(raw); err != nil {
		return Effects{}, err
	}
	w.mu.Lock()
	var known []Output
	for i := range tx.Inputs {
		if o := w.facts.outputs[Ref(tx.Inputs[i].OutputRef)]; o != nil {
			known = append(known, *o)
		}
	}
	w.mu.Unlock()
	return describe(&tx, known, w.keys, nil)
}

// explain reads effects from bytes and demands that every input is known and that the sums
// agree. Roles are claims; each is proved by deriving the output's keys again.
func explain(raw []byte, spends []Output, own Keys, roles []role) (Effects, error) {
	var tx kernel.Transaction
	if err := tx.UnmarshalBinary(raw); err != nil {
		return Effects{}, fmt.Errorf("%w: %w", ErrEffects, err)
	}
	e, err := describe(&tx, spends, own, roles)
	if err != nil {
		return e, err
	}
	out, ok := e.total()
	if e.Unknown > 0 || !ok || out != e.Spends {
		return e, fmt.Errorf("%w: inputs of %s, outputs of %s, %d inputs unknown", ErrEffects, e.Spends, out, e.Unknown)
	}
	return e, nil
}

func (e *Effects) total() (sum kernel.Amount, ok bool) {
	ok = true
	for _, l := range e.Lines {
		if sum, ok = sum.Add(l.Amount); !ok {
			return sum, false
		}
	}
	return sum, true
}

func describe(tx *kernel.Transaction, spends []Output, own Keys, roles []role) (Effects, error) {
	e := Effects{
		Transaction: tx.Hash(), Class: tx.Class().String(), Asset: tx.Asset,
		Inputs: len(tx.Inputs), References: tx.References, Memo: memoText(tx.Extra),
	}
	known := map[Ref]*Output{}
	for i := range spends {
		known[spends[i].Ref] = &spends[i]
	}
	for i := range tx.Inputs {
		o := known[Ref(tx.Inputs[i].OutputRef)]
		sum, ok := e.Spends, true
		switch {
		case o == nil:
			e.Unknown++
		case o.Asset != tx.Asset:
			return e, fmt.Errorf("%w: input %s is of another asset", ErrEffects, o.Ref)
		default:
			sum, ok = e.Spends.Add(o.Amount)
		}
		if !ok {
			return e, fmt.Errorf("%w: inputs overflow", ErrEffects)
		}
		e.Spends = sum
	}
	for place := range tx.Outputs {
		to, back := receiverOf(&tx.Outputs[place], place, own, roles)
		if tx.Outputs[place].Type == kernel.OutputNodePledge {
			to = pledgeText(tx.Extra)
		}
		if !e.add(to, back, tx.Outputs[place].Amount) {
			return e, fmt.Errorf("%w: outputs overflow", ErrEffects)
		}
	}
	return e, nil
}

// add counts an output to its receiver's line.
func (e *Effects) add(to string, back bool, amount kernel.Amount) (ok bool) {
	for i := range e.Lines {
		if l := &e.Lines[i]; l.To == to && l.Back == back {
			l.Outputs++
			l.Amount, ok = l.Amount.Add(amount)
			return ok
		}
	}
	e.Lines = append(e.Lines, Effect{To: to, Amount: amount, Outputs: 1, Back: back})
	return true
}

// receiverOf tells whom an output pays: by deriving its keys from the claimed secret, or by
// the view key.
func receiverOf(out *kernel.Output, place int, own Keys, roles []role) (to string, back bool) {
	if out.Withdrawal != nil {
		return "withdrawal to " + withdrawalText(out.Withdrawal.Address, out.Withdrawal.Tag), false
	}
	threshold, err := out.Script.Threshold()
	if out.Type != kernel.OutputScript || err != nil {
		return fmt.Sprintf("output of type %02x", uint8(out.Type)), false
	}
	if place < len(roles) && roles[place].proves(out, place, threshold) {
		return roles[place].to.String(), roles[place].change
	}
	for _, key := range out.Keys {
		if !own.recognizes(key, out.Mask, place) {
			continue
		}
		if len(out.Keys) == 1 && threshold <= 1 {
			return own.address.String(), true
		}
		return fmt.Sprintf("%d of %d, this wallet among them", threshold, len(out.Keys)), true
	}
	return UnknownReceiver, false
}

func (r *role) proves(out *kernel.Output, place int, threshold uint8) bool {
	if threshold != r.to.Threshold || len(out.Keys) != len(r.to.Members) || crypto.Mask(r.secret) != out.Mask {
		return false
	}
	for i, m := range r.to.Members {
		key, err := crypto.GhostPublic(r.secret, m.View, m.Spend, uint64(place))
		if err != nil || key != out.Keys[i] {
			return false
		}
	}
	return true
}
