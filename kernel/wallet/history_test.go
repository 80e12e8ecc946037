package wallet

import (
	"bytes"
	"encoding/csv"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

var rewrite = flag.Bool("rewrite", false, "write golden files")

// History of every kind of payment, as the spreadsheet gets it.
func TestCSV(t *testing.T) {
	hash := func(n byte) kernel.TxHash { return kernel.TxHash{n} }
	at := kernel.Timestamp(1_800_000_000_000)
	entries := []Entry{
		{State: Final, Direction: Incoming, Amount: coins(100), Asset: kernel.BTC, Transaction: hash(1), Time: at, Class: "genesis"},
		{State: Final, Direction: Incoming, Amount: coins(5), Asset: kernel.BTC, Transaction: hash(2), Commit: 7, Time: at + 1000, Class: "deposit", With: []string{"0xabc"}},
		{State: Final, Direction: Outgoing, Amount: coins(3), Asset: kernel.XIN, Transaction: hash(3), Commit: 8, Time: at + 2000, Class: "script", With: []string{"XINone", "XINtwo"}, Memo: `rent, "May"`, Reference: "W-1"},
		{State: Final, Direction: Internal, Amount: kernel.NewAmount(1), Asset: kernel.XIN, Transaction: hash(4), Commit: 9, Time: at + 3000, Class: "script"},
		{State: Final, Direction: Shared, Amount: coins(2), Asset: kernel.ETH, Transaction: hash(5), Commit: 9, Time: at + 3000, Class: "script", Memo: "=HYPERLINK(\"evil\")"},
		{State: Pending, Direction: Outgoing, Amount: coins(1), Asset: kernel.BTC, Transaction: hash(6), Time: at + 4000, Class: "script", Reference: "-2"},
		{State: Rejected, Direction: Outgoing, Amount: coins(1), Asset: kernel.BTC, Transaction: hash(7), Time: at + 5000, Class: "script", Reference: "W-3", Rule: kernel.InputSpent},
	}
	var got bytes.Buffer
	if err := WriteCSV(&got, entries, map[kernel.AssetID]string{kernel.BTC: "BTC", kernel.XIN: "XIN"}); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "history.csv")
	if *rewrite {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("got\n%swant\n%s", got.Bytes(), want)
	}
	rows, err := csv.NewReader(&got).ReadAll()
	if err != nil || len(rows) != len(entries)+1 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, row := range rows {
		for i, cell := range row {
			if i != 4 && cell != "" && bytes.ContainsAny([]byte(cell[:1]), "=+-@") { // column 4 is the amount
				t.Errorf("cell %q is a formula", cell)
			}
		}
	}
}

func TestMemosDoNotSteerTerminals(t *testing.T) {
	for memo, want := range map[string]string{
		"":             "",
		"rent für Mai": "rent für Mai",
		"\x1b[2Jhello": "0x1b5b324a68656c6c6f",
		"two\nlines":   "0x74776f0a6c696e6573",
		"\xff\xfe":     "0xfffe",
		"\u202eright":  "0xe280ae7269676874",
	} {
		if got := memoText([]byte(memo)); got != want {
			t.Errorf("%q is shown as %q", memo, got)
		}
	}
}

// One payment is one line, whatever the number of outputs and inputs; a payment to oneself is
// neither in nor out.
func TestHistoryCountsPaymentsNotOutputs(t *testing.T) {
	c := newChain(t, 5, alice)
	a := c.wallet(alice)
	if n := len(a.History()); n > 5 {
		t.Fatalf("%d lines for genesis", n)
	}
	before := len(a.History())
	p, err := a.Consolidate(kernel.BTC, seeded(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Accept("c", p, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Wait(t.Context(), c.net(), "c"); err != nil {
		t.Fatal(err)
	}
	h := a.History()
	if len(h) != before+1 || h[before].Direction != Internal || h[before].Amount != coins(500) {
		t.Fatalf("%+v", h[before:])
	}
	if outputs := a.spendable(func(*Output) bool { return true }); len(outputs) != 1 || final(a) != coins(500) {
		t.Fatalf("%d outputs of %s", len(outputs), final(a))
	}
}
