package wallet

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// Limits of a payment, those of the ledger.
const (
	maxInputs     = 256
	maxOutputs    = 256
	maxReferences = 16
	maxMemo       = 256
	maxMembers    = kernel.MaxThreshold
	maxReference  = 128 // bytes of a payment's reference
	maxWithdrawal = 256 // bytes of an external address or tag
)

// A Receiver is who can open an output: one address, or several of which Threshold must sign.
// The order of members is agreed among them and is the order of the keys.
type Receiver struct {
	Members   []kernel.Address `json:"members"`
	Threshold uint8            `json:"threshold"`
}

// To is the receiver with a single address.
func To(a kernel.Address) Receiver {
	return Receiver{Members: []kernel.Address{a}, Threshold: 1}
}

// Check reports why outputs to r could not be opened.
func (r Receiver) Check() error {
	n := len(r.Members)
	if n == 0 || n > maxMembers || r.Threshold == 0 || int(r.Threshold) > n {
		return fmt.Errorf("%w: %d of %d members", ErrReceiver, r.Threshold, n)
	}
	seen := map[kernel.Key]bool{}
	for _, a := range r.Members {
		if err := a.Check(); err != nil {
			return fmt.Errorf("%w: %w", ErrReceiver, err)
		}
		if seen[a.Spend] {
			return fmt.Errorf("%w: %s is a member twice", ErrReceiver, a)
		}
		seen[a.Spend] = true
	}
	return nil
}

// String is the address of a single member, or "2 of 3: …".
func (r Receiver) String() string {
	if len(r.Members) == 1 {
		return r.Members[0].String()
	}
	names := make([]string, len(r.Members))
	for i, a := range r.Members {
		names[i] = a.String()
	}
	return fmt.Sprintf("%d of %d: %s", r.Threshold, len(names), strings.Join(names, ", "))
}

// A Pay is one receiver and what it shall get.
type Pay struct {
	To     Receiver      `json:"to"`
	Amount kernel.Amount `json:"amount"`
}

// A Withdraw lets an amount leave the ledger for an external address.
type Withdraw struct {
	Address string        `json:"address"`
	Tag     string        `json:"tag,omitempty"`
	Amount  kernel.Amount `json:"amount"`
}

// A Request is a payment before inputs are chosen.
type Request struct {
	Asset      kernel.AssetID
	Pay        []Pay
	Withdraw   *Withdraw
	Pledge     *Pledge // a stake of the network's own asset; it takes the memo's place
	Memo       []byte  // at most 256 bytes, public for ever
	References []kernel.TxHash

	Plain     bool      // one output for each receiver and one for change, instead of three
	Aggregate bool      // one aggregate signature instead of one for each input
	Inputs    []Ref     // choose among these only; empty is all
	From      *Receiver // spend outputs shared with these members; change returns to them
}

// Check reports the first thing that makes the request unusable.
func (r *Request) Check() error {
	_, err := r.total()
	return err
}

// total checks the request and sums it up.
func (r *Request) total() (sum kernel.Amount, err error) {
	switch {
	case len(r.Pay) == 0 && r.Withdraw == nil && r.Pledge == nil:
		return sum, fmt.Errorf("%w: nothing to pay", ErrRequest)
	case len(r.Pay) > maxOutputs-4:
		return sum, fmt.Errorf("%w: %d receivers, at most %d fit", ErrRequest, len(r.Pay), maxOutputs-4)
	case len(r.Memo) > maxMemo:
		return sum, fmt.Errorf("%w: memo of %d bytes, at most %d fit", ErrRequest, len(r.Memo), maxMemo)
	case len(r.References) > maxReferences:
		return sum, fmt.Errorf("%w: %d references, at most %d fit", ErrRequest, len(r.References), maxReferences)
	}
	amounts := make([]kernel.Amount, 0, len(r.Pay)+1)
	for _, p := range r.Pay {
		if err := p.To.Check(); err != nil {
			return sum, err
		}
		amounts = append(amounts, p.Amount)
	}
	if w := r.Withdraw; w != nil {
		if !validText(w.Address) || w.Tag != "" && !validText(w.Tag) {
			return sum, fmt.Errorf("%w: withdrawal address or tag", ErrRequest)
		}
		amounts = append(amounts, w.Amount)
	}
	if p := r.Pledge; p != nil {
		if err := r.checkPledge(); err != nil {
			return sum, err
		}
		amounts = append(amounts, p.Amount)
	}
	for _, a := range amounts {
		next, ok := sum.Add(a)
		if a.IsZero() || !ok {
			return sum, fmt.Errorf("%w: amount %s", ErrRequest, a)
		}
		sum = next
	}
	if r.From != nil {
		err = r.From.Check()
	}
	return sum, err
}

func validText(s string) bool {
	return s != "" && len(s) <= maxWithdrawal && utf8.ValidString(s) && strings.TrimSpace(s) == s
}

// digest identifies what is asked, so that a reference cannot be used for something else. How
// it is paid (Plain, Aggregate, Inputs) is not part of it.
func (r *Request) digest() kernel.Hash {
	b := append([]byte(nil), r.Asset[:]...)
	b = codec.AppendU16(b, uint16(len(r.Pay)))
	for _, p := range r.Pay {
		b = appendReceiver(b, &p.To)
		b = p.Amount.AppendBinary(b)
	}
	b = codec.AppendBool(b, r.Withdraw != nil)
	if w := r.Withdraw; w != nil {
		b = codec.AppendBytes16(b, []byte(w.Address))
		b = codec.AppendBytes16(b, []byte(w.Tag))
		b = w.Amount.AppendBinary(b)
	}
	b = codec.AppendBytes16(b, r.Memo)
	b = codec.AppendU16(b, uint16(len(r.References)))
	for _, h := range r.References {
		b = append(b, h[:]...)
	}
	b = codec.AppendBool(b, r.From != nil)
	if r.From != nil {
		b = appendReceiver(b, r.From)
	}
	if p := r.Pledge; p != nil {
		b = codec.AppendBytes16(b, p.extra())
		b = p.Amount.AppendBinary(b)
	}
	return crypto.SumLabel("asterism payment request", b)
}

func appendReceiver(b []byte, r *Receiver) []byte {
	b = append(b, r.Threshold)
	b = codec.AppendU16(b, uint16(len(r.Members)))
	for _, a := range r.Members {
		b = append(append(b, a.Spend[:]...), a.View[:]...)
	}
	return b
}

// lines says who gets what, in the order of the request.
func (r *Request) lines() []Line {
	var lines []Line
	for _, p := range r.Pay {
		lines = append(lines, Line{To: p.To.String(), Amount: p.Amount})
	}
	if w := r.Withdraw; w != nil {
		lines = append(lines, Line{To: w.destination(), Amount: w.Amount})
	}
	if p := r.Pledge; p != nil {
		lines = append(lines, Line{To: pledgeText(p.extra()), Amount: p.Amount})
	}
	return lines
}

func (w *Withdraw) destination() string { return "withdrawal to " + withdrawalText(w.Address, w.Tag) }

func withdrawalText(address, tag string) string {
	if tag != "" {
		address += " tag " + tag
	}
	return memoText([]byte(address))
}
