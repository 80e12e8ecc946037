package wallet

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/asterism-network/asterism/kernel"
)

// A Submitter takes signed bytes. A *client.Multi is one: it hands them to at least two random
// nodes, so no single node can hold a payment back. Repeating is harmless.
type Submitter interface {
	SendRawTransaction(ctx context.Context, signed []byte) (kernel.TxHash, error)
}

// NewReference returns a random payment reference.
func NewReference() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// Accept signs a plan and writes the payment down under reference; from then on its inputs
// are reserved. It sends nothing. If the reference is known, the payment it belongs to is
// returned as it stands, provided that it asks the same; else ErrReferenceReused.
func (w *Wallet) Accept(reference string, p *Plan, now kernel.Timestamp) (Payment, error) {
	return w.accept(reference, p, now, rand.Reader)
}

func (w *Wallet) accept(reference string, p *Plan, now kernel.Timestamp, random io.Reader) (Payment, error) {
	if reference == "" || len(reference) > maxReference {
		return Payment{}, fmt.Errorf("%w: reference of %d bytes, want 1 to %d", ErrRequest, len(reference), maxReference)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	payment, known, err := w.known(reference, &p.request)
	if err != nil || known && payment.State != Rejected {
		return payment, err
	}
	if err := w.free(p); err != nil {
		return Payment{}, err
	}
	signed, err := w.keys.sign(p, random)
	if err != nil {
		return Payment{}, err
	}
	if !known {
		payment = Payment{
			Reference: reference, Request: p.request.digest(), Created: now,
			Asset: p.request.Asset, Lines: p.request.lines(), Memo: p.request.Memo,
		}
	}
	return w.record(payment, p, signed)
}

// known returns the payment with a reference and refuses one that asks something else.
func (w *Wallet) known(reference string, req *Request) (Payment, bool, error) {
	p, known := w.book.payments[reference]
	if !known {
		return Payment{}, false, nil
	}
	if p.Request != req.digest() {
		return Payment{}, true, fmt.Errorf("%w: %.80q", ErrReferenceReused, reference)
	}
	return w.withState(p), true, nil
}

// free reports whether the inputs of a plan are still there and nobody's.
func (w *Wallet) free(p *Plan) error {
	reserved := w.reserved()
	for i := range p.spends {
		ref := p.spends[i].Ref
		o := w.facts.outputs[ref]
		if _, taken := reserved[ref]; taken || o == nil || o.Spent() {
			return fmt.Errorf("%w: %s", ErrReserved, ref)
		}
	}
	return nil
}

// record makes one more attempt of a payment durable.
func (w *Wallet) record(payment Payment, p *Plan, signed []byte) (Payment, error) {
	attempt := Attempt{Transaction: p.effects.Transaction, Signed: signed, Change: p.change}
	if p.ownOnly() {
		attempt.Change = p.effects.Spends
	}
	for i := range p.spends {
		attempt.Inputs = append(attempt.Inputs, p.spends[i].Ref)
	}
	payment.Attempts = append(payment.Attempts[:len(payment.Attempts):len(payment.Attempts)], attempt)
	if err := w.sentFile.put(payment); err != nil {
		return Payment{}, err
	}
	if err := w.book.put(payment); err != nil {
		return Payment{}, err
	}
	return w.withState(payment), nil
}

// A Network is what sending needs: commits from one node, submission to several.
type Network struct {
	Source
	Submitter
}

const (
	maxAttempts = 5
	pollFirst   = 20 * time.Millisecond
	pollLast    = 500 * time.Millisecond
	resendFirst = 3 * time.Second
	resendLast  = time.Minute
)

// Send pays a request and waits until it is final. Called again with the same reference,
// after a crash or an error of unknown outcome, it goes on with the same payment and never
// pays twice. A payment that lost a one-time key or an input to somebody else is made again
// with fresh randomness, but only after the ledger said that the first one is dead for ever.
func (w *Wallet) Send(ctx context.Context, net Network, reference string, req Request) (Payment, error) {
	if err := req.Check(); err != nil {
		return Payment{}, err
	}
	if _, err := w.Scan(ctx, net); err != nil {
		return Payment{}, err
	}
	if locks, ok := net.Source.(LockSource); ok && req.Asset == kernel.XIN {
		if err := w.ReadLocks(ctx, locks); err != nil {
			return Payment{}, err
		}
	}
	for attempt := 0; ; attempt++ {
		payment, err := w.prepare(reference, req)
		if err != nil {
			return Payment{}, err
		}
		payment, err = w.Wait(ctx, net, payment.Reference)
		if errors.Is(err, kernel.GhostKeyUsed) && attempt+1 < maxAttempts {
			if err := w.renew(reference, req); err != nil {
				return payment, err
			}
			continue
		}
		if err != nil || payment.State != Rejected {
			return payment, err
		}
		retry := payment.Rule == kernel.GhostKeyUsed || payment.Rule == kernel.InputSpent
		if !retry || attempt+1 == maxAttempts {
			return payment, fmt.Errorf("%w: %w", ErrRefused, payment.Rule)
		}
	}
}

// prepare returns the payment for a reference, planning and recording it if there is none or
// if the last attempt is dead.
func (w *Wallet) prepare(reference string, req Request) (Payment, error) {
	for {
		w.mu.Lock()
		payment, known, err := w.known(reference, &req)
		var p *Plan
		if err == nil && (!known || payment.State == Rejected) {
			p, err = w.plan(req, rand.Reader)
		}
		w.mu.Unlock()
		if err != nil || p == nil {
			return payment, err
		}
		payment, err = w.Accept(reference, p, kernel.Timestamp(time.Now().UnixMilli()))
		if !errors.Is(err, ErrReserved) { // another goroutine was faster: plan again
			return payment, err
		}
	}
}

// Submit hands the bytes of a payment to the network; repeating is harmless. A
// refusal by rule does not end the payment: bytes that were out once may come back.
func (w *Wallet) Submit(ctx context.Context, to Submitter, reference string) error {
	payment, ok := w.Payment(reference)
	if !ok {
		return fmt.Errorf("%w: no payment %.80q", ErrRequest, reference)
	}
	if _, err := to.SendRawTransaction(ctx, payment.Signed()); err != nil {
		return fmt.Errorf("submit payment %.80q: %w", reference, err)
	}
	return nil
}

// Wait submits a payment, again and again with growing pauses, and scans until it is final or
// rejected. Otherwise it ends with ctx, or when nodes refuse the payment by a rule that time
// does not cure; the payment stays pending then, and its inputs reserved.
func (w *Wallet) Wait(ctx context.Context, net Network, reference string) (Payment, error) {
	poll, resend := pollFirst, resendFirst
	var due time.Time
	var sent kernel.TxHash
	var refusal error
	for {
		_, scanned := w.Scan(ctx, net)
		if errors.Is(scanned, ErrHistory) || errors.Is(scanned, ErrDamaged) {
			return Payment{}, scanned
		}
		payment, ok := w.Payment(reference)
		switch {
		case !ok:
			return Payment{}, fmt.Errorf("%w: no payment %.80q", ErrRequest, reference)
		case payment.State != Pending:
			return payment, nil
		case sent == payment.Transaction && refusal != nil && scanned == nil && hopeless(refusal):
			return payment, refusal
		}
		if now := time.Now(); now.After(due) || sent != payment.Transaction {
			refusal, sent = w.Submit(ctx, net, reference), payment.Transaction
			due, resend = now.Add(resend), min(2*resend, resendLast)
		}
		select {
		case <-ctx.Done():
			return payment, fmt.Errorf("payment %.80q is still pending: %w", reference, errors.Join(ctx.Err(), refusal, scanned))
		case <-time.After(poll):
			poll = min(2*poll, pollLast)
		}
	}
}

// hopeless reports whether a refusal names a rule that neither waiting nor scanning cures. A
// node that is behind does not know inputs and references yet; a spent input shows in the
// next scan, as our own payment or as somebody else's.
func hopeless(refusal error) bool {
	for r := kernel.Rule(1); r.Valid(); r++ {
		if !errors.Is(refusal, r) {
			continue
		}
		switch r {
		case kernel.AlreadyFinal, kernel.InputSpent, kernel.InputNotFound, kernel.ReferenceNotFound, kernel.DepositUsed:
			return false
		}
		return true
	}
	return false
}

// renew makes new one-time keys for the inputs of a payment's last attempt, after nodes refused
// it because a key was taken. It needs no proof that the old attempt is dead: both spend the
// same outputs, so at most one of them can ever become final.
func (w *Wallet) renew(reference string, req Request) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	payment, known, err := w.known(reference, &req)
	if err != nil || !known || payment.State != Pending {
		return err
	}
	want, err := req.total()
	if err != nil {
		return err
	}
	p := &Plan{request: req}
	for _, ref := range payment.attempt().Inputs {
		o := w.facts.outputs[ref]
		if o == nil || o.Spent() {
			return fmt.Errorf("%w: %s", ErrReserved, ref)
		}
		p.spends = append(p.spends, *o)
	}
	sum, _ := sumOf(p.spends)
	var ok bool
	if p.change, ok = sum.Sub(want); !ok {
		return fmt.Errorf("%w: inputs of payment %.80q", ErrDamaged, reference)
	}
	d := &dice{source: rand.Reader}
	if err := w.finish(p, d, p.intend(d, w.backTo(&req), 0)); err != nil {
		return err
	}
	signed, err := w.keys.sign(p, rand.Reader)
	if err != nil {
		return err
	}
	_, err = w.record(payment, p, signed)
	return err
}
