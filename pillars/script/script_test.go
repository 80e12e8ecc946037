package script

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/txscript/v2"

	"github.com/asterism-network/asterism/pillars"
)

var testKey, _ = btcec.PrivKeyFromBytes([]byte{7})

func testAddress() pillars.Address {
	return pillars.PubKeyHashAddress(pillars.Hash160(testKey.PubKey().SerializeCompressed()))
}

// TestPublishedSignatures verifies what stakers of the running network signed in two published
// blocks: four signatures over transactions with attachments [PIL-SIG-3].
func TestPublishedSignatures(t *testing.T) {
	text, err := os.ReadFile("../../testdata/vectors/pillars_blocks.json")
	if err != nil {
		t.Fatal(err)
	}
	var blocks []struct {
		Bytes string
		Stake string `json:"stake_script"`
	}
	if err := json.Unmarshal(text, &blocks); err != nil {
		t.Fatal(err)
	}
	verified := 0
	for _, v := range blocks {
		b := new(pillars.Block)
		if err := b.UnmarshalBinary(unhex(t, v.Bytes)); err != nil {
			t.Fatal(err)
		}
		tx := b.Transactions[1]
		spent := make([]Spent, len(tx.Inputs))
		for i := range spent {
			spent[i] = Spent{Output: pillars.Output{Script: unhex(t, v.Stake)}, Version: 1}
		}
		if err := NewChecker(tx, spent, Standard).Verify(); err != nil {
			t.Errorf("block %d: %v", b.Number, err)
		}
		if err := CheckOutputs(tx); err != nil {
			t.Errorf("block %d: %v", b.Number, err)
		}
		verified += len(tx.Inputs)
		tx.Outputs[1].Attachment.Version = pillars.AttachmentBare // now they cover something else
		if err := NewChecker(tx, spent, Block).Verify(); !errors.Is(err, EvalFalse) {
			t.Errorf("block %d with another attachment: %v", b.Number, err)
		}
	}
	if verified != 4 {
		t.Errorf("%d signatures, want 4", verified)
	}
}

// A spend is one input of a good transaction and what it spends.
type spend struct {
	tx     *pillars.Transaction
	output []byte
	from   uint32 // version of the transaction that made it
	flags  Flags
}

func (s *spend) judge() error {
	if err := CheckOutputs(s.tx); err != nil {
		return err
	}
	return NewChecker(s.tx, []Spent{{Output: pillars.Output{Script: s.output, Value: 5}, Version: s.from}}, s.flags).Verify()
}

// sign unlocks the output with the test key.
func (s *spend) sign() { s.tx.Inputs[0].Script = Unlock(s.tx, 0, s.output, testKey) }

// runs makes an output with the script, unlocked by what another pushes.
func (s *spend) runs(unlock, output []byte) {
	s.tx.Version, s.from = pillars.VersionFirst, pillars.VersionFirst
	s.tx.Inputs[0].Script, s.output = unlock, output
}

func validSpend() *spend {
	s := &spend{output: testAddress().Script(), from: 4, flags: Standard, tx: &pillars.Transaction{
		Version: 4, LockTime: 100, Inputs: []pillars.Input{{Previous: pillars.Outpoint{Tx: pillars.TxID{1}}, Sequence: 50}},
		Outputs: []pillars.Output{{Value: 4, Script: testAddress().Script(), Attachment: pillars.Attachment{Version: 1}}},
	}}
	s.sign()
	return s
}

func repeated(op byte, n int) []byte { return []byte(strings.Repeat(string([]byte{op}), n)) }

// TestScriptRules breaks one fact of a good spend at a time; each rule has a case.
func TestScriptRules(t *testing.T) {
	good := validSpend().tx.Inputs[0].Script
	sig, key := good[1:1+good[0]], testKey.PubKey().SerializeCompressed()
	runs := func(unlock, output []byte) func(s *spend) { return func(s *spend) { s.runs(unlock, output) } }
	push := func(items ...[]byte) (script []byte) {
		for _, item := range items {
			script = AppendPush(script, item)
		}
		return script
	}
	locked := func(lock int64, op byte) func(s *spend) {
		return func(s *spend) {
			s.output = append(append(AppendPush(nil, Number(lock)), op, OpDrop), testAddress().Script()...)
			s.from, s.tx.Version = 1, 2
			s.tx.Inputs[0].Script = append(push(Sign(s.tx, 0, s.output, SigHashAll, testKey)), push(key)...)
			s.flags = Block
		}
	}
	model := "PN=0;LH=20;TYPE=1;LQ=15;LP=60;UN=3"
	attenuated := func(change func(o *Output)) func(s *spend) {
		return func(s *spend) {
			o := Output{Template: Attenuation, Address: testAddress(), Model: model, From: pillars.NullOutpoint}
			s.tx.Outputs[0].Attachment.Payload = pillars.AssetTransfer{Symbol: "A", Quantity: 15}
			change(&o)
			s.tx.Outputs[0].Script = o.Script()
		}
	}
	seen := map[Rule]bool{}
	for _, tt := range []struct {
		name   string
		broken func(s *spend)
		want   Rule
	}{
		{"nothing left", runs(nil, []byte{OpNop}), EvalFalse},
		{"minus zero", runs(nil, []byte{1, 0x80}), EvalFalse},
		{"other transaction", func(s *spend) { s.flags = Block; s.tx.LockTime++ }, EvalFalse},
		{"long script", runs(nil, repeated(Op1, MaxScriptSize+1)), ScriptSize},
		{"long item", runs(nil, AppendPush(nil, make([]byte, 521))), PushSize},
		{"202 opcodes", runs(nil, append(repeated(OpNop, 202), Op1)), OpCount},
		{"1001 items", runs(nil, append(repeated(Op1, 1000), OpDup)), StackSize},
		{"21 keys", runs(nil, []byte{Op0, Op0, 1, 21, OpCheckMultiSig}), KeyCount},
		{"minus one key", runs(nil, []byte{Op0, Op0, Op1Negate, OpCheckMultiSig}), KeyCount},
		{"more signatures than keys", runs(nil, []byte{Op0, Op1, Op1, Op0, OpCheckMultiSig}), SigCount},
		{"reserved", runs(nil, []byte{OpReserved}), BadOpcode},
		{"verif, not reached", runs(nil, []byte{Op0, OpIf, OpVerIf, OpEndIf, Op1}), BadOpcode},
		{"ends in a push", runs(nil, []byte{Op1, 2, 1}), BadOpcode},
		{"cat, not reached", runs(nil, []byte{Op0, OpIf, OpCat, OpEndIf, Op1}), DisabledOpcode},
		{"dup of nothing", runs(nil, []byte{OpDup}), StackOperation},
		{"pick too deep", runs(nil, []byte{Op1, Op1, OpPick}), StackOperation},
		{"nothing on the second stack", runs(nil, []byte{OpFromAlt}), AltStackOperation},
		{"else without if", runs(nil, []byte{Op1, OpElse}), UnbalancedIf},
		{"if without end", runs(nil, []byte{Op1, OpIf, Op1}), UnbalancedIf},
		{"return", runs(nil, []byte{Op1, OpReturn}), ReturnReached},
		{"verify", runs(nil, []byte{Op1, Op0, OpVerify}), VerifyFailed},
		{"another key", func(s *spend) { s.tx.Inputs[0].Script = push(sig, append([]byte{key[0] ^ 1}, key[1:]...)) }, EqualVerifyFailed},
		{"equalverify", runs(nil, []byte{Op1, Op1, Op16, OpEqualVerify}), EqualVerifyFailed},
		{"numequalverify", runs(nil, []byte{Op1, Op1, Op16, OpNumEqualVerify}), NumEqualVerifyFailed},
		{"checksigverify", func(s *spend) {
			s.runs(push(nil), append(append(push(key), OpCheckSigVerify), Op1))
		}, CheckSigVerifyFailed},
		{"checkmultisigverify", runs(nil, append(append([]byte{Op1, Op0, Op0, Op1}, push(key)...), Op1, OpCheckMultiSigVerify)), MultiSigVerifyFailed},
		{"number of five bytes", runs(nil, append(push([]byte{1, 2, 3, 4, 5}), Op1Add)), NumberInvalid},
		{"number with a needless zero", runs(nil, append(push([]byte{1, 0}), Op1Add)), NumberInvalid},
		{"signature with a needless zero", func(s *spend) {
			long := append([]byte{0x30, sig[1] + 1, 2, sig[3] + 1, 0}, sig[4:]...)
			s.tx.Inputs[0].Script = push(long, key)
		}, SignatureDER},
		{"signature with a byte behind", func(s *spend) {
			s.tx.Inputs[0].Script = push(append(sig[:len(sig)-1:len(sig)-1], 0, 1), key)
		}, SignatureDER},
		{"redeem script not pushed", func(s *spend) {
			redeem := []byte{Op1}
			s.flags, s.output = Block, pillars.ScriptHashAddress(pillars.Hash160(redeem)).Script()
			s.tx.Inputs[0].Script = append([]byte{OpNop}, push(redeem)...)
		}, ScriptHashPushes},
		{"input does something", func(s *spend) { s.tx.Inputs[0].Script = append([]byte{OpNop}, good...) }, ScriptHashPushes},
		{"lock before time", locked(-1, OpCheckLockTime), LockTimeNegative},
		{"lock too high", locked(101, OpCheckLockTime), LockTimeUnsatisfied},
		{"lock of another sort", locked(lockTimeSeconds, OpCheckLockTime), LockTimeUnsatisfied},
		{"lock with a final input", func(s *spend) { s.tx.Inputs[0].Sequence = sequenceFinal; locked(100, OpCheckLockTime)(s) }, LockTimeUnsatisfied},
		{"relative lock too long", locked(51, OpCheckSequence), LockTimeUnsatisfied},
		{"relative lock of another sort", locked(50|sequenceSeconds, OpCheckSequence), LockTimeUnsatisfied},
		{"relative lock switched off", func(s *spend) { s.tx.Inputs[0].Sequence |= sequenceDisabled; locked(50, OpCheckSequence)(s) }, LockTimeUnsatisfied},
		{"relative lock in version 1", func(s *spend) { locked(50, OpCheckSequence)(s); s.tx.Version = 1 }, LockTimeUnsatisfied},
		{"not a model", runs(nil, append(push([]byte("PN=0"), make([]byte, 36)), OpCheckAttenuation, Op1)), AttenuationInvalid},
		{"not an outpoint", runs(nil, append(push([]byte(model), make([]byte, 35)), OpCheckAttenuation, Op1)), AttenuationInvalid},
		{"output with no model", attenuated(func(o *Output) { o.Model = "PN=0" }), AttenuationInvalid},
		{"witness program under version 4", func(s *spend) { s.output = pillars.TaprootAddress([32]byte{1}).Script() }, WrongKind},
		{"multisig of the other kind", func(s *spend) {
			s.output, s.from = Output{Template: MultiSig, Required: 1, Keys: [][]byte{key}}.Script(), 5
		}, WrongKind},
		{"hashed witness program under version 4", func(s *spend) {
			s.output, s.tx.Inputs[0].Script = hashedProgram(key)
			s.flags = Block
		}, WrongKind},
		{"hashed witness program under version 4, made by version 5", func(s *spend) {
			s.output, s.tx.Inputs[0].Script = hashedProgram(key)
			s.flags, s.from = Block, 5
		}, WrongKind},
		{"version 5 with the signature of version 4", func(s *spend) { s.tx.Version, s.tx.Bitcoin = 5, 2; s.tx.Outputs[0].Attachment.Version = 0 }, SegWitFailed},
		{"unknown output", func(s *spend) { s.tx.Outputs[0].Script = []byte{Op1} }, OutputTemplate},
		{"empty output", func(s *spend) { s.tx.Outputs[0].Script = nil }, OutputTemplate},
		{"asset under a witness program", func(s *spend) {
			s.tx.Outputs[0].Script = pillars.TaprootAddress([32]byte{1}).Script()
			s.tx.Outputs[0].Attachment.Payload = pillars.AssetTransfer{Symbol: "A", Quantity: 1}
		}, OutputWitness},
		{"signature of kind 4", func(s *spend) { s.tx.Inputs[0].Script = push(Sign(s.tx, 0, s.output, 4, testKey), key) }, SignatureHashType},
		{"high s", func(s *spend) { s.tx.Inputs[0].Script = push(highS(sig), key) }, SignatureHighS},
		{"hybrid key", func(s *spend) {
			long := testKey.PubKey().SerializeUncompressed()
			long[0] = 6 | long[64]&1
			s.output = pillars.PubKeyHashAddress(pillars.Hash160(long)).Script()
			s.tx.Inputs[0].Script = push(Sign(s.tx, 0, s.output, SigHashAll, testKey), long)
		}, KeyEncoding},
		{"dummy of a multisig", func(s *spend) {
			s.output = Output{Template: MultiSig, Required: 1, Keys: [][]byte{key}}.Script()
			s.tx.Inputs[0].Script = append([]byte{Op1}, push(Sign(s.tx, 0, s.output, SigHashAll, testKey))...)
		}, NullDummyBroken},
		{"useless signature", func(s *spend) {
			s.runs(push(sig), append(push(key), OpCheckSig, OpNot))
		}, NullFailBroken},
		{"long push", runs(append([]byte{OpPushData1, 1}, 9), nil), PushNotMinimal},
		{"push of a small number", runs([]byte{1, 5}, nil), PushNotMinimal},
		{"nop10", runs(nil, []byte{OpNop10, Op1}), NopDiscouraged},
		{"a second item", func(s *spend) { s.tx.Inputs[0].Script = append([]byte{Op1}, good...) }, StackNotClean},
		{"lock of more than there is", attenuated(func(o *Output) { o.Model = strings.Replace(model, "15", "16", 1) }), LockAmount},
		{"lock of no asset", func(s *spend) {
			attenuated(func(*Output) {})(s)
			s.tx.Outputs[0].Attachment.Payload = nil
		}, LockAmount},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := validSpend()
			if err := s.judge(); err != nil {
				t.Fatal("base case is not valid:", err)
			}
			tt.broken(s)
			if err := s.judge(); !errors.Is(err, tt.want) {
				t.Fatalf("%v, want %v", err, tt.want)
			}
		})
		seen[tt.want] = true
	}
	seen[LockUnknown], seen[LockLost], seen[LockEarly] = true, true, true // TestReleaseRules
	for r := Rule(1); r < ruleEnd; r++ {
		if !seen[r] {
			t.Errorf("%s has no case", r)
		}
		if strings.HasPrefix(r.String(), "rule_") || r.String() == "" {
			t.Errorf("%d has no name", r)
		}
	}
}

// highS returns the other form of a signature, with its kind behind.
func highS(sig []byte) []byte {
	r, s, _ := scalars(sig[:len(sig)-1])
	s.Negate()
	body := func(v *btcec.ModNScalar) []byte {
		b := v.Bytes()
		out := b[:]
		for len(out) > 1 && out[0] == 0 && out[1] < 0x80 {
			out = out[1:]
		}
		if out[0] >= 0x80 {
			out = append([]byte{0}, out...)
		}
		return append([]byte{2, byte(len(out))}, out...)
	}
	both := append(body(r), body(s)...)
	return append(append([]byte{0x30, byte(len(both))}, both...), sig[len(sig)-1])
}

// TestBlocksTakeOtherForms checks that policy is no rule: a block may hold each of these.
func TestBlocksTakeOtherForms(t *testing.T) {
	s := validSpend()
	sig, key := s.tx.Inputs[0].Script[1:1+s.tx.Inputs[0].Script[0]], testKey.PubKey().SerializeCompressed()
	for name, unlock := range map[string][]byte{
		"high s":        append(AppendPush(nil, highS(sig)), AppendPush(nil, key)...),
		"odd kind":      append(AppendPush(nil, Sign(s.tx, 0, s.output, 4, testKey)), AppendPush(nil, key)...),
		"nop in input":  append([]byte{OpNop}, s.tx.Inputs[0].Script...),
		"a second item": append([]byte{Op1}, s.tx.Inputs[0].Script...),
		"long push":     append(append([]byte{OpPushData1, byte(len(sig))}, sig...), AppendPush(nil, key)...),
	} {
		s.tx.Inputs[0].Script = unlock
		if s.flags = Block; s.judge() != nil {
			t.Errorf("%s: %v", name, s.judge())
		}
		if s.flags = Standard; s.judge() == nil {
			t.Errorf("%s is relayed", name)
		}
	}
}

// TestTemplatesUnlock spends an output of each template that a single key unlocks, and describes
// and names them all [PIL-TPL-1].
func TestTemplatesUnlock(t *testing.T) {
	for _, lock := range []Output{
		{Template: PubKeyHash, Address: testAddress()},
		{Template: LockHeight, Address: testAddress(), Lock: 25200},
		{Template: LockHeight, Address: testAddress(), Lock: 10},
		{Template: SequenceLock, Address: testAddress(), Lock: 50},
		{Template: SequenceLock, Address: testAddress(), Lock: sequenceSeconds | 5},
		{Template: Attenuation, Address: testAddress(), Model: "PN=0;LH=20;TYPE=1;LQ=15;LP=60;UN=3", From: pillars.NullOutpoint},
	} {
		s := validSpend()
		s.output = lock.Script()
		if lock.Template == SequenceLock {
			s.tx.Inputs[0].Sequence = lock.Lock
		}
		s.sign()
		if err := s.judge(); err != nil {
			t.Errorf("%s: %v", lock.Template, err)
		}
	}
	listed := map[Template]bool{}
	for _, o := range sampleOutputs() {
		listed[o.Template] = true
		if got := Classify(o.Script()); got.Template != o.Template || got.Address != o.Address {
			t.Errorf("%s is %+v", o.Template, got)
		}
	}
	for _, template := range Templates() {
		if !listed[template] || template.String() == "unknown" {
			t.Errorf("no sample of %s", template)
		}
	}
	if Text(sampleOutputs()[8].Script()) != "[ c05d ] checksequenceverify drop dup hash160 [ "+hexOf(testKeyHash(1))+" ] equalverify checksig" {
		t.Error(Text(sampleOutputs()[8].Script()))
	}
}

func testKeyHash(seed byte) []byte {
	key, _ := btcec.PrivKeyFromBytes([]byte{seed})
	h := pillars.Hash160(key.PubKey().SerializeCompressed())
	return h[:]
}

func hexOf(b []byte) string {
	return strings.TrimSuffix(strings.TrimPrefix(Text(AppendPush(nil, b)), "[ "), " ]")
}

// hashedProgram is an output of P2WPKH in P2SH, and the input script that opens it.
func hashedProgram(key []byte) (output, input []byte) {
	program := pillars.WitnessPubKeyHashAddress(pillars.Hash160(key)).Script()
	return pillars.ScriptHashAddress(pillars.Hash160(program)).Script(), AppendPush(nil, program)
}

// TestHashedProgramOfEither pays P2WPKH in P2SH by version 4 and spends it by version 5, which asks
// for the signature [PIL-SPD-1].
func TestHashedProgramOfEither(t *testing.T) {
	key := testKey.PubKey().SerializeCompressed()
	output, input := hashedProgram(key)
	program := pillars.WitnessPubKeyHashAddress(pillars.Hash160(key)).Script()
	five := &pillars.Transaction{Version: 5, Bitcoin: 2, Inputs: []pillars.Input{{Previous: pillars.Outpoint{Tx: pillars.TxID{1}}, Script: input}},
		Outputs: []pillars.Output{{Value: 3, Script: output}}}
	four := Spent{Output: pillars.Output{Value: 5, Script: output}, Version: 4}
	if err := NewChecker(five, []Spent{four}, Block).Verify(); !errors.Is(err, SegWitFailed) {
		t.Error("without a signature:", err)
	}
	hashes := txscript.NewTxSigHashes(ToBitcoin(five), txscript.NewCannedPrevOutputFetcher(output, 5))
	var err error
	if five.Inputs[0].Witness, err = txscript.WitnessSignature(ToBitcoin(five), hashes, 0, 5, program, txscript.SigHashAll, testKey, true); err != nil {
		t.Fatal(err)
	}
	if err := NewChecker(five, []Spent{four}, Standard).Verify(); err != nil {
		t.Error("signed:", err)
	}
}

// TestEitherKindPaysTheOther spends the hash of a key made by version 5 under version 4 and the
// reverse, and a witness program made by version 4 under version 5 [PIL-SPD-1].
func TestEitherKindPaysTheOther(t *testing.T) {
	s := validSpend()
	s.from = 5
	if err := s.judge(); err != nil {
		t.Error("version 4 spends of version 5:", err)
	}
	key := testKey.PubKey().SerializeCompressed()
	five := &pillars.Transaction{Version: 5, Bitcoin: 2, Inputs: []pillars.Input{{Previous: pillars.Outpoint{Tx: pillars.TxID{1}}}},
		Outputs: []pillars.Output{{Value: 3, Script: s.output}}}
	plain := Spent{Output: pillars.Output{Value: 5, Script: s.output, Attachment: pillars.Attachment{Version: 1}}, Version: 4}
	sig, err := txscript.RawTxInSignature(ToBitcoin(five), 0, plain.Output.Script, txscript.SigHashAll, testKey)
	if err != nil {
		t.Fatal(err)
	}
	five.Inputs[0].Script = append(AppendPush(nil, sig), AppendPush(nil, key)...)
	if err := NewChecker(five, []Spent{plain}, Standard).Verify(); err != nil {
		t.Error("version 5 spends of version 4:", err)
	}
	plain.Output.Attachment.Payload = pillars.AssetTransfer{Symbol: "A", Quantity: 1}
	if err := NewChecker(five, []Spent{plain}, Block).Verify(); !errors.Is(err, WrongKind) {
		t.Error("version 5 spends an asset:", err)
	}
	witness := Spent{Output: pillars.Output{Value: 5, Script: pillars.WitnessPubKeyHashAddress(pillars.Hash160(key)).Script()}, Version: 4}
	five.Inputs[0].Script = nil
	fetcher := txscript.NewCannedPrevOutputFetcher(witness.Output.Script, 5)
	hashes := txscript.NewTxSigHashes(ToBitcoin(five), fetcher)
	five.Inputs[0].Witness, err = txscript.WitnessSignature(ToBitcoin(five), hashes, 0, 5, witness.Output.Script, txscript.SigHashAll, testKey, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := NewChecker(five, []Spent{witness}, Standard).Verify(); err != nil {
		t.Error("version 5 spends a witness program of version 4:", err)
	}
	witness.Output.Value = 6 // the signature covers what is spent
	if err := NewChecker(five, []Spent{witness}, Block).Verify(); !errors.Is(err, SegWitFailed) {
		t.Error("another value:", err)
	}
	if again := FromBitcoin(ToBitcoin(five)); again.ID() != five.ID() || again.Leaf() != five.Leaf() {
		t.Error("to btcd's form and back is another transaction")
	}
	if ToBitcoin(five).TxHash() != [32]byte(five.ID()) || ToBitcoin(five).WitnessHash() == [32]byte(five.ID()) {
		t.Error("btcd has another id")
	}
}

// TestSingleMistake shows the mistake of single-output signatures: without an output at the input's
// place they are over the number one and fit every other such transaction [PIL-SIG-3].
func TestSingleMistake(t *testing.T) {
	one := pillars.Hash{1}
	tx := validSpend().tx
	tx.Inputs = append(tx.Inputs, pillars.Input{Previous: pillars.Outpoint{Index: 9}})
	if SignatureHash(tx, 1, nil, SigHashSingle) != one || SignatureHash(tx, 0, nil, SigHashSingle) == one {
		t.Error("the mistake is not made")
	}
	sig := append(ecdsa.Sign(testKey, one[:]).Serialize(), SigHashSingle)
	tx.Inputs[1].Script = append(AppendPush(nil, sig), AppendPush(nil, testKey.PubKey().SerializeCompressed())...)
	spent := []Spent{{Output: pillars.Output{Script: testAddress().Script()}}, {Output: pillars.Output{Script: testAddress().Script()}}}
	if err := NewChecker(tx, spent, Standard).Input(1); err != nil {
		t.Error(err)
	}
	// The blank outputs before a single one count too.
	tx.Outputs = append(tx.Outputs, tx.Outputs[0])
	before := SignatureHash(tx, 1, nil, SigHashSingle)
	tx.Outputs[0].Value++
	tx.Inputs[0].Sequence++
	if SignatureHash(tx, 1, nil, SigHashSingle) != before {
		t.Error("a single-output signature covers another output or sequence")
	}
	if tx.Outputs[1].Value++; SignatureHash(tx, 1, nil, SigHashSingle) == before {
		t.Error("a single-output signature does not cover its output")
	}
}

// TestLocksInTime asks when locks end [PIL-LOC-1] [PIL-LOC-2].
func TestLocksInTime(t *testing.T) {
	four := &pillars.Transaction{Version: 4, Inputs: make([]pillars.Input, 1)}
	five := &pillars.Transaction{Version: 5, Bitcoin: 2, Inputs: make([]pillars.Input, 1)}
	for _, tt := range []struct {
		tx       *pillars.Transaction
		sequence uint32
		want     RelativeLock
		ok       bool
	}{
		{four, 0, RelativeLock{}, true},
		{four, 10_000_000, RelativeLock{Blocks: 10_000_000 & 0xfffff}, true}, // as the running network's published lock
		{four, 0xfffff, RelativeLock{Blocks: 0xfffff}, true},
		{five, 0xfffff, RelativeLock{Blocks: 0xffff}, true},
		{four, sequenceSeconds | 3, RelativeLock{Seconds: 96}, true},
		{five, sequenceSeconds | 3, RelativeLock{Seconds: 1536}, true},
		{four, sequenceDisabled | 3, RelativeLock{}, false},
		{&pillars.Transaction{Version: 1, Inputs: make([]pillars.Input, 1)}, 3, RelativeLock{}, false},
		{&pillars.Transaction{Version: 5, Bitcoin: 1, Inputs: make([]pillars.Input, 1)}, 3, RelativeLock{}, false},
		{&pillars.Transaction{Version: 5, Bitcoin: -1, Inputs: make([]pillars.Input, 1)}, 3, RelativeLock{Blocks: 3}, true},
	} {
		tt.tx.Inputs[0].Sequence = tt.sequence
		if lock, ok := Relative(tt.tx, 0); lock != tt.want || ok != tt.ok {
			t.Errorf("version %d, %#x: %+v %v", tt.tx.Version, tt.sequence, lock, ok)
		}
	}
	blocks, seconds := RelativeLock{Blocks: 10}, RelativeLock{Seconds: 96}
	if blocks.Met(5, 14, 0, math.MaxUint32) || !blocks.Met(5, 15, 0, 0) || blocks.Met(math.MaxUint32, 5, 0, 0) {
		t.Error("blocks")
	}
	if seconds.Met(0, 9, 1000, 1095) || !seconds.Met(0, 9, 1000, 1096) || seconds.Met(0, 9, math.MaxUint32, 90) {
		t.Error("seconds")
	}
	tx := &pillars.Transaction{Version: 4, LockTime: 100, Inputs: make([]pillars.Input, 2)}
	if Final(tx, 100, math.MaxUint32) || !Final(tx, 101, 0) {
		t.Error("lock height")
	}
	tx.LockTime = lockTimeSeconds + 5
	if Final(tx, math.MaxUint32, tx.LockTime) || !Final(tx, 0, tx.LockTime+1) {
		t.Error("lock time")
	}
	if tx.Inputs[0].Sequence = sequenceFinal; Final(tx, 0, 0) {
		t.Error("one input is not final")
	}
	if tx.Inputs[1].Sequence = sequenceFinal; !Final(tx, 0, 0) {
		t.Error("all inputs are final")
	}
}

// TestReleaseRules breaks a transaction that takes 5 of 15 out of a lock after 25 blocks.
func TestReleaseRules(t *testing.T) {
	from := pillars.Outpoint{Tx: pillars.TxID{9}, Index: 2}
	output := func(model string, of pillars.Outpoint, symbol string, quantity uint64) pillars.Output {
		o := Output{Template: Attenuation, Address: testAddress(), Model: model, From: of}
		return pillars.Output{Script: o.Script(), Attachment: pillars.Attachment{Version: 1, Payload: pillars.AssetTransfer{Symbol: symbol, Quantity: quantity}}}
	}
	old, rest := "PN=0;LH=20;TYPE=1;LQ=15;LP=60;UN=3", "PN=1;LH=15;TYPE=1;LQ=15;LP=60;UN=3"
	for _, tt := range []struct {
		name   string
		change func(tx *pillars.Transaction, depth *uint32)
		want   error
	}{
		{"as much as is due", func(*pillars.Transaction, *uint32) {}, nil},
		{"less than is due", func(tx *pillars.Transaction, _ *uint32) { tx.Outputs[0] = output(old, from, "A", 15) }, nil},
		{"release due and not taken", func(tx *pillars.Transaction, _ *uint32) {
			tx.Outputs[0] = output("PN=0;LH=0;TYPE=1;LQ=15;LP=60;UN=3", from, "A", 15)
		}, nil},
		{"the end", func(tx *pillars.Transaction, depth *uint32) { *depth = 60; tx.Outputs = tx.Outputs[1:] }, nil},
		{"continued at the end", func(tx *pillars.Transaction, depth *uint32) { *depth = 60 }, nil},
		{"a new lock beside", func(tx *pillars.Transaction, _ *uint32) {
			tx.Outputs = append(tx.Outputs, output(old, pillars.NullOutpoint, "A", 15))
		}, nil},
		{"lost a block before the end", func(tx *pillars.Transaction, depth *uint32) { *depth = 59; tx.Outputs = tx.Outputs[1:] }, LockLost},
		{"a block early", func(tx *pillars.Transaction, depth *uint32) { *depth = 24 }, LockEarly},
		{"backwards", func(tx *pillars.Transaction, _ *uint32) {
			tx.Inputs[0].Previous.Index++ // spends the rest, continues as the whole
			tx.Outputs[0] = output(old, tx.Inputs[0].Previous, "A", 15)
		}, LockEarly},
		{"backwards within a moment", func(tx *pillars.Transaction, depth *uint32) {
			tx.Inputs[0].Previous.Index++ // the same block, but a release more is not taken
			*depth = 5
			tx.Outputs[0] = output("PN=0;LH=0;TYPE=1;LQ=15;LP=60;UN=3", tx.Inputs[0].Previous, "A", 15)
		}, LockEarly},
		{"another lock", func(tx *pillars.Transaction, _ *uint32) {
			tx.Outputs[0] = output("PN=1;LH=15;TYPE=1;LQ=12;LP=60;UN=3", from, "A", 8)
		}, LockEarly},
		{"too little", func(tx *pillars.Transaction, _ *uint32) { tx.Outputs[0] = output(rest, from, "A", 9) }, LockAmount},
		{"too much", func(tx *pillars.Transaction, _ *uint32) { tx.Outputs[0] = output(rest, from, "A", 11) }, LockAmount},
		{"another asset", func(tx *pillars.Transaction, _ *uint32) { tx.Outputs[0] = output(rest, from, "B", 10) }, LockUnknown},
		{"continued twice", func(tx *pillars.Transaction, _ *uint32) { tx.Outputs = append(tx.Outputs, tx.Outputs[0]) }, LockUnknown},
		{"of what is not spent", func(tx *pillars.Transaction, _ *uint32) {
			tx.Outputs = append(tx.Outputs, output(rest, pillars.Outpoint{Index: 5}, "A", 10))
		}, LockUnknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tx := &pillars.Transaction{Version: 4, Inputs: []pillars.Input{{Previous: from}}, Outputs: []pillars.Output{
				output(rest, from, "A", 10),
				{Script: testAddress().Script(), Attachment: pillars.Attachment{Version: 1, Payload: pillars.AssetTransfer{Symbol: "A", Quantity: 5}}},
			}}
			depth := uint32(25)
			tt.change(tx, &depth)
			spent := output(old, pillars.NullOutpoint, "A", 15)
			if tx.Inputs[0].Previous != from {
				spent = output("PN=1;LH=20;TYPE=1;LQ=15;LP=60;UN=3", from, "A", 10)
			}
			err := errors.Join(CheckOutputs(tx), CheckRelease(tx, []Spent{{Output: spent, Version: 4}}, []uint32{depth}))
			if !errors.Is(err, tt.want) || tt.want == nil && err != nil {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
	inflation := "PN=0;LH=1;TYPE=3;LQ=15;LP=100;UN=3;IR=8;UC=1,9,90;UQ=5,4,6"
	more := &pillars.Transaction{Version: 4, Inputs: make([]pillars.Input, 1), Outputs: []pillars.Output{output(inflation, pillars.NullOutpoint, "A", 16)}}
	if err := CheckOutputs(more); !errors.Is(err, LockAmount) {
		t.Error("a lock that grows holds more than it locks:", err)
	}
}

// TestMultiSigOfKinds spends what two keys hold with signatures of different kinds.
func TestMultiSigOfKinds(t *testing.T) {
	s, other := validSpend(), testKey
	s.output = Output{Template: MultiSig, Required: 2, Keys: [][]byte{other.PubKey().SerializeCompressed(), testKey.PubKey().SerializeCompressed()}}.Script()
	unlock := func(kinds ...byte) []byte {
		script := []byte{Op0}
		for _, kind := range kinds {
			script = AppendPush(script, Sign(s.tx, 0, s.output, kind, testKey))
		}
		return script
	}
	s.tx.Inputs[0].Script = unlock(SigHashAll, SigHashNone|SigHashAnyoneCanPay)
	if err := s.judge(); err != nil {
		t.Error(err)
	}
	s.tx.Inputs[0].Script = unlock(SigHashAll)
	if err := s.judge(); err == nil {
		t.Error("one of two is enough")
	}
}

// TestNoTemplates shows scripts that are almost of a template.
func TestNoTemplates(t *testing.T) {
	key := testKey.PubKey().SerializeCompressed()
	for name, script := range map[string][]byte{
		"multisig of none":       append(AppendPush([]byte{Op0}, key), Op1, OpCheckMultiSig),
		"multisig of too many":   append(AppendPush([]byte{Op1 + 1}, key), Op1, OpCheckMultiSig),
		"multisig and another":   append(AppendPush(AppendPush([]byte{Op1}, key), key), Op1, OpCheckMultiSig),
		"multisig of no key":     append(AppendPush([]byte{Op1}, key[1:]), Op1, OpCheckMultiSig),
		"only checkmultisig":     {Op1, OpCheckMultiSig},
		"data of 81":             AppendPush([]byte{OpReturn}, make([]byte, 81)),
		"two data":               {OpReturn, 1, 1, 1, 1},
		"lock of 2^32":           append(append(AppendPush(nil, Number(1<<32)), OpCheckSequence, OpDrop), testAddress().Script()...),
		"lock before time":       append(append(AppendPush(nil, Number(-1)), OpCheckSequence, OpDrop), testAddress().Script()...),
		"deposit of five bytes":  append(append(AppendPush(nil, Number(1<<32)), OpNumEqualVerify), testAddress().Script()...),
		"point of 35":            append(append(AppendPush(AppendPush(nil, []byte("PN")), make([]byte, 35)), OpCheckAttenuation), testAddress().Script()...),
		"a key's hash in a push": append([]byte{Op1, OpPushData1, 25}, testAddress().Script()...),
		"taproot of 31":          append([]byte{Op1, 31}, make([]byte, 31)...),
		"key of 32":              append(AppendPush(nil, key[1:]), OpCheckSig),
		"hash of 19":             {OpHash160, 19, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, OpEqual},
	} {
		if out := Classify(script); out.Template != Unknown {
			t.Errorf("%s is %+v", name, out)
		}
	}
}

// TestPolicyOfVersion5 spends with the other form of a signature: a block may hold it.
func TestPolicyOfVersion5(t *testing.T) {
	output := testAddress().Script()
	tx := &pillars.Transaction{Version: 5, Bitcoin: 2, Inputs: []pillars.Input{{Previous: pillars.Outpoint{Tx: pillars.TxID{1}}}},
		Outputs: []pillars.Output{{Value: 3, Script: output}}}
	sig, err := txscript.RawTxInSignature(ToBitcoin(tx), 0, output, txscript.SigHashAll, testKey)
	if err != nil {
		t.Fatal(err)
	}
	tx.Inputs[0].Script = append(AppendPush(nil, highS(sig)), AppendPush(nil, testKey.PubKey().SerializeCompressed())...)
	spent := []Spent{{Output: pillars.Output{Value: 5, Script: output}, Version: 5}}
	if err := NewChecker(tx, spent, Block).Verify(); err != nil {
		t.Error(err)
	}
	if err := NewChecker(tx, spent, Standard).Verify(); !errors.Is(err, SegWitFailed) {
		t.Error("relayed:", err)
	}
}

// TestSigOps counts signatures as blocks bound them.
func TestSigOps(t *testing.T) {
	key := testKey.PubKey().SerializeCompressed()
	redeem := Output{Template: MultiSig, Required: 1, Keys: [][]byte{key, key}}.Script()
	tx := &pillars.Transaction{Version: 4, Inputs: []pillars.Input{{Script: AppendPush([]byte{Op0}, redeem)}},
		Outputs: []pillars.Output{{Script: testAddress().Script()}, {Script: redeem}}}
	byHash := []Spent{{Output: pillars.Output{Script: pillars.ScriptHashAddress(pillars.Hash160(redeem)).Script()}}}
	if n := SigOps(tx, nil); n != 21 {
		t.Errorf("%d, want 21", n)
	}
	if n := SigOps(tx, byHash); n != 23 {
		t.Errorf("%d with the redeem script, want 23", n)
	}
}

// TestCodeSeparator spends a script that wants two signatures of one key over different parts.
func TestCodeSeparator(t *testing.T) {
	key := AppendPush(nil, testKey.PubKey().SerializeCompressed())
	second := append(key[:len(key):len(key)], OpCheckSig)
	output := append(append(append([]byte{}, key...), OpCheckSigVerify, OpCodeSeparator), second...)
	s := validSpend()
	s.runs(nil, output)
	whole, part := Sign(s.tx, 0, output, SigHashAll, testKey), Sign(s.tx, 0, second, SigHashAll, testKey)
	for _, tt := range []struct {
		first, last []byte
		ok          bool
	}{{part, whole, true}, {whole, whole, false}, {part, part, false}} {
		s.tx.Inputs[0].Script = append(AppendPush(nil, tt.first), AppendPush(nil, tt.last)...)
		if err := s.judge(); (err == nil) != tt.ok {
			t.Error(err)
		}
	}
}
