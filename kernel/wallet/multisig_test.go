package wallet

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

func group(threshold uint8, members ...kernel.Account) Receiver {
	r := Receiver{Threshold: threshold}
	for _, m := range members {
		r.Members = append(r.Members, m.Address())
	}
	return r
}

// copyOf sends a request through its file.
func copyOf(t testing.TB, r *SigningRequest) *SigningRequest {
	t.Helper()
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseSigningRequest(data)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// sharedFunds pays 60 BTC to 2 of alice, bob, carol and returns their wallets and the request of
// alice to pay 45 of it to dave.
func sharedFunds(t testing.TB) (c *chain, wallets []*Wallet, dave kernel.Account, r *SigningRequest) {
	t.Helper()
	c = newChain(t, 1, alice)
	dave = account(4)
	three := group(2, alice, bob, carol)
	a := c.wallet(alice)
	c.pay(a, "fund", Request{Asset: kernel.BTC, Pay: []Pay{{three, coins(60)}}})
	wallets = []*Wallet{a, c.wallet(bob), c.wallet(carol)}
	req := btc(dave, coins(45))
	req.From = &three
	p, err := wallets[0].Plan(req, seeded(4))
	if err != nil {
		t.Fatal(err)
	}
	return c, wallets, dave, wallets[0].SigningRequest(p)
}

func TestTwoOfThree(t *testing.T) {
	c, wallets, dave, request := sharedFunds(t)
	for i, w := range wallets {
		if n := len(w.Shared()); n != 3 {
			t.Fatalf("member %d sees %d shared outputs", i, n)
		}
		if b := w.Balances()[0]; b.Shared != coins(60) || i > 0 && !b.Final.IsZero() {
			t.Fatalf("member %d: %+v: shared outputs are no part of the balance", i, b)
		}
	}
	// Each member sees who gains what before signing.
	e, err := request.Effects(wallets[1].Keys())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(e.String(), "45.00000000 to "+dave.Address().String()) || !strings.Contains(e.String(), "2 of 3") {
		t.Errorf("effects:\n%s", e)
	}
	byBob, byCarol := copyOf(t, request), copyOf(t, request)
	for member, r := range map[int]*SigningRequest{1: byBob, 2: byCarol} {
		if n, err := r.Sign(wallets[member].Keys()); err != nil || n != len(r.spends) {
			t.Fatalf("member %d added %d signatures: %v", member, n, err)
		}
		if _, err := r.Signed(); !errors.Is(err, ErrIncomplete) {
			t.Fatalf("one signature is enough: %v", err)
		}
	}
	if _, err := byBob.Sign(wallets[1].Keys()); !errors.Is(err, ErrNoKey) {
		t.Errorf("bob signs twice: %v", err)
	}
	if _, err := byBob.Sign(AccountKeys(dave)); !errors.Is(err, ErrNoKey) {
		t.Errorf("dave signs: %v", err)
	}
	combined := copyOf(t, byBob)
	if err := combined.Combine(copyOf(t, byCarol)); err != nil {
		t.Fatal(err)
	}
	if slices.Max(combined.Missing()) != 0 {
		t.Fatalf("missing %v", combined.Missing())
	}
	if _, err := combined.Sign(wallets[0].Keys()); !errors.Is(err, ErrNoKey) {
		t.Errorf("a third signature where two are enough: %v", err)
	}
	signed, err := combined.Signed()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.SendRawTransaction(t.Context(), signed); err != nil {
		t.Fatal("the ledger refuses:", err)
	}
	if w := c.wallet(dave); final(w) != coins(45) {
		t.Errorf("dave has %s", final(w))
	}
	for i, w := range wallets {
		c.scan(w)
		if b := w.Balances()[0]; b.Shared != coins(15) {
			t.Errorf("member %d sees %s shared", i, b.Shared)
		}
		h := w.History()
		if e := h[len(h)-1]; e.Direction != Shared || e.Amount != coins(45) {
			t.Errorf("member %d: history ends with %+v", i, e)
		}
	}
}

func TestSigningRequestRefusals(t *testing.T) {
	_, wallets, _, request := sharedFunds(t)
	signed := copyOf(t, request)
	if _, err := signed.Sign(wallets[1].Keys()); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(signed)
	if err != nil {
		t.Fatal(err)
	}
	edit := func(change func(*requestJSON)) []byte {
		var j requestJSON
		if err := json.Unmarshal(data, &j); err != nil {
			t.Fatal(err)
		}
		change(&j)
		b, err := json.Marshal(j)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for name, bad := range map[string][]byte{
		"empty":           nil,
		"trailing":        append(slices.Clone(data), '1'),
		"format":          edit(func(j *requestJSON) { j.Format = "x" }),
		"version":         edit(func(j *requestJSON) { j.Version = 2 }),
		"transaction":     edit(func(j *requestJSON) { j.Transaction = j.Transaction[1:] }),
		"signature":       edit(func(j *requestJSON) { j.Transaction[len(j.Transaction)-1] ^= 1 }),
		"input missing":   edit(func(j *requestJSON) { j.Inputs = j.Inputs[1:] }),
		"input twisted":   edit(func(j *requestJSON) { j.Inputs[0].Ref.Index++ }),
		"keys missing":    edit(func(j *requestJSON) { j.Inputs[0].Keys = nil }),
		"keys exchanged":  edit(func(j *requestJSON) { slices.Reverse(j.Inputs[0].Keys); j.Inputs[0].Keys[1] = j.Inputs[0].Keys[0] }),
		"output missing":  edit(func(j *requestJSON) { j.Outputs = j.Outputs[1:] }),
		"threshold > n":   edit(func(j *requestJSON) { j.Inputs[0].Threshold = 4 }),
		"unknown members": append([]byte(`{"more":1,`), data[1:]...),
	} {
		if _, err := ParseSigningRequest(bad); !errors.Is(err, ErrSigningRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}

	// A proposer who lies about who is paid is seen through: the secret does not prove it.
	lie := edit(func(j *requestJSON) {
		for i := range j.Outputs {
			to := To(carol.Address())
			j.Outputs[i].To = &to
		}
	})
	r, err := ParseSigningRequest(lie)
	if err != nil {
		t.Fatal(err)
	}
	e, err := r.Effects(wallets[2].Keys())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(e.String(), carol.Address().String()) || !strings.Contains(e.String(), UnknownReceiver) {
		t.Errorf("the lie is shown:\n%s", e)
	}
	// So is one who lies about amounts.
	lie = edit(func(j *requestJSON) { j.Inputs[0].Amount = coins(1000) })
	if r, err = ParseSigningRequest(lie); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Sign(wallets[2].Keys()); !errors.Is(err, ErrEffects) {
		t.Errorf("false amount: %v", err)
	}

	other := copyOf(t, request)
	other.tx.Extra = []byte("other")
	if err := signed.Combine(other); !errors.Is(err, ErrDifferent) {
		t.Errorf("combine: %v", err)
	}
	forged := copyOf(t, signed)
	forged.tx.Signatures[0][0].Signature[40] ^= 1
	if err := copyOf(t, request).Combine(forged); !errors.Is(err, ErrSigningRequest) {
		t.Errorf("forged signature: %v", err)
	}
	for _, bad := range []Receiver{
		{}, group(0, alice), group(2, alice), group(1, alice, alice),
		{Members: []kernel.Address{{}}, Threshold: 1},
	} {
		if err := bad.Check(); !errors.Is(err, ErrReceiver) {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

func FuzzParseSigningRequest(f *testing.F) {
	_, wallets, _, request := sharedFunds(f)
	for range 2 {
		data, err := json.Marshal(request)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		if _, err := request.Sign(wallets[1].Keys()); err != nil && !errors.Is(err, ErrNoKey) {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ParseSigningRequest(data)
		if err != nil {
			return
		}
		again := copyOf(t, r)
		if again.Transaction() != r.Transaction() || len(again.spends) != len(r.spends) {
			t.Fatal("another request after a round trip")
		}
		_, _ = r.Effects(wallets[0].Keys()) // must not panic
		_, _ = r.Sign(wallets[0].Keys())
		_ = r.Missing()
	})
}

// A watch-only wallet proposes, the keys sign elsewhere, and the proposer sends.
func TestOfflineSigning(t *testing.T) {
	c := newChain(t, 3, alice)
	seeing, err := ParseTracingKey(AccountKeys(alice).TracingKey())
	if err != nil {
		t.Fatal(err)
	}
	w := New(seeing, c.network(), 0)
	c.scan(w)
	p, err := w.Plan(btc(bob, coins(250)), seeded(6))
	if err != nil {
		t.Fatal(err)
	}
	request := copyOf(t, w.SigningRequest(p))
	if _, err := request.Sign(AccountKeys(bob)); !errors.Is(err, ErrNoKey) {
		t.Errorf("a stranger signs: %v", err)
	}
	if n, err := request.Sign(AccountKeys(alice)); err != nil || n != 3 {
		t.Fatal(n, err)
	}
	signed, err := copyOf(t, request).Signed()
	if err != nil {
		t.Fatal(err)
	}
	// What the payer's own wallet says about the bytes, and what a stranger's says.
	mine, err := w.Explain(signed)
	if err != nil || mine.Unknown != 0 || mine.Spends != coins(300) {
		t.Errorf("%v\n%s", err, mine)
	}
	theirs, err := New(AccountKeys(carol), c.network(), 0).Explain(signed)
	if err != nil || theirs.Unknown != 3 || len(theirs.Lines) != 1 || theirs.Lines[0].To != UnknownReceiver {
		t.Errorf("%v\n%s", err, theirs)
	}
	if _, err := c.SendRawTransaction(t.Context(), signed); err != nil {
		t.Fatal(err)
	}
	c.scan(w)
	if final(w) != coins(50) {
		t.Errorf("%s left", final(w))
	}
}
