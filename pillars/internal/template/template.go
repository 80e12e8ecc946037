// Package template makes the blocks that miners and stakers are to seal: which of the waiting transactions go in, what the
// coinbase pays and to whom, and everything of the header that its branch determines.
//
// It is pure. What it hands out was judged by the rules that other nodes will judge the sealed block by, the seal apart; a
// transaction that does not fit is left out and named, and never spoils the block.
package template

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
	"github.com/asterism-network/asterism/pillars/internal/pos"
	"github.com/asterism-network/asterism/pillars/internal/state"
	"github.com/asterism-network/asterism/pillars/script"
)

// The ways in which a template cannot be made, and for which a transaction is left out beside the rules that it may break.
var (
	ErrNoAddress = errors.New("no address to pay the reward to")
	ErrText      = errors.New("text is too long for a coinbase")
	ErrNoRoom    = errors.New("no_room") // the transaction would make the block too large
	ErrTwice     = errors.New("twice")   // it stands in the block already
)

// MaxText is how many bytes of text a coinbase holds beside height and extra nonce.
const MaxText = 64

// A Request says which block is wanted.
type Request struct {
	Params   *pillars.Params
	Parent   *consensus.Branch // the block will follow its last one
	View     state.View        // the state after the parent
	Stamp    uint32            // of the block; raised to the earliest that is allowed
	Pay      pillars.Address   // gets the reward
	Asset    string            // is mined beside it if its terms give something; empty: none
	Text     string
	Waiting  []*pillars.Transaction // in the order in which they are tried, so parents before children
	Verified bool                   // the scripts of all that wait have been run
	MaxSize  int                    // bytes of the block; 0 is what the network allows
}

// A Left is a transaction that is not in the block, and why.
type Left struct {
	ID  pillars.TxID
	Why error
}

// A Template is a block without its seal. It does not change; any number of goroutines may use it.
type Template struct {
	Parent  consensus.Branch
	Subsidy pillars.Amount // that the coinbase creates
	Fees    pillars.Amount
	Mined   uint64 // units of the request's asset
	Size    int    // bytes of the sealed block, at most
	SigOps  int
	Left    []Left

	params *pillars.Params
	view   state.View // stake only: until Finish
	owner  pillars.Address
	block  pillars.Block       // header and coinbase as of extra nonce 0
	path   pillars.MerkleProof // of the coinbase
}

// New makes a template under work.
func New(r Request) (*Template, error) {
	b, err := begin(&r, pillars.PoW)
	if err != nil {
		return nil, err
	}
	return build(&r, b, nil)
}

// NewStake makes a template under a stake that wins. Small outputs of the same owner may be collected with it; see
// pos.Coinstake. The view must stay as it is until Finish.
func NewStake(r Request, w pos.Winner, others []pos.Stake) (*Template, error) {
	r.Stamp = w.Stamp
	b, err := begin(&r, pillars.PoS)
	if err != nil {
		return nil, err
	}
	b.Extension.Stake = w.Stake.Outpoint
	t, err := build(&r, b, pos.Coinstake(r.Params, w.Stake, others))
	if err != nil {
		return nil, err
	}
	t.view, t.owner = r.View, w.Stake.Owner
	return t, nil
}

// begin makes what the branch alone determines.
func begin(r *Request, seal pillars.Seal) (*pillars.Block, error) {
	if r.Pay == (pillars.Address{}) {
		return nil, ErrNoAddress
	}
	if len(r.Text) > MaxText {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrText, len(r.Text), MaxText)
	}
	h, err := r.Parent.Prepare(r.Params, seal, r.Stamp)
	if err != nil {
		return nil, err
	}
	return &pillars.Block{Header: h, Extension: pillars.Extension{Modifier: r.Parent.Modifier}}, nil
}

// build fills a block. If, against all that was asked before, the whole is not valid, it is built again with nothing that waits: an
// empty block is worth more than a bad one.
func build(r *Request, b *pillars.Block, coinstake *pillars.Transaction) (*Template, error) {
	t := &Template{Parent: *r.Parent, params: r.Params, block: *b}
	if err := t.fill(r, coinstake); err != nil {
		return nil, err
	}
	err := t.check(r)
	if err == nil || len(r.Waiting) == 0 {
		return t, err
	}
	alone := *r
	alone.Waiting = nil
	again, failed := build(&alone, b, coinstake)
	if failed != nil {
		return nil, failed
	}
	for _, tx := range r.Waiting {
		again.Left = append(again.Left, Left{tx.ID(), err})
	}
	return again, nil
}

// fill puts the author's transactions and then those that wait into the block, each judged behind those before it.
func (t *Template) fill(r *Request, coinstake *pillars.Transaction) error {
	coinbase := t.coinbase(r)
	t.block.Transactions = []*pillars.Transaction{coinbase}
	if coinstake != nil {
		t.block.Transactions = append(t.block.Transactions, coinstake)
	}
	draft := state.NewDraft(r.View, state.Context{Params: r.Params, Parent: r.Parent, Stamp: t.block.Timestamp})
	if err := draft.Begin(coinbase, coinstake); err != nil {
		return err
	}
	t.Size = t.block.Size() + countRoom + unlockRoom*stakeInputs(coinstake)
	t.choose(r, draft)
	head, _ := state.At(r.View, r.Params).Head()
	t.Fees, t.SigOps = draft.Fees(), draft.SigOps()
	t.Subsidy = min(r.Parent.Subsidy(r.Params, t.block.Seal()), pillars.MaxMoney-head.Issued)
	coinbase.Outputs[0].Value = t.Fees + t.Subsidy
	t.root()
	return nil
}

// What a finished block may have more than the one that was measured: a longer count of transactions, and the scripts that
// unlock each input of a coinstake (a signature of at most 72 bytes with its kind, a key, and a byte before each).
const (
	countRoom  = 4
	unlockRoom = 1 + 73 + 1 + 33
)

func stakeInputs(coinstake *pillars.Transaction) int {
	if coinstake == nil {
		return 0
	}
	return len(coinstake.Inputs)
}

// choose adds what fits, in the order given.
func (t *Template) choose(r *Request, draft *state.Draft) {
	most := int(r.Params.Limits.BlockSize)
	if r.MaxSize > 0 {
		most = min(most, r.MaxSize)
	}
	in := make(map[pillars.TxID]bool, len(r.Waiting))
	for _, tx := range r.Waiting {
		id, size := tx.ID(), tx.Size()
		var why error
		switch {
		case in[id]:
			why = ErrTwice
		case t.Size+size > most:
			why = ErrNoRoom
		default:
			why = add(r, draft, tx)
		}
		if why != nil {
			t.Left = append(t.Left, Left{id, why})
			continue
		}
		in[id] = true
		t.Size += size
		t.block.Transactions = append(t.block.Transactions, tx)
	}
}

func add(r *Request, draft *state.Draft, tx *pillars.Transaction) error {
	if err := tx.Check(r.Params); err != nil {
		return err
	}
	if !r.Verified {
		verdict, err := draft.Try(tx)
		if err != nil {
			return err
		}
		if err := verdict.Scripts.Verify(script.Block); err != nil {
			return err
		}
	}
	_, err := draft.Add(tx)
	return err
}

// coinbase makes the first transaction, whose value is not known yet. Its input script is the height, eight bytes of
// extra nonce, and the text.
func (t *Template) coinbase(r *Request) *pillars.Transaction {
	tx := &pillars.Transaction{
		Version: pillars.VersionFirst,
		Inputs:  []pillars.Input{{Previous: pillars.NullOutpoint, Script: coinbaseScript(t.block.Number, 0, r.Text)}},
		Outputs: []pillars.Output{{Script: r.Pay.Script(), Attachment: pillars.Attachment{Version: pillars.AttachmentPlain}}},
	}
	if r.Asset == "" {
		return tx
	}
	if most, live := state.At(r.View, r.Params).Mineable(r.Asset, t.block.Number); live && most > 0 {
		t.Mined = most
		tx.Outputs = append(tx.Outputs, pillars.Output{Script: r.Pay.Script(), Attachment: pillars.Attachment{
			Version: pillars.AttachmentPlain, Payload: pillars.AssetTransfer{Symbol: r.Asset, Quantity: most},
		}})
	}
	return tx
}

func coinbaseScript(height uint32, extra uint64, text string) []byte {
	var nonce [8]byte
	binary.BigEndian.PutUint64(nonce[:], extra)
	b := script.AppendPush(state.CoinbaseScript(height), nonce[:])
	if text != "" {
		b = script.AppendPush(b, []byte(text))
	}
	return b
}

// root computes the path of the coinbase in the tree, the header's root, and the root of the extension.
func (t *Template) root() {
	leaves := make([]pillars.Hash, len(t.block.Transactions))
	for i, tx := range t.block.Transactions {
		leaves[i] = tx.Leaf()
	}
	t.path = pillars.ProveLeaf(leaves, 0)
	t.block.Merkle = pillars.MerkleRoot(leaves)
	t.block.ExtensionRoot = t.block.Extension.Root()
}

// check judges the whole. Under stake only what the state says: shape and signatures come with Finish.
func (t *Template) check(r *Request) error {
	if t.block.Seal() == pillars.PoW {
		return Judge(r.Params, r.Parent, r.View, &t.block, false)
	}
	_, err := state.Apply(r.View, &t.block, state.Context{Params: r.Params, Parent: r.Parent, Stamp: t.block.Timestamp})
	return err
}

// Judge judges a block after its parent by every rule but that of its work: header, form, shape, extension, stake, state; and
// scripts, if they are asked for.
func Judge(p *pillars.Params, parent *consensus.Branch, v state.View, b *pillars.Block, scripts bool) error {
	for _, rules := range []func() error{
		func() error { return parent.Check(p, &b.Header) },
		func() error { return b.Check(p) },
		func() error { return consensus.CheckShape(b) },
		func() error { return parent.CheckExtension(p, &b.Extension, pillars.Hash{}) },
		func() error {
			if b.Seal() != pillars.PoS {
				return nil
			}
			return pos.Verify(p, b, parent, state.At(v, p))
		},
	} {
		if err := rules(); err != nil {
			return err
		}
	}
	diff, err := state.Apply(v, b, state.Context{Params: p, Parent: parent, Stamp: b.Timestamp})
	if err != nil || !scripts {
		return err
	}
	return state.VerifyAll(diff.Scripts)
}
