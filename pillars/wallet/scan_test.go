package wallet

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/pillars"
)

// TestGap: payments are found as long as no gap lies between them, across restarts and pages.
func TestGap(t *testing.T) {
	p := pillars.Devnet()
	l := newLedger(t, p)
	w := testWallet(t, testWords, p)
	for _, index := range []uint32{0, 19, 38, 57, 150} { // 150 is behind a gap
		l.fund(pay(address(t, w, "direct/0", index), pillars.ETP))
	}
	change, err := w.Address("bip44/0", Change, 19)
	if err != nil {
		t.Fatal(err)
	}
	l.fund(pay(change.Address, pillars.ETP), pay(change.Address, pillars.ETP))
	if got := l.scan(w); got.Unspent != 6 || quantity(w, "ETP") != uint64(6*pillars.ETP) {
		t.Errorf("found %+v", got)
	}
	if a := w.Accounts()[0]; a.Used[Receive] != 58 || a.Next[Receive] != 58 {
		t.Errorf("used %v, next %v", a.Used, a.Next)
	}
	if err := w.SetGap(100); err != nil {
		t.Fatal(err)
	}
	if got := l.scan(w); got.Unspent != 7 {
		t.Errorf("with a wider gap found %+v", got)
	}
}

// TestNewAddress gives out as many unused addresses as a restored wallet would find, and no more.
func TestNewAddress(t *testing.T) {
	w := testWallet(t, testWords, pillars.Devnet())
	seen := map[pillars.Address]bool{}
	for range DefaultGap {
		p, err := w.NewAddress("bip84/0")
		if err != nil || seen[p.Address] {
			t.Fatal("not a new address", err)
		}
		seen[p.Address] = true
	}
	if _, err := w.NewAddress("bip84/0"); !errors.Is(err, ErrGap) {
		t.Error(err)
	}
	if _, err := w.NewAddress("bip99/0"); !errors.Is(err, ErrAccount) {
		t.Error(err)
	}
}

// liar is a ledger that says one thing wrong.
type liar struct {
	*ledger
	outputs func([]Output) []Output
	tx      func(*pillars.Transaction) *pillars.Transaction
}

func (l *liar) Outputs(ctx context.Context, to []pillars.Address, from string) ([]Output, string, error) {
	page, next, err := l.ledger.Outputs(ctx, to, from)
	return l.outputs(page), next, err
}

func (l *liar) Transaction(ctx context.Context, id pillars.TxID) (*pillars.Transaction, error) {
	tx, err := l.ledger.Transaction(ctx, id)
	return l.tx(tx), err
}

// TestLyingSource: what a node says about values and owners is not believed.
func TestLyingSource(t *testing.T) {
	same := func(tx *pillars.Transaction) *pillars.Transaction { return tx }
	first := func(change func(o *Output)) func([]Output) []Output {
		return func(page []Output) []Output {
			if len(page) > 0 {
				change(&page[0])
			}
			return page
		}
	}
	for name, l := range map[string]liar{
		"value":       {outputs: first(func(o *Output) { o.Output.Value++ }), tx: same},
		"version":     {outputs: first(func(o *Output) { o.Version = 5 }), tx: same},
		"place":       {outputs: first(func(o *Output) { o.Point.Index = 99 }), tx: same},
		"owner":       {outputs: first(func(o *Output) { o.Output.Script = []byte{0x6a} }), tx: same},
		"attachment":  {outputs: first(func(o *Output) { o.Output.Attachment.To = "x" }), tx: same},
		"transaction": {outputs: first(func(*Output) {}), tx: func(tx *pillars.Transaction) *pillars.Transaction { c := *tx; c.LockTime++; return &c }},
	} {
		s := newScene(t)
		before := quantity(s.w, "ETP")
		s.l.fund(pay(s.at, pillars.ETP))
		s.w.transactions = nil
		l.ledger = s.l
		if _, err := s.w.Scan(t.Context(), &l); !errors.Is(err, ErrSource) {
			t.Errorf("%s: %v", name, err)
		}
		if quantity(s.w, "ETP") != before {
			t.Errorf("%s: the wallet's view changed", name)
		}
	}
	endless := liar{ledger: newScene(t).l, outputs: func(p []Output) []Output { return p }, tx: same}
	w := testWallet(t, testWords, endless.p)
	if _, err := w.Scan(t.Context(), &circle{&endless}); !errors.Is(err, ErrSource) {
		t.Error("pages in a circle:", err)
	}
}

type circle struct{ *liar }

func (c *circle) Outputs(ctx context.Context, to []pillars.Address, _ string) ([]Output, string, error) {
	page, _, err := c.liar.Outputs(ctx, to, "")
	return page, "again", err
}

// TestMovingTip: blocks that come in during a scan are unconfirmed to it, not spendable.
func TestMovingTip(t *testing.T) {
	s := newScene(t)
	s.l.moving = true
	if got := s.l.scan(s.w); got.Unspent != 6 || got.Tip.Height >= s.l.tip.Height {
		t.Errorf("found %+v", got)
	}
}

// TestStates: each reason not to be spent is found, and ends when it should.
func TestStates(t *testing.T) {
	s := newScene(t)
	mined := s.l.fund(pay(s.at, 9*pillars.ETP))[0]
	s.l.outputs[mined].Generated = true
	pending := s.l.fund(pay(s.at, 8*pillars.ETP))[0]
	s.l.outputs[pending].Height = Unconfirmed
	deposit := s.l.fund(pillars.Output{Value: pillars.ETP, Script: depositScript(s.at, 30), Attachment: plain(nil)})[0]
	s.l.scan(s.w)
	reason := func(point pillars.Outpoint) Reason {
		for _, c := range s.w.Coins() {
			if c.Point == point {
				return c.Reason
			}
		}
		return "gone"
	}
	if reason(mined) != Immature || reason(pending) != Pending || reason(deposit) != TimeLocked {
		t.Errorf("reasons %q %q %q", reason(mined), reason(pending), reason(deposit))
	}
	s.l.outputs[pending].Height = s.l.tip.Height
	s.l.pass(s.l.p.Subsidy.Maturity)
	s.l.scan(s.w)
	if reason(mined) != Spendable || reason(pending) != Spendable {
		t.Errorf("reasons %q %q", reason(mined), reason(pending))
	}
	s.l.pass(30)
	s.l.scan(s.w)
	s.mine(s.w.SendAll(s.to(), Options{})) // a deposit among it
	s.l.fundAs(pillars.VersionSegWit, bare(pillars.Output{Value: pillars.ETP, Script: depositScript(s.at, 30)}))
	s.l.scan(s.w)
	if _, err := s.w.Send([]Payment{{To: s.to(), Amount: pillars.ETP / 2}}, Options{}); !errors.Is(err, ErrInsufficient) || !strings.Contains(err.Error(), string(OtherVersion)) && !strings.Contains(err.Error(), string(TimeLocked)) {
		t.Error("a script that means nothing in version 5:", err)
	}
}

// TestHistory: one line a transaction, and what a spreadsheet reads.
func TestHistory(t *testing.T) {
	s := newScene(t)
	s.l.fund(holding(s.at, pillars.AssetTransfer{Symbol: "GOLD", Quantity: 5}))
	s.l.scan(s.w)
	tx := s.mine(s.w.SendAsset("GOLD", []AssetPayment{{To: s.to(), Quantity: 2}}, Options{}))
	if err := s.w.SetLabel(tx.ID().String(), "=cmd"); err != nil {
		t.Fatal(err)
	}
	list := s.w.History()
	if len(list) != 4 {
		t.Fatalf("%d entries", len(list))
	}
	last := list[3]
	if last.Kind != "sent" || last.Assets["GOLD"] != -2 || last.Paid-last.Received != s.l.p.Fees.Transaction || last.Label != "=cmd" {
		t.Errorf("last is %+v", last)
	}
	if !slices.ContainsFunc(list, func(e Entry) bool { return e.Kind == "received" && e.Received == 9*pillars.ETP }) {
		t.Error("nothing was received")
	}
	var b bytes.Buffer
	if err := WriteCSV(&b, list); err != nil {
		t.Fatal(err)
	}
	if rows := strings.Count(b.String(), "\n"); rows != 1+2+1+2 || !strings.Contains(b.String(), "GOLD,0,2,") {
		t.Errorf("%d rows\n%s", rows, b.String())
	}
}
