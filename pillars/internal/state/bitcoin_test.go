package state

import (
	"github.com/btcsuite/btcd/txscript/v2"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/script"
)

// bitcoinSignature signs an input of a version-5 transaction that spends the hash of a key.
func bitcoinSignature(tx *pillars.Transaction, i int, output []byte, who *person) ([]byte, error) {
	return txscript.SignatureScript(script.ToBitcoin(tx), i, output, txscript.SigHashAll, who.key, true)
}
