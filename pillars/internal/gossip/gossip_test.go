package gossip

import (
	"testing"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/book"
	"github.com/asterism-network/asterism/pillars/internal/chaintest"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
	"github.com/asterism-network/asterism/pillars/internal/pos"
	"github.com/asterism-network/asterism/pillars/internal/state"
	"github.com/asterism-network/asterism/pillars/internal/tree"
	"github.com/asterism-network/asterism/pillars/internal/wire"
)

// grow makes so many blocks, one after the other.
func (w *world) grow(on *chaintest.Link, blocks, payments int) (all []*chaintest.Link) {
	for range blocks {
		on = w.Mine(on, 2, payments)
		all = append(all, on)
	}
	return all
}

func last(all []*chaintest.Link) *chaintest.Link { return all[len(all)-1] }

// TestSync: a node takes a chain from several peers, more headers than one answer has, and no body twice.
func TestSync(t *testing.T) {
	w := newWorld(t, 1)
	chain := w.grow(w.Genesis(), 1200, 0)
	fresh := w.node()
	for range 3 {
		n := w.node()
		n.give(chain...)
		w.dial(fresh, n)
	}
	w.until(60, "the chain", fresh.has(last(chain)))
	c := fresh.core.Counters()
	if c.Blocks < 1200 || c.Blocks > 1250 || len(w.drops) != 0 {
		t.Errorf("%+v, %v", c, w.drops)
	}
	if len(fresh.core.flights) != 0 || fresh.core.flying != 0 {
		t.Errorf("%d bodies are still asked for", fresh.core.flying)
	}
}

// TestSilentPeers: one that has headers and keeps its bodies for itself is sent away, and another one asked.
func TestSilentPeers(t *testing.T) {
	w := newWorld(t, 2)
	chain := w.grow(w.Genesis(), 300, 0)
	fresh, silent, honest := w.node(), w.node(), w.node()
	silent.give(chain...)
	silent.mute = func(m wire.Message) bool { return m.Kind() == wire.KindBlock || m.Kind() == wire.KindCompact }
	w.dial(fresh, silent)
	w.run(1000)
	honest.give(chain...)
	w.dial(fresh, honest)
	w.until(60, "the chain", fresh.has(last(chain)))
	if c := fresh.core.Counters(); c.Stolen == 0 {
		t.Errorf("%+v", c)
	}
	w.until(60, "the silent one's dismissal", func() bool { return fresh.gone[silent.id] == NoBodies })
	if len(w.drops) != 1 {
		t.Errorf("%v", w.drops)
	}
}

// TestFakeStake: a peer that makes up stakes sends headers without end and no bodies. What is kept of it is bounded, it is sent
// away with all that, and an honest chain goes on meanwhile.
func TestFakeStake(t *testing.T) {
	w := newWorld(t, 3)
	chain := w.grow(w.Genesis(), 60, 0)
	victim, honest, liar := w.node(), w.node(), w.liar()
	victim.give(chain[0])
	heads := w.fakes(chain[0].Branch, 9000)
	at := 0
	liar.after = func(m wire.Message) []wire.Message {
		if m.Kind() != wire.KindGetHeaders || at == len(heads) {
			return nil
		}
		batch := heads[at:min(at+wire.MaxHeaders, len(heads))]
		at += len(batch)
		return []wire.Message{&wire.Headers{Heads: batch}}
	}
	w.dial(victim, liar)
	liar.say(victim, liar.hello())
	w.run(5000)
	if s := victim.Tree().Sizes(); s.Heads < 4000 || s.Heads > 8192 {
		t.Errorf("%+v", s)
	}
	if victim.Tree().Lead().Number < 4000 {
		t.Error("no fake header leads")
	}
	honest.give(chain...)
	w.dial(victim, honest)
	w.until(30, "the honest chain", victim.has(last(chain)))
	w.until(60, "the liar's dismissal", func() bool { return victim.gone[liar.id] == NoBodies })
	if s := victim.Tree().Sizes(); s.Heads != 0 || s.Bytes != 0 {
		t.Errorf("%+v are left", s)
	}
}

// fakes are headers under stakes that do not exist: a header alone does not show it.
func (w *world) fakes(on consensus.Branch, count int) (heads []tree.Head) {
	for i := range count {
		h := tree.Head{Extension: pillars.Extension{Modifier: on.Modifier, Stake: pillars.Outpoint{Tx: pillars.TxID{byte(i), byte(i >> 8)}, Index: 7}}}
		copy(h.Extension.Key[:], w.Key.PubKey().SerializeCompressed())
		var err error
		if h.Header, err = on.Prepare(&w.Params, pillars.PoS, on.Stamps[0]+1); err != nil {
			w.t.Fatal(err)
		}
		h.ExtensionRoot = h.Extension.Root()
		on = on.Next(&w.Params, &h.Header, consensus.Reveal{Stake: h.Extension.Stake})
		heads = append(heads, h)
	}
	return heads
}

// TestFloods: blocks, orphans and transactions that nobody asked for cost their sender its connection, and us nothing.
func TestFloods(t *testing.T) {
	w := newWorld(t, 4)
	chain := w.grow(w.Genesis(), 40, 1)
	other := w.grow(w.Mine(w.Genesis(), 3, 0), 40, 1)
	for _, tt := range []struct {
		name  string
		flood func(i int) wire.Message
		want  Offence
	}{
		{"orphans", func(i int) wire.Message { return &wire.Block{Block: other[i+3].Block} }, Unasked},
		{"transactions", func(i int) wire.Message {
			return &wire.Tx{Tx: w.Pay([]pillars.Outpoint{{Tx: pillars.TxID{byte(i)}}}, 1000)}
		}, Unasked},
		{"compact blocks", func(i int) wire.Message { return wire.CompactOf(other[i+3].Block, 1) }, Unasked},
		{"rests of compact blocks", func(i int) wire.Message { return &wire.Missing{ID: pillars.BlockID{byte(i)}} }, Unasked},
		{"hellos", func(int) wire.Message { return w.nodes[0].hello() }, HelloFirst},
		{"questions for peers", func(int) wire.Message { return &wire.GetPeers{} }, TooMuch},
		{"questions for the pool", func(int) wire.Message { return &wire.GetPool{} }, TooMuch},
		{"questions for compact blocks", func(int) wire.Message { return &wire.GetCompact{ID: chain[0].Branch.ID} }, TooMuch},
		{"questions for transactions of blocks", func(int) wire.Message { return &wire.GetMissing{ID: chain[0].Branch.ID, Places: []uint32{0}} }, TooMuch},
		{"announcements", func(i int) wire.Message { return &wire.Headers{} }, TooMuch},
		{"twins that are none", func(i int) wire.Message { return &wire.Twins{} }, BadEvidence},
	} {
		t.Run(tt.name, func(t *testing.T) {
			victim, liar := w.node(), w.liar()
			victim.give(chain...)
			w.dial(liar, victim)
			liar.say(victim, liar.hello())
			w.run(100)
			for i := range 400 {
				m := tt.flood(i % 30)
				if tw, ok := m.(*wire.Twins); ok {
					tw.One.Head, tw.Two.Head = tree.HeadOf(chain[0].Block), tree.HeadOf(chain[1].Block)
				}
				liar.say(victim, m)
			}
			w.run(1000)
			if victim.gone[liar.id] != tt.want {
				t.Errorf("sent away for %s", victim.gone[liar.id])
			}
			if s := victim.Tree().Sizes(); s.Orphans != 0 || s.Bytes != 0 || victim.pool.Sizes().Orphans != 0 {
				t.Errorf("%+v, %+v", s, victim.pool.Sizes())
			}
			for _, d := range w.drops {
				if d.Ban == 0 {
					t.Errorf("%s is not banned", d.Why)
				}
			}
			w.drops = nil
		})
	}
}

// TestQuota: so many questions at once, so many more a second, each kind for itself; what is not costly is not counted.
func TestQuota(t *testing.T) {
	now, q := uint64(1_800_000_000_000), new(Quota)
	taken := func(m wire.Message) (n int) {
		for range 2 * askedAtOnce {
			if q.Take(m, now) {
				n++
			}
		}
		return n
	}
	for _, m := range []wire.Message{&wire.GetCompact{}, &wire.GetMissing{}} {
		if n := taken(m); n != askedAtOnce {
			t.Errorf("%d %T at once", n, m)
		}
	}
	for _, m := range []wire.Message{&wire.GetBlocks{}, &wire.GetHeaders{}} {
		if n := taken(m); n != 2*askedAtOnce {
			t.Errorf("%d %T", n, m)
		}
	}
	now += 2000
	if n := taken(&wire.GetCompact{}); n != 2*askedPerSecond {
		t.Errorf("%d after two seconds", n)
	}
}

// TestFirstWords: who is of another network, or speaks before it says hello, is sent away.
func TestFirstWords(t *testing.T) {
	w := newWorld(t, 5)
	victim := w.node()
	for _, tt := range []struct {
		name  string
		first func(h *wire.Hello) wire.Message
		want  Offence
	}{
		{"another genesis", func(h *wire.Hello) wire.Message { h.Genesis[0]++; return h }, OtherNetwork},
		{"other rules", func(h *wire.Hello) wire.Message { h.Profile[0]++; return h }, OtherNetwork},
		{"another version", func(h *wire.Hello) wire.Message { h.Version++; return h }, OtherVersion},
		{"ourselves", func(h *wire.Hello) wire.Message { h.Nonce = uint64(victim.id); return h }, Myself},
		{"no hello", func(*wire.Hello) wire.Message { return &wire.GetPool{} }, HelloFirst},
		{"nothing", func(*wire.Hello) wire.Message { return nil }, Silent},
	} {
		t.Run(tt.name, func(t *testing.T) {
			liar := w.liar()
			w.dial(liar, victim)
			if m := tt.first(liar.hello()); m != nil {
				liar.say(victim, m)
			}
			w.run(20_000)
			if victim.gone[liar.id] != tt.want {
				t.Errorf("sent away for %s", victim.gone[liar.id])
			}
		})
	}
}

// TestBadBlocks: who sends a header or a block that breaks a rule is banned.
func TestBadBlocks(t *testing.T) {
	w := newWorld(t, 6)
	start := w.grow(w.Genesis(), 12, 0)
	tip := last(start)
	good := w.Mine(tip, 2, 0)
	for _, tt := range []struct {
		name  string
		spoil func(b *pillars.Block)
		want  Offence
	}{
		{"difficulty", func(b *pillars.Block) { b.Bits.SetUint64(7) }, BadHeader},
		{"work", func(b *pillars.Block) { b.MixHash[0]++ }, BadHeader},
		{"a coinbase of too much", func(b *pillars.Block) {
			tx := *b.Transactions[0]
			tx.Outputs = append([]pillars.Output(nil), tx.Outputs...)
			tx.Outputs[0].Value += pillars.ETP
			b.Transactions = []*pillars.Transaction{&tx}
			b.Merkle = b.MerkleRoot()
			w.Work(&b.Header)
		}, BadBlock},
		{"another body", func(b *pillars.Block) { b.Transactions = start[3].Block.Transactions }, BadBlock},
	} {
		t.Run(tt.name, func(t *testing.T) {
			victim, liar := w.node(), w.liar()
			victim.give(start...)
			b := *good.Block
			tt.spoil(&b)
			liar.after = func(m wire.Message) []wire.Message {
				switch m.Kind() {
				case wire.KindGetHeaders:
					return []wire.Message{&wire.Headers{Heads: []tree.Head{tree.HeadOf(&b)}}}
				case wire.KindGetBlocks, wire.KindGetCompact:
					return []wire.Message{&wire.Block{Block: &b}}
				}
				return nil
			}
			w.dial(victim, liar)
			liar.say(victim, liar.hello())
			w.run(2000)
			if victim.gone[liar.id] != tt.want {
				t.Errorf("sent away for %s", victim.gone[liar.id])
			}
			if !victim.has(tip)() {
				t.Error("the tip moved")
			}
		})
	}
}

// TestRelay: a payment and the block that takes it go through a line of nodes, the block without the payment's
// bytes.
func TestRelay(t *testing.T) {
	w := newWorld(t, 7)
	start := w.grow(w.Genesis(), 10, 0)
	var line []*node
	for i := range 4 {
		n := w.node()
		n.give(start...)
		line = append(line, n)
		if i > 0 {
			w.dial(n, line[i-1])
		}
	}
	w.run(500)
	free := w.Free()
	parent := w.Pay(free[:1], 40_000*pillars.ETP)
	child := w.Pay([]pillars.Outpoint{{Tx: parent.ID()}}, 39_000*pillars.ETP)
	line[0].pay(parent)
	line[0].pay(child)
	end := line[3]
	w.until(60, "both payments at the end", func() bool { return end.pool.Len() == 2 })
	block := w.MineWith(last(start), 2, parent, child)
	line[0].give(block)
	w.until(5, "the block at the end", end.has(block))
	for i, n := range line[1:] {
		c := n.core.Counters()
		if c.CompactBlocks != 1 || c.Blocks != 0 || c.CompactFull != 0 {
			t.Errorf("node %d: %+v", i+1, c)
		}
		if n.pool.Len() != 0 {
			t.Errorf("node %d: %d wait", i+1, n.pool.Len())
		}
	}
	other := w.MineWith(block, 2, w.Pay(free[1:2], 40_000*pillars.ETP), w.Pay(free[2:3], 40_000*pillars.ETP))
	line[0].give(other)
	w.until(5, "a block of transactions that nobody had", end.has(other))
	if len(w.drops) != 0 {
		t.Errorf("%v", w.drops)
	}
}

// TestOrphanFindsItsParent: what an orphan spends is asked of who sent it.
func TestOrphanFindsItsParent(t *testing.T) {
	w := newWorld(t, 8)
	start := w.grow(w.Genesis(), 3, 0)
	a, b := w.node(), w.node()
	a.give(start...)
	b.give(start...)
	parent := w.Pay(w.Free()[:1], 40_000*pillars.ETP)
	child := w.Pay([]pillars.Outpoint{{Tx: parent.ID()}}, 39_000*pillars.ETP)
	w.dial(b, a)
	w.run(500)
	a.core.peers[0].known.add(parent.Leaf()) // a believes that b has it
	a.pay(parent)
	a.pay(child)
	w.until(30, "both with b", func() bool { return b.pool.Len() == 2 })
}

// TestHeal: two halves of a network that were cut apart end on the heavier chain.
func TestHeal(t *testing.T) {
	w := newWorld(t, 9)
	start := w.grow(w.Genesis(), 10, 0)
	var all []*node
	for i := range 4 {
		n := w.node()
		n.give(start...)
		for j := range i {
			w.dial(n, all[j])
		}
		all = append(all, n)
	}
	w.run(500)
	for _, left := range all[:2] {
		for _, right := range all[2:] {
			w.cut(left, right, true)
		}
	}
	short, long := w.grow(last(start), 20, 1), w.grow(w.Mine(last(start), 3, 0), 25, 1)
	all[0].give(short...)
	w.run(2000)
	for _, n := range all[2:] { // the block that the long one starts on
		n.give(&chaintest.Link{Block: long[0].Parent.Block, Branch: long[0].Parent.Branch})
	}
	all[2].give(long...)
	w.run(3000)
	if !all[1].has(last(short))() || !all[3].has(last(long))() {
		t.Fatal("the halves are not on their chains")
	}
	for _, left := range all[:2] {
		for _, right := range all[2:] {
			w.cut(left, right, false)
		}
	}
	for _, n := range all {
		w.until(200, "the heavier chain everywhere", n.has(last(long)))
	}
}

// TestTwins: a stake used twice is told to all, also to those who saw one block only.
func TestTwins(t *testing.T) {
	w := newWorld(t, 10)
	start := w.grow(w.Genesis(), 12, 0)
	one, ok := w.Stake(last(start), 10_000, 0)
	if !ok {
		t.Fatal("no stake wins")
	}
	b := one.Block
	// The maker's coinbases differ each time.
	two := w.StakeWith(last(start), winnerOf(last(start), b, w), 0)
	if two.Block.ID() == b.ID() {
		t.Fatal("one block")
	}
	x, y := w.node(), w.node()
	for _, n := range []*node{x, y} {
		n.give(start...)
		n.give(one)
	}
	w.dial(y, x)
	w.run(500)
	x.give(two)
	x.give(w.Mine(two, 2, 0)) // now it outweighs the other one, so it is judged
	w.run(2000)
	if len(x.proof) != 1 || len(y.proof) != 1 {
		t.Fatalf("%d and %d proofs", len(x.proof), len(y.proof))
	}
	forged := *x.proof[0]
	forged.Two.Signature[5]++
	for name, m := range map[string]*wire.Twins{
		"forged": &forged, "one block": {One: forged.One, Two: forged.One}, "two stakes": {One: forged.One, Two: wire.Signed{Head: tree.HeadOf(start[0].Block)}},
	} {
		if Proves(m) {
			t.Errorf("%s: it proves something", name)
		}
	}
}

// TestPeersAreNamed: who listens is told to others, and asked by who has few peers.
func TestPeersAreNamed(t *testing.T) {
	w := newWorld(t, 11)
	hub, a, b := w.node(), w.node(), w.node()
	w.dial(a, hub)
	w.run(500)
	w.dial(b, hub)
	w.run(500)
	found, ok := b.core.Dial(w.now, func(addr book.Addr) bool { return addr == hub.addr() || addr == b.addr() })
	if !ok || found != a.addr() {
		t.Errorf("%v %v", found, ok)
	}
}

// winnerOf is the stake that a block was made with.
func winnerOf(on *chaintest.Link, b *pillars.Block, w *world) pos.Winner {
	s, ok := state.At(on.State, &w.Params).Stake(b.Extension.Stake)
	if !ok {
		w.t.Fatal("no such stake")
	}
	return pos.Winner{Stake: &s, Stamp: b.Timestamp}
}

// TestFakeHeadersDoNotSilence: a node whose chain goes on relays, whatever headers somebody makes up.
func TestFakeHeadersDoNotSilence(t *testing.T) {
	w := newWorld(t, 12)
	start := w.grow(w.Genesis(), 5, 0)
	w.now = (uint64(last(start).Branch.Stamps[0]) + 500) * 1000
	a, b, liar := w.node(), w.node(), w.liar()
	for _, n := range []*node{a, b} {
		n.give(start...)
	}
	w.dial(b, a)
	w.dial(liar, a)
	liar.say(a, liar.hello())
	liar.say(a, &wire.Headers{Heads: w.fakes(last(start).Branch, 400)})
	w.run(500)
	if a.core.Behind() || a.Tree().Lead().Number < 400 {
		t.Fatalf("behind %t, headers to %d", a.core.Behind(), a.Tree().Lead().Number)
	}
	next := w.Mine(last(start), 2, 0)
	a.give(next)
	w.until(5, "the next block", b.has(next))
}

// TestUnkept: announcements that are kept make up for others that are not, so that a long conversation alone offends nobody.
func TestUnkept(t *testing.T) {
	w := newWorld(t, 14)
	start := w.grow(w.Genesis(), 3, 0)
	a, b := w.node(), w.node()
	a.give(start...)
	b.give(start...)
	w.dial(b, a)
	w.run(500)
	p := a.core.peers[0]
	for range maxUnkept - 1 {
		a.core.unkept(p)
	}
	b.pay(w.Pay(w.Free()[:1], 40_000*pillars.ETP))
	w.until(60, "the payment", func() bool { return a.pool.Len() == 1 })
	if a.core.unkept(p); p.points != 0 {
		t.Errorf("%d points, although the payment came", p.points)
	}
	if a.core.unkept(p); p.points == 0 {
		t.Error("no points")
	}
}

// TestEmptyAnnouncements: who announces transactions without end and sends none is sent away, and what others have is asked
// of them.
func TestEmptyAnnouncements(t *testing.T) {
	w := newWorld(t, 13)
	start := w.grow(w.Genesis(), 3, 0)
	victim, honest, liar := w.node(), w.node(), w.liar()
	victim.give(start...)
	honest.give(start...)
	liar.after = func(m wire.Message) []wire.Message {
		if m.Kind() == wire.KindGetHeaders {
			return []wire.Message{&wire.Headers{}}
		}
		return nil
	}
	w.dial(liar, victim)
	w.dial(honest, victim)
	liar.say(victim, liar.hello())
	w.run(500)
	tx := w.Pay(w.Free()[:1], 40_000*pillars.ETP)
	liar.say(victim, &wire.Have{Leaves: []pillars.Hash{tx.Leaf()}}) // it never sends it
	w.run(100)
	honest.pay(tx)
	w.until(60, "the payment", func() bool { return victim.pool.Len() == 1 })
	for i := range 400 {
		leaves := make([]pillars.Hash, 500)
		for j := range leaves {
			leaves[j] = pillars.Hash{1, byte(i), byte(i >> 8), byte(j), byte(j >> 8)}
		}
		liar.say(victim, &wire.Have{Leaves: leaves})
		w.run(500)
		if n := len(victim.core.wants.all); n > 2000 {
			t.Fatalf("%d are asked for", n)
		}
		if _, gone := victim.gone[liar.id]; gone {
			break
		}
	}
	if victim.gone[liar.id] != TooMuch {
		t.Errorf("sent away for %s", victim.gone[liar.id])
	}
}
