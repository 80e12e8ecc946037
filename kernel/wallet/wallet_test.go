package wallet

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/asterism-network/asterism/kernel"
)

var alice, bob, carol = account(1), account(2), account(3)

func TestPaymentBetweenWallets(t *testing.T) {
	c := newChain(t, 3, alice)
	a, b := c.wallet(alice), c.wallet(bob)
	if final(a) != coins(300) {
		t.Fatalf("genesis gives %s", final(a))
	}
	req := btc(bob, coins(42))
	req.Memo = []byte("rent")
	p := c.pay(a, "rent-1", req)
	c.scan(b)
	if final(a) != coins(258) || final(b) != coins(42) {
		t.Fatalf("alice %s, bob %s", final(a), final(b))
	}
	if n := len(b.Outputs()); n != 3 {
		t.Errorf("bob got %d outputs, the paper asks for three", n)
	}
	for _, w := range []*Wallet{a, b} {
		h := w.History()
		e := h[len(h)-1]
		if e.Transaction != p.Transaction || e.Amount != coins(42) || e.Memo != "rent" || e.State != Final {
			t.Errorf("history ends with %+v", e)
		}
	}
	if h := a.History(); len(h) != 2 || h[1].Direction != Outgoing || h[1].With[0] != bob.Address().String() || h[1].Reference != "rent-1" {
		t.Errorf("alice's history: %+v", h)
	}
	if h := b.History(); len(h) != 1 || h[0].Direction != Incoming {
		t.Errorf("bob's history: %+v", h)
	}
}

func TestRestoreFromWordsFindsAllOutputs(t *testing.T) {
	words, err := NewWords(seeded(5), 24)
	if err != nil {
		t.Fatal(err)
	}
	seed, err := Seed(words, "")
	if err != nil {
		t.Fatal(err)
	}
	owner := kernel.AccountFromSeed(seed)
	c := newChain(t, 2, owner, alice)
	w, a := c.wallet(owner), c.wallet(alice)
	for i := range uint64(6) {
		c.pay(w, fmt.Sprint("out", i), btc(bob, coins(7+i)))
		c.pay(a, fmt.Sprint("in", i), btc(owner, kernel.NewAmount(i+1)))
	}
	c.scan(w)
	at := location(t, c)
	restored, err := Create(at, strings.ToUpper("  "+words), "", Birth{})
	if err != nil {
		t.Fatal(err)
	}
	defer restored.Close()
	if restored.Address() != owner.Address() {
		t.Fatal("another address")
	}
	c.hide = true // the bytes must then be fetched one by one
	c.scan(restored)
	if got, want := fmt.Sprint(restored.Outputs()), fmt.Sprint(w.Outputs()); got != want {
		t.Errorf("outputs\n%s\nwant\n%s", got, want)
	}
	if got, want := len(restored.History()), len(w.History()); got != want {
		t.Errorf("history has %d lines, want %d", got, want)
	}
}

func TestWatchOnlySeesAndCannotSpend(t *testing.T) {
	c := newChain(t, 2, alice)
	a := c.wallet(alice)
	c.pay(a, "x", btc(bob, coins(30)))
	text := a.Keys().TracingKey()
	keys, err := ParseTracingKey(" " + text + "\n")
	if err != nil {
		t.Fatal(err)
	}
	w := New(keys, c.network(), 0)
	c.scan(w)
	if !keys.WatchOnly() || final(w) != coins(170) || w.Address() != alice.Address() {
		t.Fatalf("balance %s", final(w))
	}
	p, err := w.Plan(btc(bob, coins(1)), seeded(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Accept("y", p, 1); !errors.Is(err, ErrWatchOnly) {
		t.Errorf("accept: %v", err)
	}
	if _, err := w.SigningRequest(p).Sign(keys); !errors.Is(err, ErrWatchOnly) {
		t.Errorf("sign: %v", err)
	}
	for _, bad := range []string{"", text[1:], text[:len(text)-1], text[:20] + "0" + text[21:], strings.Replace(text, "1", "2", 1)} {
		if _, err := ParseTracingKey(bad); !errors.Is(err, ErrTracingKey) || strings.Contains(err.Error(), text[20:40]) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestReferenceIsPaidOnce(t *testing.T) {
	c := newChain(t, 3, alice)
	a := c.wallet(alice)
	first := c.pay(a, "W-1001", btc(bob, coins(5)))
	again := c.pay(a, "W-1001", btc(bob, coins(5)))
	if first.Transaction != again.Transaction || final(a) != coins(295) {
		t.Fatalf("paid twice: %s", final(a))
	}
	if _, err := a.Send(t.Context(), c.net(), "W-1001", btc(bob, coins(6))); !errors.Is(err, ErrReferenceReused) {
		t.Errorf("other amount: %v", err)
	}
	if _, err := a.Send(t.Context(), c.net(), "W-1001", btc(carol, coins(5))); !errors.Is(err, ErrReferenceReused) {
		t.Errorf("other receiver: %v", err)
	}
}

// A node that takes bytes and says nothing: the inputs stay reserved, a retry sends the same
// bytes, and the payment is found final in the end.
func TestUnknownOutcome(t *testing.T) {
	c := newChain(t, 2, alice)
	a := c.wallet(alice)
	lost := errors.New("connection reset")
	var seen [][]byte
	c.refuse = func(raw []byte) error { seen = append(seen, raw); return lost }
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Millisecond)
	defer cancel()
	p, err := a.Send(ctx, c.net(), "r", btc(bob, coins(150)))
	if !errors.Is(err, lost) || !errors.Is(err, context.DeadlineExceeded) || p.State != Pending {
		t.Fatalf("%+v, %v", p.State, err)
	}
	if b := a.Balances()[0]; b.Final != coins(200) || !b.Spendable.IsZero() || b.PendingOut != coins(150) || b.PendingIn != coins(50) {
		t.Errorf("balance while pending: %+v", b)
	}
	if _, err := a.Plan(btc(bob, coins(1)), seeded(1)); !errors.Is(err, ErrInsufficient) {
		t.Errorf("reserved outputs are spent again: %v", err)
	}
	if h := a.History(); h[len(h)-1].State != Pending || h[len(h)-1].Amount != coins(150) {
		t.Errorf("history: %+v", h[len(h)-1])
	}
	c.refuse = nil
	done := c.pay(a, "r", btc(bob, coins(150)))
	if done.Transaction != p.Transaction || len(done.Attempts) != 1 || len(seen) == 0 {
		t.Errorf("retry made another transaction")
	}
}

// A stranger takes one of the payment's one-time keys first: the receipt says rejected, and the
// payment is made again with fresh keys.
func TestStolenGhostKey(t *testing.T) {
	c := newChain(t, 2, alice, bob)
	a, b := c.wallet(alice), c.wallet(bob)
	stolen := 0
	c.refuse = func(raw []byte) error {
		if stolen == 2 {
			return nil
		}
		stolen++
		var tx kernel.Transaction
		if err := tx.UnmarshalBinary(raw); err != nil {
			return err
		}
		thief, err := b.Plan(Request{Asset: kernel.BTC, Pay: []Pay{{To(carol.Address()), coins(1)}}, Plain: true, Inputs: []Ref{b.Outputs()[stolen-1].Ref}}, seeded(uint64(stolen)))
		if err != nil {
			return err
		}
		theft := thief.Transaction()
		theft.Outputs[0].Keys, theft.Outputs[0].Mask = tx.Outputs[0].Keys, tx.Outputs[0].Mask
		thief.tx = theft
		privates := []kernel.Scalar{}
		for _, o := range thief.spends {
			p, err := b.keys.private(o.Keys[0], o.Mask, int(o.Ref.Index))
			if err != nil {
				return err
			}
			privates = append(privates, p)
		}
		if err := authorize(theft, theft.Hash(), thief, privates, seeded(9)); err != nil {
			return err
		}
		out, err := theft.AppendBinary(nil)
		if err != nil {
			return err
		}
		if stolen == 1 {
			c.execute(out)
			c.execute(raw) // is judged all the same, and has a receipt
			return nil
		}
		c.execute(out) // the node sees the theft and refuses the payment
		return nil
	}
	p := c.pay(a, "r", btc(carol, coins(20)))
	if stolen != 2 || len(p.Attempts) != 3 {
		t.Fatalf("%d thefts, %d attempts", stolen, len(p.Attempts))
	}
	w := c.wallet(carol)
	// Each theft used the key to pay one coin to whoever owns the key: alice or carol.
	if sum := plus(final(a), final(w)); sum != coins(202) || final(w).Compare(coins(20)) < 0 {
		t.Fatalf("alice %s, carol %s", final(a), final(w))
	}
}

// F23: outputs to one key that was used before count once. The ledger forbids them; the wallet
// does not rely on it.
func TestRepeatedKeyCountsOnce(t *testing.T) {
	c := newChain(t, 1, alice)
	deposit := func(external string) []byte {
		raw, err := SignDeposit(c.custodian, kernel.BTC, kernel.Deposit{
			Chain: kernel.BTC, AssetKey: kernel.BTC.String(), Transaction: external, Amount: coins(9),
		}, To(bob.Address()), seeded(7)) // equal randomness: equal key
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	one, two := deposit("0x1"), deposit("0x2")
	c.commit(one)
	early := c.wallet(bob)
	var tx kernel.Transaction
	if err := tx.UnmarshalBinary(two); err != nil {
		t.Fatal(err)
	}
	c.commit(two)
	last := &c.commits[len(c.commits)-1]
	if last.Receipts[0].Rule != kernel.GhostKeyUsed {
		t.Fatalf("the ledger accepted it: %+v", last.Receipts)
	}
	// A lying node shows it as final all the same.
	last.Transactions = append(last.Transactions, c.lie(two))
	for _, w := range []*Wallet{c.wallet(bob), early} { // in one scan, and in two
		c.scan(w)
		if final(w) != coins(9) || len(w.Outputs()) != 1 || len(w.facts.burned) != 1 {
			t.Fatalf("balance %s, %d burned", final(w), len(w.facts.burned))
		}
	}
}

// A node that shows an output spent by two final transactions is not believed.
func TestDoubleSpendOfALyingNode(t *testing.T) {
	c := newChain(t, 1, alice)
	a := c.wallet(alice)
	one, err := a.Plan(btc(bob, coins(1)), seeded(1))
	if err != nil {
		t.Fatal(err)
	}
	two, err := a.Plan(btc(bob, coins(1)), seeded(2))
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range []*Plan{one, two} {
		raw, err := a.keys.sign(p, seeded(3))
		if err != nil {
			t.Fatal(err)
		}
		c.commit()
		last := &c.commits[len(c.commits)-1]
		last.Transactions = append(last.Transactions, c.lie(raw))
		for _, w := range []*Wallet{a, New(AccountKeys(alice), c.network(), 0)} {
			if _, err := w.Scan(t.Context(), c); errors.Is(err, ErrHistory) != (i == 1) {
				t.Fatalf("after %d: %v", i+1, err)
			}
		}
	}
}

// Of two plans with the same inputs one is accepted.
func TestPlansReserveNothing(t *testing.T) {
	c := newChain(t, 1, alice)
	a := c.wallet(alice)
	var plans []*Plan
	for i := range uint64(3) {
		p, err := a.Plan(btc(bob, coins(1)), seeded(i))
		if err != nil {
			t.Fatal(err)
		}
		plans = append(plans, p)
	}
	if _, err := a.Accept("one", plans[0], 1); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Accept("two", plans[1], 1); !errors.Is(err, ErrReserved) {
		t.Fatalf("while pending: %v", err)
	}
	if _, err := a.Wait(t.Context(), c.net(), "one"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Accept("three", plans[2], 1); !errors.Is(err, ErrReserved) {
		t.Fatalf("after it is final: %v", err)
	}
	if _, err := a.Accept("", plans[2], 1); !errors.Is(err, ErrRequest) {
		t.Fatalf("without reference: %v", err)
	}
}

func TestWithdrawalAndDeposit(t *testing.T) {
	c := newChain(t, 2, alice)
	a := c.wallet(alice)
	c.pay(a, "w", Request{Asset: kernel.BTC, Withdraw: &Withdraw{Address: "bc1qexample", Tag: "7", Amount: coins(40)}})
	if final(a) != coins(160) {
		t.Fatalf("%s", final(a))
	}
	h := a.History()
	if e := h[len(h)-1]; e.Class != "withdrawal_submit" || e.Amount != coins(40) || !strings.Contains(e.With[0], "bc1qexample tag 7") {
		t.Errorf("%+v", e)
	}
	raw, err := SignDeposit(c.custodian, kernel.BTC, kernel.Deposit{
		Chain: kernel.BTC, AssetKey: kernel.BTC.String(), Transaction: "0xabc", Index: 3, Amount: coins(5),
	}, To(alice.Address()), seeded(3))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.SendRawTransaction(t.Context(), raw); err != nil {
		t.Fatal(err)
	}
	c.scan(a)
	h = a.History()
	if e := h[len(h)-1]; final(a) != coins(165) || e.Class != "deposit" || e.Direction != Incoming || e.With[0] != "0xabc" {
		t.Errorf("%+v", e)
	}
}

func TestAggregateSignature(t *testing.T) {
	c := newChain(t, 4, alice)
	a := c.wallet(alice)
	req := btc(bob, coins(350))
	req.Aggregate = true
	p := c.pay(a, "agg", req)
	var tx kernel.Transaction
	if err := tx.UnmarshalBinary(p.Signed()); err != nil || tx.Aggregate == nil || len(tx.Inputs) != 4 {
		t.Fatalf("%v %+v", err, tx.Aggregate)
	}
}

func TestNodeWithAnotherHistory(t *testing.T) {
	c := newChain(t, 1, alice)
	a := c.wallet(alice)
	c.pay(a, "x", btc(bob, coins(1)))
	c.commits[len(c.commits)-1].Digest[0] ^= 1
	if _, err := a.Scan(t.Context(), c); !errors.Is(err, ErrHistory) {
		t.Fatalf("%v", err)
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	keys := AccountKeys(alice)
	w := New(keys, kernel.NetworkID{}, 0)
	for _, v := range []any{keys, &keys, w.Keys()} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			text := fmt.Sprintf(verb, v)
			if strings.Contains(text, fmt.Sprintf("%x", alice.View[:])) || strings.Contains(text, fmt.Sprint([32]byte(alice.Spend))) || !strings.Contains(text, "XIN") {
				t.Errorf("%s prints %.200s", verb, text)
			}
		}
	}
}
