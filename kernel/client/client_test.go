package client_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asterism-network/asterism/internal/rpcclient"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/internal/rpc"
	"github.com/asterism-network/asterism/kernel/internal/rpc/rpctest"
)

// settled is a node with a final payment, a rejected one and one that waits.
type settled struct {
	*rpctest.Node
	final, rejected, winner, waiting []byte
}

func newSettled(t *testing.T) (settled, *client.Client) {
	t.Helper()
	s := settled{Node: rpctest.New(t, 4)}
	c := client.New(rpctest.Serve(t, s.Node, rpc.Config{}))
	s.final, s.winner, s.rejected, s.waiting = s.Payment(t, 0, 1), s.Payment(t, 1, 1), s.Payment(t, 1, 2), s.Payment(t, 2, 1)
	for _, raw := range [][]byte{s.final, s.winner, s.rejected} {
		if _, err := c.SendRawTransaction(t.Context(), raw); err != nil {
			t.Fatal(err)
		}
	}
	s.Commit()
	if receipt, _ := s.Receipt(hashOf(t, s.rejected)); receipt.Status != kernel.Rejected {
		s.rejected, s.winner = s.winner, s.rejected
	}
	if _, err := c.SendRawTransaction(t.Context(), s.waiting); err != nil {
		t.Fatal(err)
	}
	return s, c
}

func hashOf(t testing.TB, raw []byte) kernel.TxHash {
	t.Helper()
	var tx kernel.Transaction
	if err := tx.UnmarshalBinary(raw); err != nil {
		t.Fatal(err)
	}
	return tx.Hash()
}

// TestRefusalsAreRules: what a node refuses is the rule of package kernel, and says who won.
func TestRefusalsAreRules(t *testing.T) {
	s, c := newSettled(t)
	ctx := t.Context()
	if hash, err := c.SendRawTransaction(ctx, s.final); err != nil || hash != hashOf(t, s.final) {
		t.Errorf("a final one again: %v %v", hash, err)
	}
	_, err := c.SendRawTransaction(ctx, s.rejected)
	if !errors.Is(err, kernel.InputSpent) || errors.Is(err, kernel.AmountZero) {
		t.Errorf("a rejected one again: %v", err)
	}
	_, err = c.SendRawTransaction(ctx, []byte{0x77})
	var refusal *client.Error
	if !errors.Is(err, kernel.Malformed) || !errors.As(err, &refusal) || refusal.Code != -32010 {
		t.Errorf("malformed: %v", err)
	}
	if checked, err := c.CheckRawTransaction(ctx, s.rejected); err != nil || checked.Valid || checked.Name != kernel.InputSpent.String() {
		t.Errorf("check: %+v %v", checked, err)
	}
	if checked, err := c.CheckRawTransaction(ctx, s.waiting); err != nil || !checked.Valid {
		t.Errorf("check: %+v %v", checked, err)
	}
	_, err = c.CommitsPage(ctx, 0, 501)
	if !errors.Is(err, &client.Error{Name: "invalid_params"}) {
		t.Errorf("limit 501: %v", err)
	}
}

// TestSubmissionIsJSON: what writes its own JSON writes that of the general encoder.
func TestSubmissionIsJSON(t *testing.T) {
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { body, _ = io.ReadAll(r.Body) }))
	defer server.Close()
	for _, hexes := range [][]string{{}, {""}, {"00"}, {"7777", "", "0005ff"}} {
		raws := make([][]byte, len(hexes))
		for i := range hexes {
			raws[i], _ = hex.DecodeString(hexes[i])
		}
		_, _ = client.New(server.URL).SendRawTransactions(t.Context(), raws) // nothing answers
		call := rpcclient.Request{Version: "2.0", ID: 1, Method: "sendrawtransactions", Params: map[string]any{"hexes": hexes}}
		if want, _ := json.Marshal(call); !bytes.Equal(body, want) {
			t.Errorf("sent %s, want %s", body, want)
		}
	}
}

// TestEveryCall reads through every method once.
func TestEveryCall(t *testing.T) {
	s, c := newSettled(t)
	ctx := t.Context()
	info, err := c.Info(ctx)
	if err != nil || info.State != "active" || info.Head.Index != 1 || len(info.Members) != 7 || info.Network != s.Genesis.NetworkID() {
		t.Errorf("info: %+v %v", info, err)
	}
	genesis, err := c.Genesis(ctx)
	if err != nil || genesis.NetworkID() != info.Network {
		t.Errorf("genesis: %v", err)
	}
	tx, err := c.Transaction(ctx, hashOf(t, s.final))
	if err != nil || tx == nil || tx.Snapshot.IsZero() {
		t.Fatalf("transaction: %+v %v", tx, err)
	}
	decoded, err := tx.Decode()
	if err != nil {
		t.Fatal(err)
	}
	if tx, err := c.Transaction(ctx, kernel.TxHash{1}); tx != nil || err != nil {
		t.Errorf("no transaction: %v %v", tx, err)
	}
	if tx, err := c.CacheTransaction(ctx, hashOf(t, s.waiting)); err != nil || tx == nil || !tx.Snapshot.IsZero() {
		t.Errorf("waiting: %+v %v", tx, err)
	}
	if tx, err := c.DepositTransaction(ctx, kernel.ETH, "0xff", 0); tx != nil || err != nil {
		t.Errorf("deposit: %v %v", tx, err)
	}
	if got, err := c.ExplainTransaction(ctx, hashOf(t, s.waiting)); err != nil || got.State != client.Pending || len(got.Story) == 0 {
		t.Errorf("explain: %+v %v", got, err)
	}
	out, err := c.Output(ctx, decoded.Inputs[0].OutputRef)
	if err != nil || out == nil || out.Lock != hashOf(t, s.final) || out.Amount.IsZero() {
		t.Errorf("output: %+v %v", out, err)
	}
	if user, err := c.KeyUser(ctx, decoded.Outputs[0].Keys[0]); err != nil || user != hashOf(t, s.final) {
		t.Errorf("key: %v %v", user, err)
	}
	if user, err := c.KeyUser(ctx, kernel.Key{9}); err != nil || !user.IsZero() {
		t.Errorf("unused key: %v %v", user, err)
	}
	if asset, err := c.Asset(ctx, kernel.XIN); err != nil || asset == nil || asset.Balance != kernel.NewAmount(400_00000000) {
		t.Errorf("asset: %+v %v", asset, err)
	}
	if assets, err := c.Assets(ctx); err != nil || len(assets) != 1 {
		t.Errorf("assets: %+v %v", assets, err)
	}
	if supply, err := c.Supply(ctx); err != nil || !supply.OK || supply.Commit != 1 {
		t.Errorf("supply: %+v %v", supply, err)
	}
	if commit, err := c.Commit(ctx, 1); err != nil || commit == nil || len(commit.Receipts) != 3 || len(commit.Transactions) != 2 {
		t.Errorf("commit: %+v %v", commit, err)
	}
	if commit, err := c.Commit(ctx, 2); commit != nil || err != nil {
		t.Errorf("no commit: %+v %v", commit, err)
	}
	if page, err := c.Faults(ctx, 0, 10); err != nil || len(page.Items) != 0 || page.Next != 0 {
		t.Errorf("faults: %+v %v", page, err)
	}
	if peers, err := c.Peers(ctx); err != nil || len(peers) != 6 {
		t.Errorf("peers: %+v %v", peers, err)
	}
	if nodes, err := c.Nodes(ctx); err != nil || len(nodes) != 7 {
		t.Errorf("nodes: %+v %v", nodes, err)
	}
	if doc, err := c.Discover(ctx); err != nil || len(doc) < 1000 {
		t.Errorf("discover: %d bytes, %v", len(doc), err)
	}
	testGraphCalls(t, s, c, info, tx)
}

func testGraphCalls(t *testing.T, s settled, c *client.Client, info client.Info, tx *client.Transaction) {
	ctx := t.Context()
	graph, err := c.Graph(ctx, 1, 1)
	if err != nil || len(graph.Vertices) != 7 {
		t.Errorf("graph: %+v %v", graph, err)
	}
	if heads, err := c.GraphHead(ctx); err != nil || len(heads) != 7 {
		t.Errorf("heads: %+v %v", heads, err)
	}
	snapshot, err := c.Snapshot(ctx, tx.Snapshot)
	if err != nil || snapshot == nil || len(snapshot.Transactions) != 2 || snapshot.Transactions[0].Object == nil {
		t.Fatalf("snapshot: %+v %v", snapshot, err)
	}
	verifyWitness(t, s, snapshot)
	if list, err := c.Snapshots(ctx, 0, 10, false); err != nil || len(list) != 7 || list[6].Topology != 6 || list[0].Transactions[0].Object != nil {
		t.Errorf("snapshots: %+v %v", list, err)
	}
	round, err := c.Round(ctx, snapshot.Node, snapshot.Round)
	if err != nil || round == nil || round.Hash != snapshot.Hash || len(round.Snapshots) != 1 {
		t.Errorf("round: %+v %v", round, err)
	}
	if again, err := c.RoundByHash(ctx, round.Hash); err != nil || again.Number != round.Number {
		t.Errorf("round by hash: %+v %v", again, err)
	}
	if link, err := c.RoundLink(ctx, info.Members[0].Node, info.Members[1].Node); err != nil || link != 0 {
		t.Errorf("link: %v %v", link, err)
	}
}

// TestWaitFinal: a waiting caller learns of the receipt when it comes, a rejected one with its rule.
func TestWaitFinal(t *testing.T) {
	s, c := newSettled(t)
	go func() {
		time.Sleep(20 * time.Millisecond)
		s.Commit()
	}()
	receipt, err := c.WaitFinal(t.Context(), hashOf(t, s.waiting))
	if err != nil || receipt.Status != kernel.Final || receipt.Commit != 2 {
		t.Fatalf("%+v %v", receipt, err)
	}
	receipt, err = c.WaitFinal(t.Context(), hashOf(t, s.rejected))
	if !errors.Is(err, client.ErrRejected) || !errors.Is(err, kernel.InputSpent) || receipt.Winner != hashOf(t, s.winner) {
		t.Fatalf("%+v %v", receipt, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := c.WaitFinal(ctx, kernel.TxHash{1}); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
}

// flaky answers 503 a number of times, then as the node does.
func flaky(t *testing.T, node string, failures int32) (url string, calls *atomic.Int32) {
	calls = new(atomic.Int32)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) <= failures {
			http.Error(w, "come again", http.StatusServiceUnavailable)
			return
		}
		http.Redirect(w, r, node, http.StatusTemporaryRedirect)
	}))
	t.Cleanup(server.Close)
	return server.URL, calls
}

// TestOnlyReadsAreRepeated: a read survives a hiccup, a submission is the caller's to repeat.
func TestOnlyReadsAreRepeated(t *testing.T) {
	n := rpctest.New(t, 1)
	node := rpctest.Serve(t, n, rpc.Config{})
	url, calls := flaky(t, node, 2)
	if _, err := client.New(url, client.WithAttempts(3, time.Millisecond)).Info(t.Context()); err != nil || calls.Load() != 3 {
		t.Errorf("read: %v after %d calls", err, calls.Load())
	}
	url, calls = flaky(t, node, 1)
	if _, err := client.New(url).SendRawTransaction(t.Context(), n.Payment(t, 0, 1)); err == nil || calls.Load() != 1 {
		t.Errorf("submission: %v after %d calls", err, calls.Load())
	}
	url, calls = flaky(t, node, 9)
	if _, err := client.New(url, client.WithAttempts(2, time.Millisecond)).Info(t.Context()); err == nil || calls.Load() != 2 {
		t.Errorf("read: %v after %d calls", err, calls.Load())
	}
}

// TestForeignServers: whatever a server answers, the client says what is wrong.
func TestForeignServers(t *testing.T) {
	for _, answer := range []string{
		"", "hello", "null", "[]", `{"data":1}`, `{"jsonrpc":"2.0","id":99,"result":1}`, `{"jsonrpc":"2.0","id":1,"result":"text"}`,
		`{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"m","data":[1]}}`, `{"jsonrpc":"2.0","id":1}`,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) }))
		if _, err := client.New(server.URL, client.WithAttempts(1, 0)).Info(t.Context()); err == nil {
			t.Errorf("%q was taken for an answer", answer)
		}
		server.Close()
	}
}

// TestMulti: two nodes get the transaction, dead ones are replaced, refusals are told.
func TestMulti(t *testing.T) {
	dead := httptest.NewServer(nil)
	dead.Close()
	for range 10 {
		nodes := []*rpctest.Node{rpctest.New(t, 1), rpctest.New(t, 1), rpctest.New(t, 1)}
		all := []*client.Client{client.New(dead.URL), client.New(dead.URL)}
		for _, n := range nodes {
			all = append(all, client.New(rpctest.Serve(t, n, rpc.Config{})))
		}
		raw := nodes[0].Payment(t, 0, 1)
		hash, err := client.NewMulti(all, 4).SendRawTransaction(t.Context(), raw)
		if err != nil || hash != hashOf(t, raw) {
			t.Fatal(hash, err)
		}
		holders := func() (n int) {
			for _, node := range nodes {
				if _, _, ok := node.Pending(hash); ok {
					n++
				}
			}
			return n
		}
		for deadline := time.Now().Add(2 * time.Minute); holders() < 2; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%d nodes hold it", holders())
			}
		}
		if _, err := client.NewMulti(all, 2).SendRawTransaction(t.Context(), []byte{1}); !errors.Is(err, kernel.Malformed) {
			t.Fatal(err)
		}
	}
	if _, err := client.NewMulti([]*client.Client{client.New(dead.URL)}, 2).SendRawTransaction(t.Context(), []byte{1}); err == nil {
		t.Fatal("a dead node took it")
	}
}
