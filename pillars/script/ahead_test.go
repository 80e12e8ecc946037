package script

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/asterism-network/asterism/pillars"
)

// aheadSpends are inputs of version 5 that ask for one signature, in every form whose signature is verified ahead, all good.
func aheadSpends(t testing.TB, kind txscript.SigHashType) map[string]*bitcoin {
	key := testKey.PubKey().SerializeCompressed()
	program := pillars.WitnessPubKeyHashAddress(pillars.Hash160(key)).Script()
	hashed, opener := hashedProgram(key)
	taproot := pillars.TaprootAddress([32]byte(schnorr.SerializePubKey(txscript.ComputeTaprootKeyNoScript(testKey.PubKey())))).Script()
	spends := map[string]*bitcoin{}
	for name, output := range map[string][]byte{"witness": program, "hashed": hashed, "key hash": testAddress().Script(), "taproot": taproot} {
		tx := &pillars.Transaction{Version: 5, Bitcoin: 2, Outputs: []pillars.Output{{Value: 3, Script: output}, {Value: 1, Script: output}},
			Inputs: []pillars.Input{{Previous: pillars.Outpoint{Tx: pillars.TxID{1}}, Sequence: 7}}}
		spent := []Spent{{Output: pillars.Output{Value: 5, Script: output}, Version: 5}}
		b := newBitcoin(tx, spent)
		in, err := b.tx.TxIn[0], error(nil)
		switch name {
		case "witness":
			in.Witness, err = txscript.WitnessSignature(b.tx, b.hashes, 0, 5, program, kind, testKey, true)
		case "hashed":
			in.SignatureScript = opener
			in.Witness, err = txscript.WitnessSignature(b.tx, b.hashes, 0, 5, program, kind, testKey, true)
		case "key hash":
			in.SignatureScript, err = txscript.SignatureScript(b.tx, 0, output, kind, testKey, true)
		case "taproot":
			in.Witness, err = txscript.TaprootWitnessSignature(b.tx, b.hashes, 0, 5, output, kind, testKey)
		}
		if err != nil {
			t.Fatal(name, err)
		}
		spends[name] = b
	}
	return spends
}

var aheadKinds = []txscript.SigHashType{
	txscript.SigHashAll, txscript.SigHashNone, txscript.SigHashSingle, txscript.SigHashAll | txscript.SigHashAnyOneCanPay,
	txscript.SigHashSingle | txscript.SigHashAnyOneCanPay,
}

// alone is what the engine says without help.
func (b *bitcoin) alone(rules txscript.ScriptFlags) error {
	out := &b.spent[0].Output
	engine, err := txscript.NewEngine(out.Script, b.tx, 0, rules, nil, b.hashes, int64(out.Value), b.outputs)
	if err != nil {
		return err
	}
	return engine.Execute()
}

// TestAhead: in each of the forms the signature is verified ahead, and where the engine looks for it.
func TestAhead(t *testing.T) {
	for _, kind := range aheadKinds {
		for name, b := range aheadSpends(t, kind) {
			c, verify := b.claim(0)
			known := b.ahead(0)
			if verify == nil || known == nil {
				t.Fatalf("%s, %#x: not verified ahead", name, kind)
			}
			poor := txscript.NewSigCache(1) // says that no signature is known, and takes what the engine verifies
			out := &b.spent[0].Output
			engine, err := txscript.NewEngine(out.Script, b.tx, 0, bitcoinStandard, poor, b.hashes, int64(out.Value), b.outputs)
			if err != nil || engine.Execute() != nil {
				t.Fatalf("%s, %#x: refused", name, kind)
			}
			if !poor.Exists([32]byte(c.hash), c.sig, c.key) {
				t.Errorf("%s, %#x: the engine asks for another signature", name, kind)
			}
		}
	}
	b := aheadSpends(t, txscript.SigHashDefault)["taproot"]
	if b.ahead(0) == nil || b.verify(0, Standard) != nil {
		t.Error("taproot with the default kind")
	}
}

// TestAheadChangesNothing: whatever is done to an input, the engine answers what it would without help.
func TestAheadChangesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	refused := 0
	for round := range 40 {
		for name, b := range aheadSpends(t, aheadKinds[round%len(aheadKinds)]) {
			spoil(r, b)
			with, without := b.verify(0, Block), b.alone(bitcoinBlock)
			if (with == nil) != (without == nil) {
				t.Fatalf("%s, round %d: %v, without help %v", name, round, with, without)
			}
			if without != nil {
				refused++
			}
		}
	}
	if refused < 40 {
		t.Errorf("%d refused", refused)
	}
}

// spoil changes a byte of what an input is opened with, cuts it or makes it longer, or changes what is spent; sometimes it leaves all as it is.
func spoil(r *rand.Rand, b *bitcoin) {
	in := b.tx.TxIn[0]
	parts := []*[]byte{&in.SignatureScript}
	for i := range in.Witness {
		parts = append(parts, &in.Witness[i])
	}
	part := parts[r.IntN(len(parts))]
	*part = slices.Clone(*part)
	switch r.IntN(7) {
	case 0:
		b.spent[0].Output.Value++
	case 1:
		in.Witness = append(in.Witness, wire.TxWitness{{0x50, 1}}...)
	case 2:
		*part = append(*part, byte(r.IntN(4)))
	case 3:
		*part = (*part)[:len(*part)-min(len(*part), 1)]
	case 4:
	default:
		if len(*part) > 0 {
			(*part)[r.IntN(len(*part))] ^= 1 << r.IntN(8)
		}
	}
}

// FuzzAhead: whatever opens an output of one of the forms, the engine answers what it would without help.
func FuzzAhead(f *testing.F) {
	for _, b := range aheadSpends(f, txscript.SigHashAll) {
		in := b.tx.TxIn[0]
		parts := append(slices.Clone(in.Witness), nil, nil)
		f.Add(b.spent[0].Output.Script, in.SignatureScript, parts[0], parts[1], uint8(len(in.Witness)))
	}
	f.Fuzz(func(t *testing.T, output, script, first, second []byte, items uint8) {
		tx := &pillars.Transaction{Version: 5, Bitcoin: 2, Outputs: []pillars.Output{{Value: 3, Script: output}},
			Inputs: []pillars.Input{{Previous: pillars.Outpoint{Tx: pillars.TxID{1}}, Script: script, Witness: [][]byte{first, second}[:items%3]}}}
		b := newBitcoin(tx, []Spent{{Output: pillars.Output{Value: 5, Script: output}, Version: 5}})
		if with, without := b.verify(0, Block), b.alone(bitcoinBlock); (with == nil) != (without == nil) {
			t.Fatalf("%v, without help %v", with, without)
		}
	})
}
