package rpc_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/asterism-network/asterism/kernel/internal/rpc"
	"github.com/asterism-network/asterism/kernel/internal/rpc/rpctest"
)

// FuzzBody posts any bytes: the answer is JSON-RPC 2.0, the other envelope, or nothing for
// notifications, and the node lives.
func FuzzBody(f *testing.F) {
	n := rpctest.New(f, 2)
	n.Commit()
	server, err := rpc.New(rpc.Config{Listen: "127.0.0.1:0"}, n, n, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		f.Fatal(err)
	}
	handler := server.Handler()
	for _, name := range rpc.MethodNames {
		f.Add([]byte(exampleCall(rpc.MethodByName(name))))
	}
	for _, seed := range []string{
		`[]`, `[1]`, `{}`, `null`, `"x"`, `{"jsonrpc":"2.0","method":"getinfo"}`, `[{"jsonrpc":"2.0","method":"getinfo"}]`,
		`{"id":"a","method":"getutxo","params":["00",{"a":[]}]}`, `{"jsonrpc":"2.0","id":[],"method":"getinfo"}`,
		`{"jsonrpc":"2.0","id":1e999,"method":"getutxo","params":{"hash":null,"index":"-0"}}`, "{\"method\":\"\xff\",\"id\":\"\\ud800\"}",
		`{"jsonrpc":"2.0","id":1,"method":"listsnapshots","params":[18446744073709551615,500,"t","1"]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if bytes.Contains(body, []byte("wait_ms")) {
			t.Skip("waits as it is told")
		}
		req := httptest.NewRequest(http.MethodPost, "http://localhost/", bytes.NewReader(body))
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, req)
		answer := w.Body.Bytes()
		switch {
		case w.Code == http.StatusNoContent && len(answer) == 0:
		case w.Code != http.StatusOK && w.Code != http.StatusRequestEntityTooLarge:
			t.Fatalf("status %d: %.200s", w.Code, answer)
		case answer[0] == '[':
			var items []json.RawMessage
			if err := json.Unmarshal(answer, &items); err != nil || len(items) == 0 {
				t.Fatalf("%v: %.200s", err, answer)
			}
			for _, item := range items {
				parseStrict(t, item)
			}
		case bytes.HasPrefix(answer, []byte(`{"jsonrpc"`)):
			parseStrict(t, answer)
		default:
			checkEnvelope(t, answer)
		}
	})
}

// checkEnvelope wants exactly one of data and error.
func checkEnvelope(t *testing.T, answer []byte) {
	var envelope map[string]json.RawMessage
	if err := json.Unmarshal(answer, &envelope); err != nil {
		t.Fatalf("%v: %.200s", err, answer)
	}
	_, data := envelope["data"]
	_, failed := envelope["error"]
	if data == failed {
		t.Fatalf("not exactly one of data and error: %.200s", answer)
	}
}

// FuzzTokens reads any token file: an error, or tokens long enough to be secrets.
func FuzzTokens(f *testing.F) {
	f.Add("# comment\nname read 0123456789abcdef0123456789abcdef\n")
	f.Add("name admin 0123456789abcdef0123456789abcdef 2999-01-01T00:00:00Z")
	f.Add("a b c d e\n\x00\n")
	f.Fuzz(func(t *testing.T, text string) {
		table, err := rpc.ParseTokens(text)
		if (table == nil) == (err == nil) {
			t.Fatalf("table %v, error %v", table, err)
		}
	})
}
