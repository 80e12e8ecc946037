package rpcserver

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A counter is a feed of numbers, one each time that somebody asks.
type counter struct{ next int }

func (c *counter) Next(ctx context.Context) (any, error) {
	if c.next == 3 {
		return nil, Faultf("broken", "three is too many")
	}
	c.next++
	return c.next, nil
}

func (c *counter) Cursor() string { return strings.Repeat("i", c.next) }

var errOfProduct = errors.New("of the product")

func testServer(t *testing.T) *httptest.Server {
	t.Helper()
	s, err := New(Config{Listen: "127.0.0.1:0"}, Service{
		Title: "Test", Metrics: "test", Trailing: true,
		Methods: []Method{
			{Name: "echo", Aliases: []string{"say"}, Right: Read, About: "Echoes.", Result: "",
				Params: []Param{{Name: "text", Kind: "string", Required: true}, {Name: "times", Kind: "integer"}, {Name: "loud", Kind: "boolean"}},
				Handle: func(_ context.Context, a *Args) (any, error) {
					text, _ := a.Text("text")
					if a.Bool("loud", false) {
						text = strings.ToUpper(text)
					}
					return strings.Repeat(text, int(a.Uint("times", 5, 1))), nil
				}},
			{Name: "fail", Right: Read, About: "Fails.", Result: "", Handle: func(context.Context, *Args) (any, error) { return nil, errOfProduct }},
			{Name: "crash", Right: Read, About: "Fails.", Result: "", Handle: func(context.Context, *Args) (any, error) { return nil, io.EOF }},
		},
		Code: func(name string) int { return map[string]int{"product": -7, "broken": -8}[name] },
		Fault: func(err error) *Fault {
			if errors.Is(err, errOfProduct) {
				return Faultf("product", "it was the product").With("more", 1)
			}
			return nil
		},
		Topics: []Topic{{Name: "numbers", About: "counts"}},
		Open: func(topic, from string, a *Args) (Feed, error) {
			if from == "bad" {
				a.Fail("from", "is bad")
			}
			return &counter{len(from)}, nil
		},
	}, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	return server
}

// TestCalls: parameters by place, by name and both; names, numbers and data of errors.
func TestCalls(t *testing.T) {
	server := testServer(t)
	for _, tt := range []struct{ method, params, want string }{
		{"echo", `["a"]`, `"result":"a"`},
		{"say", `["a",3]`, `"result":"aaa"`},
		{"echo", `["a","2",true]`, `"result":"AA"`},
		{"echo", `{"text":"b","loud":"true"}`, `"result":"B"`},
		{"echo", `["c",{"times":2}]`, `"result":"cc"`},
		{"echo", `[]`, `"name":"invalid_params","param":"text"`},
		{"echo", `[null]`, `"name":"invalid_params","param":"text"`},
		{"echo", `["a",1,true,0]`, `"name":"invalid_params"`},
		{"echo", `["a",6]`, `"name":"invalid_params","param":"times"`},
		{"echo", `["a",-1]`, `"name":"invalid_params","param":"times"`},
		{"echo", `[["a"]]`, `"name":"invalid_params","param":"text"`},
		{"echo", `"a"`, `"name":"invalid_params"`},
		{"fail", `[]`, `"error":{"code":-7,"data":{"more":1,"name":"product"}`},
		{"crash", `[]`, `"code":-32603`},
		{"nothing", `[]`, `"code":-32601`},
		{"subscribe", `["numbers"]`, `"name":"invalid_request"`},
	} {
		resp, err := http.Post(server.URL, "application/json", strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"`+tt.method+`","params":`+tt.params+`}`))
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if !strings.Contains(string(answer), tt.want) || !json.Valid(answer) {
			t.Errorf("%s %s: %s, want %s", tt.method, tt.params, answer, tt.want)
		}
	}
}

// TestEvents: every item with its cursor, and the end of a feed by name.
func TestEvents(t *testing.T) {
	server := testServer(t)
	resp, err := http.Get(server.URL + "/events?topic=numbers&from=i")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	want := "id: ii\nevent: numbers\ndata: {\"topic\":\"numbers\",\"sequence\":1,\"cursor\":\"ii\",\"item\":2}\n\n" +
		"id: iii\nevent: numbers\ndata: {\"topic\":\"numbers\",\"sequence\":2,\"cursor\":\"iii\",\"item\":3}\n\n" +
		"event: error\ndata: {\"code\":-8,\"data\":{\"name\":\"broken\"},\"message\":\"three is too many\"}\n\n"
	if err != nil || string(text) != want {
		t.Errorf("%v:\n%s", err, text)
	}
	for _, bad := range []string{"/events", "/events?topic=letters", "/events?topic=numbers&from=bad"} {
		resp, err := http.Get(server.URL + bad)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", bad, resp.StatusCode)
		}
	}
}

// What is written piece by piece is what the general encoder writes of the whole.
func TestWrittenAsEncoded(t *testing.T) {
	for _, item := range []any{nil, "<&>\u2028\xff", []int{}, map[string]any{"b": nil, "a": "\n"}} {
		e := Event{Subscription: "<s>", Topic: "t", Sequence: 3, Cursor: mustJSON("\u2029")}
		if item != nil {
			e.Item = mustJSON(item)
		}
		if got, want := string(e.encode("(", ")")), "("+string(mustJSON(e))+")"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		for _, id := range []json.RawMessage{nil, []byte("null"), []byte(`{"a": "<"}`)} {
			want := mustJSON(struct {
				Version string          `json:"jsonrpc"`
				ID      json.RawMessage `json:"id"`
				Result  any             `json:"result"`
			}{"2.0", onlyValid(id), item})
			if got := new(Server).reply(id, item, nil).bytes; string(got) != string(want) {
				t.Errorf("%s, want %s", got, want)
			}
		}
	}
}
