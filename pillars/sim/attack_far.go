package sim

import (
	"math/rand/v2"
	"slices"

	"github.com/asterism-network/asterism/internal/sim"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
	"github.com/asterism-network/asterism/pillars/internal/pos"
	"github.com/asterism-network/asterism/pillars/internal/tree"
)

// longRange: 30 % of the hash rate and 60 % of the stake as it was then build on an old block for longer than what is final. Nodes
// that were there refuse the branch whatever it weighs. A node that comes later and sees both compares weights: the gain is
// the branch's weight in the honest chain's, above the fork.
func (c *contest) longRange() {
	const alpha, sigma = 0.3, 0.6
	w := c.world(alpha, sigma, deepStart)
	if w == nil {
		return
	}
	a := w.attacker()
	s := &secret{n: a, fork: a.record()}
	for s.fork.branch.Number > w.from-10 { // below all tips
		s.fork = s.fork.parent
	}
	add := func(_ *pillars.Block, id pillars.BlockID) {
		s.add(id)
		w.miners[a.id].restart()
		w.stakers[a.id].restart()
	}
	w.miners[a.id].base, w.miners[a.id].found = s.branch, add
	w.stakers[a.id].base, w.stakers[a.id].found = s.branch, add
	w.restart()
	w.runTo(w.from+max(c.blocks(), 2*w.params.Finality), c.stop)
	if w.broken != nil || c.stop() {
		c.finish(w)
		return
	}
	w.miners[a.id].base = func() *consensus.Branch { return nil }
	w.stakers[a.id].base = w.miners[a.id].base
	w.restart()
	honest := w.nodes[0].record()
	own, public := above(s.branch(), &s.fork.branch), above(&honest.branch, &s.fork.branch)
	c.g.Gain, c.g.Bound = own/public, 1
	c.g.Detail["blocks"], c.g.Detail["honest_blocks"] = float64(len(s.list)), float64(honest.branch.Number-s.fork.branch.Number)
	c.g.Detail["expected"] = (alpha*9 + sigma) / ((1-alpha)*9 + 1 - sigma)
	for _, r := range s.list[:min(30, len(s.list))] {
		for _, to := range w.honest() {
			w.send(a.id, to.id, blockBytes, func() { to.take(a.id, r.block, r.branch.ID) })
		}
	}
	w.runFor(600_000, c.stop)
	refused := 0
	for _, n := range w.honest() {
		refused += n.refused[tree.BelowFinality.Error()]
	}
	c.g.Detail["refused"] = float64(refused)
	if refused == 0 {
		c.g.Error = "nobody refused the old branch"
		return
	}
	if err := w.newcomer(s, honest); err != "" {
		c.g.Error = err
		return
	}
	c.finish(w)
}

// above is the weight that a branch has over its fork, in difficulties at the fork.
func above(b, fork *consensus.Branch) float64 {
	return (b.Weight.Float64() - fork.Weight.Float64()) / fork.Work.Bits.Float64()
}

// newcomer hears headers of both chains from two peers, in either order, and must want the honest one.
func (w *world) newcomer(s *secret, honest *record) string {
	genesis := w.court.chain(honest.branch.ID)[0]
	old := heads(append(w.court.chain(s.fork.branch.ID), s.list...))
	good := heads(w.court.chain(honest.branch.ID))
	for _, order := range [][2][]tree.Head{{old, good}, {good, old}} {
		t, err := tree.New(w.rules(), w.seals, tree.HeadOf(genesis.block), genesis.branch, tree.Limits{})
		if err != nil {
			return err.Error()
		}
		for peer, list := range order {
			if _, err := t.Headers(tree.Peer(peer+1), list, w.nodes[0].now()); err != nil {
				return "a newcomer refuses headers: " + err.Error()
			}
		}
		if t.Lead().ID() != honest.branch.ID {
			return "a newcomer prefers the old branch"
		}
	}
	return ""
}

func heads(chain []*record) (all []tree.Head) {
	for _, r := range chain[1:] {
		all = append(all, tree.HeadOf(r.block))
	}
	return all
}

// floodLimits are small, so that a flood of some thousand blocks fills them.
var floodLimits = tree.Limits{Heads: 400, PeerHeads: 200, Bytes: 4 << 20, PeerBytes: 2 << 20, Invalid: 200, Uses: 64}

// flood: four peers send blocks under stakes that do not exist, chains of them, and blocks whose parents nobody has, ten a second. What
// nodes hold stays within their bounds, the honest chain goes on. The gain is the fullest bound's part that was used.
func (c *contest) flood() {
	w := c.world(0, 0, nearStart)
	if w == nil {
		return
	}
	f := &flooder{w: w, rng: sim.Stream(c.seed, "flood")}
	for _, n := range w.nodes[1:3] {
		t, err := tree.New(w.rules(), w.seals, n.tree.Root().Head, n.tree.Root().Branch, floodLimits)
		if err != nil {
			c.g.Error = err.Error()
			return
		}
		n.tree = t // joins anew, with less memory
		n.known = map[pillars.BlockID]bool{t.Root().ID(): true}
		n.asked = map[int]sim.Time{}
		f.victims = append(f.victims, n)
	}
	w.settle(w.nodes)
	w.quiet = false
	w.restart()
	from := w.nodes[0].tip().Number
	f.tick()
	w.runFor(600_000, c.stop)
	f.over = true
	c.finish(w)
	c.g.Gain, c.g.Bound = f.most, 1
	c.g.Detail["sent"], c.g.Detail["held"], c.g.Detail["honest_blocks"] = float64(f.sent), float64(f.held), float64(w.nodes[0].tip().Number-from)
	if c.g.Error == "" && f.most < 0.9 {
		c.g.Error = "the flood filled nothing: this shows nothing"
	}
	for _, n := range f.victims {
		for peer := range 4 {
			n.tree.Gone(tree.Peer(firstFlooder + peer))
		}
		if s := n.tree.Sizes(); c.g.Error == "" && (s.Heads != 0 || s.Bytes != 0) {
			c.g.Error = "a victim holds something of peers that have left"
		}
	}
}

// firstFlooder is above the numbers of nodes.
const firstFlooder = 1000

type flooder struct {
	w       *world
	rng     *rand.Rand
	victims []*node
	tips    []*consensus.Branch // of fake chains
	over    bool
	sent    int
	held    int
	most    float64
}

func (f *flooder) tick() {
	if f.over {
		return
	}
	f.w.clock.After(100, f.tick)
	public := f.victims[0].branch()
	if len(f.tips) == 0 || f.rng.IntN(12) == 0 {
		f.tips = append(f.tips, public)
	}
	if len(f.tips) > 20 {
		f.tips = slices.Delete(f.tips, 0, 5)
	}
	on := f.tips[f.rng.IntN(len(f.tips))]
	if f.rng.IntN(3) == 0 {
		lost := *public // nobody has this parent
		lost.ID[0], lost.ID[1] = byte(f.rng.Uint32()), lost.ID[1]^1
		on = &lost
	}
	b := f.fake(on)
	if b == nil {
		return
	}
	f.sent++
	peer := tree.Peer(firstFlooder + f.rng.IntN(4))
	for _, n := range f.victims {
		if f.sent%2 == 0 {
			_, _ = n.tree.Headers(peer, []tree.Head{tree.HeadOf(b)}, n.now())
			n.settle()
		} else {
			n.offer(peer, b)
		}
		f.look(n)
	}
}

// fake makes a block under a stake that does not exist; all else about it is right.
func (f *flooder) fake(on *consensus.Branch) *pillars.Block {
	stamp := on.Earliest(f.w.rules(), pillars.PoS) + f.rng.Uint32N(3)
	if _, err := on.Difficulty(f.w.rules(), pillars.PoS, stamp); err != nil {
		return nil
	}
	who := f.w.parties[0]
	stake := pos.Stake{Outpoint: pillars.Outpoint{Index: f.rng.Uint32()}, Value: f.w.params.Stake.Minimum, Owner: who.owner}
	tx := pos.Coinstake(f.w.rules(), &stake, nil)
	tx.Inputs[0].Script = make([]byte, 107) // as long as a signature and a key
	b := f.w.assemble(on, pillars.PoS, stamp, who.owner, 0, []*pillars.Transaction{tx}, &stake)
	if err := b.Sign(who.key); err != nil {
		return nil
	}
	next := on.Next(f.w.rules(), &b.Header, consensus.Reveal{Stake: stake.Outpoint})
	f.tips = append(f.tips, &next)
	return b
}

func (f *flooder) look(n *node) {
	s := n.tree.Sizes()
	f.held = max(f.held, s.Heads)
	for _, part := range [][2]int{{s.Heads, floodLimits.Heads}, {s.Bytes, floodLimits.Bytes}, {s.Invalid, floodLimits.Invalid}} {
		f.most = max(f.most, float64(part[0])/float64(part[1]))
	}
}
