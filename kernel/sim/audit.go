package sim

import (
	"fmt"
	"slices"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/coin"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// An auditor executes every commit once more, from the snapshots' bodies and docs/spec/ledger.md
// alone, and holds what a node's ledger says to it. It knows the ledger's vocabulary and none of
// its code: its rules are in audit_rules.go, its state in audit_state.go. It is slow and plain:
// one map for each thing, every signature by itself.
type auditor struct {
	c     *checks
	state *books
	heads []ledger.Head // after each commit, as the first node computed it
}

func newAuditor(c *checks) *auditor {
	return &auditor{c: c, state: openBooks(c.w.stage), heads: []ledger.Head{c.w.stage.diff.Head}}
}

// A judgement is what one commit does, as the auditor sees it.
type judgement struct {
	*books
	c      *checks
	commit *kernel.Commit
	diff   ledger.Diff                      // without assets and head
	given  map[kernel.TxHash]kernel.Receipt // by the node
	why    map[kernel.TxHash]string         // what was said of each transaction that stood in a body
	before map[kernel.AssetID]account       // of assets that the commit touches
	opened map[kernel.AssetID]bool          // and knew nothing of before
	order  []kernel.AssetID                 // in which they were touched
	shares int                              // records of wrong shares that were read in the snapshot
	moved  int                              // motions that were read in the snapshot

	expected [][]byte // transactions that the ledger must make by itself
}

// audit meets a commit that nobody executed before. [C2] [C3]
func (a *auditor) audit(n *node, commit *kernel.Commit, diff *ledger.Diff) {
	j := &judgement{books: a.state, c: a.c, commit: commit, why: make(map[kernel.TxHash]string), given: make(map[kernel.TxHash]kernel.Receipt),
		before: make(map[kernel.AssetID]account), opened: make(map[kernel.AssetID]bool)}
	for _, r := range diff.Receipts {
		j.given[r.Transaction] = r
	}
	for i := range commit.Snapshots {
		j.snapshot(&commit.Snapshots[i], a.c.body(n, commit.Snapshots[i].ID))
	}
	if j.roll != nil {
		j.punishes()
		j.lifts()
		j.ends()
		if j.issuedDiffer(diff) {
			a.c.violated("C9", n, "commit %d: the ledger makes %d transactions by itself, not the %d that it should", commit.Index, len(diff.Issued), len(j.expected))
			return
		}
	}
	if problem := j.takeOver(diff); problem != "" {
		a.c.violated("C3", n, "commit %d: %s", commit.Index, problem)
		return
	}
	for _, compare := range []func(*judgement, *ledger.Diff) (checker, problem string){
		(*judgement).receiptsDiffer, (*judgement).valuesDiffer, (*judgement).assetsDiffer, (*judgement).faultsDiffer, (*judgement).rollDiffers, a.headDiffers,
	} {
		if checker, problem := compare(j, diff); problem != "" {
			a.c.violated(checker, n, "commit %d: %s", commit.Index, problem)
			return
		}
	}
	a.heads = append(a.heads, diff.Head)
}

func (j *judgement) snapshot(s *kernel.CommittedID, body *kernel.Body) {
	j.shares, j.moved = 0, 0
	for i := range body.Entries {
		switch e := &body.Entries[i]; e.Kind {
		case kernel.EntryTransaction:
			j.entry(s, e)
		case kernel.EntryRecord:
			j.record(e)
		}
	}
}

// entry judges one occurrence of a transaction. [EXE-2]
func (j *judgement) entry(s *kernel.CommittedID, e *kernel.Entry) {
	tx := new(kernel.Transaction)
	if tx.UnmarshalBinary(e.Bytes) != nil {
		j.blame(ledger.FaultInvalid, s, e)
		return
	}
	hash := tx.Hash()
	if rule := formRule(tx, len(e.Bytes)); rule != 0 { // line 1
		j.say(hash, "breaks "+rule.String())
		j.blame(ledger.FaultInvalid, s, e)
		return
	}
	if _, judged := j.receipts[hash]; judged { // line 2
		return
	}
	if hits := j.taken(tx); len(hits) > 0 { // line 3
		j.reject(hash, s, hits[0])
		if slices.ContainsFunc(hits, func(h hit) bool { return h.by.commit <= s.Claim }) {
			j.blame(ledger.FaultDoubleSpend, s, e)
		}
		return
	}
	forEver, now := j.wrongForEver, func(tx *kernel.Transaction) kernel.Rule { return j.wrongNow(tx, j.commit.Index) }
	if j.roll != nil && isMembers(tx) {
		forEver, now = j.memberForEver, j.memberNow
	}
	if rule := forEver(tx, hash); rule != 0 { // line 4
		j.say(hash, "breaks "+rule.String())
		j.blame(ledger.FaultInvalid, s, e)
		return
	}
	if rule := now(tx); rule != 0 { // line 5
		j.say(hash, "breaks "+rule.String())
		return
	}
	j.apply(tx, hash, s)
	if j.roll != nil && isMembers(tx) {
		j.enrols(tx, hash)
	}
}

// say notes why the auditor decided on a transaction as it did.
func (j *judgement) say(hash kernel.TxHash, why string) { j.why[hash] = why }

func (j *judgement) reject(hash kernel.TxHash, s *kernel.CommittedID, h hit) {
	j.say(hash, fmt.Sprintf("loses to %s by %v", h.by.tx.Short(), h.rule))
	j.receipt(kernel.Receipt{Transaction: hash, Status: kernel.Rejected, Commit: j.commit.Index, Snapshot: s.ID, Rule: h.rule, Winner: h.by.tx})
}

func (j *judgement) receipt(r kernel.Receipt) {
	j.receipts[r.Transaction] = r
	j.diff.Receipts = append(j.diff.Receipts, r)
}

// apply makes a transaction final. [EXE-8]
func (j *judgement) apply(tx *kernel.Transaction, hash kernel.TxHash, s *kernel.CommittedID) {
	j.say(hash, "is valid")
	by := use{hash, j.commit.Index}
	owner := ledger.Owner{Transaction: hash, Commit: j.commit.Index}
	j.touch(tx)
	for i := range tx.Inputs {
		if d := tx.Inputs[i].Deposit; d != nil {
			j.identities[d.Identity()] = by
			j.diff.Taken = append(j.diff.Taken, ledger.TakenIdentity{Identity: d.Identity(), By: owner})
			continue
		}
		if tx.Inputs[i].Mint != nil {
			continue // only the ledger's own transactions have one
		}
		ref := tx.Inputs[i].OutputRef
		j.outputs[ref].spent = by
		j.diff.Spent = append(j.diff.Spent, ledger.SpentOutput{Ref: ref, By: owner})
	}
	for i := range tx.Outputs {
		out := &tx.Outputs[i]
		if out.Type == kernel.OutputWithdrawalSubmit || out.Type == kernel.OutputNodeCancel {
			continue
		}
		ref := kernel.OutputRef{Hash: hash, Index: uint16(i)}
		j.outputs[ref] = &held{Output: *out, asset: tx.Asset, created: j.commit.Index}
		j.diff.Created = append(j.diff.Created, ledger.CreatedOutput{Ref: ref, Output: ledger.Output{Output: *out, Asset: tx.Asset, Created: j.commit.Index}})
		for _, key := range out.Keys {
			j.keys[key] = by
			j.diff.Keys = append(j.diff.Keys, ledger.TakenKey{Key: key, By: owner})
		}
	}
	j.count(tx)
	j.receipt(kernel.Receipt{Transaction: hash, Status: kernel.Final, Commit: j.commit.Index, Snapshot: s.ID})
}

// touch remembers what an asset was before the commit, and opens an unknown one.
func (j *judgement) touch(tx *kernel.Transaction) {
	if _, ok := j.before[tx.Asset]; ok {
		return
	}
	asset, known := j.assets[tx.Asset]
	j.before[tx.Asset] = asset
	j.order = append(j.order, tx.Asset)
	if d := tx.Inputs[0].Deposit; !known && d != nil {
		j.opened[tx.Asset] = true
		j.assets[tx.Asset] = account{Asset: ledger.Asset{Chain: d.Chain, Key: d.AssetKey}}
	}
}

// blame records a fault, once for each kind, author and round. [FLT-1]
func (j *judgement) blame(kind ledger.FaultKind, s *kernel.CommittedID, e *kernel.Entry) {
	j.fault(ledger.Fault{Kind: kind, Author: s.Author, Epoch: j.commit.Epoch, Round: s.Round, Snapshot: s.ID, Entry: kernel.EntryHash(*e), Commit: j.commit.Index})
}

func (j *judgement) fault(f ledger.Fault) {
	at := blamed{f.Kind, f.Epoch, f.Author, f.Round}
	if !j.faults[at] {
		j.faults[at] = true
		j.faultList = append(j.faultList, f)
		j.diff.Faults = append(j.diff.Faults, f)
	}
}

// record reads a system record. [EXE-10]
func (j *judgement) record(e *kernel.Entry) {
	var r kernel.Record
	if r.UnmarshalBinary(e.Bytes) != nil || r.Network != j.network || r.Epoch != j.commit.Epoch && r.Epoch+1 != j.commit.Epoch {
		return
	}
	switch r.Kind {
	case kernel.RecordEvidence:
		j.equivocation(&r, e)
	case kernel.RecordWrongShare:
		j.wrongShare(&r, e)
	}
	if j.roll == nil {
		return
	}
	switch r.Kind {
	case kernel.RecordDealing:
		j.deals(&r)
	case kernel.RecordVerdict:
		j.judges(&r)
	case kernel.RecordResign:
		j.resigns(&r)
	case kernel.RecordMotion:
		if j.moved++; j.moved <= 16 {
			j.moves(&r)
		}
	}
}

// rosterOf is the roster of an epoch that evidence may be of: the commit's, or the one before.
func (j *judgement) rosterOf(epoch kernel.Epoch) *kernel.Roster {
	if epoch > j.commit.Epoch || epoch+1 < j.commit.Epoch {
		return nil
	}
	return j.c.eras[epoch].roster
}

// wrongShare reads evidence of E4, of so many records in a snapshot. [FLT-2]
func (j *judgement) wrongShare(r *kernel.Record, e *kernel.Entry) {
	var h kernel.Header
	if j.shares == 8 || h.UnmarshalBinary(r.Payload) != nil || h.Share == nil {
		return
	}
	j.shares++
	signed, id := r.SigningHash(), h.ID()
	roster := j.rosterOf(h.Epoch)
	if h.Network != j.network || roster == nil || int(h.Author) >= len(roster.Members) || !crypto.Verify(r.Signer, signed[:], r.Signature) {
		return
	}
	if !crypto.Verify(roster.Members[h.Author].Key, id[:], h.Signature) || !coin.Wrong(roster, &h) {
		return
	}
	j.fault(ledger.Fault{Kind: ledger.FaultCoin, Author: h.Author, Epoch: h.Epoch, Round: h.Round, Snapshot: id, Entry: kernel.EntryHash(*e), Commit: j.commit.Index})
}

// equivocation reads evidence of E1. [FLT-1]
func (j *judgement) equivocation(r *kernel.Record, e *kernel.Entry) {
	var p kernel.Equivocation
	if p.UnmarshalBinary(r.Payload) != nil || p.Network != j.network {
		return
	}
	roster := j.rosterOf(p.Epoch)
	if roster == nil || int(p.Author) >= len(roster.Members) {
		return
	}
	signed := r.SigningHash()
	if p.Round == 0 || p.Round > kernel.MaxRound || !crypto.Verify(r.Signer, signed[:], r.Signature) {
		return
	}
	var ids [2]kernel.SnapshotID
	for i, rest := range p.Rest {
		ids[i] = kernel.SnapshotIDOf(p.Network, p.Epoch, p.Author, p.Round, rest)
		if !crypto.Verify(roster.Members[p.Author].Key, ids[i][:], p.Signed[i]) {
			return
		}
	}
	j.fault(ledger.Fault{Kind: ledger.FaultEquivocation, Author: p.Author, Epoch: p.Epoch, Round: p.Round, Snapshot: ids[0], Entry: kernel.EntryHash(*e), Commit: j.commit.Index})
}

// receiptsDiffer holds the answers that clients get to the auditor's.
func (j *judgement) receiptsDiffer(diff *ledger.Diff) (checker, problem string) {
	given := make(map[kernel.TxHash]bool, len(diff.Receipts))
	for i, r := range diff.Receipts {
		if given[r.Transaction] {
			return "C4", fmt.Sprintf("two receipts of %s", r.Transaction.Short())
		}
		given[r.Transaction] = true
		want, judged := j.receipts[r.Transaction]
		switch why := j.why[r.Transaction]; {
		case why == "" && judged:
			return "C4", fmt.Sprintf("%s has had its receipt at commit %d", r.Transaction.Short(), want.Commit)
		case why == "":
			return "C2", fmt.Sprintf("a receipt of %s, which stands in no body", r.Transaction.Short())
		case !judged:
			return "C2", fmt.Sprintf("%s is %v although it %s", r.Transaction.Short(), r.Status, why)
		case r != want:
			return "C2", fmt.Sprintf("%s is %v by %v to %s, but it %s", r.Transaction.Short(), r.Status, r.Rule, r.Winner.Short(), why)
		case i >= len(j.diff.Receipts) || j.diff.Receipts[i] != r:
			return "C2", fmt.Sprintf("the receipt of %s is out of order", r.Transaction.Short())
		}
	}
	for _, r := range j.diff.Receipts {
		if !given[r.Transaction] {
			return "C2", fmt.Sprintf("no receipt of %s, which %s", r.Transaction.Short(), j.why[r.Transaction])
		}
	}
	return "", ""
}

// valuesDiffer compares what was created, spent, used and taken. [C3]
func (j *judgement) valuesDiffer(diff *ledger.Diff) (checker, problem string) {
	want := &j.diff
	switch {
	case !slices.EqualFunc(diff.Created, want.Created, func(x, y ledger.CreatedOutput) bool { return x.Ref == y.Ref && sameOutput(&x.Output, &y.Output) }):
		return "C3", fmt.Sprintf("creates %d outputs, the auditor %d others", len(diff.Created), len(want.Created))
	case !slices.Equal(diff.Spent, want.Spent):
		return "C3", fmt.Sprintf("spends %d outputs, the auditor %d others", len(diff.Spent), len(want.Spent))
	case !slices.Equal(diff.Keys, want.Keys):
		return "C3", fmt.Sprintf("uses %d keys, the auditor %d others", len(diff.Keys), len(want.Keys))
	case !slices.Equal(diff.Taken, want.Taken):
		return "C3", fmt.Sprintf("takes %d deposits, the auditor %d others", len(diff.Taken), len(want.Taken))
	}
	return "", ""
}

func sameOutput(x, y *ledger.Output) bool {
	return x.Type == y.Type && x.Amount == y.Amount && slices.Equal(x.Keys, y.Keys) && x.Mask == y.Mask && slices.Equal(x.Script, y.Script) &&
		x.Asset == y.Asset && x.Created == y.Created && x.SpentBy == y.SpentBy && x.SpentAt == y.SpentAt
}

// assetsDiffer compares totals: what came in less what went out is what is unspent. [EXE-9]
func (j *judgement) assetsDiffer(diff *ledger.Diff) (checker, problem string) {
	changed := make(map[kernel.AssetID]bool, len(diff.Assets))
	for i := range diff.Assets {
		id, got := diff.Assets[i].ID, diff.Assets[i].Asset
		changed[id] = true
		if want := j.assets[id].Asset; got != want {
			return "C3", fmt.Sprintf("asset %s: %v came in, %v went out, %v is unspent; by the auditor %v, %v, %v", id, got.Deposited, got.Withdrawn, got.Unspent, want.Deposited, want.Withdrawn, want.Unspent)
		}
	}
	for _, id := range j.order {
		asset := j.assets[id]
		there, inRange := asset.Unspent.Add(j.besides(id))
		if left, ok := asset.Deposited.Sub(asset.Withdrawn); !ok || !inRange || left != there || asset.broken {
			return "C3", fmt.Sprintf("asset %s: %v came in, %v went out, %v is unspent, %v in pool and escrow", id, asset.Deposited, asset.Withdrawn, asset.Unspent, j.besides(id))
		}
		if moved := j.opened[id] || asset != j.before[id]; moved != changed[id] {
			return "C3", fmt.Sprintf("asset %s: totals moved is %t, the node says %t", id, moved, changed[id])
		}
	}
	return "", ""
}

// faultsDiffer: who is blamed has done it, and who has done it is blamed.
func (j *judgement) faultsDiffer(diff *ledger.Diff) (checker, problem string) {
	for i, f := range diff.Faults {
		if !slices.Contains(j.diff.Faults, f) {
			return "C2", fmt.Sprintf("blames %d for E%d in round %d without reason", f.Author, f.Kind, f.Round)
		}
		if i >= len(j.diff.Faults) || j.diff.Faults[i] != f {
			return "C2", fmt.Sprintf("fault E%d of %d is out of order", f.Kind, f.Author)
		}
	}
	if len(diff.Faults) < len(j.diff.Faults) {
		f := j.diff.Faults[len(diff.Faults)]
		return "C2", fmt.Sprintf("does not blame %d for E%d in round %d", f.Author, f.Kind, f.Round)
	}
	return "", ""
}

// headDiffers: the digest chains what came before, the place, the receipts and the state. That
// the state's set hash is right is counted at the end of the run. [EXE-12]
func (a *auditor) headDiffers(j *judgement, diff *ledger.Diff) (checker, problem string) {
	before, head, c := a.heads[len(a.heads)-1], diff.Head, j.commit
	want := digestOf(before.Digest, c, j.diff.Receipts, &diff.Head.State)
	switch {
	case c.Index != before.Index+1 || c.Timestamp < before.Timestamp:
		return "C2", fmt.Sprintf("index %d and time %d follow %d and %d", c.Index, c.Timestamp, before.Index, before.Timestamp)
	case head.Index != c.Index || head.Timestamp != c.Timestamp:
		return "C2", fmt.Sprintf("its head is at index %d and time %d", head.Index, head.Timestamp)
	case head.Digest != want || c.Digest != want:
		return "C5", "its digest is not that of its receipts and state"
	}
	return "", ""
}
