package chain

import (
	"errors"
	"flag"
	"testing"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/chaintest"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
	"github.com/asterism-network/asterism/pillars/internal/pos"
	"github.com/asterism-network/asterism/pillars/internal/state"
	"github.com/asterism-network/asterism/pillars/internal/store"
	"github.com/asterism-network/asterism/pillars/internal/tree"
)

var (
	firstSeed = flag.Uint64("first", 1, "first seed of the random tests")
	seeds     = flag.Uint64("seeds", 8, "number of seeds")
)

// noWork takes every header's seal for good.
type noWork struct{}

func (noWork) Verify(h []*pillars.Header) (int, error) { return len(h), nil }

// A desk is a chain in a folder in memory, and a maker of blocks for it.
type desk struct {
	*chaintest.Maker
	t   testing.TB
	o   Options
	c   *Chain
	now uint32
}

const dir = "/node/chain"

func newDesk(t testing.TB, seed uint64, fs kv.FS) *desk {
	return deskOf(t, chaintest.New(seed), 12, fs)
}

// deskOf makes a chain with a finality depth: random trees ask for one that no fork is below.
func deskOf(t testing.TB, m *chaintest.Maker, finality uint32, fs kv.FS) *desk {
	m.Params.Finality = finality
	d := &desk{Maker: m, t: t, o: Options{Workers: 2, Store: store.Options{FS: fs, Engine: kv.Plain}}}
	d.now = d.Params.Genesis.Timestamp + 100_000
	if err := Create(dir, &d.Params, d.o); err != nil {
		t.Fatal(err)
	}
	d.open()
	return d
}

func (d *desk) open() {
	d.t.Helper()
	var err error
	if d.c, err = open(dir, &d.Params, noWork{}, d.o); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) close() {
	d.t.Helper()
	if err := d.c.Close(); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) give(from tree.Peer, l *chaintest.Link) Result {
	d.t.Helper()
	r, err := d.c.Block(from, l.Block, d.now)
	if err != nil {
		d.t.Fatal(err)
	}
	return r
}

// tipIs compares tip and state with what straight application gave.
func (d *desk) tipIs(l *chaintest.Link) {
	d.t.Helper()
	if got := d.c.Store().Tip(); got.ID() != l.Branch.ID || got.Branch != l.Branch {
		d.t.Fatalf("tip is %d %s, want %d %s", got.Branch.Number, got.ID().Short(), l.Branch.Number, l.Branch.ID.Short())
	}
	d.sameState(l)
}

func (d *desk) sameState(l *chaintest.Link) {
	d.t.Helper()
	if d.c.Store().StateRoot() != l.State.Root() {
		d.t.Fatalf("the hash of the state after %d is another", l.Branch.Number)
	}
	view := d.c.Store().View()
	keys := l.State.Keys()
	n := 0
	view.Under("", func(key state.Key, value []byte) bool {
		if want, ok := l.State.Get(key); !ok || string(want) != string(value) {
			d.t.Fatalf("record %x is %x, want %x", string(key), value, want)
		}
		n++
		return true
	})
	if n != len(keys) {
		d.t.Fatalf("%d records, want %d", n, len(keys))
	}
}

// TestReorganisations gives random trees in random order; after each block the state is that of straight application
// of the tip's branch, and at the end the tip is the heaviest block.
func TestReorganisations(t *testing.T) {
	reorgs := 0
	for seed := *firstSeed; seed < *firstSeed+*seeds; seed++ {
		d := deskOf(t, chaintest.New(seed), 60, kv.Memory())
		genesis := d.Genesis()
		d.tipIs(genesis)
		all := d.Tree(genesis, 40, 6)
		byID := map[pillars.BlockID]*chaintest.Link{genesis.Branch.ID: genesis}
		heaviest := genesis
		for _, l := range all {
			byID[l.Branch.ID] = l
			if l.Branch.Heavier(&heaviest.Branch) {
				heaviest = l
			}
		}
		follow := genesis.Branch.ID
		for _, i := range d.disorder(len(all)) {
			r := d.give(1, all[i])
			if r.Rule != nil {
				t.Fatalf("seed %d: block %d: %v", seed, all[i].Branch.Number, r.Rule)
			}
			follow, reorgs = d.follow(follow, r.Events, reorgs)
			tip := d.c.Store().Tip()
			if follow != tip.ID() {
				t.Fatalf("seed %d: events lead elsewhere", seed)
			}
			d.sameState(byID[tip.ID()])
		}
		if tip := d.c.Tip(); tip.Weight != heaviest.Branch.Weight {
			t.Fatalf("seed %d: the tip weighs %s, the heaviest block %s", seed, tip.Weight.Dec(), heaviest.Branch.Weight.Dec())
		}
		d.indexesAreOf(byID[d.c.Store().Tip().ID()])
		last := byID[d.c.Store().Tip().ID()]
		d.close()
		d.open()
		d.tipIs(last)
		d.close()
	}
	if reorgs < 5 {
		t.Errorf("%d blocks disconnected: this shows little", reorgs)
	}
}

// follow does what a listener does: keeps the chain by events alone.
func (d *desk) follow(tip pillars.BlockID, events []Event, undone int) (pillars.BlockID, int) {
	d.t.Helper()
	for _, e := range events {
		switch e.Kind {
		case Connected:
			if e.Block.Previous != tip {
				d.t.Fatal("connected behind another block than the tip")
			}
			tip = e.ID
		case Disconnected:
			if e.ID != tip || e.Block.ID() != e.ID {
				d.t.Fatal("disconnected another block than the tip")
			}
			tip = e.Block.Previous
			undone++
		}
	}
	return tip, undone
}

// disorder is a random order in which no block comes very much too early.
func (d *desk) disorder(n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	reach := 1 + d.Random.IntN(6)
	for i := range order {
		j := i + d.Random.IntN(min(reach, n-i))
		order[i], order[j] = order[j], order[i]
	}
	return order
}

// indexesAreOf compares the indexes with the blocks of a chain.
func (d *desk) indexesAreOf(tip *chaintest.Link) {
	d.t.Helper()
	s := d.c.Store()
	want := 0
	for l := tip; l != nil; l = l.Parent {
		if id, ok := s.IDAt(l.Branch.Number); !ok || id != l.Branch.ID {
			d.t.Fatalf("height %d is %s", l.Branch.Number, id.Short())
		}
		for i, tx := range l.Block.Transactions {
			at, ok := s.Transaction(tx.ID())
			if !ok || at != (store.Place{Height: l.Branch.Number, Position: uint32(i)}) {
				d.t.Fatalf("transaction of %d at %v, %v", l.Branch.Number, at, ok)
			}
			want++ // every transaction pays the one owner
		}
	}
	got := 0
	last := store.Place{}
	s.History(d.Owner, store.Place{}, func(at store.Place, does byte) bool {
		l := tip
		for l.Branch.Number != at.Height {
			l = l.Parent
		}
		tx := l.Block.Transactions[at.Position]
		if spends := !tx.IsCoinbase(); does&store.Receives == 0 || does&store.Spends != 0 != spends || got > 0 && at == last {
			d.t.Fatalf("at %+v it does %d", at, does)
		}
		last = at
		got++
		return true
	})
	if got != want {
		d.t.Fatalf("%d transactions of the owner, want %d", got, want)
	}
	if _, ok := s.IDAt(tip.Branch.Number + 1); ok {
		d.t.Fatal("a height above the tip")
	}
}

// TestDeepReorganisation goes over the whole finality depth and back.
func TestDeepReorganisation(t *testing.T) {
	d := newDesk(t, 1, kv.Memory())
	d.c.diffs = diffs{}
	fork := d.Mine(d.Genesis(), 1, 2)
	d.give(1, fork)
	one, two := fork, fork
	for range d.Params.Finality {
		one = d.Mine(one, 1, 3)
		d.give(1, one)
	}
	d.tipIs(one)
	d.c.diffs = diffs{} // computed again
	for range d.Params.Finality {
		two = d.Mine(two, 1, 3)
		d.give(1, two)
		d.c.diffs, d.c.branch = diffs{}, branchState{}
	}
	d.tipIs(one)
	two = d.Mine(two, 1, 0)
	if r := d.give(1, two); len(r.Events) != 2*int(d.Params.Finality)+2 { // stored first
		t.Errorf("%d events", len(r.Events))
	}
	d.tipIs(two)
	late := d.Mine(fork, 2, 0)
	if r := d.give(1, late); !errors.Is(r.Rule, tree.BelowFinality) {
		t.Errorf("%s: %v", r.Fate, r.Rule)
	}
	if _, err := d.c.Store().Block(one.Branch.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a branch that nobody can follow is kept: %v", err)
	}
	if r := d.give(1, fork); r.Fate != tree.Known {
		t.Errorf("a final block of ours is %s", r.Fate)
	}
}

// TestForksOfEachHeight judges blocks that leave our chain at one height after the other, upwards and downwards: the state in
// memory that served one is not that of the next.
func TestForksOfEachHeight(t *testing.T) {
	d := newDesk(t, 1, kv.Memory())
	at := []*chaintest.Link{d.Genesis()}
	for range 10 {
		at = append(at, d.Mine(at[len(at)-1], 1, 3))
		d.give(1, at[len(at)-1])
	}
	for _, i := range []int{1, 2, 3, 4, 6, 8, 7, 5, 2, 9} {
		if r := d.give(1, d.Mine(at[i], 3, 2)); r.Rule != nil {
			t.Fatalf("after %d: %v", i, r.Rule)
		}
	}
}

// TestFinalStaysFinal: our chain moves to a heavier one that is lower, and what was final still is after a restart.
func TestFinalStaysFinal(t *testing.T) {
	m := chaintest.New(1)
	m.Params.PoW.Up = 50 // difficulty rises fast
	d := deskOf(t, m, 60, kv.Memory())
	on := d.Genesis()
	for range 20 {
		on = d.Mine(on, 120, 0)
		d.give(1, on)
	}
	high, heavy := on, on
	for range 50 {
		high = d.Mine(high, 120, 0)
		d.give(1, high)
	}
	for heavy.Branch.Number < 69 {
		heavy = d.Mine(heavy, 1, 0)
		d.give(1, heavy)
	}
	d.tipIs(heavy)
	d.close()
	d.open()
	if root := d.c.Tree().Root().Number; root != 10 {
		t.Errorf("final up to %d, want 10", root)
	}
}

// TestInvalidBlocks: a block that breaks a rule of the state is refused with its name and remembered, and nothing of it
// is on disk; and also in the middle of a branch.
func TestInvalidBlocks(t *testing.T) {
	d := newDesk(t, 1, kv.Memory())
	first := d.Mine(d.Genesis(), 1, 0)
	d.give(1, first)
	bad := d.Mine(first, 1, 2)
	spend := bad.Block.Transactions[1]
	spend.Inputs[0].Script[10] ^= 1
	bad.Block.Merkle = bad.Block.MerkleRoot()
	greedy := d.Mine(first, 1, 0)
	greedy.Block.Transactions[0].Outputs[0].Value++
	greedy.Block.Merkle = greedy.Block.MerkleRoot()
	for _, tt := range []struct {
		b    *pillars.Block
		want string
	}{{bad.Block, ""}, {greedy.Block, "coinbase_value"}} {
		r, err := d.c.Block(7, tt.b, d.now)
		if err != nil || r.Fate != tree.Refused || tt.want != "" && tree.RuleName(r.Rule) != tt.want {
			t.Errorf("%s, %v: %v", r.Fate, r.Rule, err)
		}
		if len(r.Events) != 1 || r.Events[0].Kind != Invalid || r.Events[0].From != 7 {
			t.Errorf("%+v", r.Events)
		}
		if _, err := d.c.Store().Block(tt.b.ID()); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("on disk: %v", err)
		}
		if r, _ := d.c.Block(8, tt.b, d.now); r.Fate != tree.Refused || len(r.Events) != 0 {
			t.Errorf("%s the second time", r.Fate)
		}
	}
	d.tipIs(first)
	d.tipIs(func() *chaintest.Link { l := d.Mine(first, 1, 2); d.give(1, l); return l }())
}

// TestFakeStakes: blocks under stakes that do not exist, are of another branch, or do not win, are refused before a byte
// of them is on disk, on our chain and on others.
func TestFakeStakes(t *testing.T) {
	d := newDesk(t, 1, kv.Memory())
	at := []*chaintest.Link{d.Genesis()}
	for range 8 {
		at = append(at, d.Mine(at[len(at)-1], 2, 1))
		d.give(1, at[len(at)-1])
	}
	tip := at[len(at)-1]
	good, ok := d.Stake(tip, 200, 0)
	if !ok {
		t.Fatal("no stake wins")
	}
	stake := pos.Stake{Outpoint: good.Block.Extension.Stake, Value: 1000 * pillars.ETP, Owner: d.Owner}
	fakes := map[string]*chaintest.Link{
		"stake_unknown":       d.StakeWith(tip, pos.Winner{Stake: &pos.Stake{Outpoint: pillars.Outpoint{Tx: pillars.TxID{9}}, Value: 1000 * pillars.ETP, Owner: d.Owner}, Stamp: good.Block.Timestamp}, 0),
		"stake_hash_too_high": d.StakeWith(at[6], pos.Winner{Stake: &stake, Stamp: losing(d, at[6], stake)}, 0),
	}
	before := d.c.Store().DiskBytes()
	for want, l := range fakes {
		if r := d.give(3, l); r.Fate != tree.Refused || tree.RuleName(r.Rule) != want {
			t.Errorf("%s: %v, want %s", r.Fate, r.Rule, want)
		}
	}
	if after := d.c.Store().DiskBytes(); after != before {
		t.Errorf("%d bytes written", after-before)
	}
	if r := d.give(1, good); !r.Relay {
		t.Errorf("%s: %v", r.Fate, r.Rule)
	}
	d.tipIs(good)
	// The stake is spent now; on a branch from before it is not.
	again := d.StakeWith(good, pos.Winner{Stake: &stake, Stamp: good.Block.Timestamp + 1}, 0)
	if r := d.give(3, again); !errors.Is(r.Rule, consensus.StakeUnknown) {
		t.Errorf("%s: %v", r.Fate, r.Rule)
	}
	side, ok := d.Stake(at[7], 200, 0)
	if !ok {
		t.Fatal("no stake wins")
	}
	if r := d.give(3, side); r.Rule != nil || r.Events[len(r.Events)-1].Kind != Stored {
		t.Errorf("%s: %v", r.Fate, r.Rule)
	}
	d.tipIs(good)
}

// TestForgedSignatures: a block under stake whose signature somebody changed is refused on every way in, by itself, behind its own
// header and before its parent's, and the good one is taken afterwards: both have one id.
func TestForgedSignatures(t *testing.T) {
	d := newDesk(t, 1, kv.Memory())
	first := d.Mine(d.Genesis(), 2, 0)
	d.give(1, first)
	for range 6 {
		first = d.Mine(first, 2, 0)
		d.give(1, first)
	}
	one, ok := d.Stake(first, 200, 0)
	two, ok2 := d.Stake(first, 400, 1)
	parent := d.Mine(first, 2, 2)
	orphan, ok3 := d.Stake(parent, 200, 0)
	if !ok || !ok2 || !ok3 {
		t.Fatal("no stake wins")
	}
	forge := func(l *chaintest.Link) *pillars.Block {
		b := *l.Block
		b.Signature[9] ^= 1
		return &b
	}
	if known, rule, _, err := d.c.Headers(1, []tree.Head{tree.HeadOf(two.Block)}, d.now); known != 1 || rule != nil || err != nil {
		t.Fatal(known, rule, err)
	}
	for _, l := range []*chaintest.Link{one, two, orphan} {
		r, err := d.c.Block(7, forge(l), d.now)
		if err != nil || r.Fate != tree.Refused || !errors.Is(r.Rule, pillars.BlockSignatureInvalid) || r.Relay {
			t.Errorf("%s: %v, %v", r.Fate, r.Rule, err)
		}
	}
	for _, l := range []*chaintest.Link{one, parent, orphan} {
		if r := d.give(1, l); r.Rule != nil {
			t.Errorf("%s: %v", r.Fate, r.Rule)
		}
	}
}

// losing finds a second in which a stake does not win after a block.
func losing(d *desk, on *chaintest.Link, s pos.Stake) uint32 {
	stamp := on.Branch.Stamps[0] + 1
	real, _ := state.At(on.State, &d.Params).Stake(s.Outpoint)
	for bits, _ := on.Branch.Difficulty(&d.Params, pillars.PoS, stamp); pos.Wins(pos.Hash(on.Branch.Modifier, &real, stamp), real.Value, &bits.Bits); {
		stamp++
	}
	return stamp
}

// TestTwins: of two blocks with one use of a stake the first is followed, the second becomes evidence when a heavier
// chain stands on it.
func TestTwins(t *testing.T) {
	d := newDesk(t, 1, kv.Memory())
	on := d.Genesis()
	for range 8 {
		on = d.Mine(on, 2, 1)
		d.give(1, on)
	}
	one, ok := d.Stake(on, 200, 0)
	two, _ := d.Stake(on, 200, 1)
	if !ok || one.Block.Extension.Stake != two.Block.Extension.Stake || one.Branch.ID == two.Branch.ID {
		t.Fatal("not a pair of twins")
	}
	if r := d.give(1, one); !r.Relay {
		t.Fatal(r.Rule)
	}
	if r := d.give(2, two); r.Relay || r.Fate != tree.Held {
		t.Fatalf("%s: %v", r.Fate, r.Rule)
	}
	three := d.Mine(two, 1, 1)
	evidence := false
	for _, e := range d.give(2, three).Events {
		evidence = evidence || e.Kind == Twin && e.ID == two.Branch.ID && e.Other == one.Branch.ID && e.Block.ID() == e.ID
	}
	if !evidence {
		t.Error("no evidence")
	}
	d.tipIs(three)
}

// TestHeadersFirst takes headers, then the bodies in any order.
func TestHeadersFirst(t *testing.T) {
	d := newDesk(t, 1, kv.Memory())
	on := d.Genesis()
	var all []*chaintest.Link
	var heads []tree.Head
	for range 10 {
		on = d.Mine(on, 2, 1)
		all = append(all, on)
		heads = append(heads, tree.HeadOf(on.Block))
	}
	if n, rule, _, err := d.c.Headers(1, heads, d.now); n != 10 || rule != nil || err != nil {
		t.Fatal(n, rule, err)
	}
	if missing := d.c.Tree().Missing(d.c.Tree().Lead(), 100); len(missing) != 10 {
		t.Errorf("%d missing", len(missing))
	}
	for i := len(all) - 1; i >= 0; i-- {
		d.give(1, all[i])
	}
	d.tipIs(on)
	if n, rule, _, _ := d.c.Headers(1, heads, d.now); n != 10 || rule != nil {
		t.Errorf("%d known of a chain that we have: %v", n, rule)
	}
}

// TestClock: a block ahead of the clock is connected when its time comes.
func TestClock(t *testing.T) {
	d := newDesk(t, 1, kv.Memory())
	l := d.Mine(d.Genesis(), 100, 0)
	d.now = d.Params.Genesis.Timestamp
	if r := d.give(1, l); r.Fate != tree.Early {
		t.Fatal(r.Fate)
	}
	for now, want := range map[uint32]int{d.now + 61: 0, d.now + 62: 1} {
		if want == 1 {
			continue
		}
		if events, err := d.c.Tick(now); len(events) != want || err != nil {
			t.Errorf("%d events, %v", len(events), err)
		}
	}
	if events, err := d.c.Tick(d.now + 62); len(events) != 1 || err != nil {
		t.Errorf("%d events, %v", len(events), err)
	}
	d.tipIs(l)
}
