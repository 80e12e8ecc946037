package explorer

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/client"
	"github.com/asterism-network/asterism/pillars/node"
	"github.com/asterism-network/asterism/pillars/wallet"
)

// A publicChain is a real node that mines for one wallet.
type publicChain struct {
	t      *testing.T
	params pillars.Params
	wallet *wallet.Wallet
	at     pillars.Address
	client *client.Client
	node   wallet.Node
	url    string
}

func startChain(t *testing.T) *publicChain {
	t.Helper()
	c := &publicChain{t: t, params: pillars.Devnet()}
	c.params.PoW.Minimum.SetUint64(uint64(c.params.PoW.Scale))
	w, err := wallet.New([64]byte{1, 2, 3}, c.params)
	if err != nil {
		t.Fatal(err)
	}
	purse, err := w.Address("", wallet.Receive, 0)
	if err != nil {
		t.Fatal(err)
	}
	c.wallet, c.at = w, purse.Address
	c.params.Genesis = pillars.GenesisParams{Timestamp: uint32(time.Now().Unix()), Text: "<b>tests</b>", Outputs: []pillars.GenesisOutput{
		{Address: c.at.Text(c.params.Address), Value: 1000 * pillars.ETP}}}
	home := t.TempDir()
	if err := node.Init(home, &c.params); err != nil {
		t.Fatal(err)
	}
	n, err := node.Open(home, node.Options{})
	if err != nil {
		t.Fatal(err)
	}
	miner, err := n.NewMiner(node.MinerOptions{Mining: node.Mining{Pay: c.at, Workers: 1}})
	if err != nil {
		t.Fatal(err)
	}
	ready := make(chan string, 1)
	n.Offer(node.InterfaceOptions{Listen: "127.0.0.1:0", Alone: true, Miner: miner, Ready: func(rpc, _ string) { ready <- rpc }})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	select {
	case at := <-ready:
		c.url = "http://" + at
	case err := <-done:
		t.Fatal(err)
	}
	c.client = client.New(c.url)
	c.node = wallet.From(c.client, &c.params)
	return c
}

// until waits until something holds.
func (c *publicChain) until(what string, holds func() bool) {
	c.t.Helper()
	for end := time.Now().Add(2 * time.Minute); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatal("not within two minutes: " + what)
		}
	}
}

// pay sends a draft and waits for its block.
func (c *publicChain) pay(draft func() (*wallet.Draft, error)) pillars.TxID {
	c.t.Helper()
	ctx := c.t.Context()
	if _, err := c.wallet.Scan(ctx, c.node); err != nil {
		c.t.Fatal(err)
	}
	d, err := draft()
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.wallet.Sign(d); err != nil {
		c.t.Fatal(err)
	}
	tx, err := c.wallet.Broadcast(ctx, c.node, d, "")
	if err != nil {
		c.t.Fatal(err)
	}
	c.until("a payment is in a block", func() bool {
		got, err := c.client.Transaction(ctx, tx.ID())
		return err == nil && got.Confirmations > 0
	})
	return tx.ID()
}

// TestPillarsPages: each page shows what the node of a real chain says, and what is not there is said.
func TestPillarsPages(t *testing.T) {
	c := startChain(t)
	c.until("blocks", func() bool {
		tip, err := c.client.Tip(t.Context())
		return err == nil && tip.Height >= 3
	})
	registered := c.pay(func() (*wallet.Draft, error) { return c.wallet.RegisterAvatar("alice", c.at, wallet.Options{}) })
	alice := wallet.Recipient{Address: c.at, Avatar: "alice"}
	c.pay(func() (*wallet.Draft, error) {
		return c.wallet.IssueAsset(wallet.Issue{Symbol: "GOLD", Supply: 12345, Decimals: 2, Threshold: 127, Issuer: alice, Description: "<script>x</script>"}, wallet.Options{})
	})
	pages, err := NewPillars(c.url, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(pages.Handler())
	defer server.Close()
	address := c.at.Text(c.params.Address)
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	get := func(path string) (int, string, http.Header) {
		resp, err := browser.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body), resp.Header
	}
	time.Sleep(2 * briefly) // what was kept before the last block is too old
	for _, tt := range []struct {
		path string
		code int
		has  string
	}{
		{"/pillars", 200, "Seals of the last"},
		{"/pillars", 200, "not real money"},
		{"/pillars/blocks", 200, "/pillars/block/1"},
		{"/pillars/blocks?from=1", 200, "/pillars/block/0"},
		{"/pillars/blocks?from=x", 400, "no height"},
		{"/pillars/block/1", 200, "Mix hash"},
		{"/pillars/block/999999", 404, "no such block"},
		{"/pillars/block/nonsense", 400, "This is no block"},
		{"/pillars/tx/" + registered.String(), 200, "did register"},
		{"/pillars/tx/" + strings.Repeat("ab", 32), 404, "no such transaction"},
		{"/pillars/tx/zz", 400, "64 hex digits"},
		{"/pillars/address/" + address, 200, "GOLD"},
		{"/pillars/address/alice", 200, address},
		{"/pillars/address/nobody", 400, "This is no address"},
		{"/pillars/assets", 200, "123.45"},
		{"/pillars/asset/GOLD", 200, "by who holds the issue certificate"},
		{"/pillars/asset/TIN", 404, "no such asset"},
		{"/pillars/avatars", 200, "alice"},
		{"/pillars/avatar/alice", 200, "domain of GOLD"},
		{"/pillars/avatar/bob", 404, "no such avatar"},
		{"/pillars/mempool", 200, "Waiting for a block"},
		{"/pillars/nowhere", 404, "No such page"},
		{"/pillars/search?q=nothing%20here", 404, "Nothing found"},
	} {
		code, body, header := get(tt.path)
		if code != tt.code || !strings.Contains(body, tt.has) {
			t.Errorf("%s: status %d, wanted %d and %q:\n%.1500s", tt.path, code, tt.code, tt.has, body)
		}
		if !strings.Contains(header.Get("Content-Security-Policy"), "default-src 'none'") || strings.Contains(body, "<script>x") {
			t.Errorf("%s: not guarded, or text of the chain as markup", tt.path)
		}
		separator := "?"
		if strings.Contains(tt.path, "?") {
			separator = "&"
		}
		if _, text, _ := get(tt.path + separator + "format=json"); !json.Valid([]byte(text)) {
			t.Errorf("%s as JSON: %.100s", tt.path, text)
		}
	}
	for query, want := range map[string]string{
		"1": "/pillars/block/1", registered.String(): "/pillars/tx/" + registered.String(), address: "/pillars/address/" + address,
		"gold": "/pillars/asset/GOLD", "alice": "/pillars/avatar/alice", "": "/pillars",
	} {
		if code, _, header := get("/pillars/search?q=" + query); code != http.StatusSeeOther || header.Get("Location") != want {
			t.Errorf("search %q: %d to %s, want %s", query, code, header.Get("Location"), want)
		}
	}
	if code, _, header := get("/"); code != http.StatusSeeOther || header.Get("Location") != "/pillars" {
		t.Errorf("/: %d %s", code, header.Get("Location"))
	}
}

// TestPillarsSilent: without a node the pages say so.
func TestPillarsSilent(t *testing.T) {
	pages, err := NewPillars("http://127.0.0.1:1", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRecorder()
	pages.Handler().ServeHTTP(r, httptest.NewRequest(http.MethodGet, "http://127.0.0.1/pillars", nil))
	if r.Code != http.StatusBadGateway || !strings.Contains(r.Body.String(), "does not answer") {
		t.Errorf("%d %.300s", r.Code, r.Body)
	}
	r = httptest.NewRecorder()
	pages.Handler().ServeHTTP(r, httptest.NewRequest(http.MethodGet, "http://evil.example/pillars", nil))
	if r.Code != http.StatusForbidden {
		t.Errorf("a name that resolves here: %d", r.Code)
	}
	for _, bad := range []string{"", "127.0.0.1:8820", "ftp://x", "http://u:p@x"} {
		if _, err := NewPillars(bad, nil, nil); err == nil {
			t.Errorf("node %q", bad)
		}
	}
}
