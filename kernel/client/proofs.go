package client

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/asterism-network/asterism/kernel"
)

// Hex is bytes that are hex digits in JSON.
type Hex []byte

// MarshalText returns lower-case hex digits.
func (h Hex) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h), nil }

// UnmarshalText reads hex digits.
func (h *Hex) UnmarshalText(text []byte) (err error) {
	*h, err = hex.AppendDecode((*h)[:0], text)
	return err
}

// A Certificate is a checkpoint that a quorum signed.
type Certificate struct {
	Checkpoint kernel.Checkpoint `json:"checkpoint"`
	Signers    []kernel.Author   `json:"signers"`
	Bytes      Hex               `json:"certificate"` // kernel.CheckpointProof
}

// RosterChanges are consecutive.
type RosterChanges struct {
	Items []RosterChange `json:"items"`
}

// A RosterChange leads to an epoch.
type RosterChange struct {
	Epoch   kernel.Epoch       `json:"epoch"`
	Commit  kernel.CommitIndex `json:"commit"` // that ended the epoch before
	Members int                `json:"members"`
	Bytes   Hex                `json:"change"` // kernel.RosterChange
}

// A FinalityProof proves what became of a transaction.
type FinalityProof struct {
	Receipt     kernel.Receipt     `json:"receipt"`
	Commit      kernel.CommitIndex `json:"commit"` // of the checkpoint
	Bytes       Hex                `json:"proof"`  // kernel.FinalityProof
	Transaction Hex                `json:"transaction,omitempty"`
}

// An OutputProof proves that an output is unspent, or with none that its place is empty.
type OutputProof struct {
	Output *kernel.StateOutput `json:"output"`
	Place  uint64              `json:"place"`
	Commit kernel.CommitIndex  `json:"commit"` // of the checkpoint
	Bytes  Hex                 `json:"proof"`  // kernel.OutputProof
}

// A Range is what stands at consecutive places of a tree, under a checkpoint.
type Range struct {
	Commit       kernel.CommitIndex `json:"commit"`
	Certificate  Hex                `json:"certificate"` // kernel.CheckpointProof
	Bytes        Hex                `json:"range"`       // kernel.OutputRange or kernel.ReceiptRange
	Transactions []Hex              `json:"transactions,omitempty"`
	Next         uint64             `json:"next"`
}

// decoded decodes what a node calls bytes of a form.
func decoded[T any, P interface {
	*T
	UnmarshalBinary([]byte) error
}](b []byte, what string) (P, error) {
	p := P(new(T))
	if err := p.UnmarshalBinary(b); err != nil {
		return nil, fmt.Errorf("decode %s: %w", what, err)
	}
	return p, nil
}

// Nothing below is verified: package light does.

// Certificate returns the newest certificate at or below a commit, nil if there is none yet.
func (c *Client) Certificate(ctx context.Context, atMost kernel.CommitIndex) (*kernel.CheckpointProof, error) {
	params := named{}
	if atMost < 1<<63 {
		params["commit"] = atMost
	}
	result, err := get[*Certificate](ctx, c, "getcertificate", params)
	if err != nil || result == nil {
		return nil, err
	}
	return decoded[kernel.CheckpointProof](result.Bytes, "certificate")
}

// RosterChanges returns up to limit (1 to 500) changes, the first of which leads away from an epoch.
func (c *Client) RosterChanges(ctx context.Context, from kernel.Epoch, limit int) ([]kernel.RosterChange, error) {
	result, err := get[RosterChanges](ctx, c, "listrosterchanges", named{"from": from, "limit": limit})
	changes := make([]kernel.RosterChange, 0, len(result.Items))
	for i := range result.Items {
		if err != nil {
			break
		}
		var change *kernel.RosterChange
		if change, err = decoded[kernel.RosterChange](result.Items[i].Bytes, "roster change"); err == nil {
			changes = append(changes, *change)
		}
	}
	return changes, err
}

// FinalityProof returns a proof of what became of a transaction and its signed bytes, which may be
// missing; nil if it has no receipt.
func (c *Client) FinalityProof(ctx context.Context, hash kernel.TxHash) (*kernel.FinalityProof, []byte, error) {
	result, err := get[*FinalityProof](ctx, c, "getfinalityproof", named{"hash": hash})
	if err != nil || result == nil {
		return nil, nil, err
	}
	p, err := decoded[kernel.FinalityProof](result.Bytes, "proof")
	return p, result.Transaction, err
}

// OutputProof returns a proof of an output, nil if there never was one.
func (c *Client) OutputProof(ctx context.Context, ref kernel.OutputRef) (*kernel.OutputProof, error) {
	return c.outputProof(ctx, "getoutputproof", named{"hash": ref.Hash, "index": ref.Index})
}

// PlaceProof returns a proof of what stands at a place of the tree of outputs, nil behind the last.
func (c *Client) PlaceProof(ctx context.Context, place uint64) (*kernel.OutputProof, error) {
	return c.outputProof(ctx, "getplaceproof", named{"place": place})
}

func (c *Client) outputProof(ctx context.Context, method string, params named) (*kernel.OutputProof, error) {
	result, err := get[*OutputProof](ctx, c, method, params)
	if err != nil || result == nil {
		return nil, err
	}
	return decoded[kernel.OutputProof](result.Bytes, "proof")
}

// OutputRange returns what stands at up to count (1 to 8192) places of the tree of outputs from one
// on, and the certificate that it is proved under; nil behind the last place.
func (c *Client) OutputRange(ctx context.Context, from uint64, count int) (*kernel.OutputRange, *kernel.CheckpointProof, error) {
	result, err := get[*Range](ctx, c, "listoutputrange", named{"from": from, "count": count})
	if err != nil || result == nil {
		return nil, nil, err
	}
	certificate, err := decoded[kernel.CheckpointProof](result.Certificate, "certificate")
	if err != nil {
		return nil, nil, err
	}
	r, err := decoded[kernel.OutputRange](result.Bytes, "range")
	return r, certificate, err
}

// ReceiptRange returns the receipts at up to count (1 to 1024) places from one on with the signed
// bytes of the final ones, and the certificate that they are proved under; nil behind the last place.
func (c *Client) ReceiptRange(ctx context.Context, from uint64, count int) (*kernel.ReceiptRange, [][]byte, *kernel.CheckpointProof, error) {
	result, err := get[*Range](ctx, c, "listreceiptrange", named{"from": from, "count": count, "transactions": true})
	if err != nil || result == nil {
		return nil, nil, nil, err
	}
	certificate, err := decoded[kernel.CheckpointProof](result.Certificate, "certificate")
	if err != nil {
		return nil, nil, nil, err
	}
	r, err := decoded[kernel.ReceiptRange](result.Bytes, "range")
	raws := make([][]byte, len(result.Transactions))
	for i := range raws {
		raws[i] = result.Transactions[i]
	}
	return r, raws, certificate, err
}
