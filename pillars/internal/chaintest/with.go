package chaintest

import (
	"slices"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
	"github.com/asterism-network/asterism/pillars/internal/pow"
	"github.com/asterism-network/asterism/pillars/script"
)

// RealWork gives the network the least difficulty, for ever, and its blocks nonces that verify. Call it before Genesis.
func (m *Maker) RealWork() {
	m.Params.PoW.Scale, m.Params.PoW.Up, m.Params.PoW.Down = 1, 0, 0
	m.Params.PoW.Minimum.SetOne()
	sizes := pow.Sizes(m.Params.Ethash)
	caches := pow.NewRecent(sizes, 2)
	m.Work = func(h *pillars.Header) {
		w := pow.Prepare(sizes, h)
		h.Nonce, h.MixHash, _ = pow.Search(caches.Cache(w.Epoch), w, m.Random.Uint64(), 1)
	}
}

// MineWith makes a block under work with the transactions given, which must be valid there.
func (m *Maker) MineWith(on *Link, after uint32, txs ...*pillars.Transaction) *Link {
	b := &pillars.Block{Extension: pillars.Extension{Modifier: on.Branch.Modifier}}
	var err error
	if b.Header, err = on.Branch.Prepare(&m.Params, pillars.PoW, on.Branch.Stamps[0]+after); err != nil {
		panic(err)
	}
	next := m.fill(on, b, nil, 0)
	b.Transactions = append(b.Transactions, txs...)
	for _, tx := range txs {
		for i := range tx.Inputs {
			spent := tx.Inputs[i].Previous
			next.coins = slices.DeleteFunc(next.coins, func(c coin) bool { return c.at == spent })
		}
	}
	b.Merkle, b.ExtensionRoot = b.MerkleRoot(), b.Extension.Root()
	m.Work(&b.Header)
	return m.finish(next, consensus.Reveal{})
}

// Pay makes and signs a transaction of the owner's coins to the owner.
func (m *Maker) Pay(from []pillars.Outpoint, values ...pillars.Amount) *pillars.Transaction {
	coins := make([]coin, len(from))
	for i := range from {
		coins[i].at = from[i]
	}
	tx := m.pay(coins, values...)
	m.Sign(tx)
	return tx
}

// Sign signs all inputs with the owner's key.
func (m *Maker) Sign(tx *pillars.Transaction) {
	for i := range tx.Inputs {
		tx.Inputs[i].Script = nil
	}
	for i := range tx.Inputs {
		tx.Inputs[i].Script = script.Unlock(tx, i, m.Owner.Script(), m.Key)
	}
}

// Free are outputs of the genesis of 50,000 ETP each that blocks of the maker do not spend by themselves, as long as they make no
// payments: all but the first, which block 1 locks a part of.
func (m *Maker) Free() (all []pillars.Outpoint) {
	tx := m.Genesis().Block.Transactions[0]
	for i := Stakes + 1; i < len(tx.Outputs); i++ {
		all = append(all, pillars.Outpoint{Tx: tx.ID(), Index: uint32(i)})
	}
	return all
}

// Coins are outputs of at least a value that payments of a block at a height may spend.
func (l *Link) Coins(height uint32, least pillars.Amount) (all []pillars.Outpoint) {
	for _, c := range l.coins {
		if c.ripe <= height && c.value >= least {
			all = append(all, c.at)
		}
	}
	return all
}
