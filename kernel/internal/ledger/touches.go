package ledger

import "github.com/asterism-network/asterism/kernel"

// Touches lists all that a transaction can conflict on: two transactions that share none of it
// never do. Each list stands in the order in which the ledger looks for a winner. [EXE-4]
func Touches(tx *kernel.Transaction) (inputs []kernel.OutputRef, keys []kernel.Key, identities []kernel.Hash) {
	inputs, keys = make([]kernel.OutputRef, 0, len(tx.Inputs)), make([]kernel.Key, 0, len(tx.Outputs))
	EachTouch(tx,
		func(ref kernel.OutputRef) { inputs = append(inputs, ref) },
		func(key kernel.Key) { keys = append(keys, key) },
		func(identity kernel.Hash) { identities = append(identities, identity) })
	return inputs, keys, identities
}

// EachTouch calls a function for each of what Touches lists; for a list of several kinds in one.
func EachTouch(tx *kernel.Transaction, input func(kernel.OutputRef), key func(kernel.Key), identity func(kernel.Hash)) {
	for i := range tx.Inputs {
		in := &tx.Inputs[i]
		switch {
		case in.Deposit != nil:
			identity(in.Deposit.Identity())
		case in.Mint != nil, len(in.Genesis) > 0:
			// The mint's identity comes with its class.
		default:
			input(in.OutputRef)
		}
	}
	for i := range tx.Outputs {
		for j := range tx.Outputs[i].Keys {
			key(tx.Outputs[i].Keys[j])
		}
	}
}
