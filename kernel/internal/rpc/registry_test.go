package rpc_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/rpc"
	"github.com/asterism-network/asterism/kernel/internal/rpc/rpctest"
)

// ecosystem lists the methods that existing clients know.
var ecosystem = strings.Fields(`getinfo listpeers listrelayers dumpgraphhead sendrawtransaction gettransaction getcachetransaction
	getdeposittransaction getwithdrawalclaim getutxo getkey getasset getsnapshot listsnapshots getroundbynumber getroundbyhash
	getroundlink listmintworks listmintdistributions listallnodes listcustodianupdates`)

func TestRegistryIsComplete(t *testing.T) {
	for _, name := range ecosystem {
		if m := rpc.MethodByName(name); m == nil || !m.Peer {
			t.Errorf("method %s is missing", name)
		}
	}
	for _, name := range rpc.MethodNames {
		m := rpc.MethodByName(name)
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
			if rpc.CodeOf(e) == -32603 {
				t.Errorf("%s: error %s has no number", name, e)
			}
		}
	}
}

// TestEveryRuleHasANumber: no refusal of the ledger is an internal error, and no name of ours is
// also a rule with another number.
func TestEveryRuleHasANumber(t *testing.T) {
	for r := kernel.Rule(1); r.Valid(); r++ {
		if code := rpc.CodeOf(r.String()); code > -32004 || code < -32030 {
			t.Errorf("rule %s has number %d", r, code)
		}
	}
	for name, code := range rpc.NameCodes() {
		var r kernel.Rule
		if r.UnmarshalText([]byte(name)) == nil && rpc.CodeOf(r.String()) != code {
			t.Errorf("%s is a rule too", name)
		}
	}
}

// exampleCall is a call of m with its example parameters.
func exampleCall(m *rpc.Method) string {
	params := []any{}
	for _, p := range m.Params {
		params = append(params, p.Example)
	}
	b, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": m.Name, "params": params})
	if err != nil {
		panic(err)
	}
	return string(b)
}

// TestExamplesAnswer calls every method with its examples: the answer has a result or an error
// that the method declares.
func TestExamplesAnswer(t *testing.T) {
	n := rpctest.New(t, 1)
	n.Commit()
	url := rpctest.Serve(t, n, rpc.Config{})
	for _, name := range rpc.MethodNames {
		m := rpc.MethodByName(name)
		if m.Handle == nil {
			continue
		}
		status, body := post(t, url, exampleCall(m))
		answer := parseStrict(t, body)
		declared := answer.Error == nil || answer.name() == "invalid_params"
		for _, e := range m.Errors {
			declared = declared || answer.name() == e
		}
		if status != http.StatusOK || !declared {
			t.Errorf("%s: %d %.200s", name, status, body)
		}
	}
}

func TestDiscover(t *testing.T) {
	url := rpctest.Serve(t, rpctest.New(t, 1), rpc.Config{})
	var doc struct {
		OpenRPC string `json:"openrpc"`
		Methods []struct {
			Name   string
			Params []struct {
				Name   string
				Schema map[string]any
			}
			Result struct{ Schema map[string]any }
		}
	}
	if err := json.Unmarshal(ask(t, url, "rpc.discover", "[]").Result, &doc); err != nil {
		t.Fatal(err)
	}
	if doc.OpenRPC == "" || len(doc.Methods) != len(rpc.MethodNames) {
		t.Fatalf("openrpc %q with %d methods, want %d", doc.OpenRPC, len(doc.Methods), len(rpc.MethodNames))
	}
	for _, m := range doc.Methods {
		if len(m.Result.Schema) == 0 && m.Name != "rpc.discover" {
			t.Errorf("%s: result has no schema", m.Name)
		}
		if len(m.Params) != len(rpc.MethodByName(m.Name).Params) {
			t.Errorf("%s: %d parameters", m.Name, len(m.Params))
		}
	}
}

// TestReference keeps docs/reference/rpc.md equal to the registry; -rewrite writes it.
func TestReference(t *testing.T) {
	var b strings.Builder
	b.WriteString("# The Kernel's RPC\n\nWritten by `go test ./kernel/internal/rpc -run Reference -rewrite` from the registry of methods; do not edit.\n" +
		"How calls are made, the two dialects and the mapping onto the graph: [docs/spec/rpc.md](../spec/rpc.md).\n\n## Methods\n")
	for _, name := range rpc.MethodNames {
		writeMethod(&b, rpc.MethodByName(name))
	}
	writeErrors(&b)
	golden(t, "../../../docs/reference/rpc.md", []byte(b.String()))
}

func writeMethod(b *strings.Builder, m *rpc.Method) {
	fmt.Fprintf(b, "\n### %s\n\n%s Right: %s.", m.Name, m.About, m.Right)
	if m.Peer {
		b.WriteString(" Known to existing clients.")
	}
	b.WriteString("\n")
	if len(m.Params) > 0 {
		b.WriteString("\n| parameter | kind | |\n| --- | --- | --- |\n")
	}
	for _, p := range m.Params {
		need := "optional; "
		if p.Required {
			need = ""
		}
		fmt.Fprintf(b, "| %s | %s | %s%s |\n", p.Name, p.Kind, need, p.About)
	}
	if m.Handle != nil {
		fmt.Fprintf(b, "\n```json\n%s\n```\n", exampleCall(m))
	}
	if fields := resultFields(m); fields != "" {
		fmt.Fprintf(b, "\nResult: %s.\n", fields)
	}
	if len(m.Errors) > 0 {
		fmt.Fprintf(b, "\nErrors: %s.\n", strings.Join(m.Errors, ", "))
	}
}

// resultFields names the members of a result, or of the items of a list.
func resultFields(m *rpc.Method) string {
	t, prefix := reflect.TypeOf(m.Result), ""
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		if t.Kind() == reflect.Slice {
			prefix = "list of "
		}
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return ""
	}
	return prefix + "{" + strings.Join(memberNames(t), ", ") + "}"
}

func memberNames(t reflect.Type) (names []string) {
	for i := range t.NumField() {
		field := t.Field(i)
		if field.Anonymous {
			names = append(names, memberNames(field.Type)...)
			continue
		}
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if options != "" {
			name += "?"
		}
		names = append(names, name)
	}
	return names
}

func writeErrors(b *strings.Builder) {
	b.WriteString("\n## Errors\n\nEvery error has a number and, in `error.data.name`, a stable name. Those from -32600 to -32603, -32001 to -32007 and -32700 can come from every method.\n\n| number | names |\n| --- | --- |\n")
	rows := map[int][]string{}
	for name, code := range rpc.NameCodes() {
		rows[code] = append(rows[code], name)
	}
	for r := kernel.Rule(1); r.Valid(); r++ {
		rows[rpc.CodeOf(r.String())] = append(rows[rpc.CodeOf(r.String())], r.String())
	}
	for code := 0; code > -33000; code-- {
		if names := rows[code]; names != nil {
			slices.Sort(names)
			fmt.Fprintf(b, "| %d | %s |\n", code, strings.Join(names, ", "))
		}
	}
}
