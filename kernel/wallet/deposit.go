package wallet

import (
	"fmt"
	"io"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// SignDeposit credits an external transfer to a receiver, signed by the custodian of a test
// network: devnets and faucets only, until domains exist. It returns the signed bytes.
func SignDeposit(custodian kernel.Account, asset kernel.AssetID, deposit kernel.Deposit, to Receiver, random io.Reader) ([]byte, error) {
	if err := to.Check(); err != nil {
		return nil, err
	}
	if deposit.Amount.IsZero() || deposit.Transaction == "" || deposit.AssetKey == "" {
		return nil, fmt.Errorf("%w: deposit without amount, transaction or asset key", ErrRequest)
	}
	out, _, err := scriptOutput(&dice{source: random}, to, deposit.Amount, 0)
	if err != nil {
		return nil, err
	}
	tx := kernel.Transaction{
		Asset:   asset,
		Inputs:  []kernel.Input{{Deposit: &deposit}},
		Outputs: []kernel.Output{out},
	}
	hash := tx.Hash()
	sig := custodian.Spend.Sign(hash[:])
	if !crypto.Verify(custodian.Spend.Public(), hash[:], sig) {
		panic("wallet: own signature does not verify")
	}
	tx.Signatures = []kernel.SignatureMap{{{Signature: sig}}}
	return tx.AppendBinary(nil)
}
