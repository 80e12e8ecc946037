package rpc_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/rpc"
	"github.com/asterism-network/asterism/kernel/internal/rpc/rpctest"
)

// dial opens a WebSocket.
func dial(t *testing.T, url string, header http.Header) *websocket.Conn {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), url+"/ws", &websocket.DialOptions{HTTPHeader: header})
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadLimit(64 << 20)
	t.Cleanup(func() { conn.CloseNow() })
	return conn
}

func say(t *testing.T, conn *websocket.Conn, text string) {
	t.Helper()
	if err := conn.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func hear(t *testing.T, conn *websocket.Conn) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	_, message, err := conn.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return message
}

// notice is an event as it is on the wire.
type notice struct {
	Method string
	Params struct {
		Subscription, Topic string
		Sequence            uint64
		Cursor              kernel.CommitIndex
		Item                json.RawMessage
	}
}

func hearEvent(t *testing.T, conn *websocket.Conn) notice {
	t.Helper()
	var n notice
	message := hear(t, conn)
	if err := json.Unmarshal(message, &n); err != nil || n.Method != "event" {
		t.Fatalf("not an event: %v %.200s", err, message)
	}
	return n
}

// TestStreamEqualsPages: the stream, the page and the single call give the same items.
func TestStreamEqualsPages(t *testing.T) {
	n := rpctest.New(t, 3)
	url := rpctest.Serve(t, n, rpc.Config{})
	for i := range 3 {
		if _, err := n.Submit(t.Context(), n.Payment(t, i, 1)); err != nil {
			t.Fatal(err)
		}
		n.Commit()
	}
	var page struct{ Items []json.RawMessage }
	if err := json.Unmarshal(ask(t, url, "listcommits", "[0]").Result, &page); err != nil || len(page.Items) != 4 {
		t.Fatal(len(page.Items), err)
	}
	conn := dial(t, url, nil)
	say(t, conn, `{"jsonrpc":"2.0","id":"s","method":"subscribe","params":{"topic":"commits","from":0}}`)
	answered := false
	for i := 0; i < len(page.Items); {
		message := hear(t, conn)
		if !answered && strings.Contains(string(message), `"id":"s"`) {
			answered = true
			continue
		}
		var e notice
		if err := json.Unmarshal(message, &e); err != nil {
			t.Fatal(err)
		}
		single := ask(t, url, "getcommit", fmt.Sprintf("[%d]", i)).Result
		if string(e.Params.Item) != string(page.Items[i]) || string(single) != string(page.Items[i]) {
			t.Fatalf("commit %d differs:\n%s\n%s\n%s", i, e.Params.Item, page.Items[i], single)
		}
		if i++; e.Params.Cursor != kernel.CommitIndex(i) || e.Params.Sequence != uint64(i) {
			t.Fatalf("cursor %d, sequence %d after item %d", e.Params.Cursor, e.Params.Sequence, i-1)
		}
	}
}

// TestSocketServesCalls: calls and subscriptions share a connection, a subscription ends when
// asked, and there are not many of them.
func TestSocketServesCalls(t *testing.T) {
	n := rpctest.New(t, 1)
	url := rpctest.Serve(t, n, rpc.Config{})
	conn := dial(t, url, nil)
	say(t, conn, `{"jsonrpc":"2.0","id":1,"method":"getcommit","params":[0]}`)
	if answer := parseStrict(t, hear(t, conn)); answer.Error != nil {
		t.Fatal(answer.Error)
	}
	for _, wrong := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"subscribe","params":["blocks",0]}`,
		`{"jsonrpc":"2.0","id":1,"method":"subscribe","params":["commits"]}`,
		`{"jsonrpc":"2.0","id":1,"method":"subscribe","params":["commits",-1]}`,
	} {
		say(t, conn, wrong)
		if answer := parseStrict(t, hear(t, conn)); answer.name() != "invalid_params" {
			t.Errorf("%s: %+v", wrong, answer)
		}
	}
	say(t, conn, strings.Repeat("[", 100))
	if answer := parseStrict(t, hear(t, conn)); answer.name() != "too_many" {
		t.Error(answer)
	}
	for i := range 5 { // all wait for commit 1
		say(t, conn, `{"jsonrpc":"2.0","id":1,"method":"subscribe","params":["commits",1]}`)
		if answer := parseStrict(t, hear(t, conn)); (answer.name() == "too_many") != (i == 4) {
			t.Fatalf("subscription %d: %+v", i, answer)
		}
	}
	n.Commit()
	seen := map[string]bool{}
	for range 4 {
		seen[hearEvent(t, conn).Params.Subscription] = true
	}
	if len(seen) != 4 {
		t.Errorf("subscriptions %v", seen)
	}
	say(t, conn, `{"jsonrpc":"2.0","id":1,"method":"unsubscribe"}`)
	if answer := parseStrict(t, hear(t, conn)); string(answer.Result) != "true" {
		t.Error(answer)
	}
	n.Commit()
	say(t, conn, `{"jsonrpc":"2.0","id":1,"method":"getcommit","params":[2]}`)
	if answer := parseStrict(t, hear(t, conn)); answer.Error != nil {
		t.Errorf("after unsubscribe: %+v", answer.Error)
	}
}

// TestSocketNeedsAToken: rights hold on a WebSocket too.
func TestSocketNeedsAToken(t *testing.T) {
	url := rpctest.Serve(t, rpctest.New(t, 1), rpc.Config{Tokens: tokenFile(t)})
	if _, resp, err := websocket.Dial(t.Context(), url+"/ws", nil); err == nil || resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a token: %v", err)
	}
	conn := dial(t, url, http.Header{"Authorization": {"Bearer " + readToken}})
	say(t, conn, `{"jsonrpc":"2.0","id":1,"method":"listpeers"}`)
	if answer := parseStrict(t, hear(t, conn)); answer.name() != "forbidden" {
		t.Errorf("listpeers with the right to read: %+v", answer)
	}
}

// TestEvents: the same items as server-sent events, resumed by the id of the last one.
func TestEvents(t *testing.T) {
	n := rpctest.New(t, 1)
	url := rpctest.Serve(t, n, rpc.Config{})
	for range 9 {
		n.Commit()
	}
	next, id := 0, ""
	for next < 10 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/events?topic=commits&from=0", nil)
		if err != nil {
			t.Fatal(err)
		}
		if id != "" {
			req.Header.Set("Last-Event-ID", id)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(resp.Body)
		lines.Buffer(nil, 1<<20)
		for taken := 0; taken < 3 && next < 10 && lines.Scan(); {
			if after, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
				id = after
			}
			data, ok := strings.CutPrefix(lines.Text(), "data: ")
			if !ok {
				continue
			}
			var e struct{ Item struct{ Index int } }
			if err := json.Unmarshal([]byte(data), &e); err != nil || e.Item.Index != next {
				t.Fatalf("item %d where %d follows: %v", e.Item.Index, next, err)
			}
			taken, next = taken+1, next+1
		}
		resp.Body.Close()
		if id != strconv.Itoa(next) {
			t.Fatalf("id %s after commit %d", id, next-1)
		}
	}
	for _, wrong := range []string{"/events", "/events?from=x", "/events?from=0&topic=blocks"} {
		resp, err := http.Get(url + wrong)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: status %d", wrong, resp.StatusCode)
		}
	}
}
