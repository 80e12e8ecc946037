package client

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/asterism-network/asterism/kernel"
)

type named = map[string]any

// SendRawTransaction submits signed bytes and returns the transaction's hash; so it does when
// the node already knows the transaction. A refusal is an *Error that names the rule.
func (c *Client) SendRawTransaction(ctx context.Context, raw []byte) (kernel.TxHash, error) {
	var result struct {
		Hash kernel.TxHash `json:"hash"`
	}
	err := c.Call(ctx, "sendrawtransaction", named{"hex": hex.EncodeToString(raw)}, &result)
	return result.Hash, err
}

// SendRawTransactions submits up to 1,000 transactions in one call, as far as a request may be
// long (8 MiB of hex), of 65,536 signatures in all, and returns an answer for each, in their
// order. The error is for the call as a whole: then nothing is known of any of them, and
// submitting again is harmless.
func (c *Client) SendRawTransactions(ctx context.Context, raws [][]byte) ([]Submission, error) {
	var result Submissions
	if err := c.Call(ctx, "sendrawtransactions", hexes(raws), &result); err != nil {
		return nil, err
	}
	if len(result.Results) != len(raws) {
		return nil, fmt.Errorf("node answered %d of %d transactions", len(result.Results), len(raws))
	}
	return result.Results, nil
}

// hexes are the parameters of sendrawtransactions.
type hexes [][]byte

// AppendJSON writes every transaction once, to where it is sent from.
func (h hexes) AppendJSON(b []byte) []byte {
	size := len(`{"hexes":[]}}`)
	for _, raw := range h {
		size += len(`"",`) + hex.EncodedLen(len(raw))
	}
	b = append(slices.Grow(b, size), `{"hexes":[`...)
	for i, raw := range h {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(hex.AppendEncode(append(b, '"'), raw), '"')
	}
	return append(b, "]}"...)
}

// CheckRawTransaction asks what would become of a submission, without submitting.
func (c *Client) CheckRawTransaction(ctx context.Context, raw []byte) (Checked, error) {
	return get[Checked](ctx, c, "checkrawtransaction", named{"hex": hex.EncodeToString(raw)})
}

// Transaction returns a transaction the node holds, nil if it holds none; Snapshot is zero
// while it is not final.
func (c *Client) Transaction(ctx context.Context, hash kernel.TxHash) (*Transaction, error) {
	return get[*Transaction](ctx, c, "gettransaction", named{"hash": hash})
}

// CacheTransaction returns a transaction that waits for its receipt, nil if it does not.
func (c *Client) CacheTransaction(ctx context.Context, hash kernel.TxHash) (*Transaction, error) {
	return get[*Transaction](ctx, c, "getcachetransaction", named{"hash": hash})
}

// DepositTransaction returns the transaction that credited an external transfer, or nil.
func (c *Client) DepositTransaction(ctx context.Context, chain kernel.AssetID, transaction string, index uint64) (*Transaction, error) {
	return get[*Transaction](ctx, c, "getdeposittransaction", named{"chain": chain, "transaction": transaction, "index": index})
}

// TransactionStatus says whether a transaction is unknown, pending, final or rejected.
func (c *Client) TransactionStatus(ctx context.Context, hash kernel.TxHash) (TransactionStatus, error) {
	return get[TransactionStatus](ctx, c, "gettransactionstatus", named{"hash": hash})
}

// ExplainTransaction says in words where a transaction stands and what it waits for.
func (c *Client) ExplainTransaction(ctx context.Context, hash kernel.TxHash) (Explanation, error) {
	return get[Explanation](ctx, c, "explaintransaction", named{"hash": hash})
}

// Output returns an output, spent or not, nil if there is none.
func (c *Client) Output(ctx context.Context, ref kernel.OutputRef) (*Output, error) {
	return get[*Output](ctx, c, "getutxo", named{"hash": ref.Hash, "index": ref.Index})
}

// KeyUser returns the transaction that used a one-time key first; the zero hash is nobody.
func (c *Client) KeyUser(ctx context.Context, key kernel.Key) (kernel.TxHash, error) {
	result, err := get[struct {
		Transaction kernel.TxHash `json:"transaction"` // null leaves it zero
	}](ctx, c, "getkey", named{"key": key})
	return result.Transaction, err
}

// Asset returns what the ledger knows of an asset, nil if nothing.
func (c *Client) Asset(ctx context.Context, id kernel.AssetID) (*Asset, error) {
	return get[*Asset](ctx, c, "getasset", named{"id": id})
}

// Assets returns all assets.
func (c *Client) Assets(ctx context.Context) ([]Asset, error) {
	result, err := get[struct {
		Items []Asset `json:"items"`
	}](ctx, c, "listassets", nil)
	return result.Items, err
}

// Supply sums the unspent outputs of every asset and compares.
func (c *Client) Supply(ctx context.Context) (Supply, error) {
	return get[Supply](ctx, c, "getsupply", nil)
}

// Commit returns a step of the total order, nil if it has not been executed. Transactions that
// came without bytes for size are fetched.
func (c *Client) Commit(ctx context.Context, index kernel.CommitIndex) (*Commit, error) {
	commit, err := get[*Commit](ctx, c, "getcommit", named{"index": index})
	if err == nil {
		err = c.complete(ctx, commit)
	}
	return commit, err
}

// CommitsPage returns up to limit (1 to 500) commits from index from on; see Commits for all.
// Transactions that came without bytes for size are fetched.
func (c *Client) CommitsPage(ctx context.Context, from kernel.CommitIndex, limit int) (CommitPage, error) {
	page, err := get[CommitPage](ctx, c, "listcommits", named{"from": from, "limit": limit})
	for i := range page.Items {
		if err == nil {
			err = c.complete(ctx, &page.Items[i])
		}
	}
	return page, err
}

// Faults returns the faults that commits found, beginning with number from; the first is 0.
func (c *Client) Faults(ctx context.Context, from uint64, limit int) (FaultPage, error) {
	return get[FaultPage](ctx, c, "listfaults", named{"from": from, "limit": limit})
}

// Info returns the state of the node.
func (c *Client) Info(ctx context.Context) (Info, error) { return get[Info](ctx, c, "getinfo", nil) }

// Genesis returns what the network started from.
func (c *Client) Genesis(ctx context.Context) (*kernel.Genesis, error) {
	return get[*kernel.Genesis](ctx, c, "getgenesis", nil)
}

// Peers returns the node's connections to other members.
func (c *Client) Peers(ctx context.Context) ([]Peer, error) {
	return get[[]Peer](ctx, c, "listpeers", nil)
}

// Nodes returns the members, with flagged ones marked.
func (c *Client) Nodes(ctx context.Context) ([]NodeInfo, error) {
	return get[[]NodeInfo](ctx, c, "listallnodes", named{"timestamp": 0, "state": true})
}

// Graph returns the node's view of rounds from to to, inclusive. from = to = 0 asks for the
// newest rounds; the node caps the span at 500.
func (c *Client) Graph(ctx context.Context, from, to kernel.Round) (Graph, error) {
	return get[Graph](ctx, c, "getgraph", named{"from": from, "to": to})
}

// GraphHead returns the newest round of every member.
func (c *Client) GraphHead(ctx context.Context) ([]GraphHead, error) {
	return get[[]GraphHead](ctx, c, "dumpgraphhead", nil)
}

// Snapshot returns a committed snapshot, nil if there is none of that id.
func (c *Client) Snapshot(ctx context.Context, id kernel.SnapshotID) (*Snapshot, error) {
	return get[*Snapshot](ctx, c, "getsnapshot", named{"hash": id})
}

// Snapshots returns up to count (1 to 500) committed snapshots from a place of the total order
// on, with transactions as objects if expand.
func (c *Client) Snapshots(ctx context.Context, offset uint64, count int, expand bool) ([]Snapshot, error) {
	return get[[]Snapshot](ctx, c, "listsnapshots", named{"offset": offset, "count": count, "sig": true, "tx": expand})
}

// Round returns a member's round by number, nil if the node does not hold it.
func (c *Client) Round(ctx context.Context, node kernel.NodeID, number kernel.Round) (*RoundInfo, error) {
	return get[*RoundInfo](ctx, c, "getroundbynumber", named{"node": node, "number": number})
}

// RoundByHash returns a round by its snapshot's id, nil if the node does not hold it.
func (c *Client) RoundByHash(ctx context.Context, id kernel.SnapshotID) (*RoundInfo, error) {
	return get[*RoundInfo](ctx, c, "getroundbyhash", named{"hash": id})
}

// RoundLink returns the highest round of to below from's newest snapshot.
func (c *Client) RoundLink(ctx context.Context, from, to kernel.NodeID) (kernel.Round, error) {
	result, err := get[struct {
		Link kernel.Round `json:"link"`
	}](ctx, c, "getroundlink", named{"from": from, "to": to})
	return result.Link, err
}

// Discover returns the OpenRPC description of the node's methods.
func (c *Client) Discover(ctx context.Context) (json.RawMessage, error) {
	return get[json.RawMessage](ctx, c, "rpc.discover", nil)
}

// get reads one result of type T; a null result is T's zero value.
func get[T any](ctx context.Context, c *Client, method string, params any) (T, error) {
	var result T
	err := c.read(ctx, method, params, &result)
	return result, err
}
