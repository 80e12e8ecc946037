// Package mempool keeps transactions that wait for a block: those that could stand in the next one, on top of the state
// after our tip and of each other. It says which of them a block should take, and gives way when there are too many.
//
// It is pure: no clock, no disk, no goroutine; what it holds is bounded, whatever peers send. What a block may hold is
// judged by package state; what is here besides is policy, numbered in docs/spec/pillars-network.md.
package mempool

import (
	"container/heap"
	"slices"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
	"github.com/asterism-network/asterism/pillars/internal/state"
)

// A Tip is where our chain ends: all that a waiting transaction is judged by.
type Tip struct {
	View   state.View        // the state after the last block
	Branch *consensus.Branch // that ends in it
}

// Scripts runs the scripts of one transaction under the policy of what is relayed, and may use several
// processors for it.
type Scripts func(state.Scripts) error

// A Pool is one node's waiting transactions. One goroutine owns it. All calls after a change of our chain must come after
// Follow was told of it.
type Pool struct {
	params  *pillars.Params
	limits  Limits
	scripts Scripts

	byID    map[pillars.TxID]*Entry
	byLeaf  map[pillars.Hash]*Entry
	spends  map[pillars.Outpoint]*Entry
	names   map[state.Key][]*Entry // who takes a name: one chain of entries
	reads   map[state.Key][]*Entry // who was judged by it
	worst   worst
	bytes   int // charged
	seq     uint64
	floor   pillars.Amount // for 1,000 bytes, what it costs to get in after others had to go
	orphans orphans
	events  []Event
}

// An Event is something that happened to a transaction, in the order in which things happened.
type Event struct {
	Entry *Entry
	Why   error // why it is not here any more; nil: it is here now
	Late  bool  // it is here now and was held as an orphan before, or came back from a block
}

// New returns an empty pool. Without scripts they are verified one after the other.
func New(p *pillars.Params, scripts Scripts, l Limits) *Pool {
	if scripts == nil {
		scripts = verifyScripts
	}
	pool := &Pool{params: p, limits: l.filled(), scripts: scripts, orphans: newOrphans()}
	pool.clear()
	return pool
}

func (p *Pool) clear() {
	p.byID, p.byLeaf = map[pillars.TxID]*Entry{}, map[pillars.Hash]*Entry{}
	p.spends = map[pillars.Outpoint]*Entry{}
	p.names, p.reads = map[state.Key][]*Entry{}, map[state.Key][]*Entry{}
	p.worst, p.bytes = nil, 0
}

// Get returns a waiting transaction.
func (p *Pool) Get(id pillars.TxID) (*Entry, bool) {
	e, ok := p.byID[id]
	return e, ok
}

// ByLeaf returns a waiting transaction by the hash of all its bytes.
func (p *Pool) ByLeaf(leaf pillars.Hash) (*Entry, bool) {
	e, ok := p.byLeaf[leaf]
	return e, ok
}

// Spender returns which waiting transaction spends an output.
func (p *Pool) Spender(o pillars.Outpoint) (*Entry, bool) {
	e, ok := p.spends[o]
	return e, ok
}

// Len is how many wait.
func (p *Pool) Len() int { return len(p.worst) }

// All returns what waits in the order of arrival, ancestors first.
func (p *Pool) All() []*Entry {
	all := slices.Clone([]*Entry(p.worst))
	slices.SortFunc(all, bySeq)
	return all
}

// Each calls with all that waits, in no order.
func (p *Pool) Each(with func(*Entry)) {
	for _, e := range p.worst {
		with(e)
	}
}

// Events returns what happened since the last call.
func (p *Pool) Events() []Event {
	e := p.events
	p.events = nil
	return e
}

// Sizes are what the pool holds, for metrics and for tests of the bounds.
type Sizes struct {
	Entries, Cost        int // Cost is the memory charged
	Bytes                int // of all transactions
	Fees                 pillars.Amount
	Orphans, OrphanBytes int
	MinFee               pillars.Amount // for 1,000 bytes, what is asked now
}

// Sizes counts.
func (p *Pool) Sizes() Sizes {
	s := Sizes{Entries: len(p.worst), Cost: p.bytes, Orphans: len(p.orphans.all), OrphanBytes: p.orphans.bytes, MinFee: p.MinFee()}
	for _, e := range p.worst {
		s.Bytes += e.Size
		s.Fees += e.Fee
	}
	return s
}

// MinFee is what 1,000 bytes must pay now to be kept [PIL-MEM-5].
func (p *Pool) MinFee() pillars.Amount { return max(p.limits.RelayFee, p.floor) }

// An Info describes a waiting transaction at one moment.
type Info struct {
	*Entry
	Ancestors, Descendants       int // itself counted
	AncestorSize, DescendantSize int
	AncestorFees, DescendantFees pillars.Amount
	Replaceable                  bool
	Depends                      []pillars.TxID // that wait and that it spends from
}

// Describe returns what is known of an entry that waits.
func (p *Pool) Describe(e *Entry) Info {
	i := Info{
		Entry: e, Ancestors: e.up.count, Descendants: e.down.count, AncestorSize: e.up.size, DescendantSize: e.down.size,
		AncestorFees: e.up.fee, DescendantFees: e.down.fee, Replaceable: e.signals,
	}
	for _, parent := range e.parents {
		i.Depends = append(i.Depends, parent.ID)
	}
	return i
}

// insert links an entry that passed all rules.
func (p *Pool) insert(e *Entry, parents []*Entry) {
	p.seq++
	e.seq, e.parents = p.seq, parents
	e.up, e.down = totals{}, e.own()
	for _, parent := range parents {
		parent.next = append(parent.next, e)
	}
	for _, a := range ancestors([]*Entry{e}) {
		e.up.add(a.own())
		if a != e {
			a.down.add(e.own())
			heap.Fix(&p.worst, a.at)
		}
	}
	p.byID[e.ID], p.byLeaf[e.Leaf] = e, e
	for i := range e.Tx.Inputs {
		p.spends[e.Tx.Inputs[i].Previous] = e
	}
	p.index(e)
	heap.Push(&p.worst, e)
	p.bytes += e.cost()
}

func (p *Pool) index(e *Entry) {
	for _, k := range e.names {
		p.names[k] = append(p.names[k], e)
	}
	for _, k := range e.reads {
		p.reads[k] = append(p.reads[k], e)
	}
}

func (p *Pool) unindex(e *Entry) {
	for _, k := range e.names {
		drop(p.names, k, e)
	}
	for _, k := range e.reads {
		drop(p.reads, k, e)
	}
}

func drop(from map[state.Key][]*Entry, k state.Key, e *Entry) {
	if rest := without(from[k], e); len(rest) > 0 {
		from[k] = rest
	} else {
		delete(from, k)
	}
}

func without(all []*Entry, e *Entry) []*Entry {
	return slices.DeleteFunc(all, func(o *Entry) bool { return o == e })
}

// remove unlinks one entry; what builds on it stays and builds on the chain then.
func (p *Pool) remove(e *Entry, why error) {
	for _, a := range ancestors([]*Entry{e}) {
		if a != e {
			a.down.sub(e.own())
			heap.Fix(&p.worst, a.at)
		}
	}
	for _, d := range descendants([]*Entry{e}) {
		if d != e {
			d.up.sub(e.own())
		}
	}
	for _, parent := range e.parents {
		parent.next = without(parent.next, e)
	}
	for _, child := range e.next {
		child.parents = without(child.parents, e)
	}
	delete(p.byID, e.ID)
	delete(p.byLeaf, e.Leaf)
	for i := range e.Tx.Inputs {
		delete(p.spends, e.Tx.Inputs[i].Previous)
	}
	p.unindex(e)
	heap.Remove(&p.worst, e.at)
	p.bytes -= e.cost()
	p.events = append(p.events, Event{Entry: e, Why: why})
}

// drop removes entries with all that builds on them, the youngest first.
func (p *Pool) drop(of []*Entry, why error) {
	for _, e := range slices.Backward(descendants(of)) {
		p.remove(e, why)
	}
}

// maxFloor keeps products of the floor and sizes far from their bounds.
const maxFloor = 1000 * pillars.ETP

// trim lets the least worth go until the rest fits, and asks more of who comes next [PIL-MEM-9].
func (p *Pool) trim() {
	for p.bytes > p.limits.Bytes {
		least := p.worst[0]
		p.floor = min(max(p.floor, least.worth().perKilo()+p.limits.RelayFee), maxFloor)
		p.drop([]*Entry{least}, reject(PoolFull, "%s for 1,000 bytes is asked now", p.floor))
	}
}

// Expire gives up what waited too long [PIL-MEM-10] [PIL-MEM-11].
func (p *Pool) Expire(now uint32) {
	var old []*Entry
	for _, e := range p.worst {
		if uint64(e.Since)+uint64(p.limits.Wait) <= uint64(now) {
			old = append(old, e)
		}
	}
	p.drop(old, reject(Expired, "after %d seconds", p.limits.Wait))
	p.orphans.expire(now)
}
