package script

import (
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"

	"github.com/asterism-network/asterism/internal/crypto/secp"
)

// A claim is that a signature of a hash by a key verifies, in the bytes in which the engine asks for it.
type claim struct {
	hash     []byte
	key, sig []byte // the signature without its kind, but Taproot's with it
	kind     byte
}

// ahead verifies the signature of an input that asks for just one, faster than the engine does, and returns the cache in which the
// engine looks for signatures that are known to be good. It looks there with the hash, key and signature that it comes
// to itself, so what this function makes of an input cannot change what the engine answers: what is not
// found there it verifies. Nil if there is nothing to say.
func (b *bitcoin) ahead(i int) *txscript.SigCache {
	c, verify := b.claim(i)
	if verify == nil || len(c.hash) != chainhash.HashSize || !verify(&c) {
		return nil
	}
	known := txscript.NewSigCache(1)
	known.Add(chainhash.Hash(c.hash), c.sig, c.key)
	return known
}

// claim finds what an input claims, and who verifies that.
func (b *bitcoin) claim(i int) (claim, func(*claim) bool) {
	in, out := b.tx.TxIn[i], &b.spent[i].Output
	program := out.Script
	if isScriptHash(program) {
		program = redeem(in.SignatureScript)
	}
	switch kind := Classify(program).Template; {
	case kind == WitnessPubKeyHash && len(in.Witness) == 2 && len(in.Witness[0]) > 0:
		c := split(in.Witness[0], in.Witness[1])
		c.hash, _ = txscript.CalcWitnessSigHash(program, b.hashes, txscript.SigHashType(c.kind), b.tx, i, int64(out.Value))
		return c, verifyECDSA
	case kind == PubKeyHash && len(in.Witness) == 0:
		all, ok := instructions(in.SignatureScript)
		if !ok || len(all) != 2 || len(all[0].data) == 0 {
			return claim{}, nil
		}
		c := split(all[0].data, all[1].data)
		c.hash, _ = txscript.CalcSignatureHash(program, txscript.SigHashType(c.kind), b.tx, i)
		return c, verifyECDSA
	case kind == Taproot && len(in.Witness) == 1 && len(in.Witness[0]) >= secp.SchnorrSize:
		c := claim{key: program[2:], sig: in.Witness[0]}
		if len(c.sig) > secp.SchnorrSize {
			c.kind = c.sig[secp.SchnorrSize]
		}
		c.hash, _ = txscript.CalcTaprootSignatureHash(b.hashes, txscript.SigHashType(c.kind), b.tx, i, b.outputs)
		return c, verifySchnorr
	}
	return claim{}, nil
}

// split takes the kind off a signature.
func split(sig, key []byte) claim {
	return claim{sig: sig[:len(sig)-1], kind: sig[len(sig)-1], key: key}
}

func verifyECDSA(c *claim) bool {
	key, err := btcec.ParsePubKey(c.key)
	if err != nil || !strictDER(c.sig) {
		return false
	}
	r, s, ok := scalars(c.sig)
	return ok && secp.VerifyECDSA(key, (*[32]byte)(c.hash), r, s)
}

func verifySchnorr(c *claim) bool {
	key, err := schnorr.ParsePubKey(c.key)
	return err == nil && secp.VerifySchnorr(key, (*[32]byte)(c.hash), (*[secp.SchnorrSize]byte)(c.sig))
}
