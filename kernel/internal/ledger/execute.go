// Package ledger executes commits: it judges every transaction by named rules and says what
// each commit changes.
//
// It is pure: no clock, no I/O, no goroutines. State is read through a View and changed by
// whoever applies a Diff. It does not order anything (package engine) and trusts nothing that
// stands in a body: order is agreed on before anybody looks inside. Docs: docs/spec/ledger.md.
package ledger

import "github.com/asterism-network/asterism/kernel"

// An execution is one commit being executed.
type execution struct {
	*overlay
	commit  *kernel.Commit
	context *Context
	scratch spending // of the transaction being judged
	shares  int      // records of wrong shares that were read in the snapshot

	governed int                             // governance records that were read in the snapshot
	work     [kernel.MaxMembers]snapshotWork // by author, for the mint
}

// Execute judges every entry of a commit's snapshots, in order, on v and on what the entries
// before it did, and returns what changes. It is a function of its arguments: every node gets
// the same Diff. Snapshots are those that c names, in that order. [EXE-1]
func Execute(v View, c *kernel.Commit, snapshots []Committed, context *Context) *Diff {
	head := v.Head()
	if c.Index != head.Index+1 || c.Timestamp < head.Timestamp {
		panic("ledger: a commit does not follow the one before it")
	}
	entries := 0
	for i := range snapshots {
		if snapshots[i].Body != nil {
			entries += len(snapshots[i].Body.Entries)
		}
	}
	x := &execution{overlay: newOverlay(v, entries), commit: c, context: context}
	for i := range snapshots {
		x.snapshot(&snapshots[i])
	}
	if context.Stake != nil {
		x.endStake()
		x.endGovernance()
		x.endMint()
		x.endEpoch(snapshots)
	}
	return x.close(c.Index, c.Timestamp, head.Digest)
}

func (x *execution) snapshot(s *Committed) {
	x.worked(s)
	if s.Body == nil {
		return
	}
	parsed := s.Parsed
	x.shares, x.governed = 0, 0
	for i := range s.Body.Entries {
		switch e := &s.Body.Entries[i]; e.Kind {
		case kernel.EntryTransaction:
			if len(parsed) > 0 {
				x.transaction(s, parsed[0])
				parsed = parsed[1:]
			} else {
				x.transaction(s, x.context.parse(e.Bytes))
			}
		case kernel.EntryRecord:
			x.record(e)
		}
	}
}

// transaction judges one occurrence by the first line that fits. Void leaves nothing but, where
// the author could know, a fault. [EXE-2]
func (x *execution) transaction(s *Committed, p *Parsed) {
	if p.Refusal != nil { // 1
		x.blame(FaultInvalid, s, p)
		return
	}
	if _, judged := x.Receipt(p.Hash); judged { // 2
		return
	}
	spend := &x.scratch
	spend.resolve(x, p)
	if lost, at := spend.conflicts(); lost != nil { // 3
		x.receipt(kernel.Receipt{Transaction: p.Hash, Status: kernel.Rejected, Commit: x.commit.Index, Snapshot: s.ID, Rule: lost.Rule, Winner: lost.Winner})
		if at <= s.Claim {
			x.blame(FaultDoubleSpend, s, p)
		}
		return
	}
	if spend.wrong(x.context) != nil { // 4
		x.blame(FaultInvalid, s, p)
		return
	}
	if spend.unmet(x.context) != nil { // 5
		return
	}
	x.apply(spend, s.ID) // 6
}

func (x *execution) blame(kind FaultKind, s *Committed, p *Parsed) {
	x.fault(Fault{Kind: kind, Author: s.Author, Epoch: x.commit.Epoch, Round: s.Round, Snapshot: s.ID, Entry: p.Signed, Commit: x.commit.Index})
}

// apply makes a transaction final. Unspent is counted output by output and the other totals by
// class, so that mustBalance compares two ways of counting. [EXE-8]
func (x *execution) apply(s *spending, snapshot kernel.SnapshotID) {
	tx, by := s.Transaction, Owner{Transaction: s.Hash, Commit: x.commit.Index}
	asset := x.asset(tx.Asset, freshAsset(tx))
	for i := range tx.Inputs {
		in := &tx.Inputs[i]
		if in.Deposit != nil {
			x.take(in.Deposit.Identity(), by)
			mustAdd(&asset.Deposited, in.Deposit.Amount)
			continue
		}
		x.spend(in.OutputRef, by)
		mustSub(&asset.Unspent, s.spent[i].Amount)
		if s.locked {
			x.unlock(in.OutputRef)
		}
	}
	x.createAll(tx, s.Hash, asset)
	x.receipt(kernel.Receipt{Transaction: s.Hash, Status: kernel.Final, Commit: by.Commit, Snapshot: snapshot})
	if memberClass(s.class) {
		x.enroll(s)
	}
}

// createAll creates a transaction's outputs, but for what leaves the ledger or goes to the pool.
func (x *execution) createAll(tx *kernel.Transaction, hash kernel.TxHash, asset *Asset) {
	for i := range tx.Outputs {
		out := tx.Outputs[i]
		switch out.Type {
		case kernel.OutputWithdrawalSubmit:
			mustAdd(&asset.Withdrawn, out.Amount)
			continue
		case kernel.OutputNodeCancel: // the caller puts it into the pool
			continue
		}
		x.create(kernel.OutputRef{Hash: hash, Index: uint16(i)}, Output{Output: out, Asset: tx.Asset, Created: x.commit.Index})
		mustAdd(&asset.Unspent, out.Amount)
	}
}

// freshAsset is what the first deposit of an asset says about it.
func freshAsset(tx *kernel.Transaction) Asset {
	if d := tx.Inputs[0].Deposit; d != nil {
		return Asset{Chain: d.Chain, Key: d.AssetKey}
	}
	return Asset{}
}
