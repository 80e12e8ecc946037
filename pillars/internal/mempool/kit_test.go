package mempool

import (
	"errors"
	"testing"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/chaintest"
	"github.com/asterism-network/asterism/pillars/internal/state"
)

const free = 50_000 * pillars.ETP // what each of the maker's free outputs holds

// A desk is a pool on a chain in memory, with one owner of all coins.
type desk struct {
	*chaintest.Maker
	t    testing.TB
	p    *Pool
	tip  *chaintest.Link
	now  uint32
	free []pillars.Outpoint
}

func newDesk(t testing.TB, l Limits) *desk {
	m := chaintest.New(1)
	d := &desk{Maker: m, t: t, p: New(&m.Params, nil, l), now: 1_700_100_000, free: m.Free()}
	d.tip = m.Mine(m.Genesis(), 2, 0) // locks a stake
	return d
}

func (d *desk) at() Tip { return Tip{d.tip.State, &d.tip.Branch} }

// spend makes a payment with a fee, of one output of a value, to so many equal outputs.
func (d *desk) spend(from pillars.Outpoint, value, fee pillars.Amount, outputs int) *pillars.Transaction {
	values := make([]pillars.Amount, outputs)
	for i := range values {
		values[i] = (value - fee) / pillars.Amount(outputs)
	}
	values[0] += (value - fee) % pillars.Amount(outputs)
	return d.Pay([]pillars.Outpoint{from}, values...)
}

// pay spends a free output.
func (d *desk) pay(i int, fee pillars.Amount) *pillars.Transaction {
	return d.spend(d.free[i], free, fee, 1)
}

// open makes a transaction that may be replaced.
func (d *desk) open(tx *pillars.Transaction) *pillars.Transaction {
	for i := range tx.Inputs {
		tx.Inputs[i].Sequence = 0xfffffffd | 1<<31
	}
	d.Sign(tx)
	return tx
}

func out(tx *pillars.Transaction, i uint32) pillars.Outpoint {
	return pillars.Outpoint{Tx: tx.ID(), Index: i}
}

// add gives a transaction that must be taken.
func (d *desk) add(tx *pillars.Transaction) *Entry {
	d.t.Helper()
	if _, err := d.p.Add(tx, 0, d.at(), d.now); err != nil {
		d.t.Fatal(err)
	}
	d.check()
	e, _ := d.p.Get(tx.ID())
	return e
}

// refuse gives a transaction that must be refused for one reason.
func (d *desk) refuse(tx *pillars.Transaction, want error) {
	d.t.Helper()
	if _, err := d.p.Add(tx, 0, d.at(), d.now); !errors.Is(err, want) {
		d.t.Fatalf("got %v, want %v", err, want)
	}
	d.check()
}

// follow moves to another tip.
func (d *desk) follow(to *chaintest.Link, steps ...Step) {
	d.tip = to
	d.p.Follow(steps, d.at(), d.now)
	d.check()
}

// mine makes a block with transactions, and follows it.
func (d *desk) mine(txs ...*pillars.Transaction) *chaintest.Link {
	l := d.MineWith(d.tip, 2, txs...)
	d.follow(l, joined(l))
	return l
}

func joined(l *chaintest.Link) Step {
	diff, err := state.Apply(l.Parent.State, l.Block, state.Context{Params: paramsOf(l), Parent: &l.Parent.Branch, Stamp: l.Block.Timestamp})
	if err != nil {
		panic(err)
	}
	s := Step{Block: l.Block}
	for _, c := range diff.Changes {
		s.Changed = append(s.Changed, c.Key)
	}
	return s
}

var testParams = chaintest.New(1).Params

func paramsOf(*chaintest.Link) *pillars.Params { return &testParams }

// check holds the pool to its own sums, and what it selects to what a block would say.
func (d *desk) check() {
	d.t.Helper()
	cost := 0
	for i, e := range d.p.worst {
		var up, down totals
		for _, a := range ancestors([]*Entry{e}) {
			up.add(a.own())
		}
		for _, c := range descendants([]*Entry{e}) {
			down.add(c.own())
		}
		if e.at != i || e.up != up || e.down != down {
			d.t.Fatalf("%s at %d (%d): up %+v want %+v, down %+v want %+v", e.ID.Short(), e.at, i, e.up, up, e.down, down)
		}
		if d.p.byID[e.ID] != e || d.p.byLeaf[e.Leaf] != e {
			d.t.Fatal("not found by its names")
		}
		for j := range e.Tx.Inputs {
			if d.p.spends[e.Tx.Inputs[j].Previous] != e {
				d.t.Fatal("its input is not taken")
			}
		}
		if i > 0 && d.p.worst.Less(i, (i-1)/2) {
			d.t.Fatal("the heap is in disorder")
		}
		cost += e.cost()
	}
	if cost != d.p.bytes || cost > d.p.limits.Bytes || len(d.p.byID) != len(d.p.worst) {
		d.t.Fatalf("%d charged, want %d of %d; %d by id of %d", d.p.bytes, cost, d.p.limits.Bytes, len(d.p.byID), len(d.p.worst))
	}
	d.valid(d.p.Select(1<<30, int(d.Params.Limits.SigOps)))
}

// valid gives a selection to a block in the making.
func (d *desk) valid(chosen []*Entry) {
	d.t.Helper()
	draft := state.NewDraft(d.tip.State, state.Context{Params: &d.Params, Parent: &d.tip.Branch})
	for i, e := range chosen {
		if _, err := draft.Add(e.Tx); err != nil {
			d.t.Fatalf("entry %d of a selection, %s: %v", i, e.ID, err)
		}
	}
}
