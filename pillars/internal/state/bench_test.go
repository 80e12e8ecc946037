package state

import (
	"testing"

	"github.com/asterism-network/asterism/pillars"
)

// manyPayments is a world and its next block with n payments of one input and two outputs.
func manyPayments(b *testing.B, n int) (*world, *pillars.Block) {
	w := newWorld(b)
	outs := make([]pillars.Output, n)
	for i := range outs {
		outs[i] = plain(w.alice, pillars.ETP)
	}
	spread := w.pay(w.alice, fee, outs)
	w.mine(spread)
	txs, id := make([]*pillars.Transaction, n), spread.ID()
	for i := range txs {
		txs[i] = w.payWith(w.alice, fee, []pillars.Output{plain(w.bob, pillars.ETP/2)}, pillars.Outpoint{Tx: id, Index: uint32(i)})
	}
	return w, w.block(pillars.PoW, w.dave, txs...)
}

// BenchmarkApply is a block of 1,000 payments without its scripts, which run on all processors.
func BenchmarkApply(b *testing.B) {
	w, block := manyPayments(b, 1000)
	c := Context{Params: w.p, Parent: &w.tip, Stamp: block.Timestamp}
	for b.Loop() {
		if _, err := Apply(w.mem, block, c); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkScripts is what remains of the same block.
func BenchmarkScripts(b *testing.B) {
	w, block := manyPayments(b, 1000)
	diff, err := w.apply(block)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := VerifyAll(diff.Scripts); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHash brings the hash of the state up to date for the same block.
func BenchmarkHash(b *testing.B) {
	w, block := manyPayments(b, 1000)
	diff, err := w.apply(block)
	if err != nil {
		b.Fatal(err)
	}
	m := w.mem.Clone()
	for b.Loop() {
		diff.Changes.Hash(&m.hash)
	}
}
