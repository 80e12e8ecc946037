package sim

import (
	"fmt"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// This file is what clients do that they should not, and what is unusual.

// double makes two payments that spend the same and sends them to different nodes at once.
func (c *clients) double() {
	p := c.spend("double", 2)
	if p == nil {
		return
	}
	shared := p.inputs[:1]
	q := c.draft("double", append([]coin0{}, shared...))
	p.rival, q.rival = q, p
	c.finish(p)
	c.finish(q)
	c.w.faults["client_double_spend"]++
}

// wrong makes a transaction that can never become final.
func (c *clients) wrong() {
	p := c.spend("wrong", 1)
	if p == nil {
		return
	}
	c.coins = append(c.coins, p.inputs...) // what is refused spends nothing
	p.bad = true
	switch c.w.rng.work.IntN(4) {
	case 0: // spends one output twice, and pays out the double
		p.kind = "duplicate_input"
		c.twice(p)
	case 1:
		p.kind = "bad_signature"
		c.sign(p)
		p.tx.Signatures[0][0].Signature[40] ^= 1
		p.raw = encode(p.tx)
	case 2:
		p.kind = "wrong_sum"
		more, _ := p.tx.Outputs[0].Amount.Add(kernel.NewAmount(1))
		p.tx.Outputs[0].Amount = more
		c.sign(p)
	default:
		p.kind = "foreign_key"
		p.inputs[0].private, _ = purseKey(c.purse)
		c.purse++
		c.sign(p)
	}
	c.w.faults["client_"+p.kind]++
	c.enter(p)
}

// twice turns a draft into one that spends its input twice.
func (c *clients) twice(p *payment) {
	in := p.inputs[0]
	p.inputs = []coin0{in, in}
	p.outputs = nil
	_, units := in.amount.Units()
	p.tx.Inputs = []kernel.Input{{OutputRef: in.ref}, {OutputRef: in.ref}}
	p.tx.Outputs = nil
	c.output(p, 2*units)
	c.sign(p)
}

// deposit credits value from outside, now and then the same transfer twice.
func (c *clients) deposit() {
	c.deposits++
	d := kernel.Deposit{Chain: kernel.ETH, AssetKey: kernel.XINAssetKey, Transaction: fmt.Sprintf("0x%064x", c.deposits), Index: 1, Amount: kernel.NewAmount(5_00000000)}
	p := c.credit(d)
	if c.w.rng.work.IntN(4) > 0 {
		c.finish(p)
		return
	}
	q := c.credit(d)
	p.rival, q.rival = q, p
	c.finish(p)
	c.finish(q)
	c.w.faults["client_deposit_twice"]++
}

func (c *clients) credit(d kernel.Deposit) *payment {
	p := &payment{kind: "deposit"}
	p.tx = &kernel.Transaction{Asset: kernel.XIN, Inputs: []kernel.Input{{Deposit: &d}}}
	_, units := d.Amount.Units()
	c.output(p, units)
	return p
}

// withdraw turns a draft into one whose first output leaves the ledger.
func (c *clients) withdraw(p *payment) {
	p.tx.Outputs[0] = kernel.Output{
		Type: kernel.OutputWithdrawalSubmit, Amount: p.tx.Outputs[0].Amount,
		Withdrawal: &kernel.Withdrawal{Address: "0x00000000000000000000000000000000000000aa"},
	}
	p.outputs = p.outputs[1:]
	c.finish(p)
}

// envelope gives a signed payment a second form: one signature for all inputs instead of one
// each. The transaction, and so its hash, is the same.
func (c *clients) envelope(p *payment) {
	var keys []kernel.Key
	var signers []uint16
	var privates []kernel.Scalar
	for i, in := range p.inputs {
		keys, signers, privates = append(keys, in.private.Public()), append(signers, uint16(i)), append(privates, in.private)
	}
	sig, err := crypto.AggregateSign(keys, signers, privates, p.hash, make([]byte, 32))
	if err != nil {
		panic("sim: aggregate signature: " + err.Error())
	}
	other := *p.tx
	other.Signatures, other.Aggregate = nil, &kernel.AggregateSignature{Signers: signers, Signature: sig}
	p.again = encode(&other)
}

// signature signs for a client. Now and then the signature has a part of small order: good by
// the equation with the cofactor, which is the ledger's, and by that one only.
func (c *clients) signature(private kernel.Scalar, hash kernel.TxHash) kernel.Signature {
	if c.w.rng.work.IntN(16) == 0 {
		c.w.reached("cofactor_signature")
		return torsionSign(private, hash)
	}
	return private.Sign(hash[:])
}
