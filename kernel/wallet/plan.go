package wallet

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

const (
	// privateParts is the paper's number of outputs for a receiver.
	privateParts = 3
	// changeTarget is the number of unspent outputs below which change is split too. It keeps
	// several payments possible at once without cutting the wallet into dust.
	changeTarget = 12
)

// A Plan is an unsigned transaction and what it does. It holds no private key, but the secrets
// of its outputs, which prove who is paid: it stays in the process.
type Plan struct {
	request Request
	tx      *kernel.Transaction
	spends  []Output
	roles   []role // one for each output
	change  kernel.Amount
	notes   []string
	effects Effects
}

// A role says whom an output pays.
type role struct {
	to     Receiver
	change bool
	secret kernel.Scalar // r of the one-time keys; zero for a withdrawal
}

// An intended output, before its place is known.
type intended struct {
	role
	amount   kernel.Amount
	withdraw *Withdraw
	pledge   *Pledge
}

// Effects says who gains what. It is decoded from the bytes whose hash is signed, not copied
// from the request.
func (p *Plan) Effects() Effects { return p.effects }

// Notes says in words where the plan differs from the usual one and why.
func (p *Plan) Notes() []string { return slices.Clone(p.notes) }

// Transaction returns a copy of the unsigned transaction.
func (p *Plan) Transaction() *kernel.Transaction {
	tx := *p.tx
	return &tx
}

// Plan chooses inputs for a request, splits it into outputs of random amounts in random order
// and derives their keys. It reserves nothing and signs nothing; equal wallets and equal
// randomness give equal plans.
func (w *Wallet) Plan(req Request, random io.Reader) (*Plan, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.plan(req, random)
}

func (w *Wallet) plan(req Request, random io.Reader) (*Plan, error) {
	want, err := req.total()
	if err != nil {
		return nil, err
	}
	candidates := w.candidates(&req)
	d := &dice{source: random}
	spends, sum, err := choose(d, candidates, want)
	if errors.Is(err, ErrInsufficient) {
		err = w.lackOf(err, &req, want)
	}
	if err != nil {
		return nil, err
	}
	p := &Plan{request: req, spends: spends, change: minus(sum, want)}
	outputs := p.intend(d, w.backTo(&req), len(candidates)-len(spends))
	return p, w.finish(p, d, outputs)
}

// candidates returns what a request may spend.
func (w *Wallet) candidates(req *Request) []Output {
	return w.spendable(func(o *Output) bool { return req.takes(o) && !w.locked(o) })
}

// takes reports whether a request is for an output of this kind.
func (r *Request) takes(o *Output) bool {
	if o.Asset != r.Asset || len(r.Inputs) > 0 && !slices.Contains(r.Inputs, o.Ref) {
		return false
	}
	if r.From == nil {
		return !o.Shared()
	}
	return len(o.Keys) == len(r.From.Members) && o.Threshold == r.From.Threshold
}

// backTo is who gets the change.
func (w *Wallet) backTo(req *Request) Receiver {
	if req.From != nil {
		return *req.From
	}
	return To(w.keys.address)
}

// Consolidate plans a payment to the wallet itself of its smallest outputs of an asset, as
// many as one transaction spends. It fails if there are fewer than two.
func (w *Wallet) Consolidate(asset kernel.AssetID, random io.Reader) (*Plan, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	from := w.candidates(&Request{Asset: asset})
	if len(from) < 2 {
		return nil, fmt.Errorf("%w: %d spendable outputs, nothing to consolidate", ErrRequest, len(from))
	}
	slices.SortStableFunc(from, func(a, b Output) int { return a.Amount.Compare(b.Amount) })
	from = from[:min(len(from), maxInputs)]
	sum, ok := sumOf(from)
	if !ok {
		return nil, fmt.Errorf("%w: amounts overflow", ErrRequest)
	}
	self := To(w.keys.address)
	p := &Plan{request: Request{Asset: asset, Pay: []Pay{{self, sum}}, Plain: true}, spends: from}
	d := &dice{source: random}
	shuffle(d, p.spends)
	return p, w.finish(p, d, []intended{{role: role{to: self, change: true}, amount: sum}})
}

// intend splits payments and change into outputs, in random order; a withdrawal or pledge stands
// first, as its class demands.
func (p *Plan) intend(d *dice, back Receiver, left int) []intended {
	parts := privateParts
	if p.request.Plain {
		parts = 1
	} else if room := maxOutputs - privateParts - 1; len(p.request.Pay)*parts > room {
		parts = 1
		p.note("%d receivers leave room for one output each", len(p.request.Pay))
	}
	var outputs []intended
	for _, pay := range p.request.Pay {
		for _, amount := range p.parts(d, pay.Amount, parts) {
			outputs = append(outputs, intended{role: role{to: pay.To}, amount: amount})
		}
	}
	if !p.change.IsZero() {
		n := privateParts
		if p.request.Plain || left >= changeTarget {
			n = 1
		}
		for _, amount := range p.parts(d, p.change, n) {
			outputs = append(outputs, intended{role: role{to: back, change: true}, amount: amount})
		}
	}
	shuffle(d, outputs)
	if w := p.request.Withdraw; w != nil {
		outputs = slices.Insert(outputs, 0, intended{amount: w.Amount, withdraw: w})
	}
	if s := p.request.Pledge; s != nil {
		outputs = slices.Insert(outputs, 0, intended{amount: s.Amount, pledge: s})
	}
	return outputs
}

// parts splits an amount into n outputs, or into fewer if it has fewer units.
func (p *Plan) parts(d *dice, amount kernel.Amount, n int) []kernel.Amount {
	for n > 1 && amount.Compare(kernel.NewAmount(uint64(n))) < 0 {
		n--
		p.note("%s has too few units for %d outputs", amount, n+1)
	}
	return d.split(amount, n)
}

func (p *Plan) note(format string, args ...any) {
	p.notes = append(p.notes, fmt.Sprintf(format, args...))
}

// finish derives the keys, builds the transaction and reads its effects from its bytes.
func (w *Wallet) finish(p *Plan, d *dice, outputs []intended) error {
	p.tx = &kernel.Transaction{Asset: p.request.Asset, References: p.request.References, Extra: p.request.Memo}
	if s := p.request.Pledge; s != nil {
		p.tx.Extra = s.extra()
	}
	for i := range p.spends {
		p.tx.Inputs = append(p.tx.Inputs, kernel.Input{OutputRef: kernel.OutputRef(p.spends[i].Ref)})
	}
	for place, want := range outputs {
		out, secret, err := want.output(d, place)
		if err != nil {
			return err
		}
		want.secret = secret
		p.tx.Outputs, p.roles = append(p.tx.Outputs, out), append(p.roles, want.role)
	}
	payload, err := p.tx.AppendPayload(nil)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRequest, err)
	}
	p.effects, err = explain(payload, p.spends, w.keys, p.roles)
	if err != nil {
		return err
	}
	return p.check()
}

// check compares what the bytes do with what was asked.
func (p *Plan) check() error {
	got := map[string]kernel.Amount{}
	for _, e := range p.effects.Lines {
		if !e.Back {
			got[e.To] = plus(got[e.To], e.Amount)
		}
	}
	want := map[string]kernel.Amount{}
	for _, l := range p.request.lines() {
		want[l.To] = plus(want[l.To], l.Amount)
	}
	for to, amount := range want {
		if got[to] != amount && !p.ownOnly() {
			return fmt.Errorf("%w: %s gets %s, not %s", ErrEffects, to, got[to], amount)
		}
	}
	for to := range got {
		if want[to].IsZero() {
			return fmt.Errorf("%w: %s gets %s unasked", ErrEffects, to, got[to])
		}
	}
	return nil
}

// ownOnly reports whether every output returns to the payer: a consolidation.
func (p *Plan) ownOnly() bool {
	return !slices.ContainsFunc(p.roles, func(r role) bool { return !r.change })
}

// output makes the output with one-time keys for its place.
func (want *intended) output(d *dice, place int) (kernel.Output, kernel.Scalar, error) {
	if w := want.withdraw; w != nil {
		return kernel.Output{
			Type: kernel.OutputWithdrawalSubmit, Amount: w.Amount,
			Withdrawal: &kernel.Withdrawal{Address: w.Address, Tag: w.Tag},
		}, kernel.Scalar{}, nil
	}
	if s := want.pledge; s != nil {
		return kernel.Output{Type: kernel.OutputNodePledge, Amount: s.Amount}, kernel.Scalar{}, nil
	}
	return scriptOutput(d, want.to, want.amount, place)
}

// scriptOutput draws r and derives one key for each member; they share the mask. [GHOST]
func scriptOutput(d *dice, to Receiver, amount kernel.Amount, place int) (kernel.Output, kernel.Scalar, error) {
	var wide [64]byte
	d.fill(wide[:])
	defer clear(wide[:])
	if d.err != nil {
		return kernel.Output{}, kernel.Scalar{}, d.err
	}
	r := crypto.ScalarFromWide(wide)
	out := kernel.Output{
		Type: kernel.OutputScript, Amount: amount, Mask: crypto.Mask(r),
		Script: kernel.NewScript(to.Threshold),
	}
	for _, m := range to.Members {
		key, err := crypto.GhostPublic(r, m.View, m.Spend, uint64(place))
		if err != nil {
			return out, r, fmt.Errorf("%w: %w", ErrReceiver, err)
		}
		out.Keys = append(out.Keys, key)
	}
	return out, r, nil
}
