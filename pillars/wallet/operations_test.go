package wallet

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/script"
)

var otherWords = strings.Repeat("abandon ", 23) + "art"

// A scene is a scanned wallet with money on every account, a ledger, and somebody else.
type scene struct {
	t     *testing.T
	l     *ledger
	w     *Wallet
	other *Wallet
	at    pillars.Address // first of direct/0
}

func newScene(t *testing.T) *scene {
	p := pillars.Devnet()
	s := &scene{t: t, l: newLedger(t, p), w: testWallet(t, testWords, p), other: testWallet(t, otherWords, p)}
	s.at = address(t, s.w, "direct/0", 0)
	s.l.fund(pay(s.at, 100*pillars.ETP), pay(s.at, 7*pillars.ETP), pay(address(t, s.w, "bip44/0", 3), 5*pillars.ETP))
	s.l.fund(pay(address(t, s.w, "bip84/0", 0), 3*pillars.ETP), pay(address(t, s.w, "bip84/0", 1), 2*pillars.ETP), pay(address(t, s.w, "bip86/0", 0), 4*pillars.ETP))
	s.l.scan(s.w)
	return s
}

func (s *scene) to() Recipient { return Recipient{Address: address(s.t, s.other, "direct/0", 0)} }

// mine signs a draft, lets the ledger judge it, and scans.
func (s *scene) mine(d *Draft, err error) *pillars.Transaction {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	tx := signed(s.t, s.w, d)
	s.l.mine(tx)
	s.l.scan(s.w)
	return tx
}

func (s *scene) fee(tx *pillars.Transaction) (fee pillars.Amount) {
	for _, in := range tx.Inputs {
		fee += s.l.outputs[in.Previous].Output.Value
	}
	for i := range tx.Outputs {
		fee -= tx.Outputs[i].Value
	}
	return fee
}

// TestSend pays from each kind of account to each kind of address, in both kinds of transaction.
func TestSend(t *testing.T) {
	for _, from := range []struct {
		account string
		segwit  bool
	}{{"direct/0", false}, {"direct/0", true}, {"bip44/0", false}, {"bip84/0", false}, {"bip86/0", false}} {
		for _, to := range []string{"direct/0", "bip84/0", "bip86/0"} {
			s := newScene(t)
			d, err := s.w.Send([]Payment{{To: Recipient{Address: address(t, s.other, to, 2)}, Amount: pillars.ETP}}, Options{Account: from.account, SegWit: from.segwit, Message: "what for"})
			if strings.HasPrefix(from.account, "bip8") && err != nil {
				t.Fatal(err)
			}
			tx := s.mine(d, err)
			if fee := s.fee(tx); fee != s.l.p.Fees.Transaction {
				t.Errorf("%v: fee %s", from, fee)
			}
			e, err := s.w.Effects(d)
			if err != nil || e.Fee != s.l.p.Fees.Transaction || len(e.Warnings) > 0 || !e.Spends[0].Own {
				t.Errorf("%v: effects %v, %v", from, e, err)
			}
			if got := s.l.scan(s.other); got.Outputs < 1 {
				t.Errorf("%v to %s: nothing arrived", from, to)
			}
		}
	}
}

// TestMixedInputs: version 5 spends the hash of a key, whoever made the output.
func TestMixedInputs(t *testing.T) {
	s := newScene(t)
	s.l.fundAs(pillars.VersionSegWit, bare(pay(s.at, 50*pillars.ETP)))
	s.l.scan(s.w)
	for _, segwit := range []bool{true, false} {
		tx := s.mine(s.w.Send([]Payment{{To: s.to(), Amount: 60 * pillars.ETP}}, Options{SegWit: segwit}))
		if tx.IsSegWit() != segwit || len(tx.Inputs) < 1 {
			t.Errorf("version %d", tx.Version)
		}
	}
}

// TestDeterministic: equal wallets and seeds give equal drafts, other seeds other ones.
func TestDeterministic(t *testing.T) {
	draft := func(seed byte) []byte {
		s := newScene(t)
		for range 12 {
			s.l.fund(pay(s.at, pillars.ETP))
		}
		s.l.scan(s.w)
		d, err := s.w.Send([]Payment{{To: s.to(), Amount: 9*pillars.ETP + 123_456}}, Options{Seed: [32]byte{seed}})
		if err != nil {
			t.Fatal(err)
		}
		b, _ := d.MarshalJSON()
		return b
	}
	if !bytes.Equal(draft(1), draft(1)) {
		t.Error("equal seeds, other drafts")
	}
	if bytes.Equal(draft(1), draft(2)) && bytes.Equal(draft(1), draft(3)) && bytes.Equal(draft(1), draft(4)) {
		t.Error("seeds do not matter")
	}
}

// TestLocks: what is paid under a lock is spent when it ends, not before.
func TestLocks(t *testing.T) {
	for _, lock := range []Lock{{Blocks: 10}, {Seconds: 200}} {
		s := newScene(t)
		s.mine(s.w.Send([]Payment{{To: Recipient{Address: address(t, s.w, "bip44/0", 0)}, Amount: 20 * pillars.ETP, Lock: lock}}, Options{}))
		point := s.lockedCoin()
		to := []Payment{{To: s.to(), Amount: 15 * pillars.ETP}}
		_, err := s.w.Send(to, Options{Account: "bip44/0"})
		var missing *InsufficientError
		if !errors.As(err, &missing) || missing.Missing == 0 || len(missing.Held) == 0 {
			t.Fatalf("locked money is spent: %v", err)
		}
		locked := slices.IndexFunc(missing.Held, func(h Held) bool { return h.Reason == TimeLocked })
		if locked < 0 || missing.Held[locked].Quantity != uint64(20*pillars.ETP) || !strings.Contains(err.Error(), "20.00000000 ETP in 1 outputs: locked, the first until") {
			t.Errorf("says %q", err)
		}
		if _, err := s.w.Send(to, Options{Account: "bip44/0", Coins: []pillars.Outpoint{point}}); !errors.Is(err, ErrCoin) {
			t.Error("chosen by hand:", err)
		}
		for s.l.scan(s.w); s.lockedCoin() != (pillars.Outpoint{}); s.l.scan(s.w) {
			s.l.pass(1)
		}
		s.mine(s.w.Send(to, Options{Account: "bip44/0"}))
	}
}

func (s *scene) lockedCoin() (point pillars.Outpoint) {
	for _, c := range s.w.Coins() {
		if c.Reason == TimeLocked {
			point = c.Point
		}
	}
	return point
}

// TestStake locks ETP as stakers must.
func TestStake(t *testing.T) {
	s := newScene(t)
	s.l.fund(pay(s.at, 2000*pillars.ETP))
	s.l.scan(s.w)
	p := s.l.p.Stake
	if _, err := s.w.LockStake(s.at, p.Locked-1, p.LockBlocks+p.LockTail, Options{}); !errors.Is(err, ErrRequest) {
		t.Error("too little:", err)
	}
	if _, err := s.w.LockStake(s.at, p.Locked, p.LockBlocks, Options{}); !errors.Is(err, ErrRequest) {
		t.Error("too short:", err)
	}
	if _, err := s.w.LockStake(s.to().Address, p.Locked, p.LockBlocks+p.LockTail, Options{}); !errors.Is(err, ErrRequest) {
		t.Error("another's address:", err)
	}
	tx := s.mine(s.w.LockStake(s.at, p.Locked, p.LockBlocks+p.LockTail, Options{}))
	for i := range tx.Outputs {
		if out := script.Classify(tx.Outputs[i].Script); out.Template == script.SequenceLock {
			if out.Lock != p.LockBlocks+p.LockTail || tx.Outputs[i].Value != p.Locked || out.Address != s.at {
				t.Errorf("locked as %+v", out)
			}
			return
		}
	}
	t.Error("nothing is locked")
}

// quantity adds up what a wallet may spend of a symbol.
func quantity(w *Wallet, symbol string) uint64 {
	for _, b := range w.Balances("") {
		if b.Symbol == symbol {
			return b.Spendable
		}
	}
	return 0
}

// TestAssets moves and burns an asset; ETP is never taken from outputs that hold one.
func TestAssets(t *testing.T) {
	s := newScene(t)
	with := holding(s.at, pillars.AssetTransfer{Symbol: "GOLD", Quantity: 60})
	with.Value = 1000 * pillars.ETP // ETP on an asset's output is not for spending by accident
	s.l.fund(with, holding(s.at, pillars.AssetTransfer{Symbol: "GOLD", Quantity: 40}), holding(s.at, pillars.AssetTransfer{Symbol: "TIN", Quantity: 9}))
	s.l.scan(s.w)
	_, err := s.w.Send([]Payment{{To: s.to(), Amount: 500 * pillars.ETP}}, Options{})
	if !errors.Is(err, ErrInsufficient) || !strings.Contains(err.Error(), "1000.00000000 ETP in 1 outputs: carries_asset") {
		t.Error("ETP of an asset's output is spent:", err)
	}
	s.mine(s.w.SendAsset("GOLD", []AssetPayment{{To: Recipient{Address: s.to().Address, Avatar: "somebody"}, Quantity: 70}}, Options{Message: "gold"}))
	if got := quantity(s.w, "GOLD"); got != 30 {
		t.Errorf("%d left, want 30", got)
	}
	tx := s.mine(s.w.Burn("GOLD", 10, Options{}))
	if a := tx.Outputs[0].Attachment; a.To != pillars.BlackHoleAvatar || script.Classify(tx.Outputs[0].Script).Template != script.BlackHole {
		t.Errorf("burned as %+v", a)
	}
	if got := quantity(s.w, "GOLD"); got != 20 {
		t.Errorf("%d left, want 20", got)
	}
	var missing *InsufficientError
	if _, err := s.w.SendAsset("GOLD", []AssetPayment{{To: s.to(), Quantity: 21}}, Options{}); !errors.As(err, &missing) || missing.Symbol != "GOLD" || missing.Missing != 1 {
		t.Error("more than there is:", err)
	}
	if _, err := s.w.SendAsset("GOLD", []AssetPayment{{To: s.to(), Quantity: 1}}, Options{Account: "bip84/0"}); !errors.Is(err, ErrRequest) {
		t.Error("from a SegWit account:", err)
	}
	if _, err := s.w.SendAsset("GOLD", []AssetPayment{{To: Recipient{Address: address(t, s.other, "bip84/0", 0)}, Quantity: 1}}, Options{}); !errors.Is(err, ErrRequest) {
		t.Error("to a SegWit address:", err)
	}
	if quantity(s.w, "TIN") != 9 {
		t.Error("another asset was moved")
	}
}

// TestAttenuation locks an asset with scheduled release, and spends what is free while the rest
// stays locked, period by period.
func TestAttenuation(t *testing.T) {
	s := newScene(t)
	s.l.fund(holding(s.at, pillars.AssetTransfer{Symbol: "GOLD", Quantity: 1000}))
	s.l.scan(s.w)
	model, err := pillars.NewFixedLock(900, 30, 3)
	if err != nil {
		t.Fatal(err)
	}
	s.mine(s.w.SendAsset("GOLD", []AssetPayment{{To: Recipient{Address: s.at}, Quantity: 900, Lock: Lock{Model: &model}}}, Options{}))
	if got := quantity(s.w, "GOLD"); got != 100 {
		t.Errorf("%d free, want 100", got)
	}
	s.l.pass(12)
	s.l.scan(s.w)
	if got := quantity(s.w, "GOLD"); got != 400 {
		t.Errorf("%d free after one period, want 400", got)
	}
	tx := s.mine(s.w.SendAsset("GOLD", []AssetPayment{{To: s.to(), Quantity: 250}}, Options{}))
	continued := false
	for i := range tx.Outputs {
		if out := script.Classify(tx.Outputs[i].Script); out.Template == script.Attenuation {
			_, q, _ := tx.Outputs[i].Asset()
			continued = q == 600 && !out.From.IsNull() && out.Address == s.at
		}
	}
	if !continued || quantity(s.w, "GOLD") != 150 {
		t.Errorf("continued %t, %d free", continued, quantity(s.w, "GOLD"))
	}
	_, err = s.w.SendAsset("GOLD", []AssetPayment{{To: s.to(), Quantity: 151}}, Options{})
	if !errors.Is(err, ErrInsufficient) || !strings.Contains(err.Error(), "600 units of GOLD in 1 outputs: locked") {
		t.Error("locked units are spent:", err)
	}
	s.l.pass(40)
	s.l.scan(s.w)
	s.mine(s.w.SendAsset("GOLD", []AssetPayment{{To: s.to(), Quantity: 750}}, Options{}))
}

// TestIssue issues an asset with its certificates, more of it, and one below a domain that is held.
func TestIssue(t *testing.T) {
	s := newScene(t)
	me := Recipient{Address: s.at, Avatar: "alice"}
	terms := pillars.MiningTerms{Initial: 10, Interval: 100, BaseNum: 5, BaseDen: 10}
	tx := s.mine(s.w.IssueAsset(Issue{Symbol: "GOLD.COIN", Supply: 1000, Decimals: 2, Threshold: 51, Issuer: me, Description: "a coin", Mining: &terms}, Options{}))
	if fee := s.fee(tx); fee != s.l.p.Fees.Asset {
		t.Errorf("fee %s, want %s", fee, s.l.p.Fees.Asset)
	}
	var kinds []pillars.CertificateType
	for i := range tx.Outputs {
		if c, ok := tx.Outputs[i].Attachment.Payload.(pillars.Certificate); ok {
			kinds = append(kinds, c.Kind)
			if c.Status != pillars.CertAutoIssue || c.Owner != "alice" || c.Kind == pillars.CertDomain && c.Symbol != "GOLD" {
				t.Errorf("certificate %+v", c)
			}
		}
	}
	if !slices.Equal(kinds, []pillars.CertificateType{pillars.CertIssue, pillars.CertMining, pillars.CertDomain}) {
		t.Errorf("certificates %x", kinds)
	}
	tx = s.mine(s.w.IssueMore(Issue{Symbol: "GOLD.COIN", Supply: 500, Decimals: 2, Threshold: 51, Issuer: me, Total: 1000}, Options{}))
	passed := uint64(0)
	for i := range tx.Outputs {
		if v, ok := tx.Outputs[i].Attachment.Payload.(pillars.AssetTransfer); ok {
			passed += v.Quantity
		}
	}
	if passed < 510 || quantity(s.w, "GOLD.COIN") != 1500 || s.fee(tx) != s.l.p.Fees.Transaction {
		t.Errorf("%d passed through, %d now, fee %s", passed, quantity(s.w, "GOLD.COIN"), s.fee(tx))
	}
	s.mine(s.w.IssueAsset(Issue{Symbol: "GOLD.BAR", Supply: 1, Issuer: me, DomainTaken: true}, Options{}))
	if _, err := s.w.IssueAsset(Issue{Symbol: "TIN.BAR", Supply: 1, Issuer: me, DomainTaken: true}, Options{}); !errors.Is(err, ErrCoin) {
		t.Error("below another's domain:", err)
	}
	if _, err := s.w.IssueMore(Issue{Symbol: "GOLD.BAR", Supply: 1, Issuer: me}, Options{}); !errors.Is(err, ErrRequest) {
		t.Error("more of what allows no more:", err)
	}
	if _, err := s.w.IssueAsset(Issue{Symbol: "SALT", Supply: 1, Issuer: s.to()}, Options{}); !errors.Is(err, ErrRequest) {
		t.Error("in another's name:", err)
	}
}

// TestAvatars registers an avatar, moves it to another own address, and hands it to somebody else.
func TestAvatars(t *testing.T) {
	s := newScene(t)
	tx := s.mine(s.w.RegisterAvatar("alice", s.at, Options{}))
	if s.fee(tx) != s.l.p.Fees.Avatar {
		t.Errorf("fee %s", s.fee(tx))
	}
	second := address(t, s.w, "direct/0", 1)
	if _, err := s.w.TransferAvatar("alice", second, Options{}); !errors.Is(err, ErrInsufficient) {
		t.Error("without ETP at the new address:", err)
	}
	s.l.fund(pay(second, pillars.ETP/2), pay(second, pillars.ETP))
	s.l.scan(s.w)
	tx = s.mine(s.w.TransferAvatar("alice", second, Options{}))
	if len(tx.Inputs) != 2 || s.l.outputs[tx.Inputs[1].Previous].Output.Value != pillars.ETP/2 {
		t.Errorf("%d inputs", len(tx.Inputs))
	}
	if _, err := s.w.TransferAvatar("bob", second, Options{}); !errors.Is(err, ErrCoin) {
		t.Error("an avatar that is not there:", err)
	}

	theirs := s.to().Address
	paid := s.l.fund(pay(theirs, pillars.ETP))[0]
	key, err := s.other.KeyOf(theirs)
	if err != nil {
		t.Fatal(err)
	}
	d, err := s.w.OfferAvatar("alice", s.l.txs[paid.Tx], paid.Index, key, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := s.w.Sign(d); err != nil || n != 1 || d.Complete() {
		t.Fatal(n, err)
	}
	if _, err := d.Finish(&s.l.p); !errors.Is(err, ErrIncomplete) {
		t.Error("with one signature:", err)
	}
	tx = signed(t, s.other, d)
	s.l.mine(tx)
}

// TestCertificates issues and transfers certificates, and burns one.
func TestCertificates(t *testing.T) {
	s := newScene(t)
	text := s.at.Text(s.l.p.Address)
	s.l.fund(holding(s.at, pillars.Certificate{Symbol: "GOLD", Owner: "alice", Address: text, Kind: pillars.CertDomain, Status: pillars.CertAutoIssue}))
	s.l.scan(s.w)
	bob := Recipient{Address: s.to().Address, Avatar: "bob"}
	tx := s.mine(s.w.IssueCertificate("GOLD.RING", pillars.CertNaming, "", bob, Options{}))
	kept := tx.Outputs[1].Attachment.Payload.(pillars.Certificate)
	if kept.Status != pillars.CertNormal || kept.Symbol != "GOLD" || kept.Owner != "alice" {
		t.Errorf("the domain goes on as %+v", kept)
	}
	s.mine(s.w.IssueCertificate("GOLD.RING", pillars.CertCustom|pillars.CertHasContent|7, "what", bob, Options{}))
	s.mine(s.w.TransferCertificate("GOLD", pillars.CertDomain, bob, Options{}))
	if _, err := s.w.TransferCertificate("GOLD", pillars.CertDomain, bob, Options{}); !errors.Is(err, ErrCoin) {
		t.Error("twice:", err)
	}
	s.l.fund(holding(s.at, pillars.Certificate{Symbol: "TIN", Owner: "alice", Address: text, Kind: pillars.CertDomain, Status: pillars.CertAutoIssue}))
	s.l.scan(s.w)
	s.mine(s.w.TransferCertificate("TIN", pillars.CertDomain, Nobody(), Options{}))
	if _, err := s.w.IssueCertificate("GOLD.X", pillars.CertIssue, "", bob, Options{}); !errors.Is(err, ErrRequest) {
		t.Error("a right to issue by hand:", err)
	}
}

// TestTokens registers and transfers identifiable tokens.
func TestTokens(t *testing.T) {
	s := newScene(t)
	s.mine(s.w.RegisterTokens([]NewToken{{"the.one", "a"}, {"the.two", "b"}}, Recipient{Address: s.at}, Options{}))
	s.mine(s.w.TransferToken("the.one", s.to(), Options{}))
	s.mine(s.w.TransferToken("the.two", Nobody(), Options{}))
	if _, err := s.w.TransferToken("the.one", s.to(), Options{}); !errors.Is(err, ErrCoin) {
		t.Error("twice:", err)
	}
	if _, err := s.w.RegisterTokens([]NewToken{{"x", strings.Repeat("y", 257)}}, s.to(), Options{}); !errors.Is(err, ErrRequest) {
		t.Error("too long:", err)
	}
}

// TestMultisig signs with two of three, on P2SH in versions 1 to 4 and P2WSH in version 5, each
// member in a wallet of its own, and combines what they signed apart from each other.
func TestMultisig(t *testing.T) {
	for _, scheme := range []Scheme{SharedScript, SharedWitness} {
		s := newScene(t)
		third := testWallet(t, strings.Repeat("zoo ", 11)+"wrong", s.l.p)
		wallets := []*Wallet{s.w, s.other, third}
		var members []PublicKey
		for _, w := range wallets {
			key, err := w.MemberKey(scheme, 0)
			if err != nil {
				t.Fatal(err)
			}
			members = append(members, key)
		}
		var at pillars.Address
		for i, w := range wallets {
			slices.Reverse(members) // the order does not matter
			a, err := w.AddMultisig(scheme, "club", 2, members)
			if err != nil {
				t.Fatal(err)
			}
			p, err := w.NewAddress(a.ID)
			if err != nil || i > 0 && p.Address != at {
				t.Fatal("another address", err)
			}
			at = p.Address
		}
		s.l.fund(pay(at, 10*pillars.ETP), pay(at, 4*pillars.ETP))
		s.l.scan(s.w)
		id := scheme.String() + "/club"
		d, err := s.w.Send([]Payment{{To: s.to(), Amount: 12 * pillars.ETP}}, Options{Account: id})
		if err != nil {
			t.Fatal(err)
		}
		one, two := reread(t, s.w, d), reread(t, third, d)
		if n, err := s.w.Sign(one); err != nil || n != 2 {
			t.Fatal(n, err)
		}
		if _, err := one.Finish(&s.l.p); !errors.Is(err, ErrIncomplete) {
			t.Error("with one signature:", err)
		}
		if n, err := third.Sign(two); err != nil || n != 2 {
			t.Fatal(n, err)
		}
		if e, err := third.Effects(two); err != nil || len(e.Warnings) > 0 || e.Missing != 2 || !slices.ContainsFunc(e.Makes, func(x Effect) bool { return x.Own }) {
			t.Errorf("a member sees %v, %v", e, err)
		}
		if err := two.Combine(one, &s.l.p); err != nil {
			t.Fatal(err)
		}
		if n, err := s.other.Sign(two); err != nil || n != 0 {
			t.Error("signs what has enough:", n, err)
		}
		tx, err := two.Finish(&s.l.p)
		if err != nil {
			t.Fatal(err)
		}
		s.l.mine(tx)
	}
}

// TestBroadcast reserves inputs, keeps references apart, and forgets.
func TestBroadcast(t *testing.T) {
	s := newScene(t)
	ctx := context.Background()
	d, err := s.w.Send([]Payment{{To: s.to(), Amount: 101 * pillars.ETP}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.w.Sign(d); err != nil {
		t.Fatal(err)
	}
	tx, err := s.w.Broadcast(ctx, s.l, d, "rent")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.w.Broadcast(ctx, s.l, d, "rent"); err != nil {
		t.Error("the same again:", err)
	}
	_, err = s.w.Send([]Payment{{To: s.to(), Amount: pillars.ETP}}, Options{})
	if !errors.Is(err, ErrInsufficient) || !strings.Contains(err.Error(), "reserved") {
		t.Error("reserved money is spent:", err)
	}
	d, err = s.w.Send([]Payment{{To: s.to(), Amount: pillars.ETP}}, Options{Account: "bip44/0"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.w.Sign(d); err != nil {
		t.Fatal(err)
	}
	if _, err := s.w.Broadcast(ctx, s.l, d, "rent"); !errors.Is(err, ErrReferenceReused) {
		t.Error("a reference pays twice:", err)
	}
	if err := s.w.Forget(tx.ID()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.w.Send([]Payment{{To: s.to(), Amount: pillars.ETP}}, Options{}); err != nil {
		t.Error("forgotten and still reserved:", err)
	}
}

// TestCoinControl spends what is chosen, never what is frozen.
func TestCoinControl(t *testing.T) {
	s := newScene(t)
	coins := s.w.Coins()
	small := slices.IndexFunc(coins, func(c Coin) bool { return c.Output.Output.Value == 7*pillars.ETP })
	point := coins[small].Point
	tx := signed(t, s.w, must(t)(s.w.Send([]Payment{{To: s.to(), Amount: pillars.ETP}}, Options{Coins: []pillars.Outpoint{point}})))
	if len(tx.Inputs) != 1 || tx.Inputs[0].Previous != point {
		t.Error("other coins than the chosen ones")
	}
	if err := s.w.Freeze(point, true); err != nil {
		t.Fatal(err)
	}
	if _, err := s.w.Send([]Payment{{To: s.to(), Amount: pillars.ETP}}, Options{Coins: []pillars.Outpoint{point}}); !errors.Is(err, ErrCoin) {
		t.Error("frozen:", err)
	}
	if err := s.w.Freeze(point, false); err != nil {
		t.Fatal(err)
	}
	if _, err := s.w.Send([]Payment{{To: s.to(), Amount: pillars.ETP}}, Options{Coins: []pillars.Outpoint{{Index: 9}}}); !errors.Is(err, ErrCoin) {
		t.Error("not mine:", err)
	}
	tx = s.mine(s.w.SendAll(s.to(), Options{}))
	if len(tx.Outputs) != 1 || tx.Outputs[0].Value != 107*pillars.ETP-s.l.p.Fees.Transaction {
		t.Errorf("all is %s in %d outputs", tx.Outputs[0].Value, len(tx.Outputs))
	}
}

func must(t *testing.T) func(*Draft, error) *Draft {
	return func(d *Draft, err error) *Draft {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
}

// TestSendAllOfLittle: what the fee takes whole is refused by name.
func TestSendAllOfLittle(t *testing.T) {
	s := newScene(t)
	s.l.fund(pay(address(t, s.w, "bip44/0", 0), s.l.p.Fees.Transaction+1))
	s.l.scan(s.w)
	var points []pillars.Outpoint
	for _, c := range s.w.Coins() {
		if c.Output.Output.Value == s.l.p.Fees.Transaction+1 {
			points = append(points, c.Point)
		}
	}
	if _, err := s.w.SendAll(s.to(), Options{Account: "bip44/0", Coins: points}); !errors.Is(err, ErrInsufficient) {
		t.Error(err)
	}
}

type names map[string]pillars.Address

func (n names) Avatar(_ context.Context, symbol string) (pillars.Address, bool, error) {
	if symbol == "broken" {
		return pillars.Address{}, false, errors.New("no answer")
	}
	a, ok := n[symbol]
	return a, ok, nil
}

// TestResolve: addresses of this network, avatars that exist, and nobody.
func TestResolve(t *testing.T) {
	w := testWallet(t, testWords, pillars.Devnet())
	at := address(t, w, "direct/0", 0)
	in := names{"alice": at}
	for text, want := range map[string]Recipient{
		"alice": {at, "alice"}, at.Text(w.params.Address): {Address: at}, "BLACKHOLE": Nobody(), "1111111111111111111114oLvT2": Nobody(),
	} {
		if got, err := w.Resolve(t.Context(), in, text); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	main := pillars.MainnetLike()
	for _, text := range []string{"", "bob", "a b", "broken", at.Text(main.Address)} {
		if got, err := w.Resolve(t.Context(), in, text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// TestIssueHolding: what the threshold asks for must lie at the issuer's own address.
func TestIssueHolding(t *testing.T) {
	s := newScene(t)
	me := Recipient{Address: s.at, Avatar: "alice"}
	s.mine(s.w.IssueAsset(Issue{Symbol: "GOLD", Supply: 100, Threshold: 50, Issuer: me}, Options{}))
	elsewhere := address(t, s.w, "direct/0", 9)
	s.mine(s.w.SendAsset("GOLD", []AssetPayment{{To: Recipient{Address: elsewhere}, Quantity: 51}, {To: Recipient{Address: s.at}, Quantity: 49}}, Options{}))
	more := Issue{Symbol: "GOLD", Supply: 1, Threshold: 50, Issuer: me, Total: 100}
	var missing *InsufficientError
	_, err := s.w.IssueMore(more, Options{})
	if !errors.As(err, &missing) || missing.Missing != 1 || missing.Held[0].Reason != Elsewhere || missing.Held[0].Quantity != 51 {
		t.Error("units of another address count:", err)
	}
	more.Total = 99 // half of it, rounded down
	s.mine(s.w.IssueMore(more, Options{}))
}
