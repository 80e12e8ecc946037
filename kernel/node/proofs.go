package node

import (
	"errors"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/rpc"
	"github.com/asterism-network/asterism/kernel/internal/store"
)

// Prover implements rpc.Proofs: what a quorum certified is proved whatever head is reported.
func (h history) Prover() (rpc.Prover, error) {
	p, err := h.Store.Prover()
	if err != nil {
		return nil, h.proofError(err)
	}
	return prover{h, p}, nil
}

// A prover is a store's with the errors of the public interface.
type prover struct {
	history
	*store.Prover
}

// proofError turns the store's errors into the interface's. Anything else means that the store cannot
// be read.
func (h history) proofError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrNoCertificate):
		return rpc.ErrNoCheckpoint
	case errors.Is(err, store.ErrNotCovered):
		return rpc.ErrNotCertified
	case errors.Is(err, store.ErrNotThere):
		return rpc.ErrNotThere
	}
	return err
}

// Under implements rpc.Prover.
func (p prover) Under() *kernel.CheckpointProof { return p.Prover.Certificate }

// Receipt implements rpc.Prover.
func (p prover) Receipt(tx kernel.TxHash) (*kernel.FinalityProof, error) {
	proof, err := p.Prover.Receipt(tx)
	return proof, p.proofError(err)
}

// Place implements rpc.Prover.
func (p prover) Place(ref kernel.OutputRef) (uint64, error) {
	place, err := p.Prover.Place(ref)
	return place, p.proofError(err)
}

// Output implements rpc.Prover.
func (p prover) Output(place uint64) (*kernel.OutputProof, error) {
	proof, err := p.Prover.Output(place)
	return proof, p.proofError(err)
}

// Outputs implements rpc.Prover.
func (p prover) Outputs(from uint64, n int) (*kernel.OutputRange, error) {
	r, err := p.Prover.Outputs(from, n)
	return r, p.proofError(err)
}

// Receipts implements rpc.Prover.
func (p prover) Receipts(from uint64, n int) (*kernel.ReceiptRange, error) {
	r, err := p.Prover.Receipts(from, n)
	return r, p.proofError(err)
}
