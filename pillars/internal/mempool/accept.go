package mempool

import (
	"fmt"
	"slices"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/state"
	"github.com/asterism-network/asterism/pillars/internal/tree"
)

// Add judges a transaction from a peer, zero for this node itself, and keeps it if it could stand in the next block and
// keeps the policy. With InputsMissing it is held as an orphan if a peer sent it, and missing are the ids that it waits
// for. The error is a Rule, or one of packages pillars, state and script. What was waiting for it comes in with it; see
// Events.
func (p *Pool) Add(tx *pillars.Transaction, from tree.Peer, t Tip, now uint32) (missing []pillars.TxID, err error) {
	e, missing, err := p.admit(tx, t, now, false)
	if len(missing) > 0 && from != 0 {
		if held := p.hold(e, missing, from, now); held != nil {
			err = held
		}
		return missing, err
	}
	if err != nil {
		return nil, err
	}
	p.trim()
	p.adopt([]pillars.TxID{e.ID}, t, now)
	if p.byID[e.ID] != e {
		return nil, reject(PoolFull, "%s for 1,000 bytes is asked now", p.MinFee())
	}
	return nil, nil
}

// admit takes a transaction through all rules, those that cost least first, scripts last. One that is trusted was here or
// in a block before: its fee and scripts are not asked again, and it replaces nothing.
func (p *Pool) admit(tx *pillars.Transaction, t Tip, now uint32, trusted bool) (e *Entry, missing []pillars.TxID, err error) {
	e = &Entry{Tx: tx, ID: tx.ID(), Leaf: tx.Leaf(), Size: tx.Size(), Since: now, Height: t.Branch.Number}
	if p.byID[e.ID] != nil {
		return e, nil, reject(AlreadyKnown, "%s", e.ID)
	}
	if tx.IsCoinbase() || tx.IsCoinstake() {
		return e, nil, fmt.Errorf("%w: %s", state.OnlyInBlocks, e.ID)
	}
	if !trusted {
		if err := tx.Check(p.params); err != nil {
			return e, nil, err
		}
		if err := p.checkForm(tx, e.Size); err != nil {
			return e, nil, err
		}
	}
	c := p.conflicts(tx)
	if err := c.allowed(trusted); err != nil {
		return e, nil, err
	}
	parents := p.parents(tx)
	over := ancestors(parents)
	if err := p.checkAncestors(e, over, &c); err != nil {
		return e, nil, err
	}
	if err := c.newInputs(parents); err != nil {
		return e, nil, err
	}
	if missing = p.missing(tx, t); len(missing) > 0 {
		return e, missing, reject(InputsMissing, "%s", missing[0])
	}
	j, err := p.judge(tx, over, t)
	if err != nil {
		return e, nil, err
	}
	e.Fee, e.SigOps, e.names, e.reads = j.Fee, j.SigOps, j.Names, j.reads
	e.signals = signals(tx) || slices.ContainsFunc(over, func(a *Entry) bool { return a.signals })
	if err := p.checkNames(e, over, &c); err != nil {
		return e, nil, err
	}
	if !trusted {
		if err := p.checkPolicy(e, &c); err != nil {
			return e, nil, err
		}
		if err := p.scripts(j.Scripts); err != nil {
			return e, nil, err
		}
	}
	p.drop(c.direct, reject(Replaced, "by %s", e.ID))
	p.insert(e, parents)
	p.events = append(p.events, Event{Entry: e, Late: trusted})
	return e, nil, nil
}

// Check judges a transaction as Add does, its place in the pool and the policy of fees apart, and keeps nothing.
func (p *Pool) Check(tx *pillars.Transaction, t Tip) (state.Verdict, error) {
	if err := tx.Check(p.params); err != nil {
		return state.Verdict{}, err
	}
	j, err := p.judge(tx, ancestors(p.parents(tx)), t)
	if err != nil {
		return state.Verdict{}, err
	}
	return j.Verdict, p.scripts(j.Scripts)
}

// parents are what waits and is spent from, each once.
func (p *Pool) parents(tx *pillars.Transaction) (all []*Entry) {
	for i := range tx.Inputs {
		if e := p.byID[tx.Inputs[i].Previous.Tx]; e != nil && !slices.Contains(all, e) {
			all = append(all, e)
		}
	}
	return all
}

// checkAncestors bounds packages in both directions [PIL-MEM-7].
func (p *Pool) checkAncestors(e *Entry, over []*Entry, c *conflicts) error {
	up := totals{count: 1, size: e.Size}
	for _, a := range over {
		up.add(a.own())
		if slices.Contains(c.doomed, a) {
			return reject(ReplacementAncestor, "%s", a.ID)
		}
		down := a.down
		for _, d := range c.doomed {
			if slices.Contains(ancestors([]*Entry{d}), a) {
				down.sub(d.own())
			}
		}
		if down.count+1 > p.limits.Descendants || down.size+e.Size > p.limits.DescendantBytes {
			return reject(DescendantsTooMany, "%d of %d bytes on %s", down.count+1, down.size+e.Size, a.ID)
		}
	}
	if up.count > p.limits.Ancestors || up.size > p.limits.AncestorBytes {
		return reject(AncestorsTooMany, "%d of %d bytes", up.count, up.size)
	}
	return nil
}

// checkNames: what takes a name builds on whatever took it before, or waits until that is mined [PIL-MEM-8].
func (p *Pool) checkNames(e *Entry, over []*Entry, c *conflicts) error {
	for _, k := range e.names {
		for _, other := range p.names[k] {
			if !slices.Contains(over, other) && !slices.Contains(c.doomed, other) {
				return reject(NameTaken, "%q by %s", string(k[1:]), other.ID)
			}
		}
	}
	return nil
}

// checkPolicy judges signatures and fees.
func (p *Pool) checkPolicy(e *Entry, c *conflicts) error {
	if most := int(p.params.Limits.SigOps) / sigOpsPart; e.SigOps > most {
		return reject(SigOpsHeavy, "%d, at most %d are relayed", e.SigOps, most)
	}
	size := feeSize(e.Tx, e.Size)
	if least := feeFor(p.MinFee(), size); e.Fee < least {
		return reject(FeeBelowFloor, "%s for %d bytes, least is %s", e.Fee, size, least)
	}
	return c.paid(e, feeFor(p.limits.RelayFee, size))
}
