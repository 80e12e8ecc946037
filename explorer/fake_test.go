package explorer_test

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/asterism-network/asterism/explorer"
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/coder/websocket"
)

// A fakeNode answers like a Kernel node, with the client's own types, from a history that it
// makes up: rounds by seven members of whom the last is often late, a skipped slot, a snapshot
// below the horizon, an equivocation, and payments of which one is rejected.
type fakeNode struct {
	name string

	mu       sync.Mutex
	down     bool
	state    string           // of getinfo; empty is active
	old      *client.Snapshot // one that the graph does not show any more
	calls    map[string]int
	names    []string
	newest   kernel.Round
	vertices []client.GraphVertex
	slots    []client.GraphSlot
	commits  []client.Commit
	txs      map[kernel.TxHash]*client.Transaction
	receipts map[kernel.TxHash]kernel.Receipt
	pending  kernel.TxHash
	now      kernel.Timestamp
}

// members of the made-up network; tests count on seven.
var members = 7

func newFakeNode(name string) *fakeNode {
	n := &fakeNode{name: name, calls: map[string]int{}, txs: map[kernel.TxHash]*client.Transaction{}, receipts: map[kernel.TxHash]kernel.Receipt{},
		now: kernel.Timestamp(time.Now().UnixMilli()) - 60_000}
	for i := range members {
		n.names = append(n.names, fmt.Sprintf("node-%d", i+1))
	}
	n.commits = append(n.commits, client.Commit{Timestamp: n.now})
	return n
}

func fakeID(parts ...any) kernel.SnapshotID {
	return kernel.SnapshotID(crypto.Sum([]byte(fmt.Sprint(parts...))))
}

// Advance makes another round. What is four rounds old is committed.
func (n *fakeNode) Advance() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.newest++
	n.now += 90
	parents := []kernel.SnapshotID{}
	for _, v := range n.vertices {
		if v.Round+1 == n.newest {
			parents = append(parents, v.ID)
		}
	}
	for a := range kernel.Author(members) {
		if a == 6 && n.newest%4 == 0 {
			continue // late, or silent
		}
		n.add(a, parents, "")
	}
	if n.newest%30 == 12 {
		n.add(3, parents, "twin")
	}
	if n.newest > 4 {
		n.decide(n.newest - 4)
	}
}

func (n *fakeNode) add(a kernel.Author, parents []kernel.SnapshotID, twin string) {
	n.vertices = append(n.vertices, client.GraphVertex{
		Vertex:  client.Vertex{Author: a, Round: n.newest, ID: fakeID(a, n.newest, twin)},
		Parents: parents, Timestamp: n.now + kernel.Timestamp(a), Received: n.now + 12, Status: client.VertexPending,
		Transactions: int(n.newest*kernel.Round(a+1)) % 9 * (int(n.newest) % 3),
	})
	if a == 0 && n.newest > 1 {
		n.slots = append(n.slots, client.GraphSlot{Round: n.newest - 1, Author: kernel.Author(int(n.newest*5) % members), State: client.SlotUndecided})
	}
}

func (n *fakeNode) decide(round kernel.Round) {
	var leader kernel.SnapshotID
	for i := range n.slots {
		s := &n.slots[i]
		if s.Round != round {
			continue
		}
		s.State = client.SlotSkipped
		for _, v := range n.vertices {
			if v.Round == round && v.Author == s.Author && round%13 != 5 {
				s.State, s.ID, leader = client.SlotCommitted, v.ID, v.ID
			}
		}
	}
	if leader.IsZero() {
		return
	}
	c := client.Commit{Index: kernel.CommitIndex(len(n.commits)), Timestamp: n.now, Leader: client.Vertex{Round: round, ID: leader}, Coin: client.Coin{Round: round + 2}}
	for i := range n.vertices {
		v := &n.vertices[i]
		if v.Round > round || v.Status != client.VertexPending {
			continue
		}
		if v.Author == 6 && v.Round%8 == 3 {
			v.Status = client.VertexBelowHorizon
			continue
		}
		v.Status, v.Commit, v.CommittedAt = client.VertexCommitted, c.Index, n.now+kernel.Timestamp(v.Author)*3
		c.Snapshots = append(c.Snapshots, v.Vertex)
	}
	for i := range min(len(c.Snapshots), 2) {
		n.pay(&c, c.Snapshots[i].ID, i)
	}
	n.commits = append(n.commits, c)
}

// pay puts a transaction with its receipt into a commit; every fifth is rejected.
func (n *fakeNode) pay(c *client.Commit, snapshot kernel.SnapshotID, i int) {
	tx := fakeTransaction(fmt.Sprint(c.Index, i))
	r := kernel.Receipt{Transaction: tx.Hash(), Status: kernel.Final, Commit: c.Index, Snapshot: snapshot}
	if (int(c.Index)+i)%5 == 4 {
		r.Status, r.Rule, r.Winner = kernel.Rejected, kernel.InputSpent, kernel.TxHash(fakeID("winner"))
	} else {
		raw, _ := tx.AppendBinary(nil)
		c.Transactions = append(c.Transactions, client.FinalTransaction{Hash: r.Transaction, Hex: hex.EncodeToString(raw)})
		n.txs[r.Transaction] = &client.Transaction{TransactionView: tx.View(), Hex: hex.EncodeToString(raw), Snapshot: snapshot}
	}
	n.receipts[r.Transaction] = r
	c.Receipts = append(c.Receipts, r)
}

// evil is chain text that wants to be markup.
const evil = `<script>alert("memo")</script>`

func fakeTransaction(seed string) *kernel.Transaction {
	key := func(what string) kernel.Key {
		return kernel.Key(crypto.NodeKeyFromSeed([32]byte(fakeID(seed, what))).Public())
	}
	tx := &kernel.Transaction{Asset: kernel.BTC, Extra: []byte(evil), Signatures: []kernel.SignatureMap{nil},
		Inputs: []kernel.Input{{OutputRef: kernel.OutputRef{Hash: kernel.TxHash(fakeID(seed, "in")), Index: 1}}}}
	for i, amount := range []uint64{50_000_000, 149_750_000} {
		tx.Outputs = append(tx.Outputs, kernel.Output{Type: kernel.OutputScript, Amount: kernel.NewAmount(amount),
			Keys: []kernel.Key{key(fmt.Sprint("key", i))}, Mask: key(fmt.Sprint("mask", i)), Script: kernel.NewScript(1)})
	}
	return tx
}

// ServeHTTP answers POST / and the stream on /ws.
func (n *fakeNode) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/ws" {
		n.stream(w, r)
		return
	}
	var call struct {
		ID     json.RawMessage            `json:"id"`
		Method string                     `json:"method"`
		Params map[string]json.RawMessage `json:"params"`
	}
	if err := json.NewDecoder(r.Body).Decode(&call); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.calls[call.Method]++
	if n.down {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	}
	result := n.answer(call.Method, call.Params)
	json.NewEncoder(w).Encode(map[string]any{"jsonrpc": "2.0", "id": call.ID, "result": result})
}

func (n *fakeNode) answer(method string, params map[string]json.RawMessage) any {
	number := func(name string) (v uint64) { json.Unmarshal(params[name], &v); return v }
	var hash kernel.TxHash
	json.Unmarshal(params["hash"], &hash)
	head := kernel.CommitIndex(len(n.commits) - 1)
	switch method {
	case "getinfo":
		return client.Info{Network: kernel.NetworkID(fakeID("network")), Name: n.name, State: cmp.Or(n.state, "active"), Round: n.newest, Peers: members - 1,
			Head: client.Head{Index: head, Timestamp: n.now}, Mempool: client.Mempool{Transactions: 3}}
	case "getstake", "listmembers", "listmotions", "getmotion", "listappeals", "listwitnesses", "getmintschedule", "listfaults", "getfault":
		return n.govern(method, number)
	case "listassets":
		return map[string]any{"items": []client.Asset{{ID: kernel.BTC, Symbol: "BTC"}}}
	case "getgraph":
		return n.graph(kernel.Round(number("from")), kernel.Round(number("to")))
	case "listcommits":
		from := min(number("from"), uint64(len(n.commits)))
		to := min(from+number("limit"), uint64(len(n.commits)))
		return client.CommitPage{Items: n.commits[from:to], Next: kernel.CommitIndex(to), Head: head}
	case "getcommit":
		if i := number("index"); i < uint64(len(n.commits)) {
			return n.commits[i]
		}
	case "gettransactionstatus":
		return n.status(hash)
	case "gettransaction":
		if tx := n.txs[hash]; tx != nil {
			return tx
		}
	case "explaintransaction":
		return client.Explanation{Transaction: hash, State: n.status(hash).State, Story: []string{"A node accepted it.", "It is carried by a snapshot of node-1."}}
	case "getutxo":
		amount := kernel.NewAmount(199_750_000)
		return client.Output{Amount: amount, Asset: kernel.BTC}
	case "getsnapshot":
		if n.old != nil && kernel.TxHash(n.old.Hash) == hash {
			return n.old
		}
		for _, v := range n.vertices {
			if kernel.TxHash(v.ID) == hash && v.Status == client.VertexCommitted {
				s := client.Snapshot{Hash: v.ID, Round: v.Round, Timestamp: uint64(v.Timestamp) * 1_000_000, Topology: 5, Hex: "00ff"}
				for _, r := range n.commits[v.Commit].Receipts {
					if r.Snapshot == v.ID && r.Status == kernel.Final {
						s.Transactions = append(s.Transactions, client.TransactionRef{Hash: r.Transaction})
					}
				}
				return s
			}
		}
	}
	return nil
}

func (n *fakeNode) graph(from, to kernel.Round) client.Graph {
	if from == 0 && to == 0 {
		from, to = max(n.newest, 20)-20, n.newest
	}
	g := client.Graph{From: from, To: to, Newest: n.newest, Wave: 4, Names: n.names, Vertices: []client.GraphVertex{}, Slots: []client.GraphSlot{}}
	for _, v := range n.vertices {
		if v.Round >= from && v.Round <= to {
			g.Vertices = append(g.Vertices, v)
		}
	}
	for _, s := range n.slots {
		if s.Round >= from && s.Round <= to {
			g.Slots = append(g.Slots, s)
		}
	}
	return g
}

func (n *fakeNode) status(hash kernel.TxHash) client.TransactionStatus {
	s := client.TransactionStatus{Transaction: hash, State: client.Unknown}
	if r, ok := n.receipts[hash]; ok {
		s.State, s.Receipt, s.Timestamp = client.State(r.Status.String()), &r, n.commits[r.Commit].Timestamp
	} else if hash == n.pending && !hash.IsZero() {
		s.State, s.Since = client.Pending, n.now
	}
	return s
}

func (n *fakeNode) stream(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer conn.CloseNow()
	_, request, err := conn.Read(r.Context())
	if err != nil {
		return
	}
	var call struct {
		Params struct{ From int }
	}
	json.Unmarshal(request, &call)
	for next := call.Params.From; r.Context().Err() == nil; {
		n.mu.Lock()
		var item *client.Commit
		if next < len(n.commits) && !n.down {
			item = &n.commits[next]
		}
		n.mu.Unlock()
		if item == nil {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		next++
		text, _ := json.Marshal(map[string]any{"jsonrpc": "2.0", "method": "subscription", "params": map[string]any{"topic": "commits", "cursor": next, "item": item}})
		if conn.Write(r.Context(), websocket.MessageText, text) != nil {
			return
		}
	}
}

var serve = flag.String("serve", "", "serve the explorer of a made-up network at this address, to look at")

var serveMembers = flag.Int("members", 7, "with -serve: members of the network")

// TestServe is for looking at pages without a network: go test ./explorer -run Serve -serve 127.0.0.1:8090 -timeout 1h
func TestServe(t *testing.T) {
	if *serve == "" {
		t.Skip("for people: see -serve")
	}
	members = *serveMembers
	var urls []string
	var nodes []*fakeNode
	for i := range members {
		n := newFakeNode(fmt.Sprintf("node-%d", i+1))
		n.down = i == 5
		nodes = append(nodes, n)
		server := httptest.NewServer(n)
		urls = append(urls, server.URL)
	}
	go func() {
		for {
			for _, n := range nodes {
				n.Advance()
			}
			time.Sleep(200 * time.Millisecond)
		}
	}()
	e, err := explorer.New(explorer.Config{Nodes: urls, Network: "devnet"})
	if err != nil {
		t.Fatal(err)
	}
	go e.Run(t.Context())
	t.Fatal(http.ListenAndServe(*serve, e.Handler()))
}
