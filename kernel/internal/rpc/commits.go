package rpc

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/asterism-network/asterism/internal/rpcserver"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

var (
	fromCommit = Param{Name: "from", Kind: "integer", Required: true, About: "index of the first commit wanted", Example: 0}
	pageLimit  = Param{Name: "limit", Kind: "integer", About: "1 to 500, 100 if not given; a page may be shorter for size", Example: 10}
)

func (s *Server) commitMethods() []Method {
	return []Method{
		{Name: "listcommits", Right: Read, Handle: s.listCommits,
			About:  "Executed commits from an index on, the same items that the stream brings. next is the from of the following page.",
			Params: []Param{fromCommit, pageLimit}, Result: client.CommitPage{}, Errors: []string{"pruned"}},
		{Name: "getcommit", Right: Read, Handle: s.getCommit,
			About:  "One executed commit; null if the node has not executed it.",
			Params: []Param{{Name: "index", Kind: "integer", Required: true, About: "its index", Example: 0}}, Result: &client.Commit{}, Errors: []string{"pruned"}},
		{Name: "listfaults", Right: Read, Handle: s.listFaults,
			About:  "Faults that commits found, in order. next is the from of the following page.",
			Params: []Param{{Name: "from", Kind: "integer", Required: true, About: "number of the first fault wanted, from 0", Example: 0}, pageLimit}, Result: client.FaultPage{}},
		{Name: "subscribe", Right: Read,
			About: "Inside a WebSocket at /ws: send every commit from an index on, each once and in order, then each new one. Events are notifications named event. Topic commits has everything, receipts no transactions, digests only what commits are compared by.",
			Params: []Param{
				{Name: "topic", Kind: "string", Required: true, About: "commits, receipts or digests", Example: "commits"}, fromCommit},
			Result: rpcserver.Subscription{}, Errors: []string{"pruned", "too_many"}},
		{Name: "unsubscribe", Right: Read,
			About: "Inside a WebSocket: end the subscription.", Result: true},
	}
}

const (
	// maxCommitBytes bounds the transaction bytes that one item carries; the rest is named only.
	maxCommitBytes = 16 << 20
	// maxPageBytes ends a page after the item that reaches it.
	maxPageBytes = 8 << 20
)

// lastCommit bounds cursors so that one more never overflows.
const lastCommit = 1<<63 - 1

// A commitPage is a client.CommitPage whose items are encoded already.
type commitPage struct {
	Items []json.RawMessage  `json:"items"`
	Next  kernel.CommitIndex `json:"next"`
	Head  kernel.CommitIndex `json:"head"`
}

func (s *Server) listCommits(ctx context.Context, a *args) (any, error) {
	from := kernel.CommitIndex(a.Uint("from", lastCommit, 0))
	limit := a.Limit("limit", 100)
	if err := a.Err(); err != nil {
		return nil, err
	}
	head, _ := s.node.Commits()
	page := commitPage{Items: []json.RawMessage{}, Next: from, Head: head}
	for size := 0; len(page.Items) < limit && page.Next <= head && size < maxPageBytes; page.Next++ {
		if len(page.Items) > 0 && ctx.Err() != nil {
			break
		}
		item := s.commit(page.Next, head)
		if item == nil {
			return nil, s.pruned(page.Next)
		}
		page.Items = append(page.Items, item)
		size += len(item)
	}
	return page, nil
}

// pruned says that something of a commit is gone here, from where on all is there, and who has more. [RPC-16]
func (s *Server) pruned(index kernel.CommitIndex) *rpcserver.Fault {
	base := s.history.Base()
	what := fmt.Sprintf("commit %d", index)
	if index == 0 {
		what = "what is asked for"
	}
	f := rpcserver.Faultf("pruned", "%s is no longer stored here, where history begins behind commit %d; ask an archive node", what, base).With("base", base)
	if storage := s.node.Storage(); storage != nil {
		f.With("archives", list(storage.Archives))
	}
	return f
}

// gone is the fault of asking for something of a commit that history begins behind or before, nil for others.
func (s *Server) gone(index kernel.CommitIndex) *rpcserver.Fault {
	if index == 0 || index > s.history.Base() {
		return nil
	}
	return s.pruned(index)
}

func (s *Server) getCommit(_ context.Context, a *args) (any, error) {
	index := kernel.CommitIndex(a.Uint("index", lastCommit, 0))
	if err := a.Err(); err != nil {
		return nil, err
	}
	head, _ := s.node.Commits()
	commit := s.commit(index, head)
	if f := s.gone(index); f != nil && commit == nil {
		return nil, f
	}
	return commit, nil
}

// commit returns the one form in which a commit leaves the node, nil if it has not been
// executed. Recent ones are built once for all who follow the stream. [RPC-10]
func (s *Server) commit(index, head kernel.CommitIndex) json.RawMessage {
	build := func() json.RawMessage {
		commit := s.buildCommit(index)
		if commit == nil {
			return nil
		}
		return mustJSON(commit)
	}
	if index > head || index+recentCommits <= head {
		return build()
	}
	return s.recent.get(index, build)
}

// commitDigest is the smallest form of a commit: what nodes are compared by. [RPC-11]
func (s *Server) commitDigest(index, head kernel.CommitIndex) json.RawMessage {
	c, ok := s.history.Ordered(index)
	if !ok || index > head {
		return nil
	}
	return mustJSON(digestOf(c))
}

// commitReceipts is commitDigest with the receipts.
func (s *Server) commitReceipts(index, head kernel.CommitIndex) json.RawMessage {
	c, receipts, ok := s.history.CommitAt(index)
	if !ok || index > head {
		return nil
	}
	out := digestOf(c)
	out.Receipts = receipts
	return mustJSON(out)
}

func digestOf(c *kernel.Commit) client.CommitDigest {
	return client.CommitDigest{Index: c.Index, Timestamp: c.Timestamp, Digest: c.Digest, Position: c.Position, Snapshots: len(c.Snapshots)}
}

func (s *Server) buildCommit(index kernel.CommitIndex) *client.Commit {
	c, receipts, ok := s.history.CommitAt(index)
	if !ok {
		return nil
	}
	out := &client.Commit{
		Index: c.Index, Timestamp: c.Timestamp, Epoch: c.Epoch, Leader: client.Vertex(c.Leader),
		Coin: client.Coin{Round: c.CoinRound, Value: c.Coin}, Digest: c.Digest, Position: c.Position,
		Snapshots: make([]client.Vertex, len(c.Snapshots)), Receipts: list(receipts),
		Transactions: []client.FinalTransaction{},
	}
	for i, v := range c.Snapshots {
		out.Snapshots[i] = client.Vertex{Author: v.Author, Round: v.Round, ID: v.ID}
	}
	bodies, room := bodyReader{history: s.history}, maxCommitBytes
	for _, r := range receipts {
		if r.Status != kernel.Final {
			continue
		}
		t := client.FinalTransaction{Hash: r.Transaction}
		if raw := bodies.transaction(r); raw != nil && len(raw) <= room {
			t.Hex, room = hex.EncodeToString(raw), room-len(raw)
		} else {
			out.Truncated = true
		}
		out.Transactions = append(out.Transactions, t)
	}
	return out
}

// A bodyReader finds the bytes of the transactions of one commit. It reads each body once and
// keeps the last, for receipts of one snapshot stand together.
type bodyReader struct {
	history History
	at      kernel.SnapshotID
	found   map[kernel.TxHash][]byte
}

// transaction returns the signed bytes of a final transaction, nil where they are not stored.
func (b *bodyReader) transaction(r kernel.Receipt) []byte {
	if r.Snapshot.IsZero() { // of the genesis
		raw, _, _ := b.history.Transaction(r.Transaction)
		return raw
	}
	if b.found == nil || b.at != r.Snapshot {
		b.at, b.found = r.Snapshot, map[kernel.TxHash][]byte{}
		b.read()
	}
	return b.found[r.Transaction]
}

func (b *bodyReader) read() {
	encoded, ok := b.history.Body(b.at)
	if !ok {
		return
	}
	var body kernel.Body
	if body.UnmarshalBinary(encoded) != nil {
		return // the log is damaged: as good as not stored
	}
	for _, e := range body.Entries {
		var tx kernel.Transaction
		if e.Kind != kernel.EntryTransaction || tx.UnmarshalBinary(e.Bytes) != nil {
			continue // what does not decode is void and has no receipt
		}
		if hash := tx.Hash(); b.found[hash] == nil { // the first occurrence is the one judged
			b.found[hash] = e.Bytes
		}
	}
}

// A commitTimes remembers when commits happened: a commit is large, and many ask for one.
type commitTimes struct {
	mu    sync.Mutex
	times map[kernel.CommitIndex]kernel.Timestamp
}

const maxCommitTimes = 4096 // then all are forgotten

func (c *commitTimes) of(index kernel.CommitIndex, history History) kernel.Timestamp {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, ok := c.times[index]; ok {
		return at
	}
	commit, ok := history.Ordered(index)
	if !ok {
		return 0
	}
	if c.times == nil || len(c.times) >= maxCommitTimes {
		c.times = map[kernel.CommitIndex]kernel.Timestamp{}
	}
	c.times[index] = commit.Timestamp
	return commit.Timestamp
}

const (
	recentCommits = 64       // newest commits whose encoded form is kept
	recentBytes   = 64 << 20 // of encoded forms kept
)

// A commitCache holds the encoded form of the newest commits.
type commitCache struct {
	mu    sync.Mutex // held while building: followers of the stream all want the same one
	items map[kernel.CommitIndex]json.RawMessage
	order []kernel.CommitIndex
	bytes int
}

func (c *commitCache) get(index kernel.CommitIndex, build func() json.RawMessage) json.RawMessage {
	c.mu.Lock()
	defer c.mu.Unlock()
	if item, ok := c.items[index]; ok {
		return item
	}
	item := build()
	if item == nil {
		return nil
	}
	if c.items == nil {
		c.items = map[kernel.CommitIndex]json.RawMessage{}
	}
	c.items[index] = item
	c.order, c.bytes = append(c.order, index), c.bytes+len(item)
	for len(c.order) > recentCommits || c.bytes > recentBytes {
		oldest := c.order[0]
		c.bytes -= len(c.items[oldest])
		delete(c.items, oldest)
		c.order = c.order[1:]
	}
	return item
}

var faultKinds = map[ledger.FaultKind]string{
	ledger.FaultEquivocation: "equivocation",
	ledger.FaultDoubleSpend:  "double_spend",
	ledger.FaultInvalid:      "invalid",
	ledger.FaultCoin:         "coin",
}

// nodeAt is the node that had a place in an epoch's roster, which need not be that of today's.
func (s *Server) nodeAt(view ledger.View, epoch kernel.Epoch, author kernel.Author) (id kernel.NodeID) {
	facts, known := ledger.FactsOf(view, epoch)
	if !known {
		return nodeOf(s.node.Info().Roster, author)
	}
	if int(author) < len(facts.Roster.Members) {
		id = kernel.NodeIDOf(s.node.Info().Network, facts.Roster.Members[author].Key)
	}
	return id
}

func (s *Server) listFaults(_ context.Context, a *args) (any, error) {
	from := a.Uint("from", lastCommit, 0)
	limit := a.Limit("limit", 100)
	if err := a.Err(); err != nil {
		return nil, err
	}
	view, release := s.history.View()
	defer release()
	found := s.history.Faults(from, limit)
	page := client.FaultPage{Items: []client.Fault{}, Next: from + uint64(len(found))}
	for _, f := range found {
		page.Items = append(page.Items, client.Fault{
			Kind: faultKinds[f.Kind], Author: f.Author, Node: s.nodeAt(view, f.Epoch, f.Author), Epoch: f.Epoch,
			Round: f.Round, Snapshot: f.Snapshot, Entry: f.Entry, Commit: f.Commit,
		})
	}
	return page, nil
}
