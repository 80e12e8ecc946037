package script

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"pgregory.net/rapid"

	"github.com/asterism-network/asterism/pillars"
)

// agreed are the policies that both engines have, ours and btcd's.
var agreed = []struct {
	ours Flags
	btcd txscript.ScriptFlags
}{
	{StrictHashType | StrictKeys, txscript.ScriptVerifyStrictEncoding},
	{LowS, txscript.ScriptVerifyLowS},
	{NullDummy, txscript.ScriptStrictMultiSig},
	{NullFail, txscript.ScriptVerifyNullFail},
	{MinimalPush, txscript.ScriptVerifyMinimalData},
	{NoSpareNops, txscript.ScriptDiscourageUpgradableNops},
	{CleanStack, txscript.ScriptVerifyCleanStack},
	{PushOnlyInputs, txscript.ScriptVerifySigPushOnly},
}

// FuzzAgainstBitcoin runs the same scripts on our interpreter, with Bitcoin's signature hash, and on
// btcd's engine: both accept or both refuse. Scripts with one of the two bytes that mean something
// else here do not count.
func FuzzAgainstBitcoin(f *testing.F) {
	for _, s := range coreSeeds(f) {
		f.Add(s.unlock, s.output, uint8(0), uint32(7), uint32(9))
		f.Add(s.unlock, s.output, uint8(255), uint32(500_000_009), uint32(sequenceFinal-1))
	}
	f.Fuzz(func(t *testing.T, unlock, output []byte, policy uint8, lockTime, sequence uint32) {
		if slices.ContainsFunc([][]byte{unlock, output}, func(s []byte) bool {
			return bytes.IndexByte(s, OpCheckAttenuation) >= 0 || bytes.IndexByte(s, OpCheckSequence) >= 0
		}) {
			return
		}
		flags, theirs := Block, txscript.ScriptBip16|txscript.ScriptVerifyDERSignatures|txscript.ScriptVerifyCheckLockTimeVerify
		for i, a := range agreed {
			if policy>>i&1 == 1 {
				flags, theirs = flags|a.ours, theirs|a.btcd
			}
		}
		tx := coreSpend(unlock, output)
		tx.LockTime, tx.Inputs[0].Sequence = lockTime, sequence
		ours, why := oursAccepts(tx, output, flags)
		btcd, reason := btcdAccepts(tx, output, theirs)
		if errors.Is(why, KeyEncoding) { // Core, and we, look at a key beside an empty signature too
			return
		}
		if ours != btcd {
			t.Fatalf("%s | %s: ours %v, btcd %v", Text(unlock), Text(output), why, reason)
		}
	})
}

func oursAccepts(tx *pillars.Transaction, output []byte, flags Flags) (bool, error) {
	m := &machine{tx: tx, flags: flags}
	m.sigHash = func(code []byte, kind byte) pillars.Hash { return bitcoinHash(tx, 0, code, uint32(kind)) }
	err := m.verify(output)
	return err == nil, err
}

func btcdAccepts(tx *pillars.Transaction, output []byte, flags txscript.ScriptFlags) (bool, error) {
	inside := *tx
	inside.Version, inside.Bitcoin = pillars.VersionSegWit, 1
	fetcher := txscript.NewCannedPrevOutputFetcher(output, 0)
	engine, err := txscript.NewEngine(output, ToBitcoin(&inside), 0, flags, nil, nil, 0, fetcher)
	if err == nil {
		err = engine.Execute()
	}
	return err == nil, err
}

type seed struct{ unlock, output []byte }

// coreSeeds are the scripts of Core's tests.
func coreSeeds(t testing.TB) (all []seed) {
	var cases [][]any
	load(t, "script_tests.json", &cases)
	words := coreOpcodes()
	for _, c := range cases {
		if len(c) < 4 {
			continue
		}
		if _, witness := c[0].([]any); witness || strings.Contains(c[2].(string), "WITNESS") {
			continue
		}
		unlock, ok1 := assemble(t, c[0].(string), words)
		output, ok2 := assemble(t, c[1].(string), words)
		if ok1 && ok2 {
			all = append(all, seed{unlock, output})
		}
	}
	return all
}

// FuzzText writes any script as text and reads it back: the same instructions, and what is read
// from any text is written and read again the same.
func FuzzText(f *testing.F) {
	for _, o := range sampleOutputs() {
		f.Add(o.Script(), Text(o.Script()))
	}
	f.Add([]byte{2, 1}, "<0201> <ff> [ 00 ] -1 zero 16")
	f.Fuzz(func(t *testing.T, script []byte, text string) {
		if len(script) <= MaxScriptSize {
			again, err := ParseText(Text(script))
			if err != nil || Text(again) != Text(script) {
				t.Fatalf("%s, then %s, %v", Text(script), Text(again), err)
			}
		}
		if parsed, err := ParseText(text); err == nil {
			if again, err := ParseText(Text(parsed)); err != nil || Text(again) != Text(parsed) {
				t.Fatalf("%q is %x, then %x, %v", text, parsed, again, err)
			}
		}
	})
}

// FuzzClassify finds the template of any script: what is described and written again is the same
// template, and no script brings the interpreter down.
func FuzzClassify(f *testing.F) {
	for _, o := range sampleOutputs() {
		f.Add(o.Script())
	}
	for _, s := range coreSeeds(f) {
		f.Add(s.output)
	}
	key, _ := btcec.PrivKeyFromBytes([]byte{1})
	f.Fuzz(func(t *testing.T, script []byte) {
		out := Classify(script)
		if out.Template == Unknown {
			return
		}
		again := Classify(out.Script())
		if again.Template != out.Template || again.Address != out.Address || again.Lock != out.Lock || again.Model != out.Model ||
			again.From != out.From || !bytes.Equal(again.Data, out.Data) || again.Required != out.Required {
			t.Fatalf("%s: %+v, then %+v", Text(script), out, again)
		}
		tx := &pillars.Transaction{Version: 4, Inputs: []pillars.Input{{}}, Outputs: []pillars.Output{{}}}
		tx.Inputs[0].Script = Unlock(tx, 0, script, key)
		_ = NewChecker(tx, []Spent{{Output: pillars.Output{Script: script}, Version: 4}}, Standard).Verify()
		_ = SigOps(tx, []Spent{{Output: pillars.Output{Script: script}}})
	})
}

// sampleOutputs has one output of each template.
func sampleOutputs() []Output {
	key, _ := btcec.PrivKeyFromBytes([]byte{1})
	public := key.PubKey().SerializeCompressed()
	to := pillars.PubKeyHashAddress(pillars.Hash160(public))
	return []Output{
		{Template: PubKey, Keys: [][]byte{public}, Address: to},
		{Template: PubKeyHash, Address: to},
		{Template: MultiSig, Required: 1, Keys: [][]byte{public, public}},
		{Template: ScriptHash, Address: pillars.ScriptHashAddress([20]byte{1})},
		{Template: NullData, Data: []byte("data")},
		{Template: BlackHole, Address: pillars.BlackHole()},
		{Template: LockHeight, Address: to, Lock: 25200},
		{Template: Attenuation, Address: to, Model: "PN=0;LH=20;TYPE=1;LQ=15;LP=60;UN=3", From: pillars.NullOutpoint},
		{Template: SequenceLock, Address: to, Lock: 24000},
		{Template: WitnessPubKeyHash, Address: pillars.WitnessPubKeyHashAddress([20]byte{1})},
		{Template: WitnessScriptHash, Address: pillars.WitnessScriptHashAddress([32]byte{1})},
		{Template: Taproot, Address: pillars.TaprootAddress([32]byte{1})},
		{Template: Empty},
	}
}

// TestCutScripts joins pieces of templates, some swallowed by pushes before them: nothing brings
// classifying, counting or running down.
func TestCutScripts(t *testing.T) {
	var pieces [][]byte
	for _, o := range sampleOutputs() {
		script := o.Script()
		pieces = append(pieces, script, script[:len(script)/2], script[len(script)/2:])
	}
	for _, b := range []byte{Op0, Op1, 1, 20, 25, 33, 36, OpPushData1, OpPushData2, OpPushData4, OpCheckMultiSig, OpCheckSig, OpReturn, OpIf, OpEndIf} {
		pieces = append(pieces, []byte{b})
	}
	rapid.Check(t, func(t *rapid.T) {
		for range 60 {
			cutScript(t, pieces)
		}
	})
}

func cutScript(t *rapid.T, pieces [][]byte) {
	output := slices.Concat(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 5).Draw(t, "output")...)
	unlock := slices.Concat(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 3).Draw(t, "unlock")...)
	for _, version := range []uint32{1, 4, 5} {
		tx := &pillars.Transaction{Version: version, Bitcoin: 2, Inputs: []pillars.Input{{Script: unlock}}, Outputs: []pillars.Output{{Script: output}}}
		spent := []Spent{{Output: pillars.Output{Script: output}, Version: version}}
		_ = CheckOutputs(tx)
		_ = CheckRelease(tx, spent, []uint32{5})
		_ = SigOps(tx, spent)
		_ = NewChecker(tx, spent, Standard).Verify()
		_ = NewChecker(tx, spent, Block).Verify()
	}
	if again, err := ParseText(Text(output)); err != nil || Text(again) != Text(output) {
		t.Fatalf("%x: %s, then %s, %v", output, Text(output), Text(again), err)
	}
}
