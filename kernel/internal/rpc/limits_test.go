package rpc_test

import (
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/asterism-network/asterism/kernel/internal/rpc"
	"github.com/asterism-network/asterism/kernel/internal/rpc/rpctest"
)

// TestHostileBodies: whatever is wrong with a body is refused by name.
func TestHostileBodies(t *testing.T) {
	url := rpctest.Serve(t, rpctest.New(t, 1), rpc.Config{})
	call := func(params string) string {
		return `{"jsonrpc":"2.0","id":1,"method":"getutxo","params":` + params + `}`
	}
	batch := func(n int) string {
		return "[" + strings.Repeat(call(`["`+strings.Repeat("0", 64)+`",0]`)+",", n-1) + call("[]") + "]"
	}
	for _, tt := range []struct {
		name, body string
		status     int
		want       string
	}{
		{"empty", "", 200, "parse_error"},
		{"not JSON", "hello", 200, "parse_error"},
		{"open string", `{"jsonrpc":"2.0`, 200, "parse_error"},
		{"too deep", call(strings.Repeat("[", rpc.MaxDepth) + strings.Repeat("]", rpc.MaxDepth)), 200, "too_many"},
		{"as deep as allowed", call(strings.Repeat("[", rpc.MaxDepth-1) + strings.Repeat("]", rpc.MaxDepth-1)), 200, "invalid_params"},
		{"only brackets", strings.Repeat("[", 500_000), 200, "too_many"},
		{"many keys", `{` + strings.Repeat(`"a":1,`, 150_000) + `"b":1}`, 200, "too_many"},
		{"many values", call("[" + strings.Repeat("1,", 200_000) + "1]"), 200, "too_many"},
		{"long string", call(`["` + strings.Repeat("a", 900_000) + `",0]`), 200, "invalid_params"},
		{"huge number", call(`["` + strings.Repeat("0", 64) + `",1e999]`), 200, "invalid_params"},
		{"fraction", call(`["` + strings.Repeat("0", 64) + `",0.5]`), 200, "invalid_params"},
		{"negative", call(`["` + strings.Repeat("0", 64) + `",-1]`), 200, "invalid_params"},
		{"long method", `{"jsonrpc":"2.0","id":1,"method":"` + strings.Repeat("a", 900_000) + `"}`, 200, "method_not_found"},
		{"batch over the limit", batch(rpc.MaxBatch + 1), 200, "invalid_request"},
		{"body over the limit", call(`["` + strings.Repeat("a", rpc.MaxBody) + `"]`), 413, "too_large"},
		{"batch of raw transactions over the limit", "[" + call(`["`+strings.Repeat("a", rpc.MaxBody)+`"]`) + "]", 413, "too_large"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, body := post(t, url, tt.body) // a quadratic reader takes minutes, and meets the limit of the whole test
			if answer := parseStrict(t, body); status != tt.status || answer.name() != tt.want {
				t.Fatalf("got %d %s, want %d %s: %.200s", status, answer.name(), tt.status, tt.want, body)
			}
		})
	}
	if status, body := post(t, url, batch(rpc.MaxBatch)); status != 200 || body[0] != '[' {
		t.Errorf("a batch at the limit: %d %.100s", status, body)
	}
}

// TestSizesByMethod: only methods that take a raw transaction take a large body.
func TestSizesByMethod(t *testing.T) {
	url := rpctest.Serve(t, rpctest.New(t, 1), rpc.Config{})
	for _, name := range rpc.MethodNames {
		m := rpc.MethodByName(name)
		if m.Handle == nil {
			continue
		}
		body := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":[%q]}`, name, strings.Repeat("a", rpc.MaxBody))
		status, _ := post(t, url, body)
		if large := status != http.StatusRequestEntityTooLarge; large != m.Large {
			t.Errorf("%s: status %d for a body over the small limit", name, status)
		}
	}
	for _, size := range []int{rpc.MaxLargeBody + 1, 2 * rpc.MaxLargeBody} {
		status, body := post(t, url, `{"jsonrpc":"2.0","id":1,"method":"sendrawtransaction","params":["`+strings.Repeat("a", size)+`"]}`)
		if answer := parseStrict(t, body); status != http.StatusRequestEntityTooLarge || answer.name() != "too_large" {
			t.Errorf("%d bytes: %d %.100s", size, status, body)
		}
	}
	raw := `{"jsonrpc":"2.0","id":1,"method":"sendrawtransaction","params":["` + strings.Repeat("a", 8<<20+2) + `"]}`
	if _, body := post(t, url, raw); parseStrict(t, body).name() != "transaction_too_large" {
		t.Errorf("a transaction over the limit: %.200s", body)
	}
}

// TestOverload: a node that is full or does not take part says so and when to come again.
func TestOverload(t *testing.T) {
	n := rpctest.New(t, 1)
	url := rpctest.Serve(t, n, rpc.Config{})
	params := fmt.Sprintf(`[%q]`, hex.EncodeToString(n.Payment(t, 0, 1)))
	n.Lock()
	n.Full = true
	n.Unlock()
	if got := ask(t, url, "sendrawtransaction", params); got.name() != "rate_limited" || got.Error.Code != -32003 || got.Error.Data["retry_after_ms"] != 250.0 {
		t.Errorf("full: %+v", got.Error)
	}
	n.Lock()
	n.Full, n.State = false, rpc.Observing
	n.Unlock()
	if got := ask(t, url, "sendrawtransaction", params); got.name() != "not_ready" || got.Error.Data["state"] != "observing" {
		t.Errorf("observing: %+v", got.Error)
	}
}

// TestSlowCallers: half-open and slow connections do not keep others from being served.
func TestSlowCallers(t *testing.T) {
	url := rpctest.Serve(t, rpctest.New(t, 1), rpc.Config{})
	address := strings.TrimPrefix(url, "http://")
	for i := range 300 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		switch i % 3 {
		case 0: // says nothing
		case 1:
			fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: localh")
		case 2:
			fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
		}
	}
	for range 20 {
		if got := ask(t, url, "getinfo", "[]"); got.Error != nil {
			t.Fatal(got.Error)
		}
	}
}

// TestConnectionCap: connections over the cap are closed, and places come back.
func TestConnectionCap(t *testing.T) {
	url := rpctest.Serve(t, rpctest.New(t, 1), rpc.Config{MaxConnections: 3})
	address := strings.TrimPrefix(url, "http://")
	var held []net.Conn
	for range 3 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		held = append(held, conn)
	}
	over, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer over.Close()
	_ = over.SetReadDeadline(time.Now().Add(2 * time.Minute))
	if _, err := over.Read(make([]byte, 1)); err == nil || strings.Contains(err.Error(), "timeout") {
		t.Fatalf("the connection over the cap is open: %v", err)
	}
	for _, conn := range held {
		conn.Close()
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(10 * time.Millisecond) {
		resp, err := client.Get(url)
		if err == nil {
			resp.Body.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("places did not come back:", err)
		}
	}
}

// TestCommitCacheIsBounded: by number and by bytes, whatever comes.
func TestCommitCacheIsBounded(t *testing.T) {
	if held, bytes := rpc.CachedCommits(1000, 10); held != 64 || bytes != 640 {
		t.Errorf("small: %d items, %d bytes", held, bytes)
	}
	if held, bytes := rpc.CachedCommits(20, 10<<20); held != 6 || bytes != 60<<20 {
		t.Errorf("large: %d items, %d bytes", held, bytes)
	}
	if held, bytes := rpc.CachedCommits(2, 100<<20); held != 0 || bytes != 0 {
		t.Errorf("too large: %d items, %d bytes", held, bytes)
	}
}
