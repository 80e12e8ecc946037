package rpc_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/internal/rpc"
	"github.com/asterism-network/asterism/kernel/internal/rpc/rpctest"
)

// TestManySubmissions: each transaction of a call is answered in its place as it would be alone,
// in both dialects.
func TestManySubmissions(t *testing.T) {
	n := rpctest.New(t, 4)
	url := rpctest.Serve(t, n, rpc.Config{})
	text := func(raw []byte) string { return `"` + hex.EncodeToString(raw) + `"` }
	first := n.Payment(t, 0, 1)
	if _, err := n.Submit(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	n.Commit()
	spoiled := n.Payment(t, 1, 1)
	spoiled[len(spoiled)-1] ^= 1
	list := []string{
		text(n.Payment(t, 2, 1)), // new
		text(first),              // final already
		text(n.Payment(t, 0, 2)), // its input is spent
		text(spoiled),            // signature
		text([]byte{0x77, 1}),    // no transaction
		`""`,                     // nothing
		text(n.Payment(t, 3, 1)), // what follows the bad ones stays good
		text(n.Payment(t, 2, 1)), // twice in one call
	}
	wants := []string{"", "", "input_spent", "signature_invalid", "malformed", "malformed", "", ""}
	hashes := []bool{true, true, true, true, false, false, true, true}
	params := `[[` + strings.Join(list, " , ") + `]]`
	var out client.Submissions
	check := func(result json.RawMessage) {
		t.Helper()
		if err := json.Unmarshal(result, &out); err != nil || len(out.Results) != len(wants) {
			t.Fatalf("%v: %.300s", err, result)
		}
		for i, r := range out.Results {
			var e *client.Error
			name := ""
			if err := r.Err(); err != nil {
				e, _ = err.(*client.Error)
				name = e.Name
			}
			if name != wants[i] || r.Hash.IsZero() == hashes[i] {
				t.Errorf("number %d: %q %v, want %q", i, name, r.Hash, wants[i])
			}
		}
	}
	check(ask(t, url, "sendrawtransactions", params).Result)
	_, answer := post(t, url, `{"id":"x","method":"sendrawtransactions","params":`+params+`}`)
	var envelope struct{ Data json.RawMessage }
	if err := json.Unmarshal(answer, &envelope); err != nil {
		t.Fatal(err)
	}
	check(envelope.Data)
	if out.Results[0].Hash != txHash(t, n.Payment(t, 2, 1)) {
		t.Error("another hash than the transaction's")
	}
	// The general decoder reads the same where the list is not written plainly.
	escaped := strings.Replace(params, `"7777`, `"\u0037777`, 1)
	check(ask(t, url, "sendrawtransactions", escaped).Result)
}

func txHash(t *testing.T, raw []byte) kernel.TxHash {
	t.Helper()
	var tx kernel.Transaction
	if err := tx.UnmarshalBinary(raw); err != nil {
		t.Fatal(err)
	}
	return tx.Hash()
}

// TestManySubmissionsLimits: what is refused as a whole, by name.
func TestManySubmissionsLimits(t *testing.T) {
	n := rpctest.New(t, 1)
	url := rpctest.Serve(t, n, rpc.Config{})
	many := func(count int) string { return `[[` + strings.TrimSuffix(strings.Repeat(`"00",`, count), ",") + `]]` }
	for _, tt := range []struct{ params, want string }{
		{`[[]]`, "too_many"},
		{many(1001), "too_many"},
		{many(1000), ""},
		{`["7777"]`, "invalid_params"},
		{`[]`, "invalid_params"},
		{`[["777"]]`, "invalid_params"},
		{`[["zz"]]`, "invalid_params"},
		{`[[7777]]`, "invalid_params"},
		{`[["77",["77"]]]`, "invalid_params"},
		{`[{"a":"77"}]`, "invalid_params"},
		{`{"hexes":["77"]}`, ""},
		{`[["77", "77\\\""]]`, "invalid_params"},
	} {
		if got := ask(t, url, "sendrawtransactions", tt.params).name(); got != tt.want {
			t.Errorf("%.40s: %q, want %q", tt.params, got, tt.want)
		}
	}
	n.Lock()
	n.Full = true
	n.Unlock()
	var out client.Submissions
	result := ask(t, url, "sendrawtransactions", fmt.Sprintf(`[["%x"]]`, n.Payment(t, 0, 1))).Result
	if err := json.Unmarshal(result, &out); err != nil || len(out.Results) != 1 {
		t.Fatalf("%v %s", err, result)
	}
	if e, ok := out.Results[0].Err().(*client.Error); !ok || e.Name != "rate_limited" || e.RetryAfter() == 0 {
		t.Errorf("a full node: %v", out.Results[0].Err())
	}
}

// TestManySignatures: a call with more signatures than a body may have is refused as a whole, unchecked; one of just so
// many is answered one by one. [RPC-14]
func TestManySignatures(t *testing.T) {
	n := rpctest.New(t, 2)
	url := rpctest.Serve(t, n, rpc.Config{})
	good := n.Payment(t, 0, 1)
	call := func(signers int) string {
		var tx kernel.Transaction
		if err := tx.UnmarshalBinary(n.Payment(t, 1, 1)); err != nil {
			t.Fatal(err)
		}
		tx.Signatures, tx.Aggregate = nil, new(kernel.AggregateSignature)
		for i := range signers {
			tx.Aggregate.Signers = append(tx.Aggregate.Signers, uint16(i))
		}
		raw, err := tx.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf(`[["%x","%x","00"]]`, good, raw)
	}
	if got := ask(t, url, "sendrawtransactions", call(kernel.MaxBodySignatures-1)).name(); got != "too_many_signatures" {
		t.Errorf("one too many: %q", got)
	}
	if _, _, waits := n.Pending(txHash(t, good)); waits {
		t.Error("a part of the refused call was taken")
	}
	var out client.Submissions
	result := ask(t, url, "sendrawtransactions", call(kernel.MaxBodySignatures-2)).Result
	if err := json.Unmarshal(result, &out); err != nil || len(out.Results) != 3 || out.Results[0].Err() != nil {
		t.Errorf("just so many: %v %s", err, result)
	}
}

// TestStreamTopics: every topic has every commit, with the parts that it promises.
func TestStreamTopics(t *testing.T) {
	n := rpctest.New(t, 2)
	url := rpctest.Serve(t, n, rpc.Config{})
	for i := range 2 {
		if _, err := n.Submit(t.Context(), n.Payment(t, i, 1)); err != nil {
			t.Fatal(err)
		}
		n.Commit()
	}
	c := client.New(url)
	for _, receipts := range []bool{false, true} {
		seen := 0
		for d, err := range c.Digests(t.Context(), 1, receipts) {
			if err != nil {
				t.Fatal(err)
			}
			full, err := c.Commit(t.Context(), d.Index)
			if err != nil {
				t.Fatal(err)
			}
			if d.Digest != full.Digest || d.Timestamp != full.Timestamp || d.Position != full.Position || d.Snapshots != len(full.Snapshots) {
				t.Errorf("commit %d: %+v", d.Index, d)
			}
			if want := map[bool]int{true: len(full.Receipts)}[receipts]; len(d.Receipts) != want || receipts && d.Receipts[0] != full.Receipts[0] {
				t.Errorf("commit %d has %d receipts, want %d", d.Index, len(d.Receipts), want)
			}
			if seen++; seen == 2 {
				break
			}
		}
		if seen != 2 {
			t.Errorf("%d commits", seen)
		}
	}
	conn := dial(t, url, nil)
	say(t, conn, `{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"topic":"blocks","from":0}}`)
	if answer := parseStrict(t, hear(t, conn)); answer.name() != "invalid_params" {
		t.Errorf("an unknown topic: %+v", answer)
	}
}

// A nothing takes every submission without a look.
type nothing struct{ *rpctest.Node }

func (nothing) SubmitAll(_ context.Context, raws [][]byte) ([]rpc.Submission, error) {
	out := make([]rpc.Submission, len(raws))
	for i := range out {
		out[i].Hash = kernel.TxHash{1}
	}
	return out, nil
}

// BenchmarkManySubmissions is what the interface itself costs for each of many transactions of
// 504 bytes, the size of a payment with two inputs and three outputs.
func BenchmarkManySubmissions(b *testing.B) {
	const each, size = 200, 504
	n := rpctest.New(b, 1)
	server, err := rpc.New(rpc.Config{Listen: "127.0.0.1:0"}, nothing{n}, n, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	handler := server.Handler()
	list := strings.TrimSuffix(strings.Repeat(`"`+strings.Repeat("7a", size)+`",`, each), ",")
	body := `{"jsonrpc":"2.0","id":1,"method":"sendrawtransactions","params":{"hexes":[` + list + `]}}`
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/", strings.NewReader(body))
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != http.StatusOK || w.Body.Len() < each*64 {
			b.Fatal(w.Code, w.Body.String()[:200])
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/each, "ns/tx")
}
