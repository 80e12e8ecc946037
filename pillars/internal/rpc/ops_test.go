package rpc_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/pillars/client"
	"github.com/asterism-network/asterism/pillars/internal/chaintest"
	"github.com/asterism-network/asterism/pillars/node"
)

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// TestOperations: probes and figures of a running node, on their own listener only.
func TestOperations(t *testing.T) {
	s := serve(t, chaintest.New(1), node.InterfaceOptions{})
	until(t, "ready", func() bool {
		status, _ := get(t, s.ops+"/readyz")
		return status == http.StatusOK
	})
	for range 3 { // after that, so that the node counts from the first on
		s.mine()
	}
	if status, body := get(t, s.ops+"/livez"); status != http.StatusOK {
		t.Errorf("livez: %d %s", status, body)
	}
	until(t, "figures", func() bool {
		_, body := get(t, s.ops+"/metrics")
		return strings.Contains(body, "aster_pillars_height 3") && strings.Contains(body, `aster_pillars_blocks_connected_total{seal="pow"} 3`) &&
			strings.Contains(body, "aster_pillars_ready 1")
	})
	for _, path := range []string{"/metrics", "/readyz", "/debug/pprof/"} {
		if status, _ := get(t, s.url+path); status != http.StatusNotFound {
			t.Errorf("%s is on the public listener: %d", path, status)
		}
	}
	if status, body := get(t, s.url+"/"); status != http.StatusOK || !strings.Contains(body, "getasset") || !strings.Contains(body, "chaintest") {
		t.Errorf("the page for a person: %d %.200s", status, body)
	}
}

// TestRights: with a token file everybody needs one, and each may do what it is for.
func TestRights(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	read, submit := strings.Repeat("r", 32), strings.Repeat("s", 32)
	if err := os.WriteFile(file, []byte("shop read "+read+"\ntill submit "+submit+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, chaintest.New(1), node.InterfaceOptions{TokensFile: file})
	s.mine()
	tx := s.maker.Pay(s.tip.Coins(2, 0)[:1], 5)
	for _, tt := range []struct {
		token            string
		info, send, peer string
	}{
		{"", "unauthorized", "unauthorized", "unauthorized"},
		{strings.Repeat("x", 32), "unauthorized", "unauthorized", "unauthorized"},
		{read, "", "forbidden", "forbidden"},
		{submit, "", "other", "forbidden"},
	} {
		c := client.New(s.url, client.WithToken(tt.token), client.WithAttempts(1, 0))
		_, info := c.Info(t.Context())
		_, send := c.Send(t.Context(), tx)
		_, peer := c.Peers(t.Context())
		for _, got := range []struct {
			err  error
			want string
		}{{info, tt.info}, {send, tt.send}, {peer, tt.peer}} {
			var name string
			if e, ok := got.err.(*client.Error); ok {
				name = e.Name
			}
			if got.want == "other" && name != "" && name != "unauthorized" && name != "forbidden" || got.want == "other" && got.err == nil {
				continue // the mempool's own answer
			}
			if name != got.want {
				t.Errorf("token %.3q: %v, want %q", tt.token, got.err, got.want)
			}
		}
		for e, err := range c.Follow(t.Context(), client.TopicBlocks, "0") {
			if (err == nil) != (tt.info == "") {
				t.Errorf("token %.3q: stream: %+v %v", tt.token, e, err)
			}
			break
		}
	}
}
