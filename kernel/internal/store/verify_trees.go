package store

import (
	"fmt"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/internal/merkle"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// A treeCheck makes the trees again from the rows of transactions and compares every node.
type treeCheck struct {
	reader            kv.Reader
	at                treesAt
	receipts, outputs checkedTree
}

// A checkedTree appends leaves to a tree whose nodes are on disk already.
type checkedTree struct {
	oldNodes
	tree   *merkle.Tree
	leaves [][32]byte
	wrong  *rowKey // the first that differs
}

// newTreeCheck is for the trees at the checkpoint where they stand.
func (s *Store) newTreeCheck(r kv.Reader) (*treeCheck, error) {
	c := &treeCheck{reader: r}
	b, ok, err := r.Get(nil, keyTrees)
	if err != nil || !ok {
		return c, err
	}
	mark, err := readTreesMark(b)
	if err != nil {
		return nil, corrupt(keyTrees, err)
	}
	c.at = mark.now
	c.receipts.oldNodes = oldNodes{store: s, reader: r, tree: receiptTree, version: mark.now.Index}
	c.outputs.oldNodes = oldNodes{store: s, reader: r, tree: outputTree, version: mark.now.Index}
	c.receipts.tree, c.outputs.tree = merkle.NewTree(0, &c.receipts), merkle.NewTree(0, &c.outputs)
	return c, nil
}

// Set compares instead of setting.
func (t *checkedTree) Set(level uint8, index uint64, h [32]byte) {
	if level%rowLevels == 0 && t.Node(level, index) != h && t.wrong == nil {
		k, _, _ := placeIn(level, index)
		t.wrong = &k
	}
}

// row takes up a row of a commit; receipt is nil if it is not a head.
func (c *treeCheck) row(commit kernel.CommitIndex, receipt *kernel.Receipt, outputs []ledger.CreatedOutput) error {
	if commit > c.at.Index || c.at.Index == 0 {
		return nil
	}
	if receipt != nil {
		c.receipts.leaves = append(c.receipts.leaves, receipt.Leaf())
	}
	for i := range outputs {
		o := &outputs[i]
		var leaf hash
		if o.Output.SpentBy.IsZero() || o.Output.SpentAt > c.at.Index {
			made := kernel.StateOutputOf(o.Ref, &o.Output.Output, o.Output.Asset, commit)
			leaf = made.Leaf()
		}
		c.outputs.leaves = append(c.outputs.leaves, leaf)
	}
	if len(c.receipts.leaves)+len(c.outputs.leaves) < growStep {
		return nil
	}
	return c.step()
}

func (c *treeCheck) step() error {
	for _, t := range []*checkedTree{&c.receipts, &c.outputs} {
		t.tree.Update(t.leaves, nil)
		if t.leaves = t.leaves[:0]; t.wrong != nil {
			return fmt.Errorf("%w: checkpoint %d: tree %c: row %d of level %d is not what the ledger leads to", ErrCorrupt, c.at.Index, t.oldNodes.tree, t.wrong.index, t.wrong.level)
		}
	}
	return nil
}

// end compares the roots, with those of the certificate too if there is one.
func (c *treeCheck) end() error {
	if c.at.Index == 0 {
		return nil
	}
	if err := c.step(); err != nil {
		return err
	}
	if receipts, outputs := headOf(c.receipts.tree), headOf(c.outputs.tree); receipts != c.at.Receipts || outputs != c.at.Outputs {
		return fmt.Errorf("%w: checkpoint %d: roots are not what the ledger leads to", ErrCorrupt, c.at.Index)
	}
	key := key64(tableCertificate, uint64(c.at.Index))
	b, ok, err := c.reader.Get(nil, key)
	if err != nil || !ok {
		return err
	}
	p, err := readCertificate(b)
	if err != nil {
		return corrupt(key, err)
	}
	if p.Checkpoint.Receipts != c.at.Receipts || p.Checkpoint.Outputs != c.at.Outputs {
		return fmt.Errorf("%w: checkpoint %d is certified with other roots", ErrCorrupt, c.at.Index)
	}
	return nil
}
