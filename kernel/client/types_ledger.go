package client

import (
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/asterism-network/asterism/internal/rpcclient"
	"github.com/asterism-network/asterism/kernel"
)

// A State says where a transaction stands in the eyes of the answering node.
type State string

// The states of a transaction. Only the last two are the network's; the first two are what
// this node happens to know.
const (
	Unknown  State = "unknown"
	Pending  State = "pending"
	Final    State = "final"
	Rejected State = "rejected"
)

// A TransactionStatus answers gettransactionstatus.
type TransactionStatus struct {
	Transaction kernel.TxHash    `json:"transaction"`
	State       State            `json:"state"`
	Since       kernel.Timestamp `json:"since_ms,omitempty"`     // pending: when this node first saw it
	Receipt     *kernel.Receipt  `json:"receipt,omitempty"`      // final or rejected
	Timestamp   kernel.Timestamp `json:"timestamp_ms,omitempty"` // of the receipt's commit
}

// A Transaction answers gettransaction. The signatures are in the bytes only.
type Transaction struct {
	kernel.TransactionView
	Hex      string            `json:"hex"`
	Snapshot kernel.SnapshotID `json:"snapshot,omitzero"` // the first to make it final; zero until then
}

// Bytes returns the signed bytes.
func (t *Transaction) Bytes() ([]byte, error) { return decodeHex(t.Hex) }

// Decode decodes the signed bytes and checks that they are those of Hash.
func (t *Transaction) Decode() (*kernel.Transaction, error) { return decodeTransaction(t.Hash, t.Hex) }

// Submissions answer sendrawtransactions.
type Submissions struct {
	Results []Submission `json:"results"` // in the order of the transactions
}

// A Submission is what one of many submitted transactions was answered.
type Submission struct {
	Hash  kernel.TxHash   `json:"hash,omitzero"`   // zero if the bytes do not decode
	Error json.RawMessage `json:"error,omitempty"` // none: taken, waiting or final already
}

// Err returns the error as *Error, nil if there is none.
func (s *Submission) Err() error {
	if len(s.Error) == 0 {
		return nil
	}
	var w rpcclient.WireError
	if err := json.Unmarshal(s.Error, &w); err != nil {
		return fmt.Errorf("decode error of transaction %s: %w", s.Hash, err)
	}
	return w.Err()
}

// A Checked answers checkrawtransaction. An invalid transaction is an answer, not an error.
type Checked struct {
	Hash    kernel.TxHash `json:"hash,omitzero"` // zero if the bytes do not decode
	Valid   bool          `json:"valid"`
	Name    string        `json:"name,omitempty"` // of the first broken rule
	Message string        `json:"message,omitempty"`
}

// An Output answers getutxo. Spent outputs stay visible with Lock set.
type Output struct {
	Type   kernel.OutputType `json:"type"`
	Hash   kernel.TxHash     `json:"hash"`
	Index  uint16            `json:"index"`
	Amount kernel.Amount     `json:"amount"`
	Keys   []kernel.Key      `json:"keys,omitempty"`
	Script kernel.Script     `json:"script,omitempty"`
	Mask   kernel.Key        `json:"mask,omitzero"`
	Lock   kernel.TxHash     `json:"lock,omitzero"` // the transaction that spent it
	Asset  kernel.AssetID    `json:"asset"`

	LockedUntil kernel.CommitIndex `json:"locked_until,omitempty"` // it votes, and cannot be spent up to this commit
	Witness     kernel.Key         `json:"witness,omitzero"`       // the light witness whose weight it is
}

// An Asset answers getasset and listassets.
type Asset struct {
	ID        kernel.AssetID `json:"id"`
	Chain     kernel.AssetID `json:"chain"`
	AssetKey  string         `json:"asset_key"`
	Balance   kernel.Amount  `json:"balance"` // Deposited - Withdrawn
	Symbol    string         `json:"symbol,omitempty"`
	Ceiling   kernel.Amount  `json:"ceiling"` // zero is none
	Deposited kernel.Amount  `json:"deposited"`
	Withdrawn kernel.Amount  `json:"withdrawn"`
	Unspent   kernel.Amount  `json:"unspent"`         // sum of the unspent outputs
	Pool      kernel.Amount  `json:"pool,omitzero"`   // of XIN: to be minted
	Escrow    kernel.Amount  `json:"escrow,omitzero"` // of XIN: stakes taken, until their appeals are over
}

// A Supply answers getsupply: whether what came in, less what went out, is what is there.
type Supply struct {
	Commit kernel.CommitIndex `json:"commit"` // the state that was summed
	Digest kernel.Digest      `json:"digest"`
	OK     bool               `json:"ok"` // of every asset
	Assets []Asset            `json:"assets"`
}

// A Vertex names a snapshot and its place.
type Vertex struct {
	Author kernel.Author     `json:"author"`
	Round  kernel.Round      `json:"round"`
	ID     kernel.SnapshotID `json:"id"`
}

// A Coin is the value of a round's common coin.
type Coin struct {
	Round kernel.Round `json:"round"`
	Value kernel.Hash  `json:"value"`
}

// A Commit is one step of the total order with all that it decided. Two nodes give the same
// one for the same index, but for Truncated.
type Commit struct {
	Index        kernel.CommitIndex `json:"index"`
	Timestamp    kernel.Timestamp   `json:"timestamp_ms"`
	Epoch        kernel.Epoch       `json:"epoch"`
	Leader       Vertex             `json:"leader"`
	Coin         Coin               `json:"coin"`
	Digest       kernel.Digest      `json:"digest"` // of the ledger's state after it
	Position     uint64             `json:"position"`
	Snapshots    []Vertex           `json:"snapshots"` // in order; the first has place Position
	Receipts     []kernel.Receipt   `json:"receipts"`
	Transactions []FinalTransaction `json:"transactions"`        // the final ones, in order
	Truncated    bool               `json:"truncated,omitempty"` // some Hex were left out for size; the calls of Client have filled them in
}

// A CommitDigest is a commit without its content. Equal digests mean equal receipts.
type CommitDigest struct {
	Index     kernel.CommitIndex `json:"index"`
	Timestamp kernel.Timestamp   `json:"timestamp_ms"`
	Digest    kernel.Digest      `json:"digest"`
	Position  uint64             `json:"position"`
	Snapshots int                `json:"snapshots"`          // how many
	Receipts  []kernel.Receipt   `json:"receipts,omitempty"` // only where they were asked for
}

// A FinalTransaction is a transaction that a commit made final.
type FinalTransaction struct {
	Hash kernel.TxHash `json:"hash"`
	Hex  string        `json:"hex,omitempty"`
}

// Decode decodes the signed bytes and checks that they are those of Hash.
func (t *FinalTransaction) Decode() (*kernel.Transaction, error) {
	return decodeTransaction(t.Hash, t.Hex)
}

// A CommitPage answers listcommits.
type CommitPage struct {
	Items []Commit           `json:"items"`
	Next  kernel.CommitIndex `json:"next"` // the from of the following page; equals from when there is none yet
	Head  kernel.CommitIndex `json:"head"` // newest executed commit of the node
}

// A Fault is a fault that a commit found.
type Fault struct {
	Kind     string             `json:"kind"` // equivocation, double_spend, invalid, coin
	Author   kernel.Author      `json:"author"`
	Node     kernel.NodeID      `json:"node"`
	Epoch    kernel.Epoch       `json:"epoch"`
	Round    kernel.Round       `json:"round"`
	Snapshot kernel.SnapshotID  `json:"snapshot"`
	Entry    kernel.Hash        `json:"entry,omitzero"`
	Commit   kernel.CommitIndex `json:"commit"`
}

// A FaultPage answers listfaults.
type FaultPage struct {
	Items []Fault `json:"items"`
	Next  uint64  `json:"next"` // the from of the following page
}

func decodeHex(text string) ([]byte, error) {
	raw, err := hex.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("transaction is not hex: %w", err)
	}
	return raw, nil
}

func decodeTransaction(want kernel.TxHash, text string) (*kernel.Transaction, error) {
	raw, err := decodeHex(text)
	if err != nil {
		return nil, err
	}
	tx := new(kernel.Transaction)
	if err := tx.UnmarshalBinary(raw); err != nil {
		return nil, fmt.Errorf("decode transaction %s: %w", want, err)
	}
	if got := tx.Hash(); got != want {
		return nil, fmt.Errorf("node sent transaction %s for %s", got, want)
	}
	return tx, nil
}
