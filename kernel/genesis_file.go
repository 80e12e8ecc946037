package kernel

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/crypto"
)

// ParseGenesis reads the JSON file and checks it. A field that is not known is an error, so a
// misspelt parameter cannot silently keep its default; so is anything after the object. [GEN]
func ParseGenesis(data []byte) (*Genesis, error) {
	if len(data) > MaxGenesisSize {
		return nil, fmt.Errorf("genesis: %d bytes: the limit is %d", len(data), MaxGenesisSize)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	g := new(Genesis)
	if err := d.Decode(g); err != nil {
		return nil, fmt.Errorf("genesis: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("genesis: text after the object")
	}
	if err := g.Check(); err != nil {
		return nil, err
	}
	return g, nil
}

// MarshalIndentJSON returns the file that ParseGenesis reads: indented, with a final newline.
func (g *Genesis) MarshalIndentJSON() ([]byte, error) {
	b, err := json.MarshalIndent(g, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("genesis: %w", err)
	}
	return append(b, '\n'), nil
}

// GenesisTransactions returns the transactions of commit 0, which pay the genesis balances.
// Everybody computes the same ones: for each asset in the order of the file, its balances in the
// order of the file, at most 256 outputs a transaction. Each has one input that names the
// network, with the transaction's running number as its index. The members' stakes follow, where
// the genesis has any. [GEN-3] [STK-3]
//
// An output belongs to one key of the balance's address. Its secret r is a hash of the network
// and the balance's place in the file, so wallets find their balances by scanning, as always.
func GenesisTransactions(g *Genesis) ([]*Transaction, error) {
	places := make(map[AssetID][]int, len(g.Assets))
	for i, balance := range g.Balances {
		places[balance.Asset] = append(places[balance.Asset], i)
	}
	network := g.NetworkID()
	var all []*Transaction
	for _, asset := range g.Assets {
		var tx *Transaction
		for _, i := range places[asset.ID] {
			if tx == nil || len(tx.Outputs) == maxOutputs {
				tx = genesisTransaction(network, asset.ID, len(all))
				all = append(all, tx)
			}
			out, err := genesisOutput(network, i, g.Balances[i], len(tx.Outputs))
			if err != nil {
				return nil, fmt.Errorf("genesis: balance %d: %w", i, err)
			}
			tx.Outputs = append(tx.Outputs, out)
		}
	}
	return append(all, g.stakeTransactions(network, len(all))...), nil
}

func genesisTransaction(network NetworkID, asset AssetID, number int) *Transaction {
	in := Input{OutputRef: OutputRef{Index: uint16(number)}, Genesis: network[:]}
	return &Transaction{Asset: asset, Inputs: []Input{in}}
}

func genesisOutput(network NetworkID, place int, balance GenesisOutput, index int) (Output, error) {
	h := crypto.SumLabel("asterism genesis output", network[:], codec.AppendU32(nil, uint32(place)))
	r := crypto.ScalarFromWide(join(h, h))
	key, err := crypto.GhostPublic(r, balance.Address.View, balance.Address.Spend, uint64(index))
	if err != nil {
		return Output{}, err
	}
	return Output{
		Type:   OutputScript,
		Amount: balance.Amount,
		Keys:   []Key{key},
		Mask:   crypto.Mask(r),
		Script: NewScript(1),
	}, nil
}
