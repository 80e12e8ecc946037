package rpc

import (
	"context"
	"encoding/hex"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

var (
	fromCommit = Param{Name: "from", Kind: "integer", Required: true, About: "index of the first commit wanted", Example: 0}
	pageLimit  = Param{Name: "limit", Kind: "integer", About: "1 to 500, 100 if not given; a page may be shorter for size", Example: 10}
)

var _ = register(
	Method{Name: "listcommits", Right: Read, handle: listCommits,
		About:  "Executed commits from an index on, the same items that the stream brings. next is the from of the following page.",
		Params: []Param{fromCommit, pageLimit}, Result: client.CommitPage{}},
	Method{Name: "getcommit", Right: Read, handle: getCommit,
		About:  "One executed commit; null if the node has not executed it.",
		Params: []Param{{Name: "index", Kind: "integer", Required: true, About: "its index", Example: 0}}, Result: &client.Commit{}},
	Method{Name: "listfaults", Right: Read, handle: listFaults,
		About:  "Faults that commits found, from a commit on. next is the from of the following page.",
		Params: []Param{fromCommit, pageLimit}, Result: client.FaultPage{}},
	Method{Name: "subscribe", Right: Read, Stream: true,
		About: "Inside a WebSocket at /ws: send every commit from an index on, each once and in order, then each new one. Events are notifications named event.",
		Params: []Param{
			{Name: "topic", Kind: "string", Required: true, About: "commits", Example: "commits"}, fromCommit},
		Result: subscription{}},
	Method{Name: "unsubscribe", Right: Read, Stream: true,
		About: "Inside a WebSocket: end the subscription.", Result: true},
)

const (
	// maxCommitBytes bounds the transaction bytes that one item carries; the rest is named only.
	maxCommitBytes = 16 << 20
	// maxPageBytes ends a page after the item that reaches it.
	maxPageBytes = 8 << 20
)

// lastCommit bounds cursors so that one more never overflows.
const lastCommit = 1<<63 - 1

func listCommits(ctx context.Context, s *Server, a *args) (any, error) {
	from := kernel.CommitIndex(a.uint("from", lastCommit, 0))
	limit := a.limit()
	if err := a.err(); err != nil {
		return nil, err
	}
	head, _ := s.node.Commits()
	page := client.CommitPage{Items: []client.Commit{}, Next: from, Head: head}
	for size := 0; len(page.Items) < limit && page.Next <= head && size < maxPageBytes; page.Next++ {
		if len(page.Items) > 0 && ctx.Err() != nil {
			break
		}
		commit, bytes := s.commit(page.Next)
		if commit == nil {
			return nil, faultf("pruned", "commit %d is no longer stored here; ask an archive node", page.Next)
		}
		page.Items = append(page.Items, *commit)
		size += bytes
	}
	return page, nil
}

func getCommit(_ context.Context, s *Server, a *args) (any, error) {
	index := kernel.CommitIndex(a.uint("index", lastCommit, 0))
	if err := a.err(); err != nil {
		return nil, err
	}
	commit, _ := s.commit(index)
	return commit, nil
}

// commit builds the one form in which commits leave the node, and says how many transaction
// bytes it carries. It is nil if the commit has not been executed. [RPC-10]
func (s *Server) commit(index kernel.CommitIndex) (*client.Commit, int) {
	c, receipts, ok := s.history.CommitAt(index)
	if !ok {
		return nil, 0
	}
	out := &client.Commit{
		Index: c.Index, Timestamp: c.Timestamp, Epoch: c.Epoch, Leader: client.Vertex(c.Leader),
		Coin: client.Coin{Round: c.CoinRound, Value: c.Coin}, Digest: c.Digest, Position: c.Position,
		Snapshots: make([]client.Vertex, len(c.Snapshots)), Receipts: append([]kernel.Receipt{}, receipts...),
		Transactions: []client.FinalTransaction{},
	}
	for i, v := range c.Snapshots {
		out.Snapshots[i] = client.Vertex{Author: v.Author, Round: v.Round, ID: v.ID}
	}
	size := 0
	for _, r := range receipts {
		if r.Status == kernel.Final {
			size += s.addFinal(out, r.Transaction, maxCommitBytes-size)
		}
	}
	return out, size
}

// addFinal adds a transaction with its bytes if there is room for them.
func (s *Server) addFinal(out *client.Commit, hash kernel.TxHash, room int) int {
	t := client.FinalTransaction{Hash: hash}
	raw, _, ok := s.history.Transaction(hash)
	if fits := ok && len(raw) <= room; fits {
		t.Hex = hex.EncodeToString(raw)
	} else {
		raw, out.Truncated = nil, true
	}
	out.Transactions = append(out.Transactions, t)
	return len(raw)
}

var faultKinds = map[ledger.FaultKind]string{
	ledger.FaultEquivocation: "equivocation",
	ledger.FaultDoubleSpend:  "double_spend",
	ledger.FaultInvalid:      "invalid",
	ledger.FaultCoin:         "coin",
}

func listFaults(_ context.Context, s *Server, a *args) (any, error) {
	from := kernel.CommitIndex(a.uint("from", lastCommit, 0))
	limit := a.limit()
	if err := a.err(); err != nil {
		return nil, err
	}
	head, _ := s.node.Commits()
	roster := s.node.Info().Roster
	page := client.FaultPage{Items: []client.Fault{}, Next: max(from, head+1)}
	found := s.history.Faults(from, head, limit)
	if limit > 0 && len(found) >= limit {
		page.Next = found[len(found)-1].Commit + 1
	}
	for _, f := range found {
		page.Items = append(page.Items, client.Fault{
			Kind: faultKinds[f.Kind], Author: f.Author, Node: nodeOf(roster, f.Author), Epoch: f.Epoch,
			Round: f.Round, Snapshot: f.Snapshot, Entry: f.Entry, Commit: f.Commit,
		})
	}
	return page, nil
}
