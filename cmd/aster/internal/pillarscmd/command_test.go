package pillarscmd

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/client"
	"github.com/asterism-network/asterism/pillars/wallet"
)

// TestCommands does with our commands what a person does on a chain, against a node that mines.
func TestCommands(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for some thirty blocks")
	}
	d := openDesk(t)
	var bob struct{ Address string }
	d.wallet(&bob, "address", "bob", "--index", "0")

	paid := d.pay("send", "till", bob.Address, "25.5", "--message", "for the desk", "--reference", "order 1")
	if code, _, bad := d.try("wallet", "send", "till", bob.Address, "1", "--yes", "--reference", "order 1", "--passphrase-file", d.file("pass"), "--json"); code != cli.Failed || !strings.Contains(bad, "reference_reused") {
		t.Errorf("a second payment under one reference: %d %s", code, bad)
	}
	var balances []wallet.Balance
	d.wallet(&balances, "balance", "bob")
	if balances[0].Spendable != uint64(2550*pillars.ETP/100) {
		t.Errorf("bob has %+v", balances)
	}
	var tx client.Transaction
	d.do(&tx, "tx", paid)
	if tx.State != "confirmed" || tx.Fee == nil || tx.Kind != "message" {
		t.Errorf("%+v", tx)
	}

	d.pay("avatar", "register", "till", "alice")
	d.pay("issue", "till", "GOLD", "1000.5", "--issuer", "alice", "--decimals", "2", "--threshold", "127", "--description", "in the vault")
	d.pay("send-asset", "till", "GOLD", bob.Address, "12.25")
	d.pay("burn", "till", "GOLD", "0.5")
	d.pay("issue-more", "till", "GOLD", "100")
	var asset client.Asset
	d.do(&asset, "asset", "GOLD")
	if asset.Outstanding != 110_000 || asset.Burned != 50 {
		t.Errorf("%+v", asset)
	}
	d.pay("cert", "issue", "till", "GOLD.COIN", "naming", "alice")
	d.pay("mit", "register", "till", "alice", "seat-1=row 3", "seat-2=row 4")
	d.pay("mit", "transfer", "till", "seat-1", bob.Address)
	var token client.Token
	d.do(&token, "mit", "seat-1")
	if token.Address != bob.Address || len(token.History) != 2 {
		t.Errorf("%+v", token)
	}
	d.pay("lock", "till", "1000", "300")

	// Offline: a draft is written, shown, signed where the keys are, and sent.
	draft := d.file("draft.json")
	var planned outcome
	d.wallet(&planned, "send", "bob", "alice", "1", "--out", draft)
	if planned.State != "draft" {
		t.Errorf("%+v", planned)
	}
	var effects wallet.Effects
	d.wallet(&effects, "show", "bob", draft)
	if effects.Missing == 0 || effects.Fee == 0 {
		t.Errorf("%+v", effects)
	}
	d.wallet(nil, "sign", "bob", draft, "--yes")
	d.wallet(nil, "broadcast", "bob", draft, "--wait", "1")

	// Together: two of three wallets spend from an account that all know.
	var keys []string
	for _, name := range []string{"till", "bob", "cold"} {
		var k struct{ Key string }
		d.wallet(&k, "multisig", "key", name)
		keys = append(keys, k.Key)
	}
	var shared struct{ Address string }
	for _, name := range []string{"till", "bob", "cold"} {
		var one struct{ Address string }
		d.wallet(&one, append([]string{"multisig", "add", name, "savings", "2"}, keys...)...)
		if shared.Address != "" && one != shared {
			t.Errorf("members derive %s and %s", shared.Address, one.Address)
		}
		shared = one
	}
	d.pay("send", "till", shared.Address, "10")
	d.wallet(nil, "send", "bob", bob.Address, "4", "--account", "shared-script/savings", "--out", draft)
	d.wallet(nil, "sign", "bob", draft, "--yes", "--out", d.file("one.json"))
	if code, _, bad := d.try("wallet", "broadcast", "bob", d.file("one.json"), "--passphrase-file", d.file("pass"), "--json"); code != cli.No || !strings.Contains(bad, "incomplete") {
		t.Errorf("one of two: %d %s", code, bad)
	}
	d.wallet(nil, "sign", "cold", draft, "--yes", "--out", d.file("two.json"))
	d.do(nil, "wallet", "combine", d.file("one.json"), d.file("two.json"))
	d.wallet(nil, "broadcast", "bob", d.file("one.json"), "--wait", "1")

	// What others read, and everything else that has an answer.
	var signature struct{ Signature string }
	d.wallet(&signature, "message", "sign", "bob", bob.Address, "it is me")
	d.do(nil, "wallet", "message", "verify", bob.Address, signature.Signature, "it is me")
	if code, _, _ := d.try("wallet", "message", "verify", bob.Address, signature.Signature, "it is you"); code != cli.No {
		t.Errorf("another text: %d", code)
	}
	for _, args := range [][]string{
		{"info"}, {"block"}, {"block", "1"}, {"block", "earliest", "--header"}, {"blocks", "--limit", "5"}, {"blocks", "3"}, {"address", bob.Address}, {"address", "alice"},
		{"balance", bob.Address, "alice"}, {"asset"}, {"avatar"}, {"avatar", "alice"}, {"cert"}, {"cert", "GOLD", "issue"}, {"cert", "--of", "alice"},
		{"mit"}, {"mit", "--of", bob.Address}, {"mempool"}, {"peers"}, {"mining", "info"}, {"stake", "info", bob.Address}, {"why", "--blocks", "3"},
		{"rpc", "getheight"}, {"rpc", "getblock", "1"}, {"rpc", "listblocks", `{"limit": 2}`}, {"decode", tx.Hex},
	} {
		d.do(nil, args...)
		if code, out, bad := d.try(args...); code != cli.Done || out == "" {
			t.Errorf("%v for people: %d %s", args, code, bad)
		}
	}
	for _, args := range [][]string{
		{"list"}, {"accounts", "till"}, {"accounts", "till", "--add", "bip84", "--number", "1"}, {"address", "till"}, {"coins", "till"}, {"history", "till"},
		{"label", "till", bob.Address, "bob"},
	} {
		d.wallet(nil, args...)
	}
	code, csv, bad := d.try("wallet", "history", "till", "--csv", "--passphrase-file", d.file("pass"))
	if code != cli.Done || !strings.HasPrefix(csv, "time,height,kind,symbol,in,out,label,transaction\n") {
		t.Errorf("CSV: %d %s%.200s", code, bad, csv)
	}
	var coins []coin
	d.wallet(&coins, "coins", "bob")
	point := fmt.Sprintf("%s:%d", coins[0].Output.Tx, coins[0].Output.Index)
	d.wallet(nil, "freeze", "bob", point)
	d.wallet(nil, "freeze", "bob", point, "--off")

	next := d.file("next")
	if err := os.WriteFile(next, []byte("another eleven words long passphrase\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.wallet(nil, "passphrase", "cold", "--new-passphrase-file", next)
	if code, _, bad := d.try("wallet", "accounts", "cold", "--passphrase-file", d.file("pass"), "--json"); code == cli.Done {
		t.Errorf("the old passphrase opens: %s", bad)
	}
	d.do(nil, "wallet", "accounts", "cold", "--passphrase-file", next)
}

// TestRefusals: what cannot be done has an exit code, a name and a next step.
func TestRefusals(t *testing.T) {
	d := openDesk(t)
	pass := []string{"--passphrase-file", d.file("pass")}
	for _, tt := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"no such wallet", append([]string{"wallet", "balance", "nobody"}, pass...), cli.Failed, "no_wallet"},
		{"wallet exists", append([]string{"wallet", "create", "till"}, pass...), cli.Failed, "exists"},
		{"bad name", append([]string{"wallet", "create", "Till!"}, pass...), cli.Malformed, "malformed"},
		{"no words", append([]string{"wallet", "restore", "new"}, pass...), cli.Malformed, "malformed"},
		{"no amount", append([]string{"wallet", "send", "till", "alice"}, pass...), cli.WrongUsage, "usage"},
		{"bad amount", append([]string{"wallet", "send", "till", "1111111111111111111114oLvT2", "1,5"}, pass...), cli.Malformed, "malformed"},
		{"no receiver", append([]string{"wallet", "send", "till", "nobody", "1"}, pass...), cli.Malformed, "malformed"},
		{"too much", append([]string{"wallet", "send", "bob", "1111111111111111111114oLvT2", "5"}, pass...), cli.Failed, "insufficient"},
		{"not confirmed", append([]string{"wallet", "send", "till", "1111111111111111111114oLvT2", "5"}, pass...), cli.WrongUsage, "usage"},
		{"unknown asset", append([]string{"wallet", "send-asset", "till", "TIN", "1111111111111111111114oLvT2", "5"}, pass...), cli.Failed, "not_found"},
		{"no issuer", append([]string{"wallet", "issue", "till", "TIN", "5"}, pass...), cli.WrongUsage, "usage"},
		{"no draft", append([]string{"wallet", "show", "till", d.file("nothing")}, pass...), cli.Failed, "not_found"},
		{"bad draft", append([]string{"wallet", "show", "till", d.file("pass")}, pass...), cli.Malformed, "malformed"},
		{"bad bytes", []string{"decode", "zz"}, cli.Malformed, "malformed"},
		{"unknown block", []string{"block", "999999"}, cli.Failed, "not_found"},
		{"unknown profile", []string{"wallet", "list", "--profile", "nowhere"}, cli.Failed, "no_profile"},
		{"wallet's command", []string{"rpc", "getnewaccount", "me", "secret"}, cli.Failed, "wallet_command"},
		{"no node", []string{"info", "--node", "http://127.0.0.1:1"}, cli.Unreachable, "node_unreachable"},
		{"no URL", []string{"info", "--node", "here"}, cli.WrongUsage, "usage"},
	} {
		code, out, bad := d.try(append(tt.args, "--json")...)
		var e struct{ Name, Message string }
		if err := json.Unmarshal([]byte(bad), &e); err != nil || code != tt.code || e.Name != tt.want || e.Message == "" || out != "" {
			t.Errorf("%s: code %d, want %d; %s, want %s: %s%s", tt.name, code, tt.code, e.Name, tt.want, out, bad)
		}
	}
}
