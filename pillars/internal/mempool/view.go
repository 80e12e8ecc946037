package mempool

import (
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/state"
)

// A watched view is the state after the tip that notes which names were asked for.
type watched struct {
	state.View
	asked []state.Key
	seen  map[state.Key]bool
}

// Get returns a record.
func (w *watched) Get(key state.Key) ([]byte, bool) {
	if key.Named() && !w.seen[key] {
		w.seen[key] = true
		w.asked = append(w.asked, key)
	}
	return w.View.Get(key)
}

// forget starts the list anew.
func (w *watched) forget() { w.asked, w.seen = nil, map[state.Key]bool{} }

// A judged transaction is one that would stand in the next block behind what it builds on.
type judged struct {
	state.Verdict
	reads []state.Key
}

// judge judges a transaction on the state after the tip with its ancestors on top: each as it would be mined now, so that
// locks count from heights that are still to come [PIL-MEM-2].
func (p *Pool) judge(tx *pillars.Transaction, over []*Entry, t Tip) (j judged, err error) {
	w := &watched{View: t.View}
	w.forget()
	d := state.NewDraft(w, state.Context{Params: p.params, Parent: t.Branch, Stamp: t.Branch.Stamps[0]})
	for _, e := range over {
		if _, err := d.Add(e.Tx); err != nil {
			return j, err
		}
	}
	w.forget()
	if j.Verdict, err = d.Try(tx); err != nil {
		return j, err
	}
	j.reads = w.asked
	for _, e := range over { // what they wrote was read above the state
		for _, k := range e.names {
			if !w.seen[k] {
				w.seen[k] = true
				j.reads = append(j.reads, k)
			}
		}
	}
	return j, nil
}

// missing are the transactions whose outputs a transaction spends and that are neither known nor waiting. The same id
// stands once.
func (p *Pool) missing(tx *pillars.Transaction, t Tip) (ids []pillars.TxID) {
	at := state.At(t.View, p.params)
	seen := map[pillars.TxID]bool{}
	for i := range tx.Inputs {
		o := tx.Inputs[i].Previous
		if seen[o.Tx] || p.byID[o.Tx] != nil {
			continue
		}
		if _, ok := at.Output(o); !ok {
			seen[o.Tx] = true
			ids = append(ids, o.Tx)
		}
	}
	return ids
}
