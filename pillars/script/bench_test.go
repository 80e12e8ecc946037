package script

import (
	"testing"

	"github.com/btcsuite/btcd/txscript/v2"

	"github.com/asterism-network/asterism/pillars"
)

// BenchmarkVerify checks one signature of a payment with two inputs and two outputs: on our
// interpreter, on btcd's engine with the same scripts, and in version 5.
func BenchmarkVerify(b *testing.B) {
	payment := func(version uint32) *pillars.Transaction {
		out := pillars.Output{Value: 5, Script: testAddress().Script(), Attachment: pillars.Attachment{Version: 1}}
		if version == pillars.VersionSegWit {
			out.Attachment.Version = 0
		}
		return &pillars.Transaction{Version: version, Bitcoin: 2, Outputs: []pillars.Output{out, out},
			Inputs: []pillars.Input{{Previous: pillars.Outpoint{Tx: pillars.TxID{1}}}, {Previous: pillars.Outpoint{Tx: pillars.TxID{2}}}}}
	}
	output := testAddress().Script()
	spent := []Spent{{Output: pillars.Output{Value: 5, Script: output}, Version: 4}, {Output: pillars.Output{Value: 5, Script: output}, Version: 4}}
	b.Run("ours", func(b *testing.B) {
		tx := payment(4)
		tx.Inputs[0].Script = Unlock(tx, 0, output, testKey)
		for b.Loop() {
			if err := NewChecker(tx, spent, Standard).Input(0); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("btcd", func(b *testing.B) {
		tx := ToBitcoin(payment(5))
		sig, err := txscript.SignatureScript(tx, 0, output, txscript.SigHashAll, testKey, true)
		if err != nil {
			b.Fatal(err)
		}
		tx.TxIn[0].SignatureScript = sig
		for b.Loop() {
			engine, err := txscript.NewEngine(output, tx, 0, txscript.StandardVerifyFlags, nil, nil, 5, txscript.NewCannedPrevOutputFetcher(output, 5))
			if err != nil || engine.Execute() != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("version 5", func(b *testing.B) {
		tx := payment(5)
		program := pillars.WitnessPubKeyHashAddress(pillars.Hash160(testKey.PubKey().SerializeCompressed())).Script()
		for i := range spent {
			spent[i].Output.Script = program
		}
		fetcher := txscript.NewCannedPrevOutputFetcher(program, 5)
		witness, err := txscript.WitnessSignature(ToBitcoin(tx), txscript.NewTxSigHashes(ToBitcoin(tx), fetcher), 0, 5, program, txscript.SigHashAll, testKey, true)
		if err != nil {
			b.Fatal(err)
		}
		tx.Inputs[0].Witness = witness
		for b.Loop() {
			if err := NewChecker(tx, spent, Standard).Input(0); err != nil {
				b.Fatal(err)
			}
		}
	})
}
