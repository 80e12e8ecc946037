package gossip

import (
	"slices"
	"testing"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/book"
	"github.com/asterism-network/asterism/pillars/internal/chain"
	"github.com/asterism-network/asterism/pillars/internal/chaintest"
	"github.com/asterism-network/asterism/pillars/internal/mempool"
	"github.com/asterism-network/asterism/pillars/internal/pow"
	"github.com/asterism-network/asterism/pillars/internal/store"
	"github.com/asterism-network/asterism/pillars/internal/tree"
	"github.com/asterism-network/asterism/pillars/internal/wire"
)

// A world is nodes and liars in virtual time: every message goes through its bytes and takes some time on its way.
type world struct {
	*chaintest.Maker
	t     testing.TB
	now   uint64
	mail  []letter // by rising time
	nodes []*node
	lost  map[[2]int]bool // cut lines
	drops []Dismissal     // of all nodes, in order
}

type letter struct {
	at       uint64
	from, to *node
	m        wire.Message
}

// A node is a real chain and pool under a core; a liar is a node whose messages the test makes.
type node struct {
	*world
	id    int
	core  *Core
	chain *chain.Chain
	pool  *mempool.Pool
	got   []wire.Message                      // by a liar
	mute  func(wire.Message) bool             // what does not leave
	after func(m wire.Message) []wire.Message // what a liar answers
	proof []*wire.Twins
	gone  map[int]Offence // who was sent away
	asks  map[int]*Quota  // of the others
}

const latency = 20 // milliseconds

func newWorld(t testing.TB, seed uint64) *world {
	m := chaintest.New(seed)
	m.Params.Finality = 400
	m.RealWork()
	return &world{Maker: m, t: t, now: 1_800_000_000_000, lost: map[[2]int]bool{}}
}

// chains verify seals with caches of their own.
func (w *world) node() *node {
	n := w.liar()
	o := chain.Options{Workers: 1, Store: store.Options{FS: kv.Memory(), Engine: kv.Plain}}
	if err := chain.Create("/n", &w.Params, o); err != nil {
		w.t.Fatal(err)
	}
	c, err := chain.Open("/n", &w.Params, pow.NewRecent(pow.Sizes(w.Params.Ethash), 2), o)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = c.Close() })
	n.chain, n.pool = c, mempool.New(&w.Params, nil, mempool.Limits{})
	genesis := w.Genesis().Branch.ID
	n.core = New(Config{
		Params: &w.Params, Profile: store.ProfileHash(&w.Params), Genesis: genesis, Nonce: uint64(n.id), Port: uint16(1000 + n.id),
		From: c.Store().From, Agent: "test", Seed: uint64(n.id), Book: book.New(1, uint64(n.id), true),
	}, n)
	return n
}

func (w *world) liar() *node {
	n := &node{world: w, id: len(w.nodes) + 1, gone: map[int]Offence{}, asks: map[int]*Quota{}}
	w.nodes = append(w.nodes, n)
	return n
}

func (n *node) addr() book.Addr {
	return book.Addr{IP: [16]byte{10: 0xff, 11: 0xff, 12: 10, 13: byte(n.id), 15: 1}, Port: uint16(1000 + n.id)}
}

// dial connects two: the first is who dials.
func (w *world) dial(from, to *node) {
	for _, side := range []struct {
		n, other *node
		inbound  bool
	}{{from, to, false}, {to, from, true}} {
		if side.n.core != nil {
			side.n.core.Join(tree.Peer(side.other.id), side.inbound, side.other.addr(), w.now)
			side.n.deliver()
		}
	}
}

// hello is what a liar says first.
func (n *node) hello() *wire.Hello {
	return &wire.Hello{Version: wire.Version, Genesis: n.Genesis().Branch.ID, Profile: store.ProfileHash(&n.Params), Nonce: uint64(n.id)}
}

func (w *world) cut(a, b *node, cut bool) {
	w.lost[[2]int{a.id, b.id}], w.lost[[2]int{b.id, a.id}] = cut, cut
}

// say sends a message of a liar.
func (n *node) say(to *node, m wire.Message) {
	n.mail = append(n.mail, letter{n.now + latency, n, to, m})
}

// deliver sends what a node owes.
func (n *node) deliver() {
	out := n.core.Output()
	for _, l := range out.Send {
		n.post(n.nodes[l.To-1], l.Message)
	}
	for _, d := range out.Drop {
		n.drops = append(n.drops, d)
		other := n.nodes[d.Peer-1]
		n.gone[other.id] = d.Why
		n.core.Leave(d.Peer, n.now)
		if other.core != nil {
			other.core.Leave(tree.Peer(n.id), n.now)
		}
		n.mail = slices.DeleteFunc(n.mail, func(l letter) bool { return l.from == other && l.to == n })
	}
	if len(out.Drop) > 0 {
		n.deliver()
	}
}

func (n *node) post(to *node, m wire.Message) {
	if n.mute != nil && n.mute(m) || n.lost[[2]int{n.id, to.id}] {
		return
	}
	back, err := wire.Decode(m.Kind(), wire.Encode(m))
	if err != nil {
		n.t.Fatalf("%s: %v", m.Kind(), err)
	}
	n.world.mail = append(n.world.mail, letter{n.now + latency, n, to, back})
}

// take gives a message to who it is for.
func (n *node) take(from *node, m wire.Message) {
	if n.core == nil {
		n.got = append(n.got, m)
		if n.after != nil {
			for _, a := range n.after(m) {
				n.say(from, a)
			}
		}
		return
	}
	if _, gone := n.gone[from.id]; gone {
		return
	}
	quota := n.asks[from.id]
	if quota == nil {
		quota = new(Quota)
		n.asks[from.id] = quota
	}
	if !quota.Take(m, n.now) {
		n.core.Blame(tree.Peer(from.id), TooMuch)
		n.deliver()
		return
	}
	answered := Answer(n.chain.Store(), m, 7, func(a wire.Message) bool {
		n.post(from, a)
		return true
	})
	if !answered {
		n.core.Receive(tree.Peer(from.id), m, n.now)
	}
	n.deliver()
}

// run lets so many milliseconds pass.
func (w *world) run(millis uint64) {
	for end := w.now + millis; w.now < end; {
		w.now += 10
		for len(w.mail) > 0 && w.mail[0].at <= w.now {
			l := w.mail[0]
			w.mail = w.mail[1:]
			l.to.take(l.from, l.m)
		}
		if w.now%100 == 0 {
			for _, n := range w.nodes {
				if n.core != nil {
					n.core.Tick(w.now)
					n.deliver()
				}
			}
		}
	}
}

// until runs until something holds, at most so many seconds of virtual time.
func (w *world) until(seconds uint64, what string, holds func() bool) {
	w.t.Helper()
	for range seconds * 10 {
		if holds() {
			return
		}
		w.run(100)
	}
	w.t.Fatalf("not within %d s: %s; dismissals %v", seconds, what, w.drops)
}

func (n *node) has(l *chaintest.Link) func() bool {
	return func() bool { return n.chain.Tip().ID == l.Branch.ID }
}

// give submits a block of a node's own.
func (n *node) give(links ...*chaintest.Link) {
	n.t.Helper()
	for _, l := range links {
		r, err := n.chain.Block(0, l.Block, uint32(n.now/1000))
		if err != nil || r.Fate == tree.Refused {
			n.t.Fatal(err, r.Rule)
		}
		n.took(r.Events)
		if r.Relay {
			n.core.Relay(l.Block)
		}
		n.core.Settle(n.now)
		n.deliver()
	}
}

func (n *node) took(events []chain.Event) {
	var steps []mempool.Step
	for _, e := range events {
		switch e.Kind {
		case chain.Connected:
			steps = append(steps, mempool.Step{Block: e.Block})
			n.core.Joined(e.Block)
		case chain.Disconnected:
			steps = append(steps, mempool.Step{Block: e.Block, Left: true})
		case chain.Twin:
			n.core.Twin(e.Block, e.Other)
		case chain.Invalid:
			n.core.Broken(e.From)
		}
	}
	if len(steps) > 0 {
		n.pool.Follow(steps, n.tip(), uint32(n.now/1000))
	}
	n.flush()
}

func (n *node) flush() {
	for _, e := range n.pool.Events() {
		if e.Why == nil {
			n.core.Waits(e.Entry)
		}
	}
}

func (n *node) tip() mempool.Tip {
	tip := n.chain.Tip()
	return mempool.Tip{View: n.chain.Store().View(), Branch: &tip}
}

// The methods of Host.

func (n *node) Tree() *tree.Tree           { return n.chain.Tree() }
func (n *node) Locator() []pillars.BlockID { return n.chain.Store().Locator() }
func (n *node) Pool() *mempool.Pool        { return n.pool }
func (n *node) Evidence(t *wire.Twins)     { n.proof = append(n.proof, t) }
func (n *node) Gone(p tree.Peer)           { n.chain.Gone(p); n.pool.Gone(p) }
func (n *node) Headers(from tree.Peer, heads []tree.Head) (int, error, error) {
	known, rule, events, err := n.chain.Headers(from, heads, uint32(n.now/1000))
	n.took(events)
	return known, rule, err
}

func (n *node) Block(from tree.Peer, b *pillars.Block) (tree.Fate, error, bool, error) {
	r, err := n.chain.Block(from, b, uint32(n.now/1000))
	n.took(r.Events)
	return r.Fate, r.Rule, r.Relay, err
}

func (n *node) Stored(id pillars.BlockID) (*pillars.Block, bool) {
	if at := n.Tree().Find(id); at != nil && at.Block() != nil {
		return at.Block(), at.Judged()
	}
	b, err := n.chain.Store().Block(id)
	return b, err == nil
}

func (n *node) Transaction(from tree.Peer, tx *pillars.Transaction) ([]pillars.TxID, error) {
	missing, err := n.pool.Add(tx, from, n.tip(), uint32(n.now/1000))
	n.flush()
	return missing, err
}

// pay submits a transaction of a node's own.
func (n *node) pay(tx *pillars.Transaction) {
	n.t.Helper()
	if _, err := n.Transaction(0, tx); err != nil {
		n.t.Fatal(err)
	}
	n.core.Settle(n.now)
	n.deliver()
}
