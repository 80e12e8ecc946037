package template

import (
	"slices"

	"github.com/asterism-network/asterism/pillars"
)

// Height is that of the block to come.
func (t *Template) Height() uint32 { return t.block.Number }

// Seal is that of the block to come.
func (t *Template) Seal() pillars.Seal { return t.block.Seal() }

// Stamp is the earliest one that was asked for. A Job may have a later one.
func (t *Template) Stamp() uint32 { return t.block.Timestamp }

// Transactions are those of the block, the author's first. Callers change nothing.
func (t *Template) Transactions() []*pillars.Transaction { return t.block.Transactions }

// A Job is one header to find work for: a template with an extra nonce and a stamp, so that no two jobs search the same
// ground.
type Job struct {
	Header   pillars.Header // without nonce and mix hash
	Extra    uint64
	Template *Template
}

// Job makes a job under work. The difficulty depends on the stamp, which is raised to the template's; a branch may allow no
// work at a stamp (PIL-RUN-1), which is the error then.
func (t *Template) Job(stamp uint32, extra uint64) (*Job, error) {
	if t.block.Seal() != pillars.PoW {
		panic("template: a job of a block under stake")
	}
	h, err := t.Parent.Prepare(t.params, pillars.PoW, max(stamp, t.block.Timestamp))
	if err != nil {
		return nil, err
	}
	j := &Job{Header: h, Extra: extra, Template: t}
	root, ok := t.path.Root(j.coinbase().Leaf())
	if !ok {
		panic("template: the coinbase has no place in the tree")
	}
	j.Header.Merkle, j.Header.ExtensionRoot = root, t.block.ExtensionRoot
	return j, nil
}

// coinbase is the template's with the job's extra nonce.
func (j *Job) coinbase() *pillars.Transaction {
	tx := *j.Template.block.Transactions[0]
	tx.Inputs = slices.Clone(tx.Inputs)
	tx.Inputs[0].Script = setExtra(tx.Inputs[0].Script, j.Template.block.Number, j.Extra)
	return &tx
}

// setExtra returns the script of a coinbase with another extra nonce.
func setExtra(from []byte, height uint32, extra uint64) []byte {
	head := coinbaseScript(height, extra, "")
	return append(head, from[len(head):]...)
}

// Block is the job's block with its work.
func (j *Job) Block(nonce uint64, mix [32]byte) *pillars.Block {
	b := j.Template.block
	b.Header = j.Header
	b.Nonce, b.MixHash = nonce, mix
	b.Transactions = slices.Clone(b.Transactions)
	b.Transactions[0] = j.coinbase()
	return &b
}

// Finish gives a block under stake to whoever has the owner's key: sign unlocks the inputs of the coinstake, which is the
// block's second transaction and spends outputs to the owner's key; signBlock signs the block. The block that comes back is
// judged in full, scripts included.
func (t *Template) Finish(unlock func(coinstake *pillars.Transaction) error, sign func(*pillars.Block) error) (*pillars.Block, error) {
	if t.block.Seal() != pillars.PoS {
		panic("template: a block under work is not signed")
	}
	b := t.block
	b.Transactions = slices.Clone(b.Transactions)
	coinstake := *b.Transactions[1]
	coinstake.Inputs = slices.Clone(coinstake.Inputs)
	b.Transactions[1] = &coinstake
	if err := unlock(&coinstake); err != nil {
		return nil, err
	}
	b.Merkle = b.MerkleRoot()
	if err := sign(&b); err != nil {
		return nil, err
	}
	return &b, Judge(t.params, &t.Parent, t.view, &b, true)
}

// Owner is whose stake a block under stake uses.
func (t *Template) Owner() pillars.Address { return t.owner }
