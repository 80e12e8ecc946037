package rpc_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/kernel/internal/rpc"
	"github.com/asterism-network/asterism/kernel/internal/rpc/rpctest"
)

// TestBrowsersCannotBeTricked: names that merely resolve here and pages of other origins get
// nothing, whatever they ask for.
func TestBrowsersCannotBeTricked(t *testing.T) {
	url := rpctest.Serve(t, rpctest.New(t, 1), rpc.Config{Hosts: []string{"node.example"}, Origins: []string{"https://wallet.example"}})
	host := strings.TrimPrefix(url, "http://")
	call := `{"jsonrpc":"2.0","id":1,"method":"getinfo"}`
	for _, tt := range []struct {
		name   string
		header []string
		want   int
	}{
		{"itself", nil, 200},
		{"localhost", []string{"Host", "localhost:6860"}, 200},
		{"listed name", []string{"Host", "node.example"}, 200},
		{"rebound name", []string{"Host", "evil.example"}, 403},
		{"rebound name with port", []string{"Host", "evil.example:6860"}, 403},
		{"address of a neighbour", []string{"Host", "192.168.1.1"}, 403},
		{"name that begins like us", []string{"Host", "localhost.evil.example"}, 403},
		{"own origin", []string{"Origin", "http://" + host}, 200},
		{"listed origin", []string{"Origin", "https://wallet.example"}, 200},
		{"foreign origin", []string{"Origin", "https://evil.example"}, 403},
		{"null origin", []string{"Origin", "null"}, 403},
		{"listed origin, rebound name", []string{"Origin", "https://wallet.example", "Host", "evil.example"}, 403},
		{"a form", []string{"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "none"}, 415},
		{"curl -d", []string{"Content-Type", "application/x-www-form-urlencoded"}, 200},
		{"plain text", []string{"Content-Type", "text/plain"}, 415},
		{"json with charset", []string{"Content-Type", "application/json; charset=utf-8"}, 200},
		{"broken type", []string{"Content-Type", ";;"}, 415},
	} {
		if status, body := post(t, url, call, tt.header...); status != tt.want {
			t.Errorf("%s: status %d, want %d: %.100s", tt.name, status, tt.want, body)
		}
	}
	for _, path := range []string{"/", "/ws", "/events?from=0"} {
		req, err := http.NewRequest(http.MethodGet, url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", "https://evil.example")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("GET %s from a foreign page: status %d", path, resp.StatusCode)
		}
	}
}

// TestNoWildcard: only listed origins are told that they may read, and none with a star.
func TestNoWildcard(t *testing.T) {
	url := rpctest.Serve(t, rpctest.New(t, 1), rpc.Config{Origins: []string{"https://wallet.example"}})
	for origin, want := range map[string]string{"https://wallet.example": "https://wallet.example", "https://evil.example": "", "": ""} {
		req, err := http.NewRequest(http.MethodOptions, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if origin != "" {
			req.Header.Set("Origin", origin)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.Header.Get("Access-Control-Allow-Origin"); got != want {
			t.Errorf("origin %q is allowed as %q", origin, got)
		}
	}
}

// TestPage: a person gets a page that loads nothing from elsewhere, and profiles are not here.
func TestPage(t *testing.T) {
	url := rpctest.Serve(t, rpctest.New(t, 1), rpc.Config{})
	for path, want := range map[string]int{"/": 200, "/metrics": 404, "/debug/pprof/": 404, "/livez": 404, "/nothing": 404} {
		resp, err := http.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("GET %s: status %d, want %d", path, resp.StatusCode, want)
		}
		if path == "/" && (!strings.Contains(string(body), "rpc.discover") || strings.Contains(string(body), "<script")) {
			t.Errorf("the page: %.300s", body)
		}
	}
}
