package wallet

import (
	"encoding/json"
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

// Whatever the bytes of a scan file: no panic, no entry half applied, and the balance never
// counts an output twice.
func FuzzScanFile(f *testing.F) {
	outputs := ownedOutputs([]uint64{5, 7})
	full := change{
		Cursor: Cursor{Next: 9, Digest: kernel.Digest{1}}, Created: outputs,
		Spent: []spending{{Ref: outputs[0].Ref, By: kernel.TxHash{2}, At: 8}},
		Items: []Item{{Transaction: kernel.TxHash{2}, Commit: 8, Spent: outputs[0].Amount}},
	}
	for _, c := range []change{{}, {Cursor: full.Cursor}, full} {
		entry, err := json.Marshal(c)
		if err != nil {
			f.Fatal(err)
		}
		frame := appendFrame(nil, 0, entry)
		f.Add(appendFrame(frame, len(frame), entry), entry)
	}
	keys := AccountKeys(alice)
	f.Fuzz(func(t *testing.T, file, entry []byte) {
		facts := newFacts(0)
		_, _ = frames(file, facts.replay)
		_ = facts.replay(entry)
		w := New(keys, kernel.NetworkID{}, 0)
		w.facts = facts
		_, _, _ = w.Balances(), w.History(), w.Shared()
		rebuilt := newFacts(0)
		for _, v := range facts.everything() {
			c := v.(change)
			if err := rebuilt.apply(&c); err != nil {
				t.Fatal("facts do not rebuild:", err)
			}
		}
		if len(rebuilt.outputs) != len(facts.outputs) || rebuilt.cursor != facts.cursor && facts.cursor != (Cursor{}) {
			t.Fatal("facts change when rebuilt")
		}
	})
}

func FuzzPaymentFile(f *testing.F) {
	p := Payment{
		Reference: "r", Asset: kernel.BTC, Lines: []Line{{"XIN", coins(1)}},
		Attempts: []Attempt{{Transaction: kernel.TxHash{1}, Signed: []byte{1}, Inputs: []Ref{{Index: 1}}, Change: coins(2)}},
	}
	entry, err := json.Marshal(p)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(appendFrame(nil, 0, entry), entry)
	keys := AccountKeys(alice)
	f.Fuzz(func(t *testing.T, file, entry []byte) {
		w := New(keys, kernel.NetworkID{}, 0)
		_, _ = frames(file, w.book.replay)
		_ = w.book.replay(entry)
		_, _ = w.Balances(), w.History()
		for _, p := range w.Payments() {
			_ = p.Signed()
		}
	})
}

func FuzzParseTracingKey(f *testing.F) {
	f.Add(AccountKeys(alice).TracingKey())
	f.Add("astertrace1:")
	f.Fuzz(func(t *testing.T, text string) {
		if k, err := ParseTracingKey(text); err == nil {
			if again, err := ParseTracingKey(k.TracingKey()); err != nil || again.String() != k.String() {
				t.Fatal("round trip:", err)
			}
		}
	})
}

func FuzzParseRef(f *testing.F) {
	f.Add(Ref{Hash: kernel.TxHash{1}, Index: 65535}.String())
	f.Add("00:0")
	f.Fuzz(func(t *testing.T, text string) {
		if r, err := ParseRef(text); err == nil && r.String() != text {
			t.Fatalf("%q prints as %q", text, r)
		}
	})
}
