package script

import (
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"

	"github.com/asterism-network/asterism/pillars"
)

// Sign returns a signature for an input of a transaction of versions 1 to 4, with its kind behind:
// strict DER, low s, and the nonce of RFC 6979, so signing twice gives the same bytes. The code is
// the output's script, or the redeem script.
func Sign(tx *pillars.Transaction, input int, code []byte, kind byte, key *btcec.PrivateKey) []byte {
	hash := SignatureHash(tx, input, code, kind)
	return append(ecdsa.Sign(key, hash[:]).Serialize(), kind)
}

// Unlock returns the input script that spends an output of the hash of a key, under a lock or not,
// with a signature of everything; nil if the output is no such.
func Unlock(tx *pillars.Transaction, input int, output []byte, key *btcec.PrivateKey) []byte {
	out := Classify(output)
	switch out.Template {
	case PubKeyHash, Attenuation, SequenceLock, LockHeight:
	default:
		return nil
	}
	script := AppendPush(nil, Sign(tx, input, output, SigHashAll, key))
	script = AppendPush(script, key.PubKey().SerializeCompressed())
	if out.Template == LockHeight {
		script = AppendPush(script, Number(int64(out.Lock)))
	}
	return script
}
