package store

import (
	"errors"
	"fmt"

	"github.com/asterism-network/asterism/internal/merkle"
	"github.com/asterism-network/asterism/kernel"
)

// What proofs cannot be given of.
var (
	ErrNoCertificate = errors.New("no certified checkpoint to prove under, try again")
	ErrNotCovered    = errors.New("newer than the newest certified checkpoint")
	ErrNotThere      = errors.New("not in this ledger")
)

// A Prover proves what the state was at one certified checkpoint. It serves as long as the trees have
// not gone on twice; then its proofs fail to verify and it returns ErrNoCertificate. It may be used
// by one goroutine.
type Prover struct {
	Certificate *kernel.CheckpointProof

	store             *Store
	at                treesAt
	end               number // rows of the checkpoint are below
	receipts, outputs *merkle.Tree
	scratch           scratch
}

// Prover proves under the newest certified checkpoint that the trees can show.
func (s *Store) Prover() (*Prover, error) {
	s.trees.mu.Lock()
	mark, begun := s.trees.mark, s.trees.begun
	s.trees.mu.Unlock()
	for _, at := range []treesAt{mark.now, mark.before} {
		if at.Index == 0 || at == mark.before && begun > mark.now.Index {
			break
		}
		p, ok := lookup(s, s.db, key64(tableCertificate, uint64(at.Index)), readCertificate)
		if !ok || p.Checkpoint.Receipts != at.Receipts || p.Checkpoint.Outputs != at.Outputs {
			continue
		}
		judged, ok := lookup(s, s.db, key64(tableJudged, uint64(at.Index)), readSpan)
		if !ok {
			return nil, fmt.Errorf("%w: commit %d has no receipts", ErrCorrupt, at.Index)
		}
		return &Prover{
			Certificate: p, store: s, at: at, end: judged.end(),
			receipts: merkle.NewTree(at.Receipts.Count, &oldNodes{store: s, reader: s.db, tree: receiptTree, version: at.Index}),
			outputs:  merkle.NewTree(at.Outputs.Count, &oldNodes{store: s, reader: s.db, tree: outputTree, version: at.Index}),
		}, nil
	}
	return nil, ErrNoCertificate
}

// Receipt proves what became of a transaction.
func (p *Prover) Receipt(tx kernel.TxHash) (*kernel.FinalityProof, error) {
	n, ok := p.store.numberOf(p.store.db, tx)
	if !ok {
		return nil, ErrNotThere
	}
	x, at, err := p.scratch.rowAt(p.store.db, n)
	if err != nil {
		return nil, err
	}
	if x.commit > p.at.Index {
		return nil, ErrNotCovered
	}
	receipt, ok := p.store.Receipt(tx)
	if !ok {
		return nil, missing(n)
	}
	proof := &kernel.FinalityProof{Receipt: receipt, Branch: kernel.BranchOf(p.receipts.Prove(at.receipts)), Certificate: *p.Certificate}
	if !proof.Branch.Verify(p.at.Receipts, receipt.Leaf()) {
		return nil, ErrNoCertificate
	}
	return proof, nil
}

// Place is the place of an output in the tree of outputs.
func (p *Prover) Place(ref kernel.OutputRef) (uint64, error) {
	o, ok := p.store.findOutput(ref)
	switch {
	case !ok:
		return 0, ErrNotThere
	case o.Created > p.at.Index:
		return 0, ErrNotCovered
	}
	n, ok := p.store.rowOf(ref)
	if !ok {
		return 0, ErrNotThere
	}
	return p.scratch.placeOf(p.store.db, n, ref.Index)
}

// Output proves that an output is unspent, or that its place is empty.
func (p *Prover) Output(place uint64) (*kernel.OutputProof, error) {
	if place >= p.at.Outputs.Count {
		return nil, ErrNotCovered
	}
	list, err := p.outputsFrom(place, 1)
	if err != nil {
		return nil, err
	}
	proof := &kernel.OutputProof{Output: list[0], Branch: kernel.BranchOf(p.outputs.Prove(place)), Certificate: *p.Certificate}
	if !proof.Branch.Verify(p.at.Outputs, list[0].Leaf()) {
		return nil, ErrNoCertificate
	}
	return proof, nil
}

// rangeBytes bounds the encoded outputs of one range; the proof and one output more fit below
// kernel.MaxRangeSize.
const rangeBytes = kernel.MaxRangeSize - 1<<20

// Outputs proves what stands at up to n places from one on.
func (p *Prover) Outputs(from uint64, n int) (*kernel.OutputRange, error) {
	if from >= p.at.Outputs.Count || n <= 0 {
		return nil, ErrNotCovered
	}
	list, err := p.outputsFrom(from, int(min(uint64(min(n, kernel.MaxRange)), p.at.Outputs.Count-from)))
	if err != nil {
		return nil, err
	}
	r := kernel.OutputRangeOf(list, p.outputs.ProveRange(from, from+uint64(len(list))))
	if !r.Verify(p.at.Outputs) {
		return nil, ErrNoCertificate
	}
	return r, nil
}

// outputsFrom reads what stands at places of the tree of outputs: nil for what is spent.
func (p *Prover) outputsFrom(from uint64, n int) ([]*kernel.StateOutput, error) {
	s := p.store
	row, err := s.outputRow(s.db, p.end, from)
	if err != nil {
		return nil, err
	}
	list, bytes := make([]*kernel.StateOutput, 0, n), 0
	for place := uint64(0); len(list) < n && bytes < rangeBytes; row++ {
		x, at, err := p.scratch.rowAt(s.db, row)
		if err != nil {
			return nil, err
		}
		outputs, err := x.readOutputs(s.assets)
		if err != nil {
			return nil, corrupt(nil, err)
		}
		place = at.outputs
		for i := range outputs {
			if place+uint64(i) < from || len(list) == n || bytes >= rangeBytes {
				continue
			}
			o, err := p.asOf(row, &outputs[i].Ref, &outputs[i].Output.Output, outputs[i].Output.Asset, x.commit)
			if err != nil {
				return nil, err
			}
			list = append(list, o)
			if bytes++; o != nil {
				bytes += 128 + 32*len(o.Keys) + len(o.Script)
			}
		}
	}
	return list, nil
}

// asOf is an output as the checkpoint counts it.
func (p *Prover) asOf(row number, ref *kernel.OutputRef, out *kernel.Output, asset kernel.AssetID, made kernel.CommitIndex) (*kernel.StateOutput, error) {
	if _, at, err := p.scratch.spend(p.store.db, row, ref.Index); err != nil || at != 0 && at <= p.at.Index {
		return nil, err
	}
	return new(kernel.StateOutputOf(*ref, out, asset, made)), nil
}

// Receipts proves the receipts at up to n places from one on.
func (p *Prover) Receipts(from uint64, n int) (*kernel.ReceiptRange, error) {
	s := p.store
	if from >= p.at.Receipts.Count || n <= 0 {
		return nil, ErrNotCovered
	}
	n = int(min(uint64(min(n, kernel.MaxRange)), p.at.Receipts.Count-from))
	row, err := s.receiptRow(s.db, p.end, from)
	if err != nil {
		return nil, err
	}
	list := make([]kernel.Receipt, 0, n)
	for len(list) < n {
		x, err := p.scratch.fetch(s.db, row)
		if err != nil {
			return nil, err
		}
		r, more := x.receipt(), x.more
		if x.placed {
			r.Snapshot = s.snapshotAt(s.db, x.position)
		}
		list = append(list, r)
		row += 1 + more
	}
	r := kernel.ReceiptRangeOf(list, p.receipts.ProveRange(from, from+uint64(n)))
	if !r.Verify(p.at.Receipts) {
		return nil, ErrNoCertificate
	}
	return r, nil
}
