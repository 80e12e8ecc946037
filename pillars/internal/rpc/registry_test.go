package rpc_test

import (
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/internal/rpcserver"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/chaintest"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
	"github.com/asterism-network/asterism/pillars/internal/mempool"
	"github.com/asterism-network/asterism/pillars/internal/rpc"
	"github.com/asterism-network/asterism/pillars/internal/state"
	"github.com/asterism-network/asterism/pillars/node"
	"github.com/asterism-network/asterism/pillars/script"
)

var rewrite = flag.Bool("rewrite", false, "write docs/reference/pillars-rpc.md anew")

// nobody is a backend that knows nothing: enough to describe the interface.
type nobody struct{ rpc.Backend }

func (nobody) Status() rpc.Status { return rpc.Status{} }

func service(t testing.TB) *rpcserver.Service {
	t.Helper()
	s, err := rpc.New(rpc.Config{Listen: "127.0.0.1:0"}, nobody{}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s.Service()
}

// ecosystem are the commands of the running network that ask a chain, a node or a miner.
var ecosystem = strings.Fields(`getinfo getpeerinfo addnode help getheight fetch-height getblock getblockheader fetch-header
	getbestblockhash getbestblockheader fetchheaderext gettx fetch-tx listtxs decoderawtx tx-decode sendrawtx send-tx validate-tx
	listbalances getaddressetp fetch-balance fetch-history getlocked validatesymbol listassets getasset getaddressasset
	getrandom verifyrandom eth_getWork eth_submitWork fetch-balance
	listmits getmit listdids getdid getmininginfo getstakeinfo getwork submitwork getmemorypool validateaddress`)

func TestRegistryIsComplete(t *testing.T) {
	s := service(t)
	for _, name := range ecosystem {
		if s.Method(name) == nil {
			t.Errorf("command %s is missing", name)
		}
	}
	for _, name := range s.MethodNames() {
		m := s.Method(name)
		if m.About == "" || !strings.HasSuffix(m.About, ".") || m.Result == nil || m.Right == 0 {
			t.Errorf("%s: description, result or right is missing", name)
		}
		optional := false
		for _, p := range m.Params {
			if p.Name == "" || p.Kind == "" || p.About == "" || p.Example == nil {
				t.Errorf("%s: parameter %q is not described", name, p.Name)
			}
			if p.Required && optional {
				t.Errorf("%s: required parameter %s stands after an optional one", name, p.Name)
			}
			optional = optional || !p.Required
		}
		for _, e := range m.Errors {
			if s.CodeOf(e) == rpcserver.CodeInternal {
				t.Errorf("%s: error %s has no number", name, e)
			}
		}
	}
}

// TestTableOfNames holds the specification's table of the running network's commands to what the registry has and what is
// refused; every command of that network is in it.
func TestTableOfNames(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "spec", "pillars-rpc.md"))
	if err != nil {
		t.Fatal(err)
	}
	s, m := service(t), serve(t, chaintest.New(1), node.InterfaceOptions{})
	rows := 0
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, " | ")
		if len(cells) < 3 || !strings.HasPrefix(line, "| `") {
			continue
		}
		want, known := map[string]string{"same": "", "also": "", "wallet": "wallet_command", "setting": "wallet_command", "dropped": "not_offered"}[cells[1]]
		if !known {
			continue
		}
		for name := range strings.SplitSeq(strings.Trim(cells[0], "| "), ", ") {
			name = strings.Trim(name, "`")
			rows++
			method := s.Method(name)
			if (want == "") != (method != nil) {
				t.Errorf("%s is %s in the table, and a method: %v", name, cells[1], method != nil)
				continue
			}
			if method != nil {
				if (method.Name == name) != (cells[1] == "same") {
					t.Errorf("%s is %s in the table, and a name of %s", name, cells[1], method.Name)
				}
				continue
			}
			_, answer := post(t, m.url, call(name, nil))
			if got := nameOf(t, answer); got != want && !(want == "not_offered" && got == "forbidden") {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
	}
	if rows < 100 {
		t.Errorf("%d names", rows)
	}
}

// TestRandom: a number and its hash verify, and nothing else does.
func TestRandom(t *testing.T) {
	s := serve(t, chaintest.New(1), node.InterfaceOptions{})
	var drawn struct {
		Result struct{ Random, Hash string }
	}
	_, answer := post(t, s.url, call("getrandom", nil))
	if err := json.Unmarshal([]byte(answer), &drawn); err != nil || drawn.Result.Random == "" {
		t.Fatal(err, answer)
	}
	twelve := "7f8b6b088b6d74c2852fc86c796dca07b44eed6fb3daf5e6b59f7c364db14528" // as other implementations of Keccak have it
	for _, tt := range []struct{ number, hash, want string }{
		{drawn.Result.Random, drawn.Result.Hash, `"result":true`}, {"12", twelve, `"result":true`}, {"12", "0x" + twelve, `"result":true`},
		{"13", twelve, `"result":false`}, {"012", twelve, "invalid_params"}, {"-1", twelve, "invalid_params"}, {"12", "7f", "invalid_params"},
	} {
		if _, answer := post(t, s.url, call("verifyrandom", []any{tt.number, tt.hash})); !strings.Contains(answer, tt.want) {
			t.Errorf("%s, %s: %s", tt.number, tt.hash, answer)
		}
	}
}

// TestEveryRuleHasANumber: no broken rule is an internal error.
func TestEveryRuleHasANumber(t *testing.T) {
	s := service(t)
	var all []string
	for r := pillars.Rule(1); r.Valid(); r++ {
		all = append(all, r.String())
	}
	for r := script.Rule(1); int(r) <= script.RuleCount; r++ {
		all = append(all, r.String())
	}
	for r := state.Rule(1); r.Valid(); r++ {
		all = append(all, r.String())
	}
	for r := consensus.Rule(1); int(r) <= consensus.RuleCount; r++ {
		all = append(all, r.Error())
	}
	for r := mempool.Rule(1); int(r) <= mempool.RuleCount; r++ {
		all = append(all, r.String())
	}
	if len(all) < 150 {
		t.Fatalf("only %d rules", len(all))
	}
	for _, name := range all {
		if code := s.CodeOf(name); code > -32010 || code < -32040 {
			t.Errorf("rule %s has number %d", name, code)
		}
	}
}

// TestExamplesAnswer calls every method with its examples, by place and by name: each answers with a result, or an
// error that it lists.
func TestExamplesAnswer(t *testing.T) {
	s := serve(t, chaintest.New(1), node.InterfaceOptions{})
	s.mine()
	described := service(t)
	for _, name := range described.MethodNames() {
		m := described.Method(name)
		if name == "subscribe" || name == "unsubscribe" {
			continue // inside a WebSocket; see the tests of streams
		}
		list, named := []any{}, map[string]any{}
		for _, p := range m.Params {
			list, named[p.Name] = append(list, p.Example), p.Example
		}
		for _, params := range []any{list, named} {
			status, answer := post(t, s.url, call(name, params))
			if got := nameOf(t, answer); got != "" {
				known := got == "invalid_params" // an example of another network's address or of a wrong length
				for _, e := range m.Errors {
					known = known || got == e || e == "malformed" && described.CodeOf(got) != rpcserver.CodeInternal // a rule
				}
				if !known {
					t.Errorf("%s answers %s, which it does not list: %.300s", name, got, answer)
				}
			}
			if status != 200 {
				t.Errorf("%s: status %d", name, status)
			}
		}
	}
	for _, path := range []string{"/rpc", "/rpc/v2", "/rpc/v3"} {
		if status, answer := post(t, s.url+path, call("getheight", nil)); status != 200 || !strings.Contains(answer, `"result":1`) {
			t.Errorf("%s: %d %s", path, status, answer)
		}
	}
	// Options as an object behind positional parameters, as clients of the running network give them.
	if _, answer := post(t, s.url, call("listblocks", []any{1, map[string]any{"limit": 1}})); !strings.Contains(answer, `"next":0`) {
		t.Errorf("options: %.200s", answer)
	}
}

// TestErrorNames: each way to ask wrongly has its name.
func TestErrorNames(t *testing.T) {
	s := serve(t, chaintest.New(2), node.InterfaceOptions{})
	s.mine()
	m := s.maker
	good := m.Pay(s.tip.Coins(2, 20_000*pillars.ETP)[:1], pillars.ETP)
	broken := func(change func(tx *pillars.Transaction)) string {
		tx := m.Pay([]pillars.Outpoint{good.Inputs[0].Previous}, pillars.ETP)
		change(tx)
		return hex.EncodeToString(tx.AppendBinary(nil))
	}
	resign := func(change func(tx *pillars.Transaction)) func(tx *pillars.Transaction) {
		return func(tx *pillars.Transaction) {
			change(tx)
			m.Sign(tx)
		}
	}
	raw := hex.EncodeToString(good.AppendBinary(nil))
	send := func(text string) string { return call("sendrawtx", []any{text}) }
	seen := map[string]bool{}
	for _, tt := range []struct{ name, body, want string }{
		{"no JSON", `{"jsonrpc"`, "parse_error"},
		{"no call", `7`, "invalid_request"},
		{"no version", `{"id":1,"method":"getheight"}`, "invalid_request"},
		{"old version", `{"jsonrpc":"1.0","id":1,"method":"getheight"}`, "invalid_request"},
		{"empty batch", `[]`, "invalid_request"},
		{"deep", `{"jsonrpc":"2.0","id":1,"method":"getheight","params":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, "too_many"},
		{"unknown method", call("nosuch", nil), "method_not_found"},
		{"wallet's method", call("getnewaccount", []any{"me", "secret"}), "wallet_command"},
		{"keys", call("send", []any{"me", "secret", "to", 5}), "wallet_command"},
		{"mining is a setting", call("startmining", nil), "wallet_command"},
		{"delegates", call("registerwitness", []any{"me"}), "not_offered"},
		{"rolling back", call("popblock", []any{5}), "forbidden"},
		{"stream outside of one", call("subscribe", []any{"blocks"}), "invalid_request"},
		{"missing parameter", call("gettx", nil), "invalid_params"},
		{"one too many", call("getheight", []any{1}), "invalid_params"},
		{"no id", call("gettx", []any{"zz"}), "invalid_params"},
		{"unknown transaction", call("gettx", []any{strings.Repeat("ab", 32)}), "not_found"},
		{"unknown height", call("getblock", []any{99}), "not_found"},
		{"unknown block", call("getblock", []any{strings.Repeat("ab", 32)}), "not_found"},
		{"no block", call("getblock", []any{"newest"}), "invalid_params"},
		{"other network's address", call("getaddressetp", []any{"MGqHvbaH9wzdr6oUDFz4S1HptjoKQcjRve"}), "invalid_params"},
		{"too many addresses", call("listbalances", []any{make([]string, 101)}), "too_many"},
		{"no page", call("listtxs", []any{m.Owner.Text(m.Params.Address), "1.x"}), "invalid_params"},
		{"other page", call("fetch-history", []any{[]string{m.Owner.Text(m.Params.Address)}, "2.0.0"}), "invalid_params"},
		{"limit", call("listblocks", []any{1, 501}), "invalid_params"},
		{"no limit", call("listblocks", []any{1, 0}), "invalid_params"},
		{"unknown asset", call("getasset", []any{"NOTHING"}), "not_found"},
		{"unknown avatar", call("getdid", []any{"nobody"}), "not_found"},
		{"no avatar there", call("getdid", []any{m.Owner.Text(m.Params.Address)}), "not_found"},
		{"unknown token", call("getmit", []any{"nothing"}), "not_found"},
		{"unknown certificate", call("getcert", []any{"NOTHING", "issue"}), "not_found"},
		{"no certificate", call("getcert", []any{"NOTHING", "crown"}), "invalid_params"},
		{"no host", call("addnode", []any{"there"}), "invalid_params"},
		{"nothing to end", call("addnode", []any{"127.0.0.1:9", "remove"}), "cannot_connect"},
		{"no miner", call("getwork", nil), "no_miner"},
		{"no miner to ask", call("getwhy", nil), "no_miner"},
		{"nonce", call("submitwork", []any{"00", "00", "00"}), "invalid_params"},
		{"no miner to give to", call("submitwork", []any{strings.Repeat("00", 8), strings.Repeat("00", 32), "0x" + strings.Repeat("00", 32)}), "no_miner"},
		{"not hex", send("zz"), "invalid_params"},
		{"half a transaction", send(raw[:40]), "malformed"},
		{"more behind it", send(raw + "00"), "malformed"},
		{"too long", send(strings.Repeat("00", pillars.MaxTransactionSize+1)), "too_large"},
		{"form", send(broken(resign(func(tx *pillars.Transaction) { tx.Version = 3; tx.Outputs = nil }))), "no_outputs"},
		{"script", send(broken(func(tx *pillars.Transaction) { tx.Outputs[0].Value-- })), "null_fail"},
		{"state", send(broken(resign(func(tx *pillars.Transaction) { tx.Outputs[0].Value = 90_000 * pillars.ETP }))), "value_created"},
		{"policy", send(broken(resign(func(tx *pillars.Transaction) { tx.Inputs[0].Previous.Tx[0]++ }))), "inputs_missing"},
		{"check only", call("validatetx", []any{raw[:40]}), "malformed"},
		{"good", call("validatetx", []any{raw}), ""},
		{"sent", send(raw), ""},
		{"sent again", send(raw), ""},
		{"by its other name", `{"jsonrpc":"2.0","id":1,"method":"fetch-tx","params":{"hash":"` + good.ID().String() + `"}}`, ""},
		{"conflict", send(broken(resign(func(tx *pillars.Transaction) { tx.Outputs[0].Value = 2 * pillars.ETP }))), "conflict"},
	} {
		_, answer := post(t, s.url, tt.body)
		if got := nameOf(t, answer); got != tt.want {
			t.Errorf("%s: %q, want %q: %.300s", tt.name, got, tt.want, answer)
		}
		seen[tt.want] = true
	}
	for _, name := range []string{"malformed", "not_found", "wallet_command", "not_offered", "no_miner", "cannot_connect"} {
		if !seen[name] {
			t.Errorf("no case leads to %s", name)
		}
	}
	if _, answer := post(t, s.url, `[`+call("getheight", nil)+`,{"jsonrpc":"2.0","method":"getheight"},5]`); strings.Count(answer, `"jsonrpc":`) != 2 {
		t.Errorf("a batch with a notification and a mistake: %s", answer)
	}
	if status, answer := post(t, s.url, `{"jsonrpc":"2.0","method":"nosuch"}`); status != 204 || answer != "" {
		t.Errorf("a notification is answered: %d %s", status, answer)
	}
}

// TestReference holds docs/reference/pillars-rpc.md to the registry.
func TestReference(t *testing.T) {
	s := service(t)
	var b strings.Builder
	b.WriteString("# RPC of Pillars\n\nWritten by `go test ./pillars/internal/rpc -run Reference -rewrite` from the registry. Rules and dialect: [spec/pillars-rpc.md](../spec/pillars-rpc.md).\n")
	for _, name := range s.MethodNames() {
		m := s.Method(name)
		fmt.Fprintf(&b, "\n## %s\n\n", name)
		if len(m.Aliases) > 0 {
			fmt.Fprintf(&b, "Also `%s`. ", strings.Join(m.Aliases, "`, `"))
		}
		fmt.Fprintf(&b, "%s Right: %s.\n", m.About, m.Right)
		if len(m.Params) > 0 {
			b.WriteString("\n| parameter | kind | | |\n| --- | --- | --- | --- |\n")
		}
		for _, p := range m.Params {
			need := "optional"
			if p.Required {
				need = "required"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", p.Name, p.Kind, need, p.About)
		}
		for i, e := range m.Errors {
			if i == 0 {
				b.WriteString("\nErrors:")
			}
			fmt.Fprintf(&b, " `%s` (%d)", e, s.CodeOf(e))
		}
		if len(m.Errors) > 0 {
			b.WriteString(".\n")
		}
	}
	name := filepath.Join("..", "..", "..", "docs", "reference", "pillars-rpc.md")
	old, err := os.ReadFile(name)
	if string(old) == b.String() {
		return
	}
	if *rewrite {
		if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("docs/reference/pillars-rpc.md is not what the registry says (%v); run go test ./pillars/internal/rpc -run Reference -rewrite", err)
}

// TestDiscover: the description is one document that names every method.
func TestDiscover(t *testing.T) {
	s := serve(t, chaintest.New(3), node.InterfaceOptions{})
	_, answer := post(t, s.url, call("rpc.discover", nil))
	var a struct {
		Result struct {
			Methods []struct{ Name string }
		}
	}
	if err := json.Unmarshal([]byte(answer), &a); err != nil || len(a.Result.Methods) != len(service(t).MethodNames()) {
		t.Fatalf("%v: %d methods", err, len(a.Result.Methods))
	}
}
