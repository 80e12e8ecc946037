package pillars

import "fmt"

// maxGenesisOutputs bounds the balances of a genesis, all in one transaction.
const maxGenesisOutputs = 10_000

// GenesisBlock returns block 0 of the network [PIL-GEN-1].
func (p *Params) GenesisBlock() (*Block, error) {
	tx := &Transaction{
		Version: VersionGenesis,
		Inputs:  []Input{{Previous: NullOutpoint, Script: []byte(p.Genesis.Text)}},
	}
	if n := len(p.Genesis.Outputs); n == 0 || n > maxGenesisOutputs {
		return nil, fmt.Errorf("genesis of %s has %d outputs, want 1 to %d", p.Name, n, maxGenesisOutputs)
	}
	total, ok := Amount(0), true
	for _, o := range p.Genesis.Outputs {
		to, err := ParseAddress(o.Address, p.Address)
		if err != nil {
			return nil, fmt.Errorf("genesis of %s: %w", p.Name, err)
		}
		if total, ok = total.Add(o.Value); !ok {
			return nil, fmt.Errorf("genesis of %s: balances are above %s", p.Name, MaxMoney)
		}
		tx.Outputs = append(tx.Outputs, Output{Value: o.Value, Script: to.Script()})
	}
	b := &Block{Header: Header{Version: HeaderVersion(PoW, p.Extended), Timestamp: p.Genesis.Timestamp}, Transactions: []*Transaction{tx}}
	b.Bits.SetOne()
	b.Merkle = b.MerkleRoot()
	if p.Extended {
		b.ExtensionRoot = b.Extension.Root()
	}
	return b, nil
}
