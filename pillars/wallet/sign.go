package wallet

import (
	"errors"
	"fmt"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/script"
)

// A hasher computes what signatures of a draft are made over.
type hasher struct {
	draft   *Draft
	bitcoin *wire.MsgTx // version 5 only, and what follows
	outputs *txscript.MultiPrevOutFetcher
	hashes  *txscript.TxSigHashes
}

// hasher prepares one for a draft whose inputs know what they spend.
func (d *Draft) hasher() *hasher {
	h := &hasher{draft: d}
	if !d.Tx.IsSegWit() {
		return h
	}
	h.bitcoin, h.outputs = script.ToBitcoin(d.Tx), txscript.NewMultiPrevOutFetcher(nil)
	for i, in := range h.bitcoin.TxIn {
		spent, _ := d.Spent(i)
		h.outputs.AddPrevOut(in.PreviousOutPoint, &wire.TxOut{Value: int64(spent.Output.Value), PkScript: spent.Output.Script})
	}
	h.hashes = txscript.NewTxSigHashes(h.bitcoin, h.outputs)
	return h
}

// hash is what a signature of everything is made over; taproot signs with the default kind.
func (h *hasher) hash(i int, f *form) ([]byte, error) {
	spent, _ := h.draft.Spent(i)
	switch {
	case h.bitcoin == nil:
		hash := script.SignatureHash(h.draft.Tx, i, f.code, script.SigHashAll)
		return hash[:], nil
	case f.version == 1:
		return txscript.CalcTaprootSignatureHash(h.hashes, txscript.SigHashDefault, h.bitcoin, i, h.outputs)
	case f.version == 0:
		return txscript.CalcWitnessSigHash(f.code, h.hashes, txscript.SigHashAll, h.bitcoin, i, int64(spent.Output.Value))
	}
	return txscript.CalcSignatureHash(f.code, txscript.SigHashAll, h.bitcoin, i)
}

// sign makes one signature.
func (h *hasher) sign(i int, f *form, key *btcec.PrivateKey) (Signature, error) {
	s := Signature{Key: key.PubKey().SerializeCompressed()}
	hash, err := h.hash(i, f)
	if err != nil {
		return s, fmt.Errorf("hash input %d: %w", i, err)
	}
	if f.version != 1 {
		s.Signature = append(ecdsa.Sign(key, hash).Serialize(), script.SigHashAll)
		return s, nil
	}
	tweaked := txscript.TweakTaprootPrivKey(*key, nil)
	defer tweaked.Zero()
	sig, err := schnorr.Sign(tweaked, hash)
	if err != nil {
		return s, fmt.Errorf("sign input %d: %w", i, err)
	}
	s.Signature = sig.Serialize()
	return s, nil
}

// verify judges one signature: of everything, low s, by a key that it says.
func (h *hasher) verify(i int, f *form, s Signature) error {
	bad := func(err error) error { return fmt.Errorf("%w: input %d, key %s: %v", ErrSignature, i, s.Key, err) }
	hash, err := h.hash(i, f)
	if err != nil {
		return bad(err)
	}
	if f.version == 1 {
		return verifyTaproot(hash, s, bad)
	}
	key, err := btcec.ParsePubKey(s.Key)
	if err != nil {
		return bad(err)
	}
	n := len(s.Signature) - 1
	if n < 1 || s.Signature[n] != script.SigHashAll {
		return bad(errors.New("not of everything"))
	}
	sig, err := ecdsa.ParseDERSignature(s.Signature[:n])
	if err != nil {
		return bad(err)
	}
	if !sig.Verify(hash, key) {
		return bad(errors.New("of something else"))
	}
	return nil
}

func verifyTaproot(hash []byte, s Signature, bad func(error) error) error {
	output, err := taprootOutput(s.Key)
	if err != nil {
		return bad(err)
	}
	key, err := schnorr.ParsePubKey(output)
	if err != nil {
		return bad(err)
	}
	sig, err := schnorr.ParseSignature(s.Signature)
	if err != nil {
		return bad(err)
	}
	if !sig.Verify(hash, key) {
		return bad(errors.New("of something else"))
	}
	return nil
}

// taprootOutput returns the output key, 32 bytes, of an internal key that has no scripts (BIP 86).
func taprootOutput(internal []byte) ([]byte, error) {
	key, err := btcec.ParsePubKey(internal)
	if err != nil {
		return nil, err
	}
	return schnorr.SerializePubKey(txscript.ComputeTaprootKeyNoScript(key)), nil
}

// sign adds the signatures that the master key can make to a draft that passed Check, and returns
// their number. Inputs that have enough are left alone.
func (m *master) sign(d *Draft, p *pillars.Params) (added int, err error) {
	if err := d.Check(p); err != nil {
		return 0, err
	}
	h := d.hasher()
	for i := range d.Inputs {
		f, err := d.form(i)
		if err != nil {
			return added, err
		}
		n, err := m.signInput(h, i, &f)
		added += n
		if err != nil {
			return added, err
		}
	}
	return added, d.checkSignatures()
}

func (m *master) signInput(h *hasher, i int, f *form) (added int, err error) {
	in := &h.draft.Inputs[i]
	for k := range in.Keys {
		o := &in.Keys[k]
		if len(in.Signatures) >= f.required || !f.has(o.Key) || in.signature(o.Key) != nil {
			continue
		}
		key, ours, err := m.private(o)
		if err != nil {
			return added, err
		}
		if !ours {
			continue
		}
		s, err := h.sign(i, f, key)
		key.Zero()
		if err != nil {
			return added, err
		}
		s.Key = o.Key
		in.Signatures = append(in.Signatures, s)
		added++
	}
	return added, nil
}
