package rpc_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/pillars/internal/chaintest"
	"github.com/asterism-network/asterism/pillars/node"
)

// FuzzCall: whatever comes, the answer is JSON with exactly one of result and error, never an internal one.
func FuzzCall(f *testing.F) {
	s := serve(f, chaintest.New(1), node.InterfaceOptions{})
	s.mine()
	described := service(f)
	for _, name := range described.MethodNames() {
		params := map[string]any{}
		for _, p := range described.Method(name).Params {
			params[p.Name] = p.Example
		}
		text, err := json.Marshal(params)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(name, string(text))
	}
	f.Add("fetch-history", `[["1111111111111111111114oLvT2"],"0.1.1",{"limit":5}]`)
	f.Add("getblock", `["5",null,true]`)
	f.Fuzz(func(t *testing.T, method, params string) {
		name, err := json.Marshal(method)
		if err != nil || !json.Valid([]byte(params)) {
			return
		}
		resp, err := http.Post(s.url, "application/json", strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":`+string(name)+`,"params":`+params+`}`))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var a struct {
			Result json.RawMessage
			Error  *struct{ Data struct{ Name string } }
		}
		if resp.StatusCode == http.StatusNoContent {
			t.Fatal("a call with an id got no answer")
		}
		if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
			t.Fatal(err)
		}
		if (a.Result == nil) == (a.Error == nil) || a.Error != nil && (a.Error.Data.Name == "" || a.Error.Data.Name == "internal_error") {
			t.Fatalf("%s %s: %s %+v", method, params, a.Result, a.Error)
		}
	})
}

// FuzzBody: bodies of any bytes are answered, and end nothing.
func FuzzBody(f *testing.F) {
	s := serve(f, chaintest.New(1), node.InterfaceOptions{})
	f.Add([]byte(`{"jsonrpc":"2.0","id":1,"method":"getheight"}`))
	f.Add([]byte(`[{"jsonrpc":"2.0","id":1,"method":"getheight"},7]`))
	f.Add([]byte(`{"jsonrpc":"2.0","id":{},"method":[],"params":"x"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		resp, err := http.Post(s.url, "application/json", strings.NewReader(string(body)))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode >= 500 {
			t.Fatalf("status %d", resp.StatusCode)
		}
	})
}
