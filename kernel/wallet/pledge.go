package wallet

import (
	"fmt"
	"io"
	"math/bits"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// A Pledge stakes XIN for a node, which becomes a member when it accepts.
type Pledge struct {
	Signer kernel.Key     `json:"signer"` // the node's key
	Payee  kernel.Address `json:"payee"`  // rewards and the stake paid back go to it
	Amount kernel.Amount  `json:"amount"`
}

func (p *Pledge) extra() []byte { return kernel.MemberExtra(p.Signer, p.Payee) }

func (p *Pledge) check() error {
	if _, _, ok := kernel.ParseMemberExtra(p.extra()); !ok {
		return fmt.Errorf("%w: the node's key or the payee's address is no valid key, or they are the same", ErrRequest)
	}
	return nil
}

func (p *Pledge) destination() string { return "stake of node " + p.Signer.String() }

// SignAccept turns a pledge into a member's stake, by the node's own key.
func SignAccept(node kernel.NodeKey, pledge kernel.OutputRef, amount kernel.Amount, payee kernel.Address) ([]byte, error) {
	tx := kernel.Transaction{
		Asset:   kernel.XIN,
		Inputs:  []kernel.Input{{OutputRef: pledge}},
		Outputs: []kernel.Output{{Type: kernel.OutputNodeAccept, Amount: amount}},
		Extra:   kernel.MemberExtra(node.Public(), payee),
	}
	hash := tx.Hash()
	tx.Signatures = []kernel.SignatureMap{{{Signature: node.Sign(hash[:])}}}
	return tx.AppendBinary(nil)
}

// SignCancel takes a pledge back that this wallet made: a hundredth goes to the pool, and the
// wallet's private view key becomes public, because the ledger proves with it that the rest goes
// back to the payer. Pledged is the transaction that pledged.
func (w *Wallet) SignCancel(pledged *kernel.Transaction, random io.Reader) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(pledged.Inputs) == 0 || len(pledged.Outputs) == 0 || pledged.Outputs[0].Type != kernel.OutputNodePledge {
		return nil, fmt.Errorf("%w: the transaction is no pledge", ErrRequest)
	}
	paid := w.facts.outputs[Ref(pledged.Inputs[0].OutputRef)]
	if paid == nil || paid.Shared() {
		return nil, fmt.Errorf("%w: the pledge was not paid by this wallet", ErrRequest)
	}
	private, err := w.keys.private(paid.Keys[0], paid.Mask, int(paid.Ref.Index))
	if err != nil {
		return nil, err
	}
	defer clear(private[:])
	amount := pledged.Outputs[0].Amount
	fee := hundredth(amount)
	back, _, err := scriptOutput(&dice{source: random}, To(w.keys.address), minus(amount, fee), 1)
	if err != nil {
		return nil, err
	}
	tx := kernel.Transaction{
		Asset:   kernel.XIN,
		Inputs:  []kernel.Input{{OutputRef: kernel.OutputRef{Hash: pledged.Hash()}}},
		Outputs: []kernel.Output{{Type: kernel.OutputNodeCancel, Amount: fee}, back},
		Extra:   append(append([]byte(nil), pledged.Extra...), w.keys.view[:]...),
	}
	hash := tx.Hash()
	sig := private.Sign(hash[:])
	if !crypto.Verify(paid.Keys[0], hash[:], sig) {
		panic("wallet: own signature does not verify")
	}
	tx.Signatures = []kernel.SignatureMap{{{Signature: sig}}}
	return tx.AppendBinary(nil)
}

// hundredth is what cancelling costs, rounded down.
func hundredth(a kernel.Amount) kernel.Amount {
	hi, lo := a.Units()
	low, _ := bits.Div64(hi%100, lo, 100)
	return kernel.AmountFromUnits(hi/100, low)
}
