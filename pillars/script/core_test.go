package script

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/pillars"
)

func load(t testing.TB, name string, into any) {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// coreRules are our names of Bitcoin Core's reasons.
var coreRules = map[string]Rule{
	"EVAL_FALSE": EvalFalse, "SCRIPT_SIZE": ScriptSize, "PUSH_SIZE": PushSize, "OP_COUNT": OpCount, "STACK_SIZE": StackSize,
	"PUBKEY_COUNT": KeyCount, "SIG_COUNT": SigCount, "BAD_OPCODE": BadOpcode, "DISABLED_OPCODE": DisabledOpcode,
	"INVALID_STACK_OPERATION": StackOperation, "INVALID_ALTSTACK_OPERATION": AltStackOperation,
	"UNBALANCED_CONDITIONAL": UnbalancedIf, "OP_RETURN": ReturnReached, "VERIFY": VerifyFailed, "EQUALVERIFY": EqualVerifyFailed,
	"NUMEQUALVERIFY": NumEqualVerifyFailed, "SCRIPTNUM": NumberInvalid, "SIG_DER": SignatureDER, "SIG_PUSHONLY": ScriptHashPushes,
	"NEGATIVE_LOCKTIME": LockTimeNegative, "UNSATISFIED_LOCKTIME": LockTimeUnsatisfied, "SIG_HASHTYPE": SignatureHashType,
	"SIG_HIGH_S": SignatureHighS, "PUBKEYTYPE": KeyEncoding, "SIG_NULLDUMMY": NullDummyBroken, "NULLFAIL": NullFailBroken,
	"MINIMALDATA": PushNotMinimal, "DISCOURAGE_UPGRADABLE_NOPS": NopDiscouraged, "CLEANSTACK": StackNotClean,
}

var coreFlags = map[string]Flags{
	"STRICTENC": StrictHashType | StrictKeys, "LOW_S": LowS, "NULLDUMMY": NullDummy, "NULLFAIL": NullFail, "MINIMALDATA": MinimalPush,
	"DISCOURAGE_UPGRADABLE_NOPS": NoSpareNops, "CLEANSTACK": CleanStack, "SIGPUSHONLY": PushOnlyInputs,
}

// coreOpcodes are the words of Core's test scripts. Of the opcodes that moved, Core's NOP3 and NOP4
// have no counterpart.
func coreOpcodes() map[string]byte {
	words := map[string]byte{"CHECKSEQUENCEVERIFY": OpCheckSequence, "NOP2": OpCheckLockTime, "RESERVED": OpReserved}
	for op, name := range opNames {
		words[strings.ToUpper(name)] = byte(op)
	}
	delete(words, "")
	delete(words, "ZERO")
	delete(words, "-1")
	return words
}

// assemble reads the text form of Core's test scripts; ok is false if there is a word that our
// language has not.
func assemble(t testing.TB, text string, words map[string]byte) (script []byte, ok bool) {
	for _, word := range strings.Fields(text) {
		v, err := strconv.ParseInt(word, 10, 64)
		op, named := words[strings.TrimPrefix(word, "OP_")]
		switch {
		case err == nil && (v == -1 || v >= 1 && v <= 16):
			script = append(script, byte(v+Op1-1))
		case err == nil && v == 0:
			script = append(script, Op0)
		case err == nil:
			script = AppendPush(script, Number(v))
		case strings.HasPrefix(word, "0x"):
			script = append(script, unhex(t, word[2:])...)
		case strings.HasPrefix(word, "'"):
			script = appendCorePush(script, []byte(strings.Trim(word, "'")))
		case named:
			script = append(script, op)
		default:
			return nil, false
		}
	}
	return script, true
}

// appendCorePush pushes as Core's tests do, which is the shortest way.
func appendCorePush(script, data []byte) []byte {
	if len(data) == 1 && (data[0] >= 1 && data[0] <= 16 || data[0] == 0x81) {
		return append(script, 1, data[0])
	}
	return AppendPush(script, data)
}

// coreSpend is the transaction of Core's test scripts: it spends the only output of a coinbase.
func coreSpend(unlock, output []byte) *pillars.Transaction {
	credit := &pillars.Transaction{Version: pillars.VersionSegWit, Bitcoin: 1,
		Inputs:  []pillars.Input{{Previous: pillars.NullOutpoint, Script: []byte{0, 0}, Sequence: sequenceFinal}},
		Outputs: []pillars.Output{{Script: output}}}
	return &pillars.Transaction{Version: 1, Bitcoin: 1,
		Inputs:  []pillars.Input{{Previous: pillars.Outpoint{Tx: credit.ID()}, Script: unlock, Sequence: sequenceFinal}},
		Outputs: []pillars.Output{{}}}
}

// bitcoinHash is what a signature of Bitcoin is over: the same parts without attachments.
func bitcoinHash(tx *pillars.Transaction, input int, code []byte, kind uint32) pillars.Hash {
	signed, ok := signedPart(tx, input, code, byte(kind))
	if !ok {
		return pillars.Hash{1}
	}
	return pillars.DoubleSHA256(binary.LittleEndian.AppendUint32(signed.AppendBitcoin(nil, false), kind))
}

// TestCoreScripts runs Bitcoin Core's script tests, with Bitcoin's signature hash, on our
// interpreter and asks for the same answers and the same reasons. What does not apply: witnesses,
// opcodes that mean something else here, and rules that Core's test switches off but we always keep.
func TestCoreScripts(t *testing.T) {
	var cases [][]any
	load(t, "script_tests.json", &cases)
	words, ran, skipped := coreOpcodes(), 0, 0
	for _, c := range cases {
		if len(c) < 4 {
			continue
		}
		if _, witness := c[0].([]any); witness {
			continue
		}
		unlockText, outputText, flagText, want := c[0].(string), c[1].(string), strings.Split(c[2].(string), ","), c[3].(string)
		if strings.Contains(unlockText+outputText, "NOP3") || strings.Contains(unlockText+outputText, "NOP4") ||
			strings.Contains(outputText, "LOCKTIMEVERIFY") && !slices.Contains(flagText, "CHECKLOCKTIMEVERIFY") ||
			strings.Contains(outputText, "SEQUENCEVERIFY") && !slices.Contains(flagText, "CHECKSEQUENCEVERIFY") ||
			slices.Contains(flagText, "MINIMALIF") || want == "WITNESS_PROGRAM_WITNESS_EMPTY" {
			skipped++
			continue
		}
		unlock, ok1 := assemble(t, unlockText, words)
		output, ok2 := assemble(t, outputText, words)
		if !ok1 || !ok2 {
			skipped++
			continue
		}
		var flags Flags
		for _, name := range flagText {
			flags |= coreFlags[name]
		}
		tx := coreSpend(unlock, output)
		m := &machine{tx: tx, flags: flags}
		m.sigHash = func(code []byte, kind byte) pillars.Hash { return bitcoinHash(tx, 0, code, uint32(kind)) }
		err := m.verify(output)
		if alwaysOn(err, flagText, output) {
			skipped++
			continue
		}
		ran++
		switch rule := coreRules[want]; {
		case want == "OK" && err != nil:
			t.Errorf("%v: %v", c, err)
		case want != "OK" && rule == 0:
			t.Errorf("%v: no rule of ours", c)
		case want != "OK" && !errors.Is(err, rule):
			t.Errorf("%v: %v, want %s", c, err, rule)
		}
	}
	if ran < 1050 || skipped > 60 {
		t.Errorf("%d ran, %d skipped", ran, skipped)
	}
	t.Logf("%d ran, %d do not apply", ran, skipped)
}

// alwaysOn reports whether a refusal is by a rule that the case switches off.
func alwaysOn(err error, flags []string, output []byte) bool {
	der := slices.Contains(flags, "DERSIG") || slices.Contains(flags, "STRICTENC") || slices.Contains(flags, "LOW_S")
	return errors.Is(err, SignatureDER) && !der || err != nil && isScriptHash(output) && !slices.Contains(flags, "P2SH")
}

// TestCoreSignatureHashes recomputes Bitcoin Core's five hundred signature hashes.
func TestCoreSignatureHashes(t *testing.T) {
	var cases [][]any
	load(t, "sighash.json", &cases)
	ran := 0
	for _, c := range cases {
		if len(c) < 5 {
			continue
		}
		tx := new(pillars.Transaction)
		if err := tx.UnmarshalBinary(append([]byte{5, 0, 0, 0}, unhex(t, c[0].(string))...)); err != nil {
			t.Fatal(err)
		}
		want, err := pillars.ParseHash(c[4].(string))
		if err != nil {
			t.Fatal(err)
		}
		got := bitcoinHash(tx, int(c[2].(float64)), unhex(t, c[1].(string)), uint32(int32(c[3].(float64))))
		if got != want {
			t.Errorf("%.60v: %s, want %s", c, got, want)
		}
		ran++
	}
	if ran != 500 {
		t.Errorf("%d ran, want 500", ran)
	}
}

// TestBitcoinInside runs Core's cases with witnesses through version 5: BIP 143 signatures, witness
// scripts, and what is wrong with them.
func TestBitcoinInside(t *testing.T) {
	var cases [][]any
	load(t, "script_tests.json", &cases)
	words := coreOpcodes()
	words["CHECKSEQUENCEVERIFY"] = 0xb2 // Bitcoin's
	good, bad := 0, 0
	for _, c := range cases {
		witness, ok := c[0].([]any)
		if !ok || len(c) < 5 {
			continue
		}
		flags := strings.Split(c[3].(string), ",")
		unlock, ok1 := assemble(t, c[1].(string), words)
		output, ok2 := assemble(t, c[2].(string), words)
		want := c[4].(string)
		if !ok1 || !ok2 || !slices.Contains(flags, "WITNESS") {
			continue
		}
		value := pillars.Amount(witness[len(witness)-1].(float64)*1e8 + 0.5)
		tx := witnessSpend(unlock, output, value)
		for _, item := range witness[:len(witness)-1] {
			tx.Inputs[0].Witness = append(tx.Inputs[0].Witness, unhex(t, item.(string)))
		}
		spent := []Spent{{Output: pillars.Output{Value: value, Script: output}, Version: pillars.VersionSegWit}}
		err := NewChecker(tx, spent, Block).Verify()
		switch {
		case want == "OK" && err != nil:
			t.Errorf("%v: %v", c, err)
		case want == "OK":
			good++
		case err != nil && !errors.Is(err, SegWitFailed):
			t.Errorf("%v: %v", c, err)
		case err != nil:
			bad++
		case !slices.Contains([]string{"MINIMALIF", "PUBKEYTYPE", "WITNESS_PUBKEYTYPE", "DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM", "CLEANSTACK"}, want):
			t.Errorf("%v: accepted", c)
		}
	}
	if good < 25 || bad < 25 {
		t.Errorf("%d accepted, %d refused", good, bad)
	}
	t.Logf("%d accepted, %d refused", good, bad)
}

func witnessSpend(unlock, output []byte, value pillars.Amount) *pillars.Transaction {
	credit := &pillars.Transaction{Version: pillars.VersionSegWit, Bitcoin: 1,
		Inputs:  []pillars.Input{{Previous: pillars.NullOutpoint, Script: []byte{0, 0}, Sequence: sequenceFinal}},
		Outputs: []pillars.Output{{Value: value, Script: output}}}
	return &pillars.Transaction{Version: pillars.VersionSegWit, Bitcoin: 1,
		Inputs:  []pillars.Input{{Previous: pillars.Outpoint{Tx: credit.ID()}, Script: unlock, Sequence: sequenceFinal}},
		Outputs: []pillars.Output{{Value: value}}}
}

// TestTaprootInside runs Core's taproot cases (BIP 340 to 342) through version 5: each transaction
// has an input that is right and, mostly, one that is wrong.
func TestTaprootInside(t *testing.T) {
	type unlock struct {
		ScriptSig string
		Witness   []string
	}
	var cases []struct {
		Tx       string
		Prevouts []string
		Index    int
		Flags    string
		Comment  string
		Success  *unlock
		Failure  *unlock
	}
	load(t, "taproot.json", &cases)
	good, bad := 0, 0
	for _, c := range cases {
		if !strings.Contains(c.Flags, "TAPROOT") {
			continue
		}
		run := func(u *unlock) error {
			tx := new(pillars.Transaction)
			if err := tx.UnmarshalBinary(append([]byte{5, 0, 0, 0}, unhex(t, c.Tx)...)); err != nil {
				t.Fatal(err)
			}
			spent := make([]Spent, len(c.Prevouts))
			for i, raw := range c.Prevouts {
				spent[i] = Spent{Output: prevout(t, raw), Version: pillars.VersionSegWit}
			}
			in := &tx.Inputs[c.Index]
			in.Script, in.Witness = unhex(t, u.ScriptSig), nil
			for _, item := range u.Witness {
				in.Witness = append(in.Witness, unhex(t, item))
			}
			return NewChecker(tx, spent, Block).Input(c.Index)
		}
		if c.Success != nil {
			good++
			if err := run(c.Success); err != nil {
				t.Errorf("%s: %v", c.Comment, err)
			}
		}
		if c.Failure != nil {
			bad++
			if err := run(c.Failure); !errors.Is(err, SegWitFailed) {
				t.Errorf("%s: %v, want it refused", c.Comment, err)
			}
		}
	}
	if good < 40 || bad < 20 {
		t.Errorf("%d right and %d wrong cases", good, bad)
	}
	t.Logf("%d accepted, %d refused", good, bad)
}

// prevout reads an output as Bitcoin writes it: by way of a transaction that has only this one.
func prevout(t testing.TB, raw string) pillars.Output {
	tx := new(pillars.Transaction)
	b := append([]byte{5, 0, 0, 0, 1, 0, 0, 0, 1}, make([]byte, 41)...)
	b = append(append(append(b, 1), unhex(t, raw)...), 0, 0, 0, 0)
	if err := tx.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	return tx.Outputs[0]
}
