package rpc_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/client"
	"github.com/asterism-network/asterism/pillars/internal/chaintest"
	"github.com/asterism-network/asterism/pillars/internal/tree"
	"github.com/asterism-network/asterism/pillars/node"
	"github.com/asterism-network/asterism/pillars/wallet"
)

// A served node is a real one on a folder, with blocks of a maker, asked over HTTP.
type served struct {
	*node.Node
	t      testing.TB
	maker  *chaintest.Maker
	client *client.Client
	url    string
	ops    string
	tip    *chaintest.Link
	stop   func()
}

// serve starts a node that holds the maker's genesis.
func serve(t testing.TB, m *chaintest.Maker, o node.InterfaceOptions) *served {
	t.Helper()
	m.RealWork()
	s := &served{t: t, maker: m, tip: m.Genesis()}
	s.start(t.TempDir(), o)
	return s
}

func (s *served) start(home string, o node.InterfaceOptions) {
	s.t.Helper()
	if err := node.Init(home, &s.maker.Params); err != nil {
		s.t.Fatal(err)
	}
	n, err := node.Open(home, node.Options{Version: "test"})
	if err != nil {
		s.t.Fatal(err)
	}
	ready := make(chan [2]string, 1)
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	o.Ops, o.Alone = "127.0.0.1:0", true
	o.Ready = func(rpc, ops string) { ready <- [2]string{rpc, ops} }
	n.Offer(o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	s.Node = n
	select {
	case at := <-ready:
		s.url, s.ops = "http://"+at[0], "http://"+at[1]
	case err := <-done:
		s.t.Fatal(err)
	}
	s.client = client.New(s.url, client.WithAttempts(1, 0))
	stopped := false
	s.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			s.t.Error(err)
		}
	}
	s.t.Cleanup(s.stop)
}

// give submits a block.
func (s *served) give(l *chaintest.Link) {
	s.t.Helper()
	r, err := s.SubmitBlock(context.Background(), l.Block)
	if err != nil {
		s.t.Fatal(err)
	}
	if r.Fate == tree.Refused {
		s.t.Fatalf("block %d is refused: %v", l.Block.Number, r.Rule)
	}
	if s.Tip().ID == l.Branch.ID {
		s.tip = l
	}
}

// mine makes a block with transactions on our chain.
func (s *served) mine(txs ...*pillars.Transaction) {
	s.t.Helper()
	s.give(s.maker.MineWith(s.tip, 2, txs...))
}

// fund pays an address from the maker's coins, in a block of its own.
func (s *served) fund(to pillars.Address, values ...pillars.Amount) *pillars.Transaction {
	s.t.Helper()
	free := s.tip.Coins(s.tip.Branch.Number+1, 20_000*pillars.ETP)
	if len(free) == 0 {
		s.t.Fatal("the maker has no coins left")
	}
	tx := s.maker.Pay(free[:1], values...)
	for i := range tx.Outputs {
		tx.Outputs[i].Script = to.Script()
	}
	s.maker.Sign(tx)
	s.mine(tx)
	return tx
}

// newWallet makes a wallet that lives in memory.
func newWallet(t testing.TB, name string, p pillars.Params) *wallet.Wallet {
	t.Helper()
	var seed [64]byte
	copy(seed[:], name)
	w, err := wallet.New(seed, p)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// address is the first address of a wallet's account.
func address(t testing.TB, w *wallet.Wallet, account string) pillars.Address {
	t.Helper()
	p, err := w.Address(account, wallet.Receive, 0)
	if err != nil {
		t.Fatal(err)
	}
	return p.Address
}

// post sends a body and returns status and answer.
func post(t testing.TB, url, body string) (int, string) {
	t.Helper()
	resp, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

// nameOf is error.data.name of an answer, empty for a result.
func nameOf(t testing.TB, answer string) string {
	t.Helper()
	var a struct {
		Result json.RawMessage
		Error  *struct {
			Code int
			Data struct{ Name string }
		}
	}
	if err := json.NewDecoder(bytes.NewReader([]byte(answer))).Decode(&a); err != nil {
		t.Fatalf("%v: %.200s", err, answer)
	}
	if a.Error == nil {
		return ""
	}
	if a.Error.Code == 0 || a.Error.Data.Name == "" {
		t.Errorf("an error without number or name: %.200s", answer)
	}
	return a.Error.Data.Name
}

// until waits until something holds.
func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not within half a minute: " + what)
		}
	}
}

func call(method string, params any) string {
	b, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
	if err != nil {
		panic(fmt.Sprint(err))
	}
	return string(b)
}
