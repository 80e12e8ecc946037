package store

import (
	"slices"
	"strings"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/state"
	"github.com/asterism-network/asterism/pillars/script"
)

// A Place is where a transaction stands on our chain.
type Place struct {
	Height   uint32
	Position uint32 // in its block
}

// What a transaction does at an address, added up.
const (
	Receives byte = 1 << iota
	Spends
)

// A touch is one entry of the index by address.
type touch struct {
	address pillars.Address
	at      Place
	does    byte
}

// index calls with every entry of the indexes that a block on our chain has. Undo holds what it spends.
func (s *Store) index(b *pillars.Block, undo *state.Undo, transaction func(pillars.TxID, Place), address func(touch)) {
	made := make(map[pillars.TxID]*pillars.Transaction, len(b.Transactions))
	spent := state.At(before(undo.Records), s.params)
	for i, tx := range b.Transactions {
		at := Place{b.Number, uint32(i)}
		id := tx.ID()
		transaction(id, at)
		made[id] = tx
		does := map[pillars.Address]byte{}
		for j := range tx.Outputs {
			does[script.Classify(tx.Outputs[j].Script).Address] |= Receives
		}
		for j := range tx.Inputs {
			from := tx.Inputs[j].Previous
			if own := made[from.Tx]; own != nil && int(from.Index) < len(own.Outputs) {
				does[script.Classify(own.Outputs[from.Index].Script).Address] |= Spends
			} else if out, ok := spent.Output(from); ok {
				does[script.Classify(out.Script).Address] |= Spends
			}
		}
		delete(does, pillars.Address{})
		for a, what := range does {
			address(touch{a, at, what})
		}
	}
}

func (s *Store) putIndex(w *kv.Batch, b *pillars.Block, undo *state.Undo) {
	s.index(b, undo, func(id pillars.TxID, at Place) {
		w.Set(keyID(tableTransaction, id), appendU32(appendU32(nil, at.Height), at.Position))
	}, func(t touch) { w.Set(keyPlace(t.address, t.at), []byte{t.does}) })
}

// dropIndex takes a block's entries out. No two blocks of a chain have a transaction in common, since coinbases begin
// with their height.
func (s *Store) dropIndex(w *kv.Batch, b *pillars.Block, undo *state.Undo) {
	s.index(b, undo, func(id pillars.TxID, _ Place) {
		w.Delete(keyID(tableTransaction, id))
	}, func(t touch) { w.Delete(keyPlace(t.address, t.at)) })
}

// before is a view of what records were before a block: those that it changed, and no others.
type before []state.Record

func (r before) Get(key state.Key) ([]byte, bool) {
	i, ok := slices.BinarySearchFunc(r, key, func(rec state.Record, k state.Key) int {
		return strings.Compare(string(rec.Key), string(k))
	})
	if !ok || r[i].Value == nil {
		return nil, false
	}
	return r[i].Value, true
}

func (before) Under(state.Key, func(state.Key, []byte) bool) {
	panic("store: what a block changed lists nothing")
}
