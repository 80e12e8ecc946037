package sim

import (
	"context"
	"fmt"

	"github.com/asterism-network/asterism/internal/sim"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
)

// An attack is a strategy, what it may gain at most, and why; docs/explain/pillars-security.md derives the bounds.
type attack struct {
	name, help string
	run        func(c *contest)
	share      bool // the gain is a share of blocks: seeds are averaged. Else the largest counts
}

// attacks lists all, in the order in which they run.
var attacks []attack

func init() { // the strategies ask for the list's type
	attacks = []attack{
		{"majority", "51 % of the hash rate and no stake: most blocks displaced at once", (*contest).majority, false},
		{"nothing-at-stake", "60 % of the stake on every branch at once: most blocks displaced at once", (*contest).nothingAtStake, false},
		{"time-warp", "51 % of the hash rate stamps as it likes: how much faster work's blocks come", (*contest).timeWarp, true},
		{"stake-ahead", "a staker shows blocks whose seconds have not come: blocks beyond his share", (*contest).stakeAhead, true},
		{"grinding", "a staker and miner chooses outputs, modifiers and what to withhold: stake's blocks beyond his share", (*contest).grinding, true},
		{"selfish", "45 % of the hash rate withholds blocks: work's blocks beyond its share", (*contest).selfish, true},
		{"long-range", "30 % of the hash rate and 60 % of an old stake from below what is final: weight against the honest chain's", (*contest).longRange, false},
		{"flood", "fake stakes and orphans without end: memory against its bound", (*contest).flood, false},
		{"partition", "the network in two for 40 minutes, then whole: most blocks displaced at once", (*contest).partition, false},
	}
}

// Attacks lists the names of attacks with what they measure.
func Attacks() (all []Profile) {
	for _, a := range attacks {
		all = append(all, Profile{a.name, a.help})
	}
	return all
}

// A Gain is what an attack got out of one seed, and what it can get at most.
type Gain struct {
	Attack string             `json:"attack"`
	Seed   uint64             `json:"seed"`
	Gain   float64            `json:"gain"`
	Bound  float64            `json:"bound"`
	Noise  float64            `json:"noise,omitempty"` // four standard deviations of the gain, where it is a share of blocks
	Ok     bool               `json:"ok"`
	Detail map[string]float64 `json:"detail,omitempty"`
	Error  string             `json:"error,omitempty"`

	trace *Trace
}

// A contest is one attack in one seed.
type contest struct {
	o    Options
	seed uint64
	stop func() bool
	g    Gain

	change func(*pillars.Params) // of the network of the contest; nil: nothing
}

func (r *Report) attacks(ctx context.Context, o Options) {
	var todo []attack
	for _, a := range attacks {
		if o.Attack == "" || o.Attack == a.name {
			todo = append(todo, a)
		}
	}
	sim.Each(ctx, len(todo)*o.Seeds, o.Workers, func(i int) Gain {
		a, seed := todo[i/o.Seeds], o.First+uint64(i%o.Seeds)
		return attackRun(a, o, seed, stopOf(ctx))
	}, func(i int, g Gain) bool {
		r.AttackRuns = append(r.AttackRuns, g)
		if a := todo[i/o.Seeds]; a.share {
			r.Attacks[g.Attack] += g.Gain / float64(o.Seeds)
		} else {
			r.Attacks[g.Attack] = max(r.Attacks[g.Attack], g.Gain)
		}
		only := o
		only.Attack = g.Attack
		r.keepTrace(g.trace, g.Error != "")
		if g.Error != "" {
			r.violated(g.Attack+": "+g.Error, only.replay("attacks", g.Seed))
		} else if !g.Ok {
			r.Replays = append(r.Replays, only.replay("attacks", g.Seed))
			r.complain("%s, seed %d: gains %.4f, bound %.4f, noise %.4f", g.Attack, g.Seed, g.Gain, g.Bound, g.Noise)
		}
		o.Progress(fmt.Sprintf("attacks: %d of %d runs", i+1, len(todo)*o.Seeds))
		return true
	})
}

func attackRun(a attack, o Options, seed uint64, stop func() bool) Gain {
	c := &contest{o: o, seed: seed, stop: stop, g: Gain{Attack: a.name, Seed: seed, Detail: map[string]float64{}}}
	a.run(c)
	c.g.Ok = c.g.Error == "" && c.g.Gain <= c.g.Bound+c.g.Noise
	return c.g
}

// The network of a contest begins near where it settles: least difficulties are a part of the settled ones, stakes wait a tenth
// of the profile's heights, and runs are bounded from the end of its warm-up on. All else is the profile's.
const (
	contestRate    = 1e8
	contestOutputs = 40

	// Where the difficulty begins, against where it settles. An attack that leaves a part of the hash rate alone needs
	// room below.
	nearStart, deepStart = 0.75, 0.45

	// The same for tests that must not take long: less room, and less to climb.
	nearBrief, deepBrief = 0.92, 0.75
)

// contestWarmup is long enough from the start given: the difficulty rises by less than 2/2048 a block.
func contestWarmup(start float64) uint32 {
	switch start {
	case deepStart:
		return 2200
	case nearBrief:
		return 400
	}
	return 1300 // nearStart, deepBrief
}

func contestParams(rate float64, outputs int, start float64) pillars.Params {
	p := pillars.MainnetLike()
	p.Runs.Grace = contestWarmup(start)
	p.Stake.MaturityMin, p.Stake.MaturityScale, p.Stake.LockAge = 25, 100, 12
	p.PoW.Minimum.SetUint64(uint64(start * wantPoW * rate))
	waiting := int(p.Stake.MaturityScale) / 10
	p.PoS.Minimum.SetUint64(uint64(nearStart * wantPoS * 1.5 * float64(p.Stake.Minimum) * float64(max(outputs-waiting, 4))))
	return p
}

// world makes a network of three honest miners and two honest stakers, and an attacker as the last node, who has a part of
// all hash rate and of all stake and is honest during the warm-up.
func (c *contest) world(alpha, sigma, start float64) *world {
	var parts []part
	for _, share := range []float64{0.5, 0.3, 0.2} {
		parts = append(parts, part{rate: (1 - alpha) * share * contestRate})
	}
	his := int(sigma*contestOutputs + 0.5)
	ours := contestOutputs - his
	parts = append(parts, part{outputs: ours / 2}, part{outputs: ours - ours/2}, part{rate: alpha * contestRate, outputs: his})
	parts[0].full = true
	if c.o.brief {
		start = map[float64]float64{nearStart: nearBrief, deepStart: deepBrief}[start]
	}
	p := contestParams(contestRate, contestOutputs, start)
	if c.change != nil {
		c.change(&p)
	}
	scene := newScene(p, parts, sim.Stream(c.seed, "scene"))
	w, err := newWorld(scene, c.o.rules(&scene.params), c.seed)
	if err != nil {
		c.g.Error = err.Error()
		return nil
	}
	w.from = contestWarmup(start)
	w.runTo(w.from, c.stop)
	for _, n := range w.nodes {
		n.deepest, n.evidence, n.reorgs = 0, 0, 0
	}
	return w
}

// blocks is how long the attack goes on.
func (c *contest) blocks() uint32 { return uint32(min(max(c.o.Blocks/16, 200), 1250)) }

// attacker is the last node, honest all others.
func (w *world) attacker() *node { return w.nodes[len(w.nodes)-1] }
func (w *world) honest() []*node { return w.nodes[:len(w.nodes)-1] }

// finish lets the network settle, checks it, and takes what went wrong over.
func (c *contest) finish(w *world) {
	if c.stop() {
		c.g.Error = interrupted
		return
	}
	w.settle(w.honest())
	w.check(w.honest())
	if w.broken != nil {
		c.g.Error = w.broken.Error()
	}
	if c.o.Trace {
		c.g.trace = w.trace(c.g.Attack)
	}
}

// deepest is the most blocks that one reorganisation took off an honest node's chain.
func (w *world) deepest() (n uint32) {
	for _, h := range w.honest() {
		n = max(n, h.deepest)
	}
	return n
}

// shares counts blocks of the final chain above a height: of all with a seal, and of one author's.
func (w *world) shares(from uint32, seal pillars.Seal, author int) (his, all int) {
	for _, r := range w.court.chain(w.nodes[0].tip().ID()) {
		if r.block.Number <= from || r.block.Seal() != seal {
			continue
		}
		all++
		if r.author == author {
			his++
		}
	}
	return his, all
}

// A secret is a branch that its maker has not shown yet.
type secret struct {
	n       *node
	fork    *record
	list    []*record
	showing bool // our own node's tip moves for that reason
}

func (s *secret) tip() *record {
	if len(s.list) == 0 {
		return s.fork
	}
	return s.list[len(s.list)-1]
}

func (s *secret) branch() *consensus.Branch { return &s.tip().branch }

func (s *secret) add(id pillars.BlockID) { s.list = append(s.list, s.n.w.court.records[id]) }

// publish shows the branch. Whoever finds it heavier goes there.
func (s *secret) publish() {
	s.showing = true
	defer func() { s.showing = false }()
	for _, r := range s.list {
		s.n.take(s.n.id, r.block, r.branch.ID)
	}
	last := s.tip()
	s.n.relay(last.block, last.branch.ID) // also if our own node prefers another
}

// record is what the court has of a node's tip.
func (n *node) record() *record { return n.w.court.records[n.tip().ID()] }
