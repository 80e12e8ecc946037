package wallet

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/script"
)

// sharedDraft is a signed draft of a 2 of 2 in P2SH with one signature missing, and one of plain keys.
func drafts(t testing.TB) (p pillars.Params, w *Wallet, legacy, segwit *Draft) {
	p = pillars.Devnet()
	w = testWallet(t, testWords, p)
	l := newLedger(t, p)
	other := testWallet(t, otherWords, p)
	one, err1 := w.MemberKey(SharedScript, 0)
	two, err2 := other.MemberKey(SharedScript, 0)
	a, err3 := w.AddMultisig(SharedScript, "pair", 2, []PublicKey{one, two})
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	l.fund(pay(address(t, w, a.ID, 0), pillars.ETP), pay(address(t, w, "bip84/0", 0), pillars.ETP))
	l.fundAs(pillars.VersionSegWit, bare(pay(address(t, w, "bip86/0", 0), pillars.ETP)))
	if _, err := w.Scan(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	to := []Payment{{To: Recipient{Address: address(t, other, "direct/0", 0)}, Amount: pillars.ETP / 2}}
	if legacy, err1 = w.Send(to, Options{Account: a.ID, Message: "hi"}); err1 != nil {
		t.Fatal(err1)
	}
	if segwit, err1 = w.Send(to, Options{Account: "bip84/0"}); err1 != nil {
		t.Fatal(err1)
	}
	for _, d := range []*Draft{legacy, segwit} {
		if n, err := w.Sign(d); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}
	return p, w, legacy, segwit
}

// TestHostileDrafts changes one fact of a good draft each: nothing of it is signed or finished.
func TestHostileDrafts(t *testing.T) {
	p, w, legacy, segwit := drafts(t)
	files := [][]byte{must2(json.Marshal(legacy)), must2(json.Marshal(segwit))}
	for _, tt := range []struct {
		name  string
		spoil func(d *Draft)
		want  error
	}{
		{"another network", func(d *Draft) { d.Network = "testnet" }, ErrNetwork},
		{"an input less", func(d *Draft) { d.Inputs = nil }, ErrDraft},
		{"an output more", func(d *Draft) { d.Outputs = append(d.Outputs, DraftOutput{}) }, ErrDraft},
		{"another previous transaction", func(d *Draft) { d.Inputs[0].Previous = &pillars.Transaction{Version: 4} }, ErrDraft},
		{"a higher value", func(d *Draft) {
			tx := *d.Inputs[0].Previous
			tx.Outputs = slices.Clone(tx.Outputs)
			tx.Outputs[d.Tx.Inputs[0].Previous.Index].Value *= 2
			d.Inputs[0].Previous = &tx
		}, ErrDraft},
		{"no previous transaction", func(d *Draft) { d.Inputs[0].Previous = nil }, ErrDraft},
		{"a value that is only claimed", func(d *Draft) {
			o := d.Inputs[0].Previous.Outputs[d.Tx.Inputs[0].Previous.Index]
			o.Attachment.Payload = pillars.Message{}
			d.Inputs[0].Previous, d.Inputs[0].Claimed = nil, &o
		}, ErrDraft},
		{"an output that is not there", func(d *Draft) { d.Tx.Inputs[0].Previous.Index = 99 }, ErrDraft},
		{"a script in an input", func(d *Draft) { d.Tx.Inputs[0].Script = []byte{1} }, ErrDraft},
		{"a signature of something else", func(d *Draft) { d.Tx.Outputs[0].Value++ }, ErrSignature},
		{"a signature twice", func(d *Draft) { d.Inputs[0].Signatures = append(d.Inputs[0].Signatures, d.Inputs[0].Signatures[0]) }, nil},
		{"a signature of another kind", func(d *Draft) { s := d.Inputs[0].Signatures[0].Signature; s[len(s)-1] = script.SigHashNone }, ErrSignature},
		{"a signature of nobody's", func(d *Draft) { d.Inputs[0].Signatures[0].Key = bytes.Repeat([]byte{2}, 33) }, ErrSignature},
		{"no keys", func(d *Draft) { d.Inputs[0].Keys, d.Inputs[0].Redeem = nil, nil }, ErrDraft},
		{"a redeem script too many", func(d *Draft) { d.Inputs[0].Redeem = append(d.Inputs[0].Redeem, 0x51) }, ErrDraft},
		{"a witness script too many", func(d *Draft) { d.Inputs[0].Witness = []byte{0x51} }, ErrDraft},
		{"a coinbase", func(d *Draft) { d.Tx.Inputs[0].Previous = pillars.NullOutpoint }, ErrDraft},
	} {
		for _, file := range files {
			d, err := ParseDraft(file, &p)
			if err != nil {
				t.Fatal("base case is not valid:", err)
			}
			tt.spoil(d)
			err = d.Check(&p)
			if tt.want == nil && !errors.Is(err, ErrDraft) && !errors.Is(err, ErrSignature) || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("%s, version %d: %v, want %v", tt.name, d.Tx.Version, err, tt.want)
			}
			if n, err := w.Sign(d); n != 0 || err == nil {
				t.Errorf("%s: signed", tt.name)
			}
			if _, err := w.Effects(d); err == nil {
				t.Errorf("%s: shown", tt.name)
			}
		}
	}
}

// TestForeignPath: a path that leads to another key than the draft says is an error, not a signature.
func TestForeignPath(t *testing.T) {
	_, w, _, segwit := drafts(t)
	segwit.Inputs[0].Signatures = nil
	segwit.Inputs[0].Keys[0].Path[len(segwit.Inputs[0].Keys[0].Path)-1]++
	if n, err := w.Sign(segwit); n != 0 || !errors.Is(err, ErrDraft) {
		t.Error(n, err)
	}
	segwit.Inputs[0].Keys[0].Master[0]++
	if n, err := w.Sign(segwit); n != 0 || err != nil {
		t.Error("another's key:", n, err)
	}
}

// TestFakeChange: an output that claims to be the payer's own is shown as what it is.
func TestFakeChange(t *testing.T) {
	p, w, _, segwit := drafts(t)
	segwit.Inputs[0].Signatures = nil
	for i := range segwit.Outputs {
		segwit.Outputs[i] = DraftOutput{Own: true, Chain: Change, Index: 3}
	}
	e, err := w.Effects(segwit)
	if err != nil {
		t.Fatal(err)
	}
	warned := 0
	for _, warning := range e.Warnings {
		if strings.Contains(warning, "is not this wallet's") {
			warned++
		}
	}
	if warned != 1 {
		t.Errorf("warnings %q of %s", e.Warnings, p.Name)
	}
	if text := e.String(); !strings.Contains(text, "warning: output") || !strings.Contains(text, "(own)") {
		t.Error(text)
	}
}

// TestDraftFile: strict JSON, limits, and the same draft again.
func TestDraftFile(t *testing.T) {
	p, _, legacy, segwit := drafts(t)
	for _, d := range []*Draft{legacy, segwit} {
		data, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseDraft(data, &p)
		if err != nil {
			t.Fatal(err)
		}
		if second, err := json.Marshal(again); err != nil || !bytes.Equal(second, data) {
			t.Error("another file", err)
		}
		text := string(data)
		for name, bad := range map[string]string{
			"trailing bytes": text + "{}", "unknown member": strings.Replace(text, `"network"`, `"more":1,"network"`, 1),
			"another format": strings.Replace(text, draftFormat, "x", 1), "a newer version": strings.Replace(text, `"version":1`, `"version":2`, 1),
			"cut": text[:len(text)/2], "empty": "", "no hex": strings.Replace(text, `"transaction":"`, `"transaction":"z`, 1),
		} {
			if _, err := ParseDraft([]byte(bad), &p); !errors.Is(err, ErrDraft) {
				t.Errorf("%s: %v", name, err)
			}
		}
		other := pillars.Testnet()
		if _, err := ParseDraft(data, &other); !errors.Is(err, ErrNetwork) {
			t.Error("another network:", err)
		}
	}
	var fault *codec.Error
	short := strings.Replace(string(must2(json.Marshal(legacy))), `"transaction":"04000000`, `"transaction":"09000000`, 1)
	if _, err := ParseDraft([]byte(short), &p); !errors.As(err, &fault) {
		t.Error("a transaction of no version:", err)
	}
}

func must2[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestPSBT: version-5 drafts go to Bitcoin's signers and come back signed.
func TestPSBT(t *testing.T) {
	for _, account := range []string{"bip84/0", "bip86/0", "bip49/0", "shared-witness/pair"} {
		s := newScene(t)
		if _, err := s.w.AddAccount(BIP49, 0); err != nil {
			t.Fatal(err)
		}
		one, err1 := s.w.MemberKey(SharedWitness, 0)
		two, err2 := s.other.MemberKey(SharedWitness, 0)
		_, err3 := s.w.AddMultisig(SharedWitness, "pair", 2, []PublicKey{one, two})
		if err := errors.Join(err1, err2, err3); err != nil {
			t.Fatal(err)
		}
		s.l.fundAs(pillars.VersionSegWit, bare(pay(address(t, s.w, account, 0), 9*pillars.ETP)))
		s.l.scan(s.w)
		d := must(t)(s.w.Send([]Payment{{To: s.to(), Amount: pillars.ETP}}, Options{Account: account}))
		data, err := d.PSBT()
		if err != nil {
			t.Fatal(err)
		}
		away, err := ParsePSBT(data, &s.l.p)
		if err != nil {
			t.Fatal(account, err)
		}
		if n, err := s.w.Sign(away); err != nil || n != len(d.Inputs) {
			t.Fatal(account, n, err)
		}
		if e, err := s.w.Effects(away); err != nil || !strings.Contains(e.String(), "claimed, not proved") {
			t.Error("an unproved value goes unsaid:", err)
		}
		if strings.HasPrefix(account, "shared") {
			if n, err := s.other.Sign(away); err != nil || n != len(d.Inputs) {
				t.Fatal(account, n, err)
			}
		}
		back, err := away.PSBT()
		if err != nil {
			t.Fatal(err)
		}
		if err := d.AddPSBT(back, &s.l.p); err != nil {
			t.Fatal(account, err)
		}
		tx, err := d.Finish(&s.l.p)
		if err != nil {
			t.Fatal(account, err)
		}
		s.l.mine(tx)
		if _, err := json.Marshal(away); !errors.Is(err, ErrDraft) {
			t.Error("a draft without proofs becomes a file:", err)
		}
		for name, bad := range map[string][]byte{"cut": data[:len(data)-1], "longer": append(slices.Clone(data), 0), "empty": nil, "text": []byte("psbt")} {
			if _, err := ParsePSBT(bad, &s.l.p); !errors.Is(err, ErrPSBT) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	s := newScene(t)
	d := must(t)(s.w.Send([]Payment{{To: s.to(), Amount: pillars.ETP}}, Options{}))
	if _, err := d.PSBT(); !errors.Is(err, ErrPSBT) {
		t.Error("of version 4:", err)
	}
	d = must(t)(s.w.Send([]Payment{{To: s.to(), Amount: pillars.ETP}}, Options{SegWit: true}))
	if _, err := d.PSBT(); !errors.Is(err, ErrPSBT) {
		t.Error("of the hash of a key:", err)
	}
}

// TestWitnessNeedsVersion5: under versions 1 to 4 a witness program asks for no signature, so no draft spends one.
func TestWitnessNeedsVersion5(t *testing.T) {
	p, _, _, segwit := drafts(t)
	segwit.Tx.Version, segwit.Tx.Bitcoin = pillars.VersionCurrent, 0
	for i := range segwit.Tx.Outputs {
		segwit.Tx.Outputs[i].Attachment = plain(nil)
	}
	if err := segwit.Check(&p); !errors.Is(err, ErrDraft) {
		t.Error(err)
	}
}

// TestForeignSignature: a signature that verifies, by a key that the output does not name, is refused.
func TestForeignSignature(t *testing.T) {
	p, w, legacy, _ := drafts(t)
	form, err := legacy.form(0)
	if err != nil {
		t.Fatal(err)
	}
	key, err := w.KeyOf(address(t, w, "direct/0", 5))
	if err != nil {
		t.Fatal(err)
	}
	private, ours, err := w.master.private(&key)
	if err != nil || !ours {
		t.Fatal(err)
	}
	foreign, err := legacy.hasher().sign(0, &form, private)
	if err != nil {
		t.Fatal(err)
	}
	legacy.Inputs[0].Signatures = append(legacy.Inputs[0].Signatures, foreign)
	if err := legacy.Check(&p); !errors.Is(err, ErrSignature) {
		t.Error(err)
	}
}
