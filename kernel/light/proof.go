package light

import (
	"github.com/asterism-network/asterism/kernel"
)

// Settled checks that the receipt of a proof stands, final or rejected, for ever. The caller reads
// which, and compares the transaction with the one it asked for. [CHK-16]
func (c *Chain) Settled(p *kernel.FinalityProof) error {
	if err := c.certified(&p.Certificate); err != nil {
		return err
	}
	return receiptStands(&p.Certificate.Checkpoint, &p.Receipt, &p.Branch)
}

func receiptStands(cp *kernel.Checkpoint, r *kernel.Receipt, branch *kernel.Branch) error {
	switch {
	case !branch.Verify(cp.Receipts, r.Leaf()):
		return refuse(BranchInvalid, "receipt %d of %d", branch.Place, cp.Receipts.Count)
	case r.Commit > cp.Index:
		return refuse(CommitAhead, "commit %d, certified is %d", r.Commit, cp.Index)
	}
	return nil
}

// Final checks that the transaction of a proof is final. [CHK-16]
func (c *Chain) Final(p *kernel.FinalityProof) error {
	if err := c.Settled(p); err != nil {
		return err
	}
	if p.Receipt.Status != kernel.Final {
		return refuse(NotFinal, "transaction %s: %s", p.Receipt.Transaction.Short(), p.Receipt.Status)
	}
	return nil
}

// Unspent checks that the output of a proof exists and is unspent at the proof's checkpoint. One
// older than the head is refused: what was unspent then may be spent now. [CHK-17]
func (c *Chain) Unspent(p *kernel.OutputProof) error {
	cp := &p.Certificate.Checkpoint
	if err := c.certified(&p.Certificate); err != nil {
		return err
	}
	switch {
	case p.Output == nil:
		return refuse(PlaceEmpty, "output %d", p.Branch.Place)
	case !p.Output.Encodable() || !p.Branch.Verify(cp.Outputs, p.Output.Leaf()):
		return refuse(BranchInvalid, "output %d of %d", p.Branch.Place, cp.Outputs.Count)
	case p.Output.Commit > cp.Index:
		return refuse(CommitAhead, "commit %d, certified is %d", p.Output.Commit, cp.Index)
	case cp.Index < c.head.Checkpoint.Index:
		return refuse(Older, "commit %d, held is %d", cp.Index, c.head.Checkpoint.Index)
	}
	return nil
}

// Spent checks that what stood at the place of a proof is spent, which never changes again. The
// caller knows the place from an earlier proof. [CHK-17]
func (c *Chain) Spent(p *kernel.OutputProof) error {
	if err := c.certified(&p.Certificate); err != nil {
		return err
	}
	heads := p.Certificate.Checkpoint.Outputs
	switch {
	case p.Output != nil:
		return refuse(PlaceTaken, "output %d", p.Branch.Place)
	case !p.Branch.Verify(heads, kernel.Hash{}):
		return refuse(BranchInvalid, "output %d of %d", p.Branch.Place, heads.Count)
	}
	return nil
}

// Outputs checks that a range holds exactly what stands at its places at the head. [CHK-18]
func (c *Chain) Outputs(r *kernel.OutputRange) error { return rangeStands(&c.head.Checkpoint, r) }

func rangeStands(cp *kernel.Checkpoint, r *kernel.OutputRange) error {
	if !r.Verify(cp.Outputs) {
		return refuse(RangeIncomplete, "%d outputs from %d", len(r.Outputs), r.From)
	}
	return nil
}

// Receipts checks that a range holds exactly the receipts at its places at the head. [CHK-18]
func (c *Chain) Receipts(r *kernel.ReceiptRange) error {
	return receiptsStand(&c.head.Checkpoint, r)
}

func receiptsStand(cp *kernel.Checkpoint, r *kernel.ReceiptRange) error {
	if !r.Verify(cp.Receipts) {
		return refuse(RangeIncomplete, "%d receipts from %d", len(r.Receipts), r.From)
	}
	return nil
}

// VerifyFile checks a proof file with nothing but the genesis: a transaction is final, or an
// output was unspent or spent, as of the certificate's checkpoint. [CHK-19]
func VerifyFile(genesis *kernel.Genesis, f *kernel.ProofFile) error {
	c := Start(genesis)
	switch {
	case f.Network != c.network:
		return refuse(WrongNetwork, "%s, the genesis is %s", f.Network.Short(), c.network.Short())
	case (f.Finality == nil) == (f.Output == nil):
		return refuse(NoProof, "want exactly one")
	}
	if _, err := c.Changes(f.Rosters); err != nil {
		return err
	}
	switch {
	case f.Output == nil:
		if err := c.Final(f.Finality); err != nil {
			return err
		}
		return transactionIs(f.Transaction, f.Finality.Receipt.Transaction)
	case f.Output.Output == nil:
		return c.Spent(f.Output)
	}
	return c.Unspent(f.Output)
}

// transactionIs checks the bytes that a proof carries along, if any.
func transactionIs(b []byte, hash kernel.TxHash) error {
	if len(b) == 0 {
		return nil
	}
	var tx kernel.Transaction
	if err := tx.UnmarshalBinary(b); err != nil {
		return refuse(WrongTransaction, "%v", err)
	}
	if tx.Hash() != hash {
		return refuse(WrongTransaction, "%s, want %s", tx.Hash().Short(), hash.Short())
	}
	return nil
}
