package script

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/wire/v2"

	"github.com/asterism-network/asterism/pillars"
)

// A coreTx is a valid transaction of Bitcoin Core's tests with what it spends.
type coreTx struct {
	tx    *pillars.Transaction
	spent []Spent
	off   []string // rules that it breaks
	about string
}

func coreTransactions(t *testing.T) (all []coreTx) {
	var cases [][]any
	load(t, "tx_valid.json", &cases)
	words, about := coreOpcodes(), ""
	words["CHECKSEQUENCEVERIFY"] = 0xb2 // Bitcoin's
	words["NOP3"] = 0xb2
	for _, c := range cases {
		if len(c) == 1 {
			about = c[0].(string)
			continue
		}
		raw := unhex(t, c[1].(string))
		v := coreTx{tx: new(pillars.Transaction), off: strings.Split(c[2].(string), ","), about: about}
		if err := v.tx.UnmarshalBinary(append([]byte{5, 0, 0, 0}, raw...)); err != nil {
			t.Fatal(about, err)
		}
		theirs := new(wire.MsgTx)
		if err := theirs.Deserialize(bytes.NewReader(raw)); err != nil || theirs.TxHash() != [32]byte(v.tx.ID()) {
			t.Errorf("%s: btcd has another id, %v", about, err)
		}
		if !bytes.Equal(v.tx.AppendBitcoin(nil, true), raw) {
			t.Errorf("%s: encodes otherwise", about)
		}
		v.spent = make([]Spent, len(v.tx.Inputs))
		for _, p := range c[0].([]any) {
			p := p.([]any)
			id, err := pillars.ParseTxID(p[0].(string))
			if err != nil {
				t.Fatal(err)
			}
			script, ok := assemble(t, p[2].(string), words)
			if !ok {
				t.Fatal(p[2])
			}
			out := pillars.Output{Script: script}
			if len(p) > 3 {
				out.Value = pillars.Amount(p[3].(float64))
			}
			from := pillars.Outpoint{Tx: id, Index: uint32(int64(p[1].(float64)))}
			if i := slices.IndexFunc(v.tx.Inputs, func(in pillars.Input) bool { return in.Previous == from }); i >= 0 {
				v.spent[i] = Spent{Output: out, Version: pillars.VersionSegWit}
			}
		}
		all = append(all, v)
	}
	return all
}

// keeps reports whether the transaction keeps all of the rules.
func (v coreTx) keeps(rules ...string) bool {
	return !slices.ContainsFunc(rules, func(r string) bool { return slices.Contains(v.off, r) })
}

// TestCoreTransactions verifies Bitcoin Core's valid transactions as version 5, among them the
// examples of BIP 143, and those without witnesses on our interpreter with Bitcoin's signature hash
// too. Those that are valid only without one of the rules do not apply.
func TestCoreTransactions(t *testing.T) {
	inside, ours, examples := 0, 0, 0
	for _, v := range coreTransactions(t) {
		if v.keeps("P2SH", "DERSIG", "CHECKLOCKTIMEVERIFY", "CHECKSEQUENCEVERIFY", "WITNESS", "NULLDUMMY", "TAPROOT") {
			if err := NewChecker(v.tx, v.spent, Block).Verify(); err != nil {
				t.Errorf("%s: %v", v.about, err)
			}
			if inside++; strings.Contains(v.about, "BIP143") {
				examples++
			}
		}
		if !v.keeps("P2SH", "DERSIG", "CHECKLOCKTIMEVERIFY") || usesMoved(v) || v.tx.HasWitness() {
			continue
		}
		for i := range v.tx.Inputs {
			m := &machine{tx: v.tx, input: i}
			m.sigHash = func(code []byte, kind byte) pillars.Hash { return bitcoinHash(v.tx, i, code, uint32(kind)) }
			if err := m.verify(v.spent[i].Output.Script); err != nil {
				t.Errorf("%s: input %d: %v", v.about, i, err)
			}
			ours++
		}
	}
	if inside < 114 || ours < 65 || examples < 6 {
		t.Errorf("%d inside, %d inputs on ours, %d examples of BIP 143", inside, ours, examples)
	}
	t.Logf("%d inside, %d inputs on ours, %d examples of BIP 143", inside, ours, examples)
}

// usesMoved reports whether a script has one of the opcodes that mean something else here.
func usesMoved(v coreTx) bool {
	for i := range v.tx.Inputs {
		unlock, _ := instructions(v.tx.Inputs[i].Script)
		all, _ := instructions(v.spent[i].Output.Script)
		if n := len(unlock); n > 0 && isScriptHash(v.spent[i].Output.Script) {
			redeem, _ := instructions(unlock[n-1].data)
			all = append(all, redeem...)
		}
		if slices.ContainsFunc(append(all, unlock...), func(in instruction) bool {
			return in.op == OpCheckAttenuation || in.op == OpCheckSequence
		}) {
			return true
		}
	}
	return false
}
