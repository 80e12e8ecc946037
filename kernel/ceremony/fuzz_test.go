package ceremony

import (
	"bytes"
	"testing"
)

func FuzzCard(f *testing.F) {
	f.Add(newOperator(f, 1).card.Encode())
	f.Add([]byte(`{"name":"x"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseCard(b)
		if err != nil {
			return
		}
		again, err := ParseCard(c.Encode())
		if err != nil || *again != *c {
			t.Fatalf("card does not survive its file: %v", err)
		}
	})
}

func FuzzDraft(f *testing.F) {
	f.Add(newTable(f, 7).draft.Encode())
	f.Add([]byte(`{"cards":[{}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := ParseDraft(b)
		if err != nil {
			return
		}
		again, err := ParseDraft(d.Encode())
		if err != nil || again.Hash() != d.Hash() {
			t.Fatalf("draft does not survive its file: %v", err)
		}
	})
}

// FuzzDealing shows Judge and Finish whatever decodes as a dealing: they must return.
func FuzzDealing(f *testing.F) {
	tb := newTable(f, 7)
	f.Add(tb.deal(f, 0).Encode())
	f.Add([]byte(`{"shares":[]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := ParseDealing(b)
		if err != nil {
			return
		}
		again, err := ParseDealing(d.Encode())
		if err != nil || again.Hash() != d.Hash() {
			t.Fatalf("dealing does not survive its file: %v", err)
		}
		d.Draft, d.Dealer = tb.draft.Hash(), tb.draft.Cards[0].NodeKey
		tb.sign(0, d)
		o := tb.operators[1]
		if _, _, err := Judge(tb.draft, []*Dealing{d}, o.node); err == nil {
			t.Fatal("one dealing is enough")
		}
	})
}

func FuzzVerdict(f *testing.F) {
	tb := newTable(f, 7)
	tb.play(f)
	f.Add(tb.verdicts[0].Encode())
	f.Add([]byte(`{"accepted":[{"dealer":255}],"complaints":[{"dealer":3}]}`))
	whole, err := Finish(tb.draft, tb.dealings, tb.verdicts[1:])
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := ParseVerdict(b)
		if err != nil {
			return
		}
		v.Draft, v.Member = tb.draft.Hash(), tb.draft.Cards[0].NodeKey
		tb.signVerdict(0, v)
		if again, err := ParseVerdict(v.Encode()); err != nil || again.signingHash() != v.signingHash() {
			t.Fatalf("verdict does not survive its file: %v", err)
		}
		r, err := Finish(tb.draft, tb.dealings, append([]*Verdict{v}, tb.verdicts[1:]...))
		if err != nil || !bytes.Equal(r.Genesis.AppendBinary(nil), whole.Genesis.AppendBinary(nil)) {
			t.Fatalf("one liar's verdict changes the genesis: %v", err)
		}
	})
}
