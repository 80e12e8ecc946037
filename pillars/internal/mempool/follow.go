package mempool

import (
	"slices"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/state"
)

// A Step is one block that joined our chain or left it.
type Step struct {
	Block *pillars.Block
	Left  bool
	// Changed are the keys of the records that a block which joined changed. They may be nil if another step is one
	// of a block that left.
	Changed []state.Key
}

// floorSteps is in how many blocks what is asked above the least fee falls to about a third.
const floorSteps = 16

// Follow takes what happened to our chain since the last call, in order. The tip is the one after the last step.
// [PIL-MEM-12]
func (p *Pool) Follow(steps []Step, t Tip, now uint32) {
	if slices.ContainsFunc(steps, func(s Step) bool { return s.Left }) {
		p.reorganise(steps, t, now)
	} else {
		p.advance(steps, t)
	}
	var mined []pillars.TxID
	for _, s := range steps {
		if s.Left {
			continue
		}
		p.floor -= (p.floor + floorSteps - 1) / floorSteps
		for _, tx := range s.Block.Transactions {
			if len(p.orphans.all) > 0 {
				mined = append(mined, tx.ID())
			}
		}
	}
	for _, id := range mined {
		if w := p.orphans.byID[id]; w != nil {
			p.orphans.drop(w)
		}
	}
	p.adopt(mined, t, now)
	p.trim()
}

// advance: blocks joined. What they hold goes, what they contradict too, and what rests on names that they
// changed is judged again.
func (p *Pool) advance(steps []Step, t Tip) {
	if len(p.worst) == 0 {
		return
	}
	for _, s := range steps {
		for _, tx := range s.Block.Transactions {
			p.settle(tx)
		}
	}
	var doubted []*Entry
	seen := map[*Entry]bool{}
	for _, s := range steps {
		for _, k := range s.Changed {
			for _, e := range p.reads[k] {
				if !seen[e] {
					seen[e] = true
					doubted = append(doubted, e)
				}
			}
		}
	}
	slices.SortFunc(doubted, bySeq)
	for _, e := range doubted {
		if p.byID[e.ID] == e {
			p.again(e, t)
		}
	}
}

// settle takes a mined transaction out, or what spends the same.
func (p *Pool) settle(tx *pillars.Transaction) {
	id := tx.ID()
	if e := p.byID[id]; e != nil {
		p.remove(e, Mined)
		return
	}
	for i := range tx.Inputs {
		if e := p.spends[tx.Inputs[i].Previous]; e != nil {
			p.drop([]*Entry{e}, reject(Outspent, "by %s", id))
		}
	}
}

// again judges an entry once more, and drops it with all that builds on it if it could not be mined now.
func (p *Pool) again(e *Entry, t Tip) {
	j, err := p.judge(e.Tx, ancestors(e.parents), t)
	if err != nil {
		p.drop([]*Entry{e}, err)
		return
	}
	p.unindex(e)
	e.names, e.reads = j.Names, j.reads
	p.index(e)
}

// reorganise: blocks left. Heights and names went back, so all is taken anew: first what was in the blocks that left, in their
// order, then what waited.
func (p *Pool) reorganise(steps []Step, t Tip, now uint32) {
	var left []*pillars.Transaction
	for _, s := range slices.Backward(steps) { // the last that left is the lowest
		if !s.Left {
			continue
		}
		for _, tx := range s.Block.Transactions {
			if !tx.IsCoinbase() && !tx.IsCoinstake() {
				left = append(left, tx)
			}
		}
	}
	mined := map[pillars.TxID]bool{}
	for _, s := range steps {
		for _, tx := range s.Block.Transactions {
			mined[tx.ID()] = !s.Left
		}
	}
	waited, before := p.All(), p.byID
	p.clear()
	quiet := len(p.events)
	for _, tx := range left {
		if !mined[tx.ID()] {
			_, _, _ = p.admit(tx, t, now, true) // what does not fit any more is gone
		}
	}
	lost := map[pillars.TxID]error{}
	for _, e := range waited {
		id := e.ID
		if mined[id] {
			lost[id] = Mined
			continue
		}
		fresh, _, err := p.admit(e.Tx, t, e.Since, true)
		if err != nil {
			lost[id] = err
			continue
		}
		fresh.Height = e.Height
	}
	p.report(quiet, waited, before, lost)
}

// report puts in place of all that happened during a reorganisation what it came to.
func (p *Pool) report(from int, waited []*Entry, before map[pillars.TxID]*Entry, lost map[pillars.TxID]error) {
	p.events = p.events[:from]
	for _, e := range waited {
		if p.byID[e.ID] == nil {
			p.events = append(p.events, Event{Entry: e, Why: lost[e.ID]})
		}
	}
	for _, e := range p.All() {
		if before[e.ID] == nil {
			p.events = append(p.events, Event{Entry: e, Late: true})
		}
	}
}
