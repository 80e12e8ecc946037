package rpc

import (
	"context"
	"encoding/hex"
	"math"
	"slices"
	"strings"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/client"
	"github.com/asterism-network/asterism/pillars/internal/state"
	"github.com/asterism-network/asterism/pillars/internal/store"
	"github.com/asterism-network/asterism/pillars/script"
)

// A reader answers one call from the store. It keeps the last blocks that it read, for what a page shows
// often stands in one.
type reader struct {
	params *pillars.Params
	chain  *store.Store
	tip    store.Entry
	blocks map[pillars.BlockID]*blockAt
	order  []pillars.BlockID
}

// keptBlocks bounds the blocks that one call keeps.
const keptBlocks = 16

func (s *Server) reader() *reader {
	chain := s.node.Chain()
	return &reader{params: s.node.Params(), chain: chain, tip: tipOf(chain, s.node.Params()), blocks: map[pillars.BlockID]*blockAt{}}
}

// tipOf is the last block that can be read. While a block is being made durable its records and indexes can be read
// already, and the store's own tip is still the parent: answers that mix both contradict themselves.
func tipOf(chain *store.Store, p *pillars.Params) store.Entry {
	view, release := chain.Fixed()
	defer release()
	if head, ok := state.At(view, p).Head(); ok {
		if e, ok := chain.Entry(head.Block); ok {
			return e
		}
	}
	return chain.Tip()
}

// A blockAt is a block of the main chain with what it spends.
type blockAt struct {
	*pillars.Block
	id    pillars.BlockID
	spent state.Reader                          // of what it changed, as that was before
	made  map[pillars.TxID]*pillars.Transaction // in the block itself
}

// at reads the block of the main chain at a height. The error is store.ErrNotFound or ErrPruned.
func (r *reader) at(height uint32) (*blockAt, error) {
	id, ok := r.chain.IDAt(height)
	if !ok || height > r.tip.Branch.Number {
		return nil, absent("no block at height %d", height)
	}
	return r.block(id)
}

func (r *reader) block(id pillars.BlockID) (*blockAt, error) {
	if b := r.blocks[id]; b != nil {
		return b, nil
	}
	block, err := r.chain.Block(id)
	if err != nil {
		return nil, err
	}
	b := &blockAt{Block: block, id: id, made: make(map[pillars.TxID]*pillars.Transaction, len(block.Transactions))}
	for _, tx := range block.Transactions {
		b.made[tx.ID()] = tx
	}
	var before records
	if undo, err := r.chain.Undo(id); err == nil { // blocks of other branches have none
		before = undo.Records
	}
	b.spent = state.At(before, r.params)
	if r.order = append(r.order, id); len(r.order) > keptBlocks {
		delete(r.blocks, r.order[0])
		r.order = r.order[1:]
	}
	r.blocks[id] = b
	return b, nil
}

// output is what an input of the block spends, if it is known.
func (b *blockAt) output(o pillars.Outpoint) (pillars.Output, bool) {
	if tx := b.made[o.Tx]; tx != nil && int(o.Index) < len(tx.Outputs) {
		return tx.Outputs[o.Index], true
	}
	out, ok := b.spent.Output(o)
	return out.Output, ok
}

// records are what a block changed, as it was before: a state with gaps.
type records []state.Record

// Get returns a record.
func (r records) Get(key state.Key) ([]byte, bool) {
	i, ok := slices.BinarySearchFunc(r, key, func(rec state.Record, k state.Key) int { return strings.Compare(string(rec.Key), string(k)) })
	if !ok || r[i].Value == nil {
		return nil, false
	}
	return r[i].Value, true
}

// Under lists nothing: nobody asks a state with gaps for a list.
func (records) Under(state.Key, func(state.Key, []byte) bool) {}

// show describes a transaction of a block.
func (r *reader) show(b *blockAt, position int) client.Transaction {
	tx := b.Transactions[position]
	out := client.Describe(tx, r.params.Address)
	r.spends(&out, tx, b.output)
	at, height := uint32(position), b.Number
	out.State, out.Block, out.Height, out.Position, out.Time = "confirmed", &b.id, &height, &at, b.Timestamp
	if id, ok := r.chain.IDAt(height); !ok || id != b.id {
		out.State = "abandoned" // it stands in a block of another branch
		return out
	}
	out.Confirmations = r.confirmations(height)
	out.Final = r.params.Finality != 0 && out.Confirmations > r.params.Finality
	return out
}

// spends fills in what the inputs spend, and the fee if all of it is known.
func (r *reader) spends(out *client.Transaction, tx *pillars.Transaction, find func(pillars.Outpoint) (pillars.Output, bool)) {
	if out.Kind == "coinbase" {
		return
	}
	in, made, all := uint64(0), uint64(0), true
	for i := range tx.Inputs {
		spent, ok := find(tx.Inputs[i].Previous)
		if !ok {
			all = false
			continue
		}
		in += uint64(spent.Value)
		o := client.DescribeOutput(&spent, tx.Inputs[i].Previous.Index, r.params.Address)
		out.Inputs[i].Spent = &o
	}
	for i := range tx.Outputs {
		made += uint64(tx.Outputs[i].Value)
	}
	if all && in >= made {
		fee := pillars.Amount(in - made)
		out.Fee = &fee
	}
}

func (r *reader) confirmations(height uint32) uint32 {
	if height > r.tip.Branch.Number {
		return 1 // a block that came since
	}
	return r.tip.Branch.Number - height + 1
}

// header describes a stored block.
func (r *reader) header(e *store.Entry) client.Header {
	h := &e.Head.Header
	out := client.Header{
		Hash: e.ID(), Number: h.Number, Version: h.Version, Seal: h.Seal().String(), Previous: h.Previous, Merkle: h.Merkle,
		Timestamp: h.Timestamp, Median: e.Branch.Median(r.params), Bits: h.Bits.Dec(), Weight: e.Branch.Weight.Dec(),
		Nonce: formatUint(h.Nonce), MixHash: hex.EncodeToString(h.MixHash[:]), Transactions: e.Transactions, Size: e.Size,
	}
	if h.Number == 0 {
		out.Seal = "genesis"
	}
	if h.Extended() {
		root := h.ExtensionRoot
		out.ExtensionRoot = &root
	}
	if h.Seal().Signed() && h.Extended() {
		out.Signer = hex.EncodeToString(e.Head.Extension.Key[:])
		if h.Seal() == pillars.PoS {
			stake := e.Head.Extension.Stake
			out.Stake = &stake
		}
	}
	if id, ok := r.chain.IDAt(h.Number); ok && id == e.ID() {
		out.MainChain, out.Confirmations = true, r.confirmations(h.Number)
		if next, ok := r.chain.IDAt(h.Number + 1); ok && h.Number < r.tip.Branch.Number {
			out.Next = &next
		}
	}
	return out
}

// where finds a transaction on the main chain.
func (r *reader) where(id pillars.TxID) (b *blockAt, position int, ok bool, err error) {
	at, ok := r.chain.Transaction(id)
	if !ok || at.Height > r.tip.Branch.Number {
		return nil, 0, false, nil
	}
	if b, err = r.at(at.Height); err != nil {
		return nil, 0, false, err
	}
	if int(at.Position) >= len(b.Transactions) || b.Transactions[at.Position].ID() != id {
		return nil, 0, false, nil // a reorganisation went by
	}
	return b, int(at.Position), true, nil
}

// medianBefore is the median time before a block.
func (r *reader) medianBefore(b *blockAt) uint32 {
	if e, ok := r.chain.Entry(b.Previous); ok && b.Number > 0 {
		return e.Branch.Median(r.params)
	}
	return b.Timestamp
}

// still leaves out what is in a block up to the tip: the mempool may not have heard yet. A list that was asked for before
// the reader was made misses nothing then: what left it meanwhile is in a block that the reader sees.
func (r *reader) still(waiting []Waiting) []Waiting {
	out := make([]Waiting, 0, len(waiting))
	for i := range waiting {
		if at, mined := r.chain.Transaction(waiting[i].ID); !mined || at.Height > r.tip.Branch.Number {
			out = append(out, waiting[i])
		}
	}
	return out
}

// tipOf describes a tip.
func (r *reader) tipOf() client.Tip {
	return client.Tip{Height: r.tip.Branch.Number, Hash: r.tip.ID(), Time: r.tip.Head.Timestamp, Median: r.tip.Branch.Median(r.params)}
}

// touches lists where an address is touched, from a place on.
func (r *reader) touches(a pillars.Address, from store.Place, each func(at store.Place, b *blockAt, tx *pillars.Transaction, does byte) bool) error {
	var failed error
	r.chain.History(a, from, func(at store.Place, does byte) bool {
		if at.Height > r.tip.Branch.Number {
			return false // it came since
		}
		b, err := r.at(at.Height)
		if err != nil {
			failed = err
			return false
		}
		if int(at.Position) >= len(b.Transactions) {
			return true // a reorganisation went by
		}
		return each(at, b, b.Transactions[at.Position], does)
	})
	return failed
}

// maxTouches bounds what one call reads of one address.
const maxTouches = 20_000

// An unspent output with its record.
type unspent struct {
	at  pillars.Outpoint
	out state.Output
}

// unspentOf finds the unspent outputs of an address, oldest first, as of one moment.
func (r *reader) unspentOf(ctx context.Context, a pillars.Address) (list []unspent, received pillars.Amount, err error) {
	view, release := r.chain.Fixed()
	defer release()
	at, count := state.At(view, r.params), 0
	err = r.touches(a, store.Place{}, func(_ store.Place, _ *blockAt, tx *pillars.Transaction, does byte) bool {
		if count++; count > maxTouches || ctx.Err() != nil {
			return false
		}
		if does&store.Receives == 0 {
			return true
		}
		id := tx.ID()
		for i := range tx.Outputs {
			if script.Classify(tx.Outputs[i].Script).Address != a {
				continue
			}
			received += tx.Outputs[i].Value
			point := pillars.Outpoint{Tx: id, Index: uint32(i)}
			if out, ok := at.Output(point); ok {
				list = append(list, unspent{point, out})
			}
		}
		return true
	})
	switch {
	case err != nil:
		return nil, 0, err
	case ctx.Err() != nil:
		return nil, 0, ctx.Err()
	case count > maxTouches:
		return nil, 0, tooBusy(a.Text(r.params.Address))
	}
	return list, received, nil
}

// A hold says until when an output cannot be spent.
type hold struct {
	height, time uint32 // that the next block must have; its parent's median time
	reward       bool
}

// held says what keeps an output from being spent by the next block.
func (r *reader) held(o *state.Output) (h hold, is bool) {
	next, median := uint64(r.tip.Branch.Number)+1, r.tip.Branch.Median(r.params)
	to := script.Classify(o.Script)
	if ripe := uint64(o.Height) + uint64(r.params.Subsidy.Maturity); o.Reward && next < ripe {
		return hold{height: clip(ripe), reward: true}, true
	}
	if o.Version == pillars.VersionSegWit {
		return h, false
	}
	switch to.Template {
	case script.LockHeight:
		if free := uint64(o.Height) + uint64(to.Lock); next < free {
			return hold{height: clip(free)}, true
		}
	case script.SequenceLock:
		probe := pillars.Transaction{Version: pillars.VersionCurrent, Inputs: []pillars.Input{{Sequence: to.Lock}}}
		lock, ok := script.Relative(&probe, 0)
		if !ok {
			return h, false
		}
		if free := uint64(o.Height) + uint64(lock.Blocks); next < free {
			return hold{height: clip(free)}, true
		}
		if free := uint64(o.Median) + lock.Seconds; lock.Seconds > 0 && uint64(median) < free {
			return hold{time: clip(free)}, true
		}
	}
	return h, false
}

func clip(v uint64) uint32 { return uint32(min(v, math.MaxUint32)) }
