package script

import (
	"errors"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/asterism-network/asterism/pillars"
)

// What the Bitcoin engine enforces: what blocks of today's Bitcoin keep, and what its nodes relay.
const (
	bitcoinBlock = txscript.ScriptBip16 | txscript.ScriptVerifyDERSignatures | txscript.ScriptVerifyCheckLockTimeVerify |
		txscript.ScriptVerifyCheckSequenceVerify | txscript.ScriptVerifyWitness | txscript.ScriptStrictMultiSig | txscript.ScriptVerifyTaproot
	bitcoinStandard = txscript.StandardVerifyFlags
)

// A bitcoin is a version-5 transaction in btcd's types.
type bitcoin struct {
	tx      *wire.MsgTx
	outputs *txscript.MultiPrevOutFetcher
	hashes  *txscript.TxSigHashes // what all signatures hash alike; only read
	spent   []Spent
}

func newBitcoin(tx *pillars.Transaction, spent []Spent) *bitcoin {
	b := &bitcoin{tx: ToBitcoin(tx), outputs: txscript.NewMultiPrevOutFetcher(nil), spent: spent}
	for i := range spent {
		out := &spent[i].Output
		b.outputs.AddPrevOut(b.tx.TxIn[i].PreviousOutPoint, &wire.TxOut{Value: int64(out.Value), PkScript: out.Script})
	}
	b.hashes = txscript.NewTxSigHashes(b.tx, b.outputs)
	return b
}

func (b *bitcoin) verify(i int, flags Flags) error {
	rules := txscript.ScriptFlags(bitcoinBlock)
	if flags != Block {
		rules = bitcoinStandard
	}
	out := &b.spent[i].Output
	engine, err := txscript.NewEngine(out.Script, b.tx, i, rules, b.ahead(i), b.hashes, int64(out.Value), b.outputs)
	if err == nil {
		err = engine.Execute()
	}
	if err != nil {
		return errors.Join(reject(SegWitFailed, "input %d", i), err)
	}
	return nil
}

// ToBitcoin returns the Bitcoin transaction inside a version-5 transaction.
func ToBitcoin(tx *pillars.Transaction) *wire.MsgTx {
	if !tx.IsSegWit() {
		panic("script: no Bitcoin transaction inside")
	}
	b := wire.NewMsgTx(tx.Bitcoin)
	b.LockTime = tx.LockTime
	for _, in := range tx.Inputs {
		from := wire.OutPoint{Hash: chainhash.Hash(in.Previous.Tx), Index: in.Previous.Index}
		b.TxIn = append(b.TxIn, &wire.TxIn{PreviousOutPoint: from, SignatureScript: in.Script, Witness: in.Witness, Sequence: in.Sequence})
	}
	for _, out := range tx.Outputs {
		b.TxOut = append(b.TxOut, &wire.TxOut{Value: int64(out.Value), PkScript: out.Script})
	}
	return b
}

// FromBitcoin returns the version-5 transaction around a Bitcoin transaction.
func FromBitcoin(b *wire.MsgTx) *pillars.Transaction {
	tx := &pillars.Transaction{Version: pillars.VersionSegWit, Bitcoin: b.Version, LockTime: b.LockTime}
	for i := 0; i < len(b.TxIn); i++ { // the purity check cannot see into btcd's types
		in := b.TxIn[i]
		from := pillars.Outpoint{Tx: pillars.TxID(in.PreviousOutPoint.Hash), Index: in.PreviousOutPoint.Index}
		tx.Inputs = append(tx.Inputs, pillars.Input{Previous: from, Script: in.SignatureScript, Sequence: in.Sequence, Witness: in.Witness})
	}
	for i := 0; i < len(b.TxOut); i++ {
		out := b.TxOut[i]
		tx.Outputs = append(tx.Outputs, pillars.Output{Value: pillars.Amount(out.Value), Script: out.PkScript})
	}
	return tx
}
