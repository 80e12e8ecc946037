package mempool

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/chaintest"
	"github.com/asterism-network/asterism/pillars/internal/state"
	"github.com/asterism-network/asterism/pillars/internal/tree"
	"github.com/asterism-network/asterism/pillars/script"
)

const fee = 20_000

// TestRules breaks one thing at a time, and counts that every rule has a case.
func TestRules(t *testing.T) {
	seen := map[Rule]bool{}
	for _, tt := range []struct {
		name   string
		limits Limits
		broken func(d *desk) error
		want   Rule
	}{
		{"the same again", Limits{}, func(d *desk) error {
			tx := d.pay(0, fee)
			d.add(tx)
			return d.give(tx)
		}, AlreadyKnown},
		{"spends nothing known", Limits{}, func(d *desk) error {
			return d.give(d.spend(pillars.Outpoint{Tx: pillars.TxID{9}}, free, fee, 1))
		}, InputsMissing},
		{"too large", Limits{Size: 300}, func(d *desk) error { return d.give(d.spend(d.free[0], free, fee, 9)) }, SizeTooLarge},
		{"too many signatures", Limits{}, func(d *desk) error {
			d.Params.Limits.SigOps = 9
			return d.give(d.spend(d.free[0], free, fee, 3))
		}, SigOpsHeavy},
		{"dust", Limits{}, func(d *desk) error { return d.give(d.Pay(d.free[:1], free-fee-500, 500)) }, Dust},
		{"too little for its size", Limits{RelayFee: 100_000}, func(d *desk) error { return d.give(d.pay(0, 10_000)) }, FeeBelowFloor},
		{"spent by another", Limits{}, func(d *desk) error {
			d.add(d.pay(0, fee))
			return d.give(d.pay(0, 9*fee))
		}, Conflict},
		{"replaces what it spends", Limits{}, func(d *desk) error {
			first := d.open(d.pay(0, fee))
			d.add(first)
			return d.give(d.Pay([]pillars.Outpoint{d.free[0], out(first, 0)}, free))
		}, ReplacementAncestor},
		{"replaces, and spends more that waits", Limits{}, func(d *desk) error {
			other := d.pay(1, fee)
			d.add(other)
			d.add(d.open(d.pay(0, fee)))
			return d.give(d.Pay([]pillars.Outpoint{d.free[0], out(other, 0)}, free))
		}, ReplacementNewInput},
		{"replaces for too little", Limits{}, func(d *desk) error {
			d.add(d.open(d.pay(0, fee)))
			return d.give(d.pay(0, fee+1))
		}, ReplacementFee},
		{"replaces too many", Limits{Replaced: 1}, func(d *desk) error {
			first := d.open(d.pay(0, fee))
			d.add(first)
			d.add(d.spend(out(first, 0), free-fee, fee, 1))
			return d.give(d.pay(0, 9*fee))
		}, ReplacementTooMany},
		{"builds on too many", Limits{Ancestors: 2}, func(d *desk) error {
			return d.give(d.chain(2))
		}, AncestorsTooMany},
		{"too many build on one", Limits{Descendants: 2}, func(d *desk) error {
			first := d.spend(d.free[0], free, fee, 2)
			d.add(first)
			d.add(d.spend(out(first, 0), free/2-fee, fee, 1))
			return d.give(d.spend(out(first, 1), free/2-fee, fee, 1))
		}, DescendantsTooMany},
		{"a name that another takes", Limits{}, func(d *desk) error {
			d.add(d.register("somebody", 0))
			return d.give(d.register("somebody", 1))
		}, NameTaken},
		{"others pay more", Limits{Bytes: 2 * 2600}, func(d *desk) error {
			d.add(d.pay(0, 3*fee))
			d.add(d.pay(1, 3*fee))
			return d.give(d.pay(2, fee))
		}, PoolFull},
		{"too many orphans of one peer", Limits{PeerOrphans: 1}, func(d *desk) error {
			for i := range byte(2) {
				tx := d.spend(pillars.Outpoint{Tx: pillars.TxID{9, i}}, free, fee, 1)
				if _, err := d.p.Add(tx, 7, d.at(), d.now); i == 1 {
					return err
				}
			}
			return nil
		}, OrphanNoRoom},
		{"replaced", Limits{}, func(d *desk) error {
			first := d.open(d.pay(0, fee))
			d.add(first)
			d.add(d.pay(0, 9*fee))
			return d.why(first)
		}, Replaced},
		{"waited too long", Limits{Wait: 10}, func(d *desk) error {
			tx := d.pay(0, fee)
			d.add(tx)
			d.p.Expire(d.now + 9)
			if d.p.Len() != 1 {
				return errors.New("given up too early")
			}
			d.p.Expire(d.now + 10)
			return d.why(tx)
		}, Expired},
		{"mined", Limits{}, func(d *desk) error {
			tx := d.pay(0, fee)
			d.add(tx)
			d.mine(tx)
			return d.why(tx)
		}, Mined},
		{"outspent", Limits{}, func(d *desk) error {
			tx := d.pay(0, fee)
			d.add(tx)
			d.mine(d.pay(0, 2*fee))
			return d.why(tx)
		}, Outspent},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.broken(newDesk(t, tt.limits)); !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
		})
		seen[tt.want] = true
	}
	if len(seen) != RuleCount {
		t.Errorf("%d of %d rules have a case", len(seen), RuleCount)
	}
}

func (d *desk) give(tx *pillars.Transaction) error {
	_, err := d.p.Add(tx, 0, d.at(), d.now)
	return err
}

// why is the reason in the last event, which must be that a transaction left.
func (d *desk) why(tx *pillars.Transaction) error {
	for _, e := range d.p.Events() {
		if e.Why != nil && e.Entry.ID == tx.ID() {
			return e.Why
		}
	}
	return errors.New("no event")
}

// chain adds so many transactions that build on each other, and returns the next one.
func (d *desk) chain(n int) *pillars.Transaction {
	at, value := d.free[0], pillars.Amount(free)
	for range n {
		tx := d.spend(at, value, fee, 1)
		d.add(tx)
		at, value = out(tx, 0), value-fee
	}
	return d.spend(at, value, fee, 1)
}

// register makes the registration of an avatar at the owner's address.
func (d *desk) register(symbol string, i int) *pillars.Transaction {
	tx := d.Pay(d.free[i:i+1], free-d.Params.Fees.Avatar, 0)
	tx.Outputs[1].Attachment.Payload = pillars.Avatar{Status: pillars.StatusRegister, Symbol: symbol, Address: d.Owner.Text(d.Params.Address)}
	d.Sign(tx)
	return tx
}

// TestRulesOfBlocks: what a block would refuse is refused here under the same name, with what waits on top.
func TestRulesOfBlocks(t *testing.T) {
	d := newDesk(t, Limits{})
	first := d.add(d.pay(0, fee))
	if first.Fee != fee || first.Size != first.Tx.Size() || first.Height != 1 {
		t.Errorf("%+v", first)
	}
	tooMuch := d.Pay([]pillars.Outpoint{out(first.Tx, 0)}, free)
	d.refuse(tooMuch, state.ValueCreated)
	forged := d.pay(1, fee)
	forged.Inputs[0].Script[5] ^= 1
	d.refuse(forged, script.NullFailBroken)
	twice := d.Pay([]pillars.Outpoint{d.free[1], d.free[1]}, free)
	d.refuse(twice, pillars.InputRepeated)
	late := d.pay(1, fee)
	late.LockTime, late.Inputs[0].Sequence = 3, 0
	d.Sign(late)
	d.refuse(late, state.LockTimeAhead) // never in block 2
	d.mine()
	d.refuse(late, state.LockTimeAhead)
	d.mine()
	d.add(late)
	d.refuse(d.spend(out(first.Tx, 5), free, fee, 1), state.OutputUnknown) // not an orphan: its parent is here
	coinbase := d.tip.Block.Transactions[0]
	d.refuse(coinbase, state.OnlyInBlocks)
}

// TestRelativeLockCountsFromTheBlockToCome: what waits makes outputs of the next block, whenever it came.
func TestRelativeLockCountsFromTheBlockToCome(t *testing.T) {
	d := newDesk(t, Limits{})
	first := d.add(d.pay(0, fee))
	locked := d.spend(out(first.Tx, 0), free-fee, fee, 1)
	locked.Inputs[0].Sequence = 1
	d.Sign(locked)
	for range 3 {
		d.refuse(locked, state.RelativeLockAhead)
		d.mine()
	}
	d.mine(first.Tx)
	d.add(locked)
}

// TestSelect takes packages by what they pay together.
func TestSelect(t *testing.T) {
	d := newDesk(t, Limits{})
	poor := d.spend(d.free[0], free, 10_000, 1)
	child := d.spend(out(poor, 0), free-10_000, 200_000, 1)
	middle := d.pay(1, 50_000)
	rich := d.pay(2, 300_000)
	for _, tx := range []*pillars.Transaction{poor, middle, child, rich} {
		d.add(tx)
	}
	want := []*pillars.Transaction{rich, poor, child, middle}
	got := d.p.Select(1_000_000, 20_000)
	if len(got) != len(want) {
		t.Fatalf("%d chosen", len(got))
	}
	for i := range want {
		if got[i].Tx != want[i] {
			t.Errorf("place %d: %s", i, got[i].ID.Short())
		}
	}
	if got := d.p.Select(rich.Size()+child.Size(), 20_000); len(got) != 2 || got[0].Tx != rich || got[1].Tx != middle {
		t.Errorf("in a small block: %d chosen", len(got))
	}
	if got := d.p.Select(1_000_000, got[0].SigOps); len(got) != 1 || got[0].Tx != rich {
		t.Errorf("with few signatures: %d chosen", len(got))
	}
}

// TestNamesGoAlone: what reads a name is not put behind what changes it.
func TestNamesGoAlone(t *testing.T) {
	d := newDesk(t, Limits{})
	reg := d.register("somebody", 0)
	d.add(reg)
	to := d.pay(1, fee)
	to.Outputs[0].Attachment.Version, to.Outputs[0].Attachment.To = pillars.AttachmentAvatars, "somebody"
	d.Sign(to)
	d.refuse(to, state.ToAvatarWrong) // not before it is mined
	d.mine(reg)
	e := d.add(to)
	if len(e.reads) == 0 {
		t.Error("no name is noted")
	}
}

// TestFloor: when others had to go, those who come must pay more, and less again with each block.
func TestFloor(t *testing.T) {
	d := newDesk(t, Limits{Bytes: 3 * 2600})
	for i := range 4 {
		d.add(d.pay(i, pillars.Amount(i+1)*fee))
	}
	s := d.p.Sizes()
	if s.Entries != 3 || s.MinFee <= fee*1000/200 {
		t.Fatalf("%+v", s)
	}
	d.refuse(d.pay(5, fee), FeeBelowFloor)
	for range 100 {
		d.mine()
	}
	if m := d.p.MinFee(); m != d.p.limits.RelayFee {
		t.Errorf("%s after 100 blocks", m)
	}
}

// TestOrphans come in when their parents do, and are bounded by peer and for all.
func TestOrphans(t *testing.T) {
	d := newDesk(t, Limits{Orphans: 4, PeerOrphans: 3})
	parent := d.pay(0, fee)
	child := d.spend(out(parent, 0), free-fee, fee, 1)
	grand := d.spend(out(child, 0), free-2*fee, fee, 1)
	for _, tx := range []*pillars.Transaction{grand, child} {
		if missing, err := d.p.Add(tx, 7, d.at(), d.now); !errors.Is(err, InputsMissing) || len(missing) != 1 {
			t.Fatal(err, missing)
		}
	}
	d.add(parent)
	if d.p.Len() != 3 || d.p.Sizes().Orphans != 0 {
		t.Fatalf("%+v", d.p.Sizes())
	}
	strange := func(peer tree.Peer, n byte) error {
		_, err := d.p.Add(d.spend(pillars.Outpoint{Tx: pillars.TxID{byte(peer), n}}, free, fee, 1), peer, d.at(), d.now)
		return err
	}
	for n := range byte(3) {
		if err := strange(1, n); !errors.Is(err, InputsMissing) {
			t.Fatal(err)
		}
	}
	if err := strange(1, 3); !errors.Is(err, OrphanNoRoom) {
		t.Error(err)
	}
	for n := range byte(2) { // the flooder gives way
		if err := strange(2, n); !errors.Is(err, InputsMissing) {
			t.Error(err)
		}
	}
	if s := d.p.Sizes(); s.Orphans != 4 {
		t.Errorf("%+v", s)
	}
	d.p.Gone(1)
	if s := d.p.Sizes(); s.Orphans != 2 {
		t.Errorf("%+v after a peer left", s)
	}
	d.p.Expire(d.now + d.p.limits.OrphanWait)
	if s := d.p.Sizes(); s.Orphans != 0 || s.OrphanBytes != 0 || len(d.p.orphans.waiting) != 0 {
		t.Errorf("%+v after their time", s)
	}
}

// TestReorganisation brings back what blocks held, with what built on it.
func TestReorganisation(t *testing.T) {
	d := newDesk(t, Limits{})
	start := d.tip
	parent := d.pay(0, fee)
	child := d.spend(out(parent, 0), free-fee, fee, 1)
	other := d.pay(1, fee)
	gone := d.pay(2, fee)
	d.add(parent)
	d.add(child)
	one := d.mine(parent)
	two := d.mine(other, gone)
	if d.p.Len() != 1 {
		t.Fatalf("%d wait", d.p.Len())
	}
	d.p.Events()
	rival := d.pay(2, 3*fee)
	a := d.MineWith(start, 3, rival)
	b := d.MineWith(a, 3)
	c := d.MineWith(b, 3)
	d.follow(c, Step{Block: two.Block, Left: true}, Step{Block: one.Block, Left: true},
		Step{Block: a.Block}, Step{Block: b.Block}, Step{Block: c.Block})
	all := d.p.All()
	if len(all) != 3 || all[0].Tx != parent || all[1].Tx != other || all[2].Tx != child {
		t.Fatalf("%d wait", len(all))
	}
	back := 0
	for _, e := range d.p.Events() {
		if e.Why != nil || !e.Late {
			t.Errorf("%s: %v", e.Entry.ID.Short(), e.Why)
		}
		back++
	}
	if back != 2 {
		t.Errorf("%d came back", back)
	}
}

// TestRandom gives payments of any shape, blocks and reorganisations; after each the sums of the pool hold and what it
// selects is valid.
func TestRandom(t *testing.T) {
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 2))
		d := newDesk(t, Limits{Bytes: 40 * 2600, Ancestors: 6, Descendants: 5})
		type coin struct {
			at    pillars.Outpoint
			value pillars.Amount
		}
		var coins []coin
		for _, o := range d.free {
			coins = append(coins, coin{o, free})
		}
		taken := 0
		for range 200 {
			switch n := r.IntN(20); {
			case n == 0:
				var txs []*pillars.Transaction
				for _, e := range d.p.Select(2000, 20_000) {
					txs = append(txs, e.Tx)
				}
				d.mine(txs...)
			case n == 1 && d.tip.Parent.Parent != nil:
				old := d.tip
				l := d.MineWith(old.Parent, 3)
				d.follow(l, Step{Block: old.Block, Left: true}, Step{Block: l.Block})
			default:
				from := coins[r.IntN(len(coins))]
				fee := pillars.Amount(10_000 + r.IntN(100_000))
				outputs := 1 + r.IntN(3)
				if from.value < 4*fee {
					continue
				}
				tx := d.spend(from.at, from.value, fee, outputs)
				if r.IntN(2) == 0 {
					d.open(tx)
				}
				if _, err := d.p.Add(tx, 0, d.at(), d.now); err == nil {
					taken++
				}
				for i := range tx.Outputs {
					coins = append(coins, coin{out(tx, uint32(i)), tx.Outputs[i].Value})
				}
			}
			d.check()
		}
		if taken < 20 {
			t.Errorf("seed %d: only %d were taken", seed, taken)
		}
	}
}

// TestFollowsWork: the pool's owner may follow blocks with an empty pool without a look at the state.
func TestFollowsWork(t *testing.T) {
	m := chaintest.New(3)
	p := New(&m.Params, nil, Limits{})
	p.Follow([]Step{{Block: m.Mine(m.Genesis(), 1, 0).Block}}, Tip{}, 0)
	if len(p.Events()) != 0 {
		t.Error("an event out of nothing")
	}
}
