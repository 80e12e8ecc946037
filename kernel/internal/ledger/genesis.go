package ledger

import (
	"github.com/asterism-network/asterism/kernel"
)

// Genesis returns commit 0 of a network: its assets, and its balances as transactions that are
// final from the start. The transactions are returned too, to be stored and served like any
// other. [EXE-13]
func Genesis(g *kernel.Genesis) (*Diff, []*kernel.Transaction, error) {
	if err := g.Check(); err != nil {
		return nil, nil, err
	}
	transactions, err := kernel.GenesisTransactions(g)
	if err != nil {
		return nil, nil, err
	}
	o := newOverlay(NewMemView(), len(transactions))
	for _, a := range g.Assets {
		o.asset(a.ID, Asset{Chain: a.Chain, Key: a.Key, Symbol: a.Symbol, Ceiling: a.Ceiling})
	}
	for _, tx := range transactions {
		o.found(tx)
	}
	if g.Stake != nil {
		o.foundStake(g, transactions[len(transactions)-len(g.Members):])
		o.foundMint(g)
	}
	return o.close(0, g.Timestamp, kernel.Digest(g.NetworkID())), transactions, nil
}

// found creates the outputs of a genesis transaction.
func (o *overlay) found(tx *kernel.Transaction) {
	hash := tx.Hash()
	asset := o.asset(tx.Asset, Asset{})
	for i := range tx.Outputs {
		out := Output{Output: tx.Outputs[i], Asset: tx.Asset}
		o.create(kernel.OutputRef{Hash: hash, Index: uint16(i)}, out)
		mustAdd(&asset.Deposited, out.Amount)
		mustAdd(&asset.Unspent, out.Amount)
	}
	o.receipt(kernel.Receipt{Transaction: hash, Status: kernel.Final})
}
