// Package checkpoint is what a member does to certify the state: it brings the two trees of a
// checkpoint up to date, and collects signatures until they are a certificate.
//
// It is pure: nodes of trees are held by whoever runs it, and signatures come as values. What a
// checkpoint is, and how outsiders judge it, is in packages kernel and light. [CHK-40]
package checkpoint

import (
	"slices"

	"github.com/asterism-network/asterism/internal/merkle"
	"github.com/asterism-network/asterism/kernel"
)

// Trees are the trees of receipts and of outputs up to the last checkpoint. Between checkpoints
// only Changes grow, so a commit costs them nothing but the hash of what it made.
type Trees struct{ Receipts, Outputs *merkle.Tree }

// Continue goes on from trees of which the counts and nodes are held.
func Continue(receipts uint64, receiptNodes merkle.Nodes, outputs uint64, outputNodes merkle.Nodes) *Trees {
	return &Trees{merkle.NewTree(receipts, receiptNodes), merkle.NewTree(outputs, outputNodes)}
}

// Changes are what commits have done since the last checkpoint, in the order of execution. They are
// a function of the commits: whoever restarts collects them again.
type Changes struct {
	receipts [][32]byte
	made     [][32]byte
	spent    []uint64
}

// Settle adds a receipt.
func (c *Changes) Settle(r kernel.Receipt) { c.receipts = append(c.receipts, r.Leaf()) }

// Make adds an output of a final transaction; it takes the next place.
func (c *Changes) Make(o *kernel.StateOutput) { c.made = append(c.made, o.Leaf()) }

// Spend empties a place, which may be one that these changes have made.
func (c *Changes) Spend(place uint64) { c.spent = append(c.spent, place) }

// Bring applies changes, which are used up, and returns the heads that a checkpoint names.
func (t *Trees) Bring(c *Changes) (receipts, outputs kernel.TreeHead) {
	slices.Sort(c.spent)
	t.Receipts.Update(c.receipts, nil)
	t.Outputs.Update(c.made, c.spent)
	*c = Changes{}
	return kernel.TreeHead{Root: t.Receipts.Root(), Count: t.Receipts.Count()}, kernel.TreeHead{Root: t.Outputs.Root(), Count: t.Outputs.Count()}
}

// Turns is how many periods of checkpoints, in ms, have passed since the genesis. One is due after the first commit of each but the
// first. [CHK-40]
func Turns(genesis, now kernel.Timestamp, period uint64) uint64 {
	return uint64(max(now, genesis)-genesis) / period
}
