package sim

import (
	"fmt"
	"math"

	"github.com/holiman/uint256"

	"github.com/asterism-network/asterism/internal/sim"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
)

// majority: a miner with 51 % of the hash rate and no stake leaves the network at a block of stake, where the longest run
// is before him, and shows his branch when it is heavier and displaces as many blocks as he set out for, a random number each time.
// The bound of runs lets him have 29 blocks; the valve opens after 2,520 s and sells weight at a quarter of its price.
func (c *contest) majority() {
	w := c.world(0.51, 0, deepStart)
	if w == nil {
		return
	}
	a := w.attacker()
	m := &majorityMiner{secret: secret{n: a}, rng: sim.Stream(c.seed, "majority"), bound: runWeight(&w.params)}
	miner := w.miners[a.id]
	miner.base = m.base
	miner.found = m.found
	a.moved = m.look
	w.runTo(w.from+c.blocks(), c.stop)
	c.finish(w)
	c.g.Gain, c.g.Bound = float64(w.deepest()), float64(w.params.Runs.PoW)
	c.g.Detail["trials"], c.g.Detail["published"] = float64(m.trials), float64(m.shown)
	c.g.Detail["displaced_weight"], c.g.Detail["displaced_weight_bound"] = m.most, m.bound
	if m.most > m.bound {
		c.g.Error = "more weight displaced than a run of work can have"
	}
}

// runWeight is the most that a run of work can weigh, in difficulties at its start: each block rises by at most Up/Scale.
func runWeight(p *pillars.Params) (sum float64) {
	for i := range p.Runs.PoW {
		sum += math.Pow(1+float64(p.PoW.Up)/float64(p.PoW.Scale), float64(i+1))
	}
	return sum
}

type majorityMiner struct {
	secret
	rng           interface{ IntN(int) int }
	goal          uint32 // blocks to displace in this trial
	trials, shown int
	most, bound   float64
}

func (m *majorityMiner) base() *consensus.Branch {
	if m.fork == nil {
		return m.n.branch()
	}
	return m.branch()
}

// look sees the public tip move: a block of stake starts a trial, too much weight ends it.
func (m *majorityMiner) look() {
	if m.showing {
		return
	}
	tip := m.n.record()
	if m.fork == nil {
		if tip.block.Seal() == pillars.PoS && tip.branch.Number > m.n.w.from {
			m.fork, m.list = tip, nil
			m.goal = uint32(2 + m.rng.IntN(34))
			m.trials++
			m.n.w.miners[m.n.id].restart()
		}
		return
	}
	if ahead := difficulties(&tip.branch, m.branch()); ahead > 12 {
		m.over()
		return
	}
	m.consider()
}

func (m *majorityMiner) over() {
	m.fork, m.list = nil, nil
	m.n.w.miners[m.n.id].restart()
}

func (m *majorityMiner) found(b *pillars.Block, id pillars.BlockID) {
	if m.fork == nil {
		m.n.take(m.n.id, b, id)
		return
	}
	m.add(id)
	m.consider()
}

// consider shows the branch if it is heavier and displaces enough, or can grow no more for long.
func (m *majorityMiner) consider() {
	tip, own := m.n.branch(), m.branch()
	if !own.Heavier(tip) {
		return
	}
	used := own.WorkRun >= m.n.w.params.Runs.PoW
	if tip.Number-m.fork.branch.Number < m.goal && !used {
		return
	}
	m.most = max(m.most, difficulties(tip, &m.fork.branch))
	m.shown++
	m.publish()
	m.over()
}

// difficulties is how much more one branch weighs than another, in difficulties of work at the other's end.
func difficulties(more, than *consensus.Branch) float64 {
	var d uint256.Int
	if _, under := d.SubOverflow(&more.Weight, &than.Weight); under {
		return -difficulties(than, more)
	}
	return d.Float64() / than.Work.Bits.Float64()
}

// selfish: withholds blocks and shows them when the others come near (Eyal and Sirer 2014), with 25, 33 and 45 % of the hash
// rate. The gain is the part of work's blocks beyond its part of the hash rate, relative to that.
func (c *contest) selfish() {
	for _, alpha := range []float64{0.25, 0.33, 0.45} {
		w := c.world(alpha, 0, deepStart)
		if w == nil {
			return
		}
		a := w.attacker()
		s := &selfishMiner{secret{n: a}}
		miner := w.miners[a.id]
		miner.base, miner.found, a.moved = s.base, s.found, s.look
		w.runTo(w.from+c.blocks(), c.stop)
		c.finish(w)
		if c.g.Error != "" {
			return
		}
		his, all := w.shares(w.from, pillars.PoW, a.id)
		share := float64(his) / float64(all)
		gain, bound := share/alpha-1, eyalSirer(alpha, 1)/alpha-1
		name := fmt.Sprintf("at_%.0f", 100*alpha)
		noise := 4 * math.Sqrt(alpha*(1-alpha)/float64(all)) / alpha
		c.g.Detail[name], c.g.Detail[name+"_bound"], c.g.Detail[name+"_deepest"] = gain, bound, float64(w.deepest())
		if gain > bound+noise {
			c.g.Error = "gains more than the bound " + name
		}
		c.g.Gain, c.g.Bound, c.g.Noise = gain, bound, noise // of the largest, the last
	}
}

// eyalSirer is the share of blocks that their selfish miner gets with a part alpha of the hash rate, when a part gamma of
// the others mines on his block in a tie.
func eyalSirer(alpha, gamma float64) float64 {
	rest := 1 - alpha
	return (alpha*rest*rest*(4*alpha+gamma*(1-2*alpha)) - alpha*alpha*alpha) / (1 - alpha*(1+(2-alpha)*alpha))
}

type selfishMiner struct{ secret }

func (s *selfishMiner) base() *consensus.Branch {
	if len(s.list) == 0 {
		return s.n.branch()
	}
	return s.branch()
}

func (s *selfishMiner) found(_ *pillars.Block, id pillars.BlockID) {
	tie := len(s.list) > 0 && !s.branch().Heavier(s.n.branch())
	if len(s.list) == 0 {
		s.fork = s.n.record()
	}
	s.add(id)
	if tie || s.branch().WorkRun >= s.n.w.params.Runs.PoW { // wins the race, or cannot go on in secret
		s.show()
	}
}

// show publishes, and is done if the network must follow.
func (s *selfishMiner) show() {
	heavier := s.branch().Heavier(s.n.branch())
	s.publish()
	if heavier {
		s.list = nil
		s.n.w.miners[s.n.id].restart()
	}
}

// look: the others found a block. Whoever is behind gives up; who is less than two ahead shows all.
func (s *selfishMiner) look() {
	if len(s.list) == 0 || s.showing {
		return
	}
	switch ahead := difficulties(s.branch(), s.n.branch()); {
	case ahead < -0.5: // blocks differ in weight by some per cent: he is not behind yet if he lacks a part of one
		s.list = nil
		s.n.w.miners[s.n.id].restart()
	case ahead < 1.5:
		s.show()
	}
}

// timeWarp: 51 % of the hash rate stamps by a rule of its own. Late: as far ahead as the window allows. Early: as early as allowed.
// Grid: where a whole number of the retarget's steps ends, so that rounding down never costs the attacker. The
// gain is how much more often work's blocks come than without it, which is what all miners together would gain.
func (c *contest) timeWarp() {
	p := contestParams(contestRate, contestOutputs, nearStart)
	step := float64(p.PoW.DivisorMilli) / 1000
	c.g.Bound = powTarget(&p)/(float64(p.PoW.Up)*step) - 1
	for _, s := range []struct {
		name  string
		stamp func(w *world) func(*consensus.Branch, uint32) uint32
	}{
		{"honest", nil},
		{"late", func(w *world) func(*consensus.Branch, uint32) uint32 {
			return func(_ *consensus.Branch, now uint32) uint32 { return now + w.params.Time.FutureSeconds }
		}},
		{"early", func(*world) func(*consensus.Branch, uint32) uint32 {
			return func(on *consensus.Branch, _ uint32) uint32 { return on.Earliest(&p, pillars.PoW) }
		}},
		{"grid", func(w *world) func(*consensus.Branch, uint32) uint32 {
			return func(on *consensus.Branch, now uint32) uint32 { return onGrid(&w.params, on, now) }
		}},
	} {
		w := c.world(0.51, 0, nearStart)
		if w == nil {
			return
		}
		if s.stamp != nil {
			w.miners[w.attacker().id].stamp = s.stamp(w)
			w.restart()
		}
		from, to := w.from+200, w.from+200+c.blocks()
		w.runTo(to, c.stop)
		c.finish(w)
		if c.g.Error != "" {
			return
		}
		pow, _ := intervals(w.court.chain(w.nodes[0].tip().ID()), from, to)
		his, all := w.shares(from, pillars.PoW, w.attacker().id)
		c.g.Detail[s.name+"_mean_s"] = pow.mean()
		c.g.Detail[s.name+"_share"] = float64(his) / float64(all)
		if s.stamp != nil {
			c.g.Gain = max(c.g.Gain, c.g.Detail["honest_mean_s"]/pow.mean()-1)
		}
	}
}

// onGrid is the latest stamp within the window at which a whole number of steps has passed since the last work, or the
// clock's second if there is none after the parent.
func onGrid(p *pillars.Params, on *consensus.Branch, now uint32) uint32 {
	latest := now + p.Time.FutureSeconds
	if latest < on.Work.Stamp {
		return now
	}
	step := uint64(p.PoW.DivisorMilli)
	k := uint64(latest-on.Work.Stamp) * 1000 / step
	stamp := on.Work.Stamp + uint32((k*step+999)/1000)
	if stamp > latest || stamp < on.Stamps[0] {
		return now
	}
	return stamp
}

// partition: two parts of the network hear nothing of each other for 40 minutes, three times, and then all is whole. All must be
// equal again, by a reorganisation of at most what is final. Apart for three hours they have both made more than that: then they
// stay apart, which is the price of finality, and shown in the detail.
func (c *contest) partition() {
	w := c.world(0.2, 0.3, nearStart)
	if w == nil {
		return
	}
	c.g.Bound = float64(w.params.Finality)
	one, other := w.nodes[0], w.nodes[1]
	for range 3 {
		w.cut(0, 3)
		w.runFor(2400_000, c.stop)
		if w.broken == nil && one.tip().ID() == other.tip().ID() {
			c.g.Error = "the parts agree while they are cut off: this shows nothing"
			return
		}
		if !w.settle(w.nodes) {
			break
		}
		w.quiet = false
		w.restart()
		w.runFor(1800_000, c.stop)
	}
	c.finish(w)
	c.g.Gain = float64(max(w.deepest(), w.attacker().deepest))
	if c.g.Error != "" {
		return
	}
	w.quiet = false
	w.restart()
	w.cut(0, 3)
	w.runFor(4*3600_000, c.stop)
	w.network.MendAll()
	for _, n := range w.nodes {
		n.announce()
	}
	w.runFor(1800_000, c.stop)
	c.g.Detail["apart_after_4_hours"] = 0
	if _, other := w.court.fork(one.record(), other.record()); other > w.params.Finality {
		c.g.Detail["apart_after_4_hours"] = 1
	}
	if w.broken != nil {
		c.g.Error = w.broken.Error()
	}
}

// cut separates two nodes from all others.
func (w *world) cut(a, b int) {
	for i := range w.nodes {
		for _, l := range []int{a, b} {
			if i != a && i != b {
				w.network.Cut(l, i)
				w.network.Cut(i, l)
			}
		}
	}
}
