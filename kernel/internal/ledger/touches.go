package ledger

import "github.com/asterism-network/asterism/kernel"

// Touches lists all that a transaction can conflict on: two transactions that share none of it
// never do. Each list stands in the order in which the ledger looks for a winner. [EXE-4]
func Touches(tx *kernel.Transaction) (inputs []kernel.OutputRef, keys []kernel.Key, identities []kernel.Hash) {
	for i := range tx.Inputs {
		in := &tx.Inputs[i]
		switch {
		case in.Deposit != nil:
			identities = append(identities, in.Deposit.Identity())
		case in.Mint != nil, len(in.Genesis) > 0:
			// The mint's identity comes with its class.
		default:
			inputs = append(inputs, in.OutputRef)
		}
	}
	for i := range tx.Outputs {
		keys = append(keys, tx.Outputs[i].Keys...)
	}
	return inputs, keys, identities
}
