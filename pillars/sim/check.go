package sim

import (
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/state"
)

// check looks at a run after it settled: the honest nodes have one chain (settle saw to that), which keeps every rule by the
// referee's reading; its weight, supply and state are what nodes hold.
func (w *world) check(honest []*node) {
	if w.broken != nil {
		return
	}
	tip := honest[0].tip()
	var blocks []*pillars.Block
	for _, r := range w.court.chain(tip.ID()) {
		blocks = append(blocks, r.block)
	}
	ref, err := refer(&w.params, blocks)
	if err != nil {
		w.fail("%v", err)
		return
	}
	if weight := tip.Branch.Weight.ToBig(); weight.Cmp(ref.weight) != 0 {
		w.fail("the chain weighs %s to its nodes, %s to the referee", weight, ref.weight)
	}
	w.checkSupply(ref, tip.ID())
	for _, n := range honest {
		if n.full != nil {
			w.checkFull(n)
		}
	}
}

// checkSupply: what was issued and not burned is what all unspent outputs hold, to the state and to the referee [PIL-STA-5].
func (w *world) checkSupply(ref *referee, tip pillars.BlockID) {
	view := w.court.view(tip)
	head, _ := state.At(view, w.rules()).Head()
	held := pillars.Amount(0)
	outputs := uint64(0)
	view.Under(state.Key(rune(tableOutput)), func(key state.Key, _ []byte) bool {
		o, _ := state.At(view, w.rules()).Output(outpointOf(key))
		held += o.Value
		outputs++
		return true
	})
	switch {
	case held != head.Issued-head.Burned || outputs != head.Outputs:
		w.fail("%d outputs hold %s, the state says %d and %s minus %s", outputs, held, head.Outputs, head.Issued, head.Burned)
	case ref.held() != held || ref.issued != head.Issued || ref.burned != head.Burned:
		w.fail("the referee knows of %s, issued %s, burned %s; the state of %s, %s, %s", ref.held(), ref.issued, ref.burned, held, head.Issued, head.Burned)
	}
}

// checkFull: the store of a whole chain ends in the same state, whatever reorganisations it went through.
func (w *world) checkFull(n *node) {
	store := n.full.Store()
	tip := store.Tip().ID()
	if tip != n.tip().ID() || store.StateRoot() != w.court.view(tip).root() {
		w.fail("the store of node %d has another state after block %d", n.id, store.Tip().Branch.Number)
	}
}
