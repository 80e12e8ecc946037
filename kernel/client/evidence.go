package client

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/asterism-network/asterism/kernel"
)

// ErrNoEvidence says that the node does not keep what proves a fault any more.
var ErrNoEvidence = errors.New("the node does not keep what proves the fault")

// Evidence collects what proves a fault to whoever has the genesis; nil if there is no fault of that
// number. It is not verified: package light does.
func (c *Client) Evidence(ctx context.Context, number uint64) (*kernel.EvidenceFile, error) {
	found, err := c.Fault(ctx, number)
	if err != nil || found == nil {
		return nil, err
	}
	entry, err := hex.DecodeString(found.Record)
	if err != nil || len(entry) == 0 {
		return nil, fmt.Errorf("fault %d: %w", number, ErrNoEvidence)
	}
	info, err := c.Info(ctx)
	if err != nil {
		return nil, err
	}
	f := &kernel.EvidenceFile{Network: info.Network}
	reach := found.Epoch
	switch found.Kind {
	case "equivocation", "coin":
		err = takeRecord(f, found.Kind, entry)
	case "double_spend":
		reach, err = c.doubleSpend(ctx, f, found)
	default:
		reach, err = c.invalid(ctx, f, found)
	}
	if err != nil {
		return nil, fmt.Errorf("fault %d: %w", number, err)
	}
	if f.Rosters, err = c.rosters(ctx, max(reach, found.Epoch)); err != nil {
		return nil, err
	}
	return f, f.Check()
}

// takeRecord takes what a record of evidence shows.
func takeRecord(f *kernel.EvidenceFile, kind string, entry []byte) error {
	var r kernel.Record
	if err := r.UnmarshalBinary(entry); err != nil {
		return fmt.Errorf("decode record: %w", err)
	}
	if kind == "coin" {
		f.Fault, f.Header = kernel.FaultE4, r.Payload
		return nil
	}
	f.Fault, f.Equivocation = kernel.FaultE1, new(kernel.Equivocation)
	return f.Equivocation.UnmarshalBinary(r.Payload)
}

// carried takes the entry of a body and the header that the author signed over it.
func carried(f *kernel.EvidenceFile, found *FaultEvidence) (*kernel.Transaction, error) {
	if found.Carried == nil || len(found.Header) == 0 {
		return nil, ErrNoEvidence
	}
	f.Header, f.Entry = found.Header, found.Carried
	tx := new(kernel.Transaction)
	if tx.UnmarshalBinary(f.Entry.Bytes) != nil {
		return nil, nil
	}
	return tx, nil
}

// doubleSpend adds the receipt of the transaction that came first.
func (c *Client) doubleSpend(ctx context.Context, f *kernel.EvidenceFile, found *FaultEvidence) (reach kernel.Epoch, err error) {
	f.Fault = kernel.FaultE2
	tx, err := carried(f, found)
	if err != nil {
		return 0, err
	}
	if tx == nil {
		return 0, ErrNoEvidence
	}
	judged, err := get[TransactionStatus](ctx, c, "gettransactionstatus", named{"hash": tx.Hash()})
	if err != nil {
		return 0, err
	}
	if judged.Receipt == nil || judged.Receipt.Winner.IsZero() {
		return 0, ErrNoEvidence
	}
	proof, raw, err := c.FinalityProof(ctx, judged.Receipt.Winner)
	if err != nil {
		return 0, err
	}
	if proof == nil || len(raw) == 0 {
		return 0, ErrNoEvidence
	}
	f.Winner, f.WinnerBytes = proof, raw
	return f.Winner.Certificate.Checkpoint.Epoch, nil
}

// invalid adds the outputs that the transaction spends, as far as they are there to be proved:
// bytes that no state makes right need none.
func (c *Client) invalid(ctx context.Context, f *kernel.EvidenceFile, found *FaultEvidence) (reach kernel.Epoch, err error) {
	f.Fault = kernel.FaultE3
	tx, err := carried(f, found)
	if err != nil || tx == nil {
		return 0, err
	}
	for i := range tx.Inputs {
		if tx.Inputs[i].Deposit != nil || i == maxProvedOutputs {
			continue
		}
		p, err := c.unspentProof(ctx, tx.Inputs[i].OutputRef)
		if err != nil {
			return 0, err
		}
		if p != nil {
			f.Spent, reach = append(f.Spent, *p), max(reach, p.Certificate.Checkpoint.Epoch)
		}
	}
	return reach, nil
}

const (
	maxProvedOutputs = 256
	maxChanges       = 500 // that a node gives at once
)

// unspentProof returns a proof that an output is there; nil where the node has none.
func (c *Client) unspentProof(ctx context.Context, ref kernel.OutputRef) (*kernel.OutputProof, error) {
	p, err := c.OutputProof(ctx, ref)
	var refused *Error
	if errors.As(err, &refused) {
		return nil, nil // no checkpoint holds it yet, or none does any more
	}
	if err != nil || p == nil || p.Output == nil {
		return nil, err
	}
	return p, nil
}

// rosters returns the changes that lead to an epoch.
func (c *Client) rosters(ctx context.Context, epoch kernel.Epoch) ([]kernel.RosterChange, error) {
	changes := []kernel.RosterChange{}
	for kernel.Epoch(len(changes)) < epoch {
		page, err := c.RosterChanges(ctx, kernel.Epoch(len(changes)), min(maxChanges, int(epoch)-len(changes)))
		if err != nil {
			return nil, err
		}
		if len(page) == 0 {
			return nil, fmt.Errorf("rosters reach epoch %d, not %d: %w", len(changes), epoch, ErrNoEvidence)
		}
		changes = append(changes, page...)
	}
	return changes, nil
}
