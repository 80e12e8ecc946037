package kernel

import (
	"encoding/hex"
	"encoding/json"
)

// A TransactionView is a transaction as RPC shows it, with the field names of the wider
// ecosystem. It does not show the authorization; whoever needs that reads the binary form.
// Text that is not UTF-8 is shown with replacement characters.
type TransactionView struct {
	Version    int          `json:"version"`
	Asset      AssetID      `json:"asset"`
	Inputs     []InputView  `json:"inputs"`
	Outputs    []OutputView `json:"outputs"`
	Extra      string       `json:"extra"` // hex
	Hash       TxHash       `json:"hash"`
	References []TxHash     `json:"references"` // null when none
}

// An InputView has either hash and index or one of the others.
type InputView struct {
	Hash    *TxHash      `json:"hash,omitempty"`
	Index   *uint16      `json:"index,omitempty"`
	Genesis string       `json:"genesis,omitempty"` // hex
	Deposit *DepositView `json:"deposit,omitempty"`
	Mint    *MintView    `json:"mint,omitempty"`
}

// A DepositView shows a Deposit.
type DepositView struct {
	Chain       AssetID `json:"chain"`
	AssetKey    string  `json:"asset_key"`
	Transaction string  `json:"transaction"`
	Index       uint64  `json:"index"`
	Amount      Amount  `json:"amount"`
}

// A MintView shows a Mint.
type MintView struct {
	Group  string `json:"group"`
	Batch  uint64 `json:"batch"`
	Amount Amount `json:"amount"`
}

// An OutputView shows an Output.
type OutputView struct {
	Type       OutputType      `json:"type"`
	Amount     Amount          `json:"amount"`
	Keys       []Key           `json:"keys,omitempty"`
	Script     Script          `json:"script,omitempty"`
	Mask       Key             `json:"mask,omitzero"`
	Withdrawal *WithdrawalView `json:"withdrawal,omitempty"`
}

// A WithdrawalView shows a Withdrawal.
type WithdrawalView struct {
	Address string `json:"address"`
	Tag     string `json:"tag"`
}

// View returns what RPC shows of the transaction.
func (tx *Transaction) View() TransactionView {
	v := TransactionView{
		Version:    TransactionVersion,
		Asset:      tx.Asset,
		Inputs:     make([]InputView, len(tx.Inputs)),
		Outputs:    make([]OutputView, len(tx.Outputs)),
		Extra:      hex.EncodeToString(tx.Extra),
		Hash:       tx.Hash(),
		References: tx.References,
	}
	for i := range tx.Inputs {
		v.Inputs[i] = tx.Inputs[i].View()
	}
	for i := range tx.Outputs {
		v.Outputs[i] = tx.Outputs[i].View()
	}
	return v
}

// View returns what RPC shows of the input.
func (in *Input) View() InputView {
	switch {
	case len(in.Genesis) > 0:
		return InputView{Genesis: hex.EncodeToString(in.Genesis)}
	case in.Deposit != nil:
		d := DepositView(*in.Deposit)
		return InputView{Deposit: &d}
	case in.Mint != nil:
		m := MintView(*in.Mint)
		return InputView{Mint: &m}
	}
	hash, index := in.Hash, in.Index
	return InputView{Hash: &hash, Index: &index}
}

// View returns what RPC shows of the output.
func (out *Output) View() OutputView {
	v := OutputView{Type: out.Type, Amount: out.Amount, Keys: out.Keys, Script: out.Script, Mask: out.Mask}
	if out.Withdrawal != nil {
		w := WithdrawalView(*out.Withdrawal)
		v.Withdrawal = &w
	}
	return v
}

// MarshalJSON writes the form of View.
func (tx *Transaction) MarshalJSON() ([]byte, error) { return json.Marshal(tx.View()) }
