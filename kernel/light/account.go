package light

import (
	"cmp"
	"slices"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// An Account is what belongs to one view key, as far as complete lists under certified
// checkpoints have shown. The view key is used here only and is no part of the state.
//
// There are two ways to fill it. Scan looks through the outputs that are unspent: as fast as can
// be, exact in what is owned, silent about what came and went in between. Replay looks through
// all receipts and their transactions: exact in history too. Both take what they are given in
// order and without gaps; after a Replay a Scan can go on, not the other way round. [CHK-31]
type Account struct {
	viewer   *crypto.Viewer
	outputs  uint64 // places of the tree of outputs that were looked at
	receipts uint64 // places of the tree of receipts that were replayed
	replayed bool   // nothing was taken by Scan
	own      []Own  // by place
	places   map[kernel.OutputRef]int
	keys     map[kernel.Key]bool
}

// An Own is an output in which one of the account's keys stands.
type Own struct {
	Place  uint64             `json:"place"` // in the tree of outputs
	Key    int                `json:"key"`   // ours, among the output's keys
	Output kernel.StateOutput `json:"output"`

	Seen    kernel.CommitIndex `json:"seen"`              // newest checkpoint at which it was shown unspent, or made
	Spent   bool               `json:"spent"`             // and never unspent again
	SpentAt kernel.CommitIndex `json:"spent_at,omitzero"` // the commit if SpentBy is known, else the checkpoint that showed it
	SpentBy kernel.TxHash      `json:"spent_by,omitzero"`
}

// Shared reports whether others hold keys of the output too: it is no part of the balance,
// whatever its threshold.
func (o *Own) Shared() bool { return len(o.Output.Keys) > 1 }

// NewAccount returns the empty account of a private view key and a public spend key.
func NewAccount(view kernel.Scalar, spend kernel.Key) (*Account, error) {
	viewer, err := crypto.NewViewer(view, spend)
	if err != nil {
		return nil, err
	}
	return newAccount(viewer), nil
}

func newAccount(viewer *crypto.Viewer) *Account {
	return &Account{viewer: viewer, replayed: true, places: map[kernel.OutputRef]int{}, keys: map[kernel.Key]bool{}}
}

// NextOutput is the first place of the tree of outputs that was not looked at.
func (a *Account) NextOutput() uint64 { return a.outputs }

// NextReceipt is the first place of the tree of receipts that was not replayed.
func (a *Account) NextReceipt() uint64 { return a.receipts }

// Recognize returns the outputs of a range that hold one of the account's keys and that keys can
// open: a threshold above their number burns the amount. It changes nothing and costs about 60 µs
// an output, so a caller with several cores gives each a part of a verified range. [CHK-30]
func (a *Account) Recognize(from uint64, outputs []*kernel.StateOutput) (found []Own) {
	for i, o := range outputs {
		if o == nil || !a.opens(o) {
			continue
		}
		key := slices.IndexFunc(o.Keys, func(k kernel.Key) bool { return a.viewer.Owns(k, o.Mask, uint64(o.Index)) })
		if key >= 0 {
			found = append(found, Own{Place: from + uint64(i), Key: key, Output: *o})
		}
	}
	return found
}

func (a *Account) opens(o *kernel.StateOutput) bool {
	threshold, err := o.Script.Threshold()
	return (o.Type == kernel.OutputScript || o.Type == kernel.OutputNodeRemove) && err == nil && int(threshold) <= len(o.Keys)
}

// Scan takes the next range of outputs under a checkpoint that was accepted. [CHK-31]
func (a *Account) Scan(head *kernel.Checkpoint, r *kernel.OutputRange) error {
	if err := rangeStands(head, r); err != nil {
		return err
	}
	return a.Take(head, r, a.Recognize(r.From, r.Outputs))
}

// Take is Scan for a caller that has verified the range under the head (Chain.Outputs) and
// recognized its outputs, in order, by itself.
func (a *Account) Take(head *kernel.Checkpoint, r *kernel.OutputRange, found []Own) error {
	if r.From != a.outputs {
		return refuse(OutOfOrder, "outputs from %d, want %d", r.From, a.outputs)
	}
	for i := range found {
		found[i].Seen = head.Index
		a.add(&found[i])
	}
	a.outputs += uint64(len(r.Outputs))
	a.replayed = false
	return nil
}

// add counts an output unless its key was met before: the ledger takes every key once, and if it
// did not, only one of the outputs could be spent.
func (a *Account) add(o *Own) {
	key := o.Output.Keys[o.Key]
	if a.keys[key] {
		return
	}
	a.keys[key] = true
	a.places[o.Output.Ref()] = len(a.own)
	a.own = append(a.own, *o)
}

// Look says by a branch of the tree of outputs whether an own output is still unspent at a newer
// checkpoint. [CHK-32]
func (a *Account) Look(head *kernel.Checkpoint, branch *kernel.Branch) error {
	i, ok := slices.BinarySearchFunc(a.own, branch.Place, func(o Own, place uint64) int { return cmp.Compare(o.Place, place) })
	if !ok {
		return refuse(NotOwn, "output %d", branch.Place)
	}
	o := &a.own[i]
	switch {
	case o.Spent:
		return nil
	case head.Index < o.Seen:
		return refuse(Older, "commit %d, seen at %d", head.Index, o.Seen)
	case branch.Verify(head.Outputs, o.Output.Leaf()):
		o.Seen = head.Index
	case branch.Verify(head.Outputs, kernel.Hash{}):
		o.Spent, o.SpentAt = true, head.Index
	default:
		return refuse(BranchInvalid, "output %d of %d", branch.Place, head.Outputs.Count)
	}
	return nil
}

// Stale lists the places of unspent outputs that were not seen at the checkpoint: Look at them.
func (a *Account) Stale(head *kernel.Checkpoint) (places []uint64) {
	for i := range a.own {
		if o := &a.own[i]; !o.Spent && o.Seen < head.Index {
			places = append(places, o.Place)
		}
	}
	return places
}

// Complete reports whether the balance is that of the checkpoint: all outputs were looked at, and
// none that counts is stale.
func (a *Account) Complete(head *kernel.Checkpoint) bool {
	return a.outputs == head.Outputs.Count && len(a.Stale(head)) == 0
}

// Explain learns from a final transaction which own outputs it spent. Receipt and branch are shown
// under a checkpoint that was accepted. [CHK-33]
func (a *Account) Explain(head *kernel.Checkpoint, tx *kernel.Transaction, receipt *kernel.Receipt, branch *kernel.Branch) error {
	if err := receiptStands(head, receipt, branch); err != nil {
		return err
	}
	switch {
	case receipt.Status != kernel.Final:
		return refuse(NotFinal, "transaction %s", receipt.Transaction.Short())
	case tx.Hash() != receipt.Transaction:
		return refuse(WrongTransaction, "%s, want %s", tx.Hash().Short(), receipt.Transaction.Short())
	}
	a.spend(tx, receipt)
	return nil
}

func (a *Account) spend(tx *kernel.Transaction, receipt *kernel.Receipt) {
	for i := range tx.Inputs {
		if place, ok := a.places[tx.Inputs[i].OutputRef]; ok {
			o := &a.own[place]
			o.Spent, o.SpentAt, o.SpentBy = true, receipt.Commit, receipt.Transaction
		}
	}
}

// Replay takes the next range of receipts under a checkpoint that was accepted, with the bytes of
// the final transactions among them in order (the payload is enough). Nothing is taken unless all
// of it is right. At the end of the receipts it compares its count of outputs with the checkpoint's.
// [CHK-34]
func (a *Account) Replay(head *kernel.Checkpoint, r *kernel.ReceiptRange, transactions [][]byte) error {
	if r.From != a.receipts || !a.replayed {
		return refuse(OutOfOrder, "receipts from %d, want %d of an account that never scanned", r.From, a.receipts)
	}
	if err := receiptsStand(head, r); err != nil {
		return err
	}
	steps, err := replaySteps(head, r, transactions)
	if err != nil {
		return err
	}
	total := a.outputs
	for i := range steps {
		total += uint64(len(steps[i].made))
	}
	end := r.From + uint64(len(r.Receipts))
	if end == head.Receipts.Count && total != head.Outputs.Count || total > head.Outputs.Count {
		return refuse(CountMismatch, "%d outputs made, the checkpoint counts %d", total, head.Outputs.Count)
	}
	for i := range steps {
		a.step(head, &steps[i])
	}
	a.receipts = end
	if end == head.Receipts.Count {
		a.seenAt(head)
	}
	return nil
}

// Idle takes a checkpoint under which there are no receipts but those that were replayed: nothing was
// made or spent since. [CHK-34]
func (a *Account) Idle(head *kernel.Checkpoint) error {
	switch {
	case !a.replayed || a.receipts != head.Receipts.Count:
		return refuse(OutOfOrder, "%d receipts were replayed, the checkpoint counts %d", a.receipts, head.Receipts.Count)
	case a.outputs != head.Outputs.Count:
		return refuse(CountMismatch, "%d outputs made, the checkpoint counts %d", a.outputs, head.Outputs.Count)
	}
	a.seenAt(head)
	return nil
}

// A replayStep is a final transaction and what it made.
type replayStep struct {
	tx      kernel.Transaction
	receipt *kernel.Receipt
	made    []kernel.StateOutput
}

func replaySteps(head *kernel.Checkpoint, r *kernel.ReceiptRange, transactions [][]byte) ([]replayStep, error) {
	steps := make([]replayStep, 0, len(transactions))
	for i := range r.Receipts {
		receipt := &r.Receipts[i]
		if receipt.Commit > head.Index {
			return nil, refuse(CommitAhead, "commit %d, certified is %d", receipt.Commit, head.Index)
		}
		if receipt.Status != kernel.Final {
			continue
		}
		if len(steps) == len(transactions) {
			return nil, refuse(WrongTransaction, "no bytes of %s", receipt.Transaction.Short())
		}
		s := replayStep{receipt: receipt}
		if err := s.tx.UnmarshalBinary(transactions[len(steps)]); err != nil || s.tx.Hash() != receipt.Transaction {
			return nil, refuse(WrongTransaction, "want %s (%v)", receipt.Transaction.Short(), err)
		}
		s.made = kernel.StateOutputs(&s.tx, receipt.Transaction, receipt.Commit)
		steps = append(steps, s)
	}
	if len(steps) < len(transactions) {
		return nil, refuse(WrongTransaction, "bytes of %d too many", len(transactions)-len(steps))
	}
	return steps, nil
}

func (a *Account) step(head *kernel.Checkpoint, s *replayStep) {
	a.spend(&s.tx, s.receipt)
	for i := range s.made {
		for _, o := range a.Recognize(a.outputs+uint64(i), []*kernel.StateOutput{&s.made[i]}) {
			o.Seen = s.receipt.Commit
			a.add(&o)
		}
	}
	a.outputs += uint64(len(s.made))
}

// seenAt marks what is unspent as seen: all receipts up to the checkpoint were replayed.
func (a *Account) seenAt(head *kernel.Checkpoint) {
	for i := range a.own {
		if o := &a.own[i]; !o.Spent {
			o.Seen = max(o.Seen, head.Index)
		}
	}
}
