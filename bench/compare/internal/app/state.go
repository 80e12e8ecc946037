package app

import (
	"encoding/binary"
	"fmt"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
)

// A coin is an output that is not spent.
type coin struct {
	asset  kernel.AssetID
	key    kernel.Key
	amount kernel.Amount
}

// A state is what the ledger holds after a block: unspent outputs and every key that ever locked
// one, in memory, and the same on disk. Reads never touch the disk: that is favourable to the
// baseline, whose memory grows with the keys.
type state struct {
	db     *kv.DB
	coins  map[kernel.OutputRef]coin
	ghosts map[kernel.Key]struct{}
	height int64
	hash   [32]byte // of all payments so far, in order
}

// A diff is what one block changes.
type diff struct {
	made   map[kernel.OutputRef]coin
	spent  map[kernel.OutputRef]kernel.TxHash
	ghosts map[kernel.Key]struct{}
}

func newDiff(payments int) *diff {
	return &diff{
		made:   make(map[kernel.OutputRef]coin, 3*payments),
		spent:  make(map[kernel.OutputRef]kernel.TxHash, 2*payments),
		ghosts: make(map[kernel.Key]struct{}, 3*payments),
	}
}

// Kinds of records: the first byte of a key on disk.
const (
	recordOutput = 'o' // hash, index -> asset, key, amount; kept when spent
	recordSpent  = 's' // hash, index -> the transaction that spent it
	recordHead   = 'h' // -> height, hash
)

const refSize = 32 + 2

// openState reads what the folder holds; an empty one is the state before genesis.
func openState(fs kv.FS, dir string) (*state, error) {
	db, err := kv.Open(fs, dir, kv.Options{})
	if err != nil {
		return nil, err
	}
	s := &state{db: db, coins: map[kernel.OutputRef]coin{}, ghosts: map[kernel.Key]struct{}{}}
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	return s, nil
}

func (s *state) load() error {
	if err := s.db.Ascend([]byte{recordOutput}, []byte{recordOutput + 1}, func(k, v []byte) (bool, error) {
		r := codec.NewReader(v)
		var c coin
		r.Fixed(c.asset[:], "asset")
		r.Fixed(c.key[:], "key")
		c.amount = kernel.ReadAmount(r, "amount")
		s.coins[readRef(k)] = c
		s.ghosts[c.key] = struct{}{}
		return true, r.Done()
	}); err != nil {
		return err
	}
	if err := s.db.Ascend([]byte{recordSpent}, []byte{recordSpent + 1}, func(k, _ []byte) (bool, error) {
		delete(s.coins, readRef(k))
		return true, nil
	}); err != nil {
		return err
	}
	head, ok, err := s.db.Get(nil, []byte{recordHead})
	if err != nil || !ok {
		return err
	}
	r := codec.NewReader(head)
	s.height = int64(r.U64("height"))
	r.Fixed(s.hash[:], "hash")
	return r.Done()
}

func appendRef(b []byte, kind byte, ref kernel.OutputRef) []byte {
	return codec.AppendU16(append(append(b, kind), ref.Hash[:]...), ref.Index)
}

func readRef(key []byte) (ref kernel.OutputRef) {
	if len(key) != 1+refSize {
		panic("app: a record's key of another length")
	}
	copy(ref.Hash[:], key[1:])
	ref.Index = binary.BigEndian.Uint16(key[1+32:])
	return ref
}

// apply makes the diff part of the state, in memory and in one batch on disk. The batch is not
// synced: CometBFT keeps the block, and plays it again after a crash.
func (s *state) apply(d *diff, height int64, hash [32]byte) error {
	batch := s.db.NewBatchSize(160*len(d.made) + 80*len(d.spent) + 64)
	var key, value []byte
	for ref, c := range d.made {
		key = appendRef(key[:0], recordOutput, ref)
		value = c.amount.AppendBinary(append(append(value[:0], c.asset[:]...), c.key[:]...))
		batch.Set(key, value)
		s.coins[ref] = c
	}
	for ref, by := range d.spent {
		key = appendRef(key[:0], recordSpent, ref)
		batch.Set(key, by[:])
		delete(s.coins, ref)
	}
	for k := range d.ghosts {
		s.ghosts[k] = struct{}{}
	}
	s.height, s.hash = height, hash
	batch.Set([]byte{recordHead}, append(codec.AppendU64(nil, uint64(height)), hash[:]...))
	return batch.Commit(false)
}

// missing says whether an output that is not in coins was spent or never there.
func (s *state) missing(ref kernel.OutputRef) kernel.Rule {
	spent, err := s.db.Has(appendRef(nil, recordSpent, ref))
	if err != nil {
		panic("app: read state: " + err.Error())
	}
	if spent {
		return kernel.InputSpent
	}
	return kernel.InputNotFound
}

// find returns what ref names if it is unspent after the diff, which may be nil.
func (s *state) find(d *diff, ref kernel.OutputRef) (coin, error) {
	if d != nil {
		if _, spent := d.spent[ref]; spent {
			return coin{}, kernel.InputSpent
		}
		if c, ok := d.made[ref]; ok {
			return c, nil
		}
	}
	if c, ok := s.coins[ref]; ok {
		return c, nil
	}
	return coin{}, s.missing(ref)
}

// judge checks a payment, signatures apart, on the state after the diff. The error is a
// kernel.Rule.
func (s *state) judge(d *diff, p *Payment) error {
	var in kernel.Amount
	for i := range p.tx.Inputs {
		c, err := s.find(d, p.tx.Inputs[i].OutputRef)
		if err != nil {
			return err
		}
		if c.asset != p.tx.Asset {
			return kernel.InputAsset
		}
		var ok bool
		if in, ok = in.Add(c.amount); !ok {
			return kernel.AmountOverflow
		}
	}
	if in != p.out {
		return kernel.AmountMismatch
	}
	for i := range p.tx.Outputs {
		key := p.tx.Outputs[i].Keys[0]
		if _, used := s.ghosts[key]; used {
			return kernel.GhostKeyUsed
		}
		if d != nil {
			if _, used := d.ghosts[key]; used {
				return kernel.GhostKeyUsed
			}
		}
	}
	return nil
}

// take adds a judged payment to the diff.
func (d *diff) take(p *Payment) {
	for i := range p.tx.Inputs {
		d.spent[p.tx.Inputs[i].OutputRef] = p.hash
	}
	d.add(p.tx, p.hash)
}

// add adds a transaction's outputs.
func (d *diff) add(tx *kernel.Transaction, hash kernel.TxHash) {
	for i := range tx.Outputs {
		out := &tx.Outputs[i]
		d.made[kernel.OutputRef{Hash: hash, Index: uint16(i)}] = coin{asset: tx.Asset, key: out.Keys[0], amount: out.Amount}
		d.ghosts[out.Keys[0]] = struct{}{}
	}
}
