package wallet

import (
	"bytes"
	"fmt"
	"io"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// Transactions by which a node becomes a member of a network with stakes: its owner pledges, the
// node's key accepts, and until then the owner may cancel. docs/spec/stake.md has the rules.

// A Pledge locks a member's stake. Signer is the node's key, Payee gets its rewards and the stake
// when it leaves.
type Pledge struct {
	Signer kernel.Key     `json:"signer"`
	Payee  kernel.Address `json:"payee"`
	Amount kernel.Amount  `json:"amount"` // what the network asks, exactly
}

func (p *Pledge) extra() []byte { return kernel.MemberExtra(p.Signer, p.Payee) }

func (r *Request) checkPledge() error {
	p := r.Pledge
	switch {
	case r.Asset != kernel.XIN || r.Withdraw != nil || len(r.Memo) > 0 || r.From != nil:
		return fmt.Errorf("%w: a pledge is of XIN, from the wallet's own outputs, without memo and withdrawal", ErrRequest)
	case !crypto.ValidKey(p.Signer) || p.Signer == p.Payee.Spend:
		return fmt.Errorf("%w: %s is not a node's key, or it is the payee's", ErrRequest, p.Signer)
	}
	return To(p.Payee).Check()
}

// pledgeText names the receiver of a pledge for people.
func pledgeText(extra []byte) string {
	signer, payee, ok := kernel.ParseMemberExtra(extra)
	if !ok {
		return "pledge of nobody"
	}
	return fmt.Sprintf("pledge of node %s for %s", signer, payee)
}

// AcceptPledge makes the transaction by which a node's key accepts a pledge that is final: its
// signed bytes.
func AcceptPledge(pledge *kernel.Transaction, node kernel.NodeKey) ([]byte, error) {
	extra, err := pledgeOf(pledge)
	if err != nil {
		return nil, err
	}
	if signer, _, _ := kernel.ParseMemberExtra(extra); signer != node.Public() {
		return nil, fmt.Errorf("%w: the pledge is of node key %s, not %s", ErrRequest, signer, node.Public())
	}
	tx := kernel.Transaction{
		Asset:   kernel.XIN,
		Inputs:  []kernel.Input{{OutputRef: kernel.OutputRef{Hash: pledge.Hash()}}},
		Outputs: []kernel.Output{{Type: kernel.OutputNodeAccept, Amount: pledge.Outputs[0].Amount}},
		Extra:   extra,
	}
	hash := tx.Hash()
	tx.Signatures = []kernel.SignatureMap{{{Signature: node.Sign(hash[:])}}}
	return tx.AppendBinary(nil)
}

// pledgeOf returns the extra of a pledge, if the transaction is one.
func pledgeOf(tx *kernel.Transaction) ([]byte, error) {
	if tx.Class() != kernel.ClassNodePledge || tx.Outputs[0].Type != kernel.OutputNodePledge {
		return nil, fmt.Errorf("%w: transaction %s is no pledge", ErrRequest, tx.Hash())
	}
	if _, _, ok := kernel.ParseMemberExtra(tx.Extra); !ok {
		return nil, fmt.Errorf("%w: pledge %s names no member", ErrRequest, tx.Hash())
	}
	return bytes.Clone(tx.Extra), nil
}

// CancelPledge makes the transaction that takes a pledge of this wallet back before it is
// accepted, less a hundredth, and returns its signed bytes. It publishes the wallet's private
// view key: from then on everybody can see what the wallet receives and has received.
func (w *Wallet) CancelPledge(pledge *kernel.Transaction, random io.Reader) ([]byte, error) {
	extra, err := pledgeOf(pledge)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	funding := w.facts.outputs[Ref(pledge.Inputs[0].OutputRef)]
	switch {
	case !w.keys.canSpend:
		return nil, ErrWatchOnly
	case funding == nil || funding.Shared():
		return nil, fmt.Errorf("%w: this wallet did not pay pledge %s, or has not scanned what it paid with", ErrRequest, pledge.Hash())
	}
	private, err := w.keys.private(funding.Keys[0], funding.Mask, int(funding.Ref.Index))
	if err != nil {
		return nil, err
	}
	stake := pledge.Outputs[0].Amount
	fee := stake.Hundredth()
	back, _, err := scriptOutput(&dice{source: random}, To(w.keys.address), minus(stake, fee), 1)
	if err != nil {
		return nil, err
	}
	tx := kernel.Transaction{
		Asset:   kernel.XIN,
		Inputs:  []kernel.Input{{OutputRef: kernel.OutputRef{Hash: pledge.Hash()}}},
		Outputs: []kernel.Output{{Type: kernel.OutputNodeCancel, Amount: fee}, back},
		Extra:   append(extra, w.keys.view[:]...),
	}
	hash := tx.Hash()
	tx.Signatures = []kernel.SignatureMap{{{Signature: private.Sign(hash[:])}}}
	return tx.AppendBinary(nil)
}
