package rpc_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

var rewrite = flag.Bool("rewrite", false, "write golden files and generated documents anew")

// post sends a body and returns status and answer.
func post(t testing.TB, url, body string, header ...string) (int, []byte) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, answer
}

// strict is the answer of one call of JSON-RPC 2.0.
type strict struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  json.RawMessage `json:"result"`
	Error   *struct {
		Code    int            `json:"code"`
		Message string         `json:"message"`
		Data    map[string]any `json:"data"`
	} `json:"error"`
}

// name is the error's name, "" for success.
func (s strict) name() string {
	if s.Error == nil {
		return ""
	}
	return fmt.Sprint(s.Error.Data["name"])
}

func parseStrict(t testing.TB, answer []byte) (s strict) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(answer))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil || s.Version != "2.0" {
		t.Fatalf("not an answer of JSON-RPC 2.0: %v: %.200s", err, answer)
	}
	if (s.Result == nil) == (s.Error == nil) {
		t.Fatalf("not exactly one of result and error: %.200s", answer)
	}
	return s
}

// ask calls a method with params in JSON.
func ask(t testing.TB, url, method, params string) strict {
	t.Helper()
	status, answer := post(t, url, fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":%s}`, method, params))
	if status != http.StatusOK {
		t.Fatalf("%s: status %d: %.200s", method, status, answer)
	}
	return parseStrict(t, answer)
}

// golden compares with a file, or writes it with -rewrite.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *rewrite {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(got, want) {
		return
	}
	g, w := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := range max(len(g), len(w)) {
		if i >= len(g) || i >= len(w) || !bytes.Equal(g[i], w[i]) {
			t.Fatalf("%s differs from line %d on; look at the diff after: go test . -rewrite\ngot  %.300s\nwant %.300s", path, i+1, line(g, i), line(w, i))
		}
	}
}

func line(lines [][]byte, i int) []byte {
	if i < len(lines) {
		return lines[i]
	}
	return []byte("(end)")
}

func hashOf(t testing.TB, raw []byte) kernel.TxHash {
	t.Helper()
	var tx kernel.Transaction
	if err := tx.UnmarshalBinary(raw); err != nil {
		t.Fatal(err)
	}
	return tx.Hash()
}
