package tree

import (
	"errors"
	"flag"
	"testing"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
)

var (
	firstSeed = flag.Uint64("first", 1, "first seed of the random trees")
	seeds     = flag.Uint64("seeds", 60, "number of seeds")
)

// TestRandomTrees gives the blocks of a random tree in random order, some twice, some by header first, some invalid,
// and looks whether the node ends on the heaviest valid chain.
func TestRandomTrees(t *testing.T) {
	for seed := *firstSeed; seed < *firstSeed+*seeds; seed++ {
		k := newKit(t, seed, Limits{})
		k.p.Finality = 60 // no fork is below
		all := k.randomTree(2 + k.r.IntN(30))
		for _, l := range k.disorder(all) {
			switch k.r.IntN(4) {
			case 0:
				_, _ = k.tree.Headers(2, []Head{HeadOf(l.block)}, k.now)
			case 1:
				_, _ = k.give(Peer(k.r.IntN(3)), l)
			}
			_, err := k.give(Peer(k.r.IntN(3)), l)
			if err != nil && !k.bad[l.branch.ID] && !errors.Is(err, ParentInvalid) {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
		heaviest := k.start
		for _, l := range all {
			if k.valid(all, l) && l.branch.Heavier(&heaviest) {
				heaviest = l.branch
			}
		}
		if tip := k.tree.Tip(); tip.Branch.Weight != heaviest.Weight {
			t.Fatalf("tip weighs %s, the heaviest valid chain %s\nreplay: go test ./pillars/internal/tree -run RandomTrees -first %d -seeds 1",
				tip.Branch.Weight.Dec(), heaviest.Weight.Dec(), seed)
		}
		if s := k.tree.Sizes(); s.Orphans != 0 || s.Bytes != 0 || s.Heads != 0 {
			t.Fatalf("seed %d: %+v left", seed, s)
		}
	}
}

// randomTree makes blocks of which no fork is deeper than the finality depth.
func (k *kit) randomTree(n int) []*link {
	all := []*link{k.first()}
	for range n {
		on := all[max(0, len(all)-1-k.r.IntN(min(len(all), 6)))]
		l := k.work(on, 1+k.r.Uint32N(60))
		if k.r.IntN(8) == 0 {
			k.bad[l.branch.ID] = true
		}
		all = append(all, l)
	}
	return all[1:]
}

func (k *kit) disorder(all []*link) []*link {
	out := append([]*link(nil), all...)
	reach := 1 + k.r.IntN(10)
	for i := range out {
		j := i + k.r.IntN(min(reach, len(out)-i))
		out[i], out[j] = out[j], out[i]
	}
	return out
}

func (k *kit) valid(all []*link, l *link) bool {
	for id := l.branch.ID; id != k.start.ID; {
		if k.bad[id] {
			return false
		}
		for _, below := range all {
			if below.branch.ID == id {
				id = below.block.Previous
				break
			}
		}
	}
	return true
}

// TestFinality: a fork at the depth is followed, one below it is refused, and what hung there is forgotten.
func TestFinality(t *testing.T) {
	k := newKit(t, 1, Limits{})
	at := []*link{k.first()}
	for range 20 {
		at = append(at, k.grow(at[len(at)-1], 1))
	}
	root := 20 - int(k.p.Finality)
	if k.tree.Root().Number != uint32(root) {
		t.Fatalf("root at %d, want %d", k.tree.Root().Number, root)
	}
	k.refused(1, k.work(at[root-1], 11), BelowFinality)
	side := k.must(1, k.work(at[root], 11), Ready)
	if !k.disk[side.branch.ID] {
		t.Error("a judged block of another branch is not stored")
	}
	for side.branch.Number < 19 {
		side = k.must(1, k.work(side, 1), Ready) // faster, so heavier
	}
	side = k.must(1, k.work(side, 1), Ready)
	k.tipIs(side)
	if k.tree.Root().Number != uint32(root) {
		t.Errorf("root at %d after a reorganisation of the whole depth", k.tree.Root().Number)
	}
	k.grow(side, 1)
	if k.disk[at[root+1].branch.ID] || k.tree.Find(at[root+1].branch.ID) != nil {
		t.Error("a branch that cannot be followed any more is kept")
	}
}

// TestTies: of equal chains the first seen stays.
func TestTies(t *testing.T) {
	k := newKit(t, 1, Limits{})
	one := k.must(1, k.work(k.first(), 10), Ready)
	two := k.must(1, k.work(k.first(), 10), Ready)
	k.tipIs(one)
	k.tipIs(k.must(1, k.work(two, 10), Ready))
}

// TestEarly: a block ahead of the clock waits, and its children with it; one too far ahead does not.
func TestEarly(t *testing.T) {
	k := newKit(t, 1, Limits{})
	k.now = k.start.Stamps[0]
	one := k.must(1, k.work(k.first(), 100), Early)
	two := k.must(1, k.work(one, 1), Orphan)
	k.must(2, one, Known)
	three := k.work(k.first(), 99)
	if n, err := k.tree.Headers(1, []Head{HeadOf(three.block)}, k.now); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	k.refused(1, k.work(k.first(), 100_000), TooEarly)
	k.tree.Tick(k.now + 61)
	k.settle()
	k.tipIs(k.first())
	if k.tree.Find(three.branch.ID) == nil {
		t.Error("a header whose time has come is not in the tree")
	}
	k.tree.Tick(k.now + 63)
	k.settle()
	k.tipIs(two)
	if s := k.tree.Sizes(); s.Early != 0 || s.Orphans != 0 || s.Bytes != 0 {
		t.Errorf("%+v left", s)
	}
}

// TestInvalid: a block that is judged invalid is remembered with its reason, and so is all above it.
func TestInvalid(t *testing.T) {
	k := newKit(t, 1, Limits{})
	one := k.work(k.first(), 10)
	two := k.work(one, 10)
	three := k.work(two, 10)
	k.bad[one.branch.ID] = true
	k.must(2, two, Orphan)
	if n, err := k.tree.Headers(1, []Head{HeadOf(one.block), HeadOf(two.block)}, k.now); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	k.must(1, one, Ready)
	k.tipIs(k.first())
	judged := k.judged
	k.refused(1, one, consensus.StakeUnknown)
	k.refused(1, two, ParentInvalid)
	k.refused(1, three, ParentInvalid)
	if k.judged != judged {
		t.Error("judged again")
	}
	events := k.tree.Events()
	if len(events) != 1 || events[0].ID != one.branch.ID || events[0].From != 1 || RuleName(events[0].Err) != "stake_unknown" {
		t.Errorf("%+v", events)
	}
	if s := k.tree.Sizes(); s.Nodes != 1 || s.Invalid != 3 || s.Bytes != 0 {
		t.Errorf("%+v", s)
	}
}

// TestMutation: whoever changes a good block on its way does not make us refuse the good one.
func TestMutation(t *testing.T) {
	k := newKit(t, 1, Limits{})
	good := k.stake(k.first(), 10, k.outpoint())
	for name, change := range map[string]func(b *pillars.Block){
		"signature":    func(b *pillars.Block) { b.Signature[3] ^= 1 },
		"no signature": func(b *pillars.Block) { b.Signature = [64]byte{} },
		"key":          func(b *pillars.Block) { b.Extension.Key[5] ^= 1 },
		"modifier":     func(b *pillars.Block) { b.Extension.Modifier[5] ^= 1 },
		"body": func(b *pillars.Block) {
			b.Transactions = append([]*pillars.Transaction{}, k.coinbase(1), b.Transactions[1])
		},
		"repeated": func(b *pillars.Block) {
			b.Transactions = append(append([]*pillars.Transaction{}, b.Transactions...), b.Transactions...)
		},
		"truncated": func(b *pillars.Block) { b.Transactions = b.Transactions[:1] },
	} {
		for _, headerFirst := range []bool{false, true} {
			if headerFirst {
				if _, err := k.tree.Headers(2, []Head{HeadOf(good.block)}, k.now); err != nil {
					t.Fatal(err)
				}
			}
			b := *good.block
			change(&b)
			if fate, err := k.tree.Block(1, &b, k.now); fate != Refused || err == nil {
				t.Errorf("%s: %s", name, fate)
			}
			if k.tree.Invalid(good.branch.ID) != nil {
				t.Fatalf("%s: the good block is condemned: %v", name, k.tree.Invalid(good.branch.ID))
			}
		}
	}
	k.tipIs(k.must(1, good, Ready))
}

// TestCommitted: a fault in what the id commits to condemns the id.
func TestCommitted(t *testing.T) {
	k := newKit(t, 1, Limits{})
	l := k.work(k.first(), 10)
	l.block.Transactions = append(l.block.Transactions, k.coinbase(1))
	l.block.Merkle = l.block.MerkleRoot()
	k.refused(1, l, pillars.CoinbaseMisplaced)
	if err := k.tree.Invalid(l.block.ID()); !errors.Is(err, pillars.CoinbaseMisplaced) {
		t.Error(err)
	}
}

// TestBadSeal: headers before the bad one are known, it and those behind are not.
func TestBadSeal(t *testing.T) {
	k := newKit(t, 1, Limits{})
	one := k.work(k.first(), 10)
	two := k.work(one, 10)
	two.block.MixHash[0] = 0xff
	two.branch = one.branch.Next(&k.p, &two.block.Header, consensus.Reveal{})
	three := k.work(two, 10)
	n, err := k.tree.Headers(1, []Head{HeadOf(one.block), HeadOf(two.block), HeadOf(three.block)}, k.now)
	if n != 1 || !errors.Is(err, errBadSeal) || k.tree.Sizes().Nodes != 2 {
		t.Fatal(n, err)
	}
	wrong := HeadOf(one.block)
	wrong.Extension.Witnesses[0]++
	wrong.ExtensionRoot[0]++
	if _, err := k.tree.Headers(1, []Head{wrong}, k.now); !errors.Is(err, WrongExtension) {
		t.Error(err)
	}
}

// TestTwin: a second block with one use of a stake is neither judged nor stored until a heavier chain stands on it.
func TestTwin(t *testing.T) {
	k := newKit(t, 1, Limits{})
	o := k.outpoint()
	one := k.must(1, k.stake(k.first(), 10, o), Ready)
	judged := k.judged
	two := k.must(1, k.stake(k.first(), 10, o), Held)
	if k.judged != judged || k.disk[two.branch.ID] {
		t.Fatal("a twin was judged or stored")
	}
	k.tipIs(one)
	three := k.must(2, k.work(two, 10), Held)
	k.tipIs(three)
	if !k.disk[two.branch.ID] {
		t.Error("our chain is not on disk")
	}
	events := k.tree.Events()
	if len(events) != 1 || events[0].Other != one.branch.ID || events[0].ID != two.branch.ID {
		t.Errorf("no evidence: %+v", events)
	}
	if s := k.tree.Sizes(); s.Bytes != 0 || s.Uses != 1 {
		t.Errorf("%+v", s)
	}
}

// TestMissing lists bodies to ask for, on the way to the heaviest headers.
func TestMissing(t *testing.T) {
	k := newKit(t, 1, Limits{})
	at := []*link{k.first()}
	var heads []Head
	for range 6 {
		at = append(at, k.work(at[len(at)-1], 10))
		heads = append(heads, HeadOf(at[len(at)-1].block))
	}
	if n, err := k.tree.Headers(1, heads, k.now); n != 6 || err != nil {
		t.Fatal(n, err)
	}
	k.must(1, at[1], Ready)
	k.must(1, at[4], Held)
	if lead := k.tree.Lead(); lead.Number != 6 {
		t.Fatalf("lead at %d", lead.Number)
	}
	missing := k.tree.Missing(k.tree.Lead(), 3)
	if len(missing) != 3 || missing[0].Number != 2 || missing[1].Number != 3 || missing[2].Number != 5 {
		t.Errorf("%d missing", len(missing))
	}
	k.tree.Gone(1)
	if s := k.tree.Sizes(); s.Nodes != 2 || s.Heads != 0 || s.Bytes != 0 || k.tree.Lead() != k.tree.Tip() {
		t.Errorf("%+v after the peer has left", s)
	}
}

// TestRestore: a tree made from what was stored goes on as the one before.
func TestRestore(t *testing.T) {
	k := newKit(t, 3, Limits{})
	all := k.randomTree(40)
	k.bad = map[pillars.BlockID]bool{}
	for _, l := range all {
		_, _ = k.give(1, l)
	}
	again, err := New(&k.p, &k.seals, k.tree.root.Head, k.tree.root.Branch, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var ours, others []*Node
	for n := k.tree.tip; n != k.tree.root; n = n.parent {
		ours = append([]*Node{n}, ours...)
	}
	visit(k.tree.root, func(n *Node) {
		if !n.ours {
			others = append(others, n)
		}
	})
	for _, n := range append(ours, others...) {
		if err := again.Restore(n.Head, n.Branch, n.ours); err != nil {
			t.Fatal(err)
		}
	}
	if again.Tip().ID() != k.tree.Tip().ID() || again.Sizes().Nodes != k.tree.Sizes().Nodes || len(others) == 0 {
		t.Errorf("tip %d of %d nodes", again.Tip().Number, again.Sizes().Nodes)
	}
	if n, _ := again.Step(); n != nil {
		t.Error("a step to be done")
	}
	if err := again.Restore(ours[0].Head, ours[0].Branch, true); err == nil {
		t.Error("restored twice")
	}
}

// TestProfiles: without finality nothing bounds what must be remembered, classic headers do not say what stakes, and
// nobody verifies delegates yet.
func TestProfiles(t *testing.T) {
	k := newKit(t, 1, Limits{})
	for name, change := range map[string]func(p *pillars.Params){
		"no finality": func(p *pillars.Params) { p.Finality = 0 },
		"classic":     func(p *pillars.Params) { p.Extended = false },
		"delegates":   func(p *pillars.Params) { p.Phase.Delegates = 100 },
	} {
		p := k.p
		change(&p)
		if _, err := New(&p, &k.seals, k.root, k.start, Limits{}); err == nil {
			t.Errorf("%s: a tree", name)
		}
	}
}

// TestRepeatedEnd: a list of transactions whose end is repeated has the good list's root, and does not condemn it.
func TestRepeatedEnd(t *testing.T) {
	k := newKit(t, 1, Limits{})
	good := k.stake(k.first(), 10, k.outpoint())
	third := *good.block.Transactions[1]
	third.Inputs = []pillars.Input{{Previous: k.outpoint(), Script: []byte{1, 1}}}
	third.Outputs = third.Outputs[1:]
	b := good.block
	b.Transactions = append(b.Transactions, &third)
	b.Merkle = b.MerkleRoot()
	if err := b.Sign(k.key); err != nil {
		t.Fatal(err)
	}
	bad := *b
	bad.Transactions = append(append([]*pillars.Transaction{}, b.Transactions...), &third)
	if bad.MerkleRoot() != b.Merkle {
		t.Fatal("another root: this shows nothing")
	}
	if fate, err := k.tree.Block(1, &bad, k.now); fate != Refused || !errors.Is(err, pillars.MerkleRepeated) {
		t.Fatalf("%s: %v", fate, err)
	}
	if fate, err := k.tree.Block(1, b, k.now); fate != Ready {
		t.Errorf("%s: %v", fate, err)
	}
}

// TestTwinInMemory: headers that outweigh our chain make a twin worth judging. It stays in memory until the bodies come;
// if it must give way, what stands on it goes too.
func TestTwinInMemory(t *testing.T) {
	for _, flood := range []bool{false, true} {
		k := newKit(t, 1, tight)
		o := k.outpoint()
		one := k.must(1, k.stake(k.first(), 10, o), Ready)
		two := k.must(2, k.stake(k.first(), 10, o), Held)
		three := k.work(two, 10)
		if n, err := k.tree.Headers(2, []Head{HeadOf(three.block)}, k.now); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		k.settle()
		if k.judged != 2 || k.disk[two.branch.ID] || k.tree.Sizes().Bytes == 0 {
			t.Fatalf("%d judged, on disk %v, %+v", k.judged, k.disk[two.branch.ID], k.tree.Sizes())
		}
		k.tipIs(one)
		if !flood {
			k.tipIs(k.must(2, three, Ready))
			continue
		}
		lost := &link{branch: k.start}
		lost.branch.ID[0]++
		for i := range 1500 { // the twin's sender holds most, then others
			_, _ = k.give(Peer(2+i%3), k.work(lost, 10))
		}
		for _, it := range append(k.tree.bodies.of(3), k.tree.bodies.of(4)...) {
			k.tree.evict(it.body)
		}
		k.tree.Gone(2)
		k.bounded("after the flood")
		if n := k.tree.Find(two.branch.ID); n != nil || k.tree.Find(three.branch.ID) != nil {
			t.Error("a twin without a body")
		}
		k.tipIs(one)
		k.tipIs(k.grow(one, 1))
	}
}

// TestTwinAfterHeaders: a twin that is judged as soon as it comes, because headers on it outweigh our chain already,
// is charged to its sender too.
func TestTwinAfterHeaders(t *testing.T) {
	k := newKit(t, 1, tight)
	o := k.outpoint()
	k.must(1, k.stake(k.first(), 10, o), Ready)
	two := k.stake(k.first(), 10, o)
	three := k.work(two, 10)
	if n, err := k.tree.Headers(2, []Head{HeadOf(two.block), HeadOf(three.block)}, k.now); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	k.must(2, two, Ready)
	if len(k.tree.bodies.of(2)) != 1 {
		t.Error("nobody is charged")
	}
	k.tipIs(k.must(2, three, Ready))
	if s := k.tree.Sizes(); s.Bytes != 0 {
		t.Errorf("%+v", s)
	}
}

// TestRestoredUses: a twin of a stored block is known after a restart.
func TestRestoredUses(t *testing.T) {
	k := newKit(t, 1, Limits{})
	o := k.outpoint()
	one := k.must(1, k.stake(k.first(), 10, o), Ready)
	two := k.stake(k.first(), 10, o)
	again, err := New(&k.p, &k.seals, k.root, k.start, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Restore(HeadOf(one.block), one.branch, true); err != nil {
		t.Fatal(err)
	}
	k.tree = again
	k.must(1, two, Held)
}
