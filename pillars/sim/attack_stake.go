package sim

import (
	"math"
	"slices"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
	"github.com/asterism-network/asterism/pillars/internal/pos"
)

// atStake is how many blocks below the public tip a staker without scruples still stakes on.
const atStake = 6

// keptBranch is how many blocks a branch of stake alone must displace to count as kept.
const keptBranch = 6

// nothingAtStake: a staker with 60 % of the stake tries every second behind the tip, behind each of the blocks below
// it and behind all that he made himself, shows two blocks for each win at the tip, and a branch of his own as soon as it is heavier.
func (c *contest) nothingAtStake() {
	w := c.world(0, 0.6, nearStart)
	if w == nil {
		return
	}
	a := w.attacker()
	s := &everywhere{w: w, n: a}
	w.stakers[a.id].base = func() *consensus.Branch { return nil } // he searches by himself
	s.tick()
	w.runTo(w.from+c.blocks(), c.stop)
	s.over = true
	c.finish(w)
	c.g.Gain, c.g.Bound = float64(w.deepest()), keptBranch-1
	evidence := 0
	for _, n := range w.honest() {
		evidence = max(evidence, n.evidence)
	}
	c.g.Detail["evidence"], c.g.Detail["twins"] = float64(evidence), float64(s.twins)
	c.g.Detail["branches"], c.g.Detail["shown"] = float64(s.made), float64(s.shown)
}

type everywhere struct {
	w                  *world
	n                  *node
	tips               []*record // of his own, not on the public chain when he made them
	over               bool
	twins, made, shown int
}

func (s *everywhere) tick() {
	if s.over {
		return
	}
	s.w.clock.After(1000, s.tick)
	if s.w.quiet {
		return
	}
	var bases []*record
	r := s.n.record()
	for range atStake {
		bases = append(bases, r)
		r = r.parent
	}
	public := bases[0]
	s.tips = slices.DeleteFunc(s.tips, func(r *record) bool {
		return difficulties(&public.branch, &r.branch) > 3 || slices.Contains(bases, r)
	})
	for _, base := range append(bases, s.tips...) {
		s.try(base, public)
	}
}

func (s *everywhere) try(base, public *record) {
	on, now := &base.branch, s.n.now()
	owner := s.w.parties[s.n.id].owner
	win, ok := pos.Prepare(s.w.rules(), on, s.w.court.stakes(on.ID, owner), now, now)
	if !ok {
		return
	}
	stake := *win.Stake
	win.Stake = &stake
	if base == public {
		s.twice(on, win)
		return
	}
	b := s.w.staked(s.n, on, win)
	r := s.w.court.records[b.ID()]
	s.made++
	if len(s.tips) < 16 {
		s.tips = append(s.tips, r)
	}
	if r.branch.Heavier(s.n.branch()) {
		s.show(r)
	}
}

// show publishes a branch from its fork on.
func (s *everywhere) show(to *record) {
	s.shown++
	private := secret{n: s.n}
	for r := to; !s.n.known[r.branch.ID]; r = r.parent {
		private.list = append(private.list, r)
	}
	slices.Reverse(private.list)
	private.publish()
}

// twice gives one half of the network one block and the other half another with the same stake in the same second.
func (s *everywhere) twice(on *consensus.Branch, win pos.Winner) {
	s.twins++
	for half := range 2 {
		b := s.w.staked(s.n, on, win)
		id := b.ID()
		for _, to := range s.w.nodes {
			if to.id%2 == half {
				s.w.send(s.n.id, to.id, blockBytes, func() { to.take(s.n.id, b, id) })
			}
		}
		if half == s.n.id%2 {
			s.n.take(s.n.id, b, id)
		}
	}
}

// stakeAhead: a staker with 30 % of the stake shows blocks whose seconds have not come yet. Each parent gives him the seconds of
// the window besides those that pass. The gain is his part of stake's blocks beyond his part of the stake, relative to
// that. The detail says what it would be if the window for stake were as wide as that for work.
func (c *contest) stakeAhead() {
	wide, bound, _ := c.ahead(func(p *pillars.Params) { p.Time.StakeSeconds = p.Time.FutureSeconds })
	c.g.Detail["wide_window"], c.g.Detail["wide_window_bound"] = wide, bound
	if c.g.Error == "" {
		c.g.Gain, c.g.Bound, c.g.Noise = c.ahead(func(*pillars.Params) {})
	}
}

func (c *contest) ahead(change func(*pillars.Params)) (gain, bound, noise float64) {
	const sigma = 0.3
	c.change = change
	w := c.world(0, sigma, nearStart)
	if w == nil {
		return 0, 0, 0
	}
	w.stakers[w.attacker().id].ahead = w.params.Time.FutureSeconds - 2 // for clocks that differ
	w.restart()
	w.runTo(w.from+c.blocks(), c.stop)
	c.finish(w)
	gain, noise = c.shareGain(w)
	return gain, (float64(w.params.Time.StakeSeconds) + 2*worstSkew/1000) / (wantPoW * wantShare), noise
}

// shareGain measures the attacker's part of stake's blocks against that of the stake, and four standard deviations of it.
func (c *contest) shareGain(w *world) (gain, noise float64) {
	his, all := w.shares(w.from, pillars.PoS, w.attacker().id)
	sigma := w.stakeShare()
	c.g.Detail["stake_blocks"] = float64(all)
	return float64(his)/float64(max(all, 1))/sigma - 1, 4 * math.Sqrt(sigma*(1-sigma)/float64(max(all, 1))) / sigma
}

// stakeShare is the attacker's part of all satoshis that stake: outputs differ in value.
func (w *world) stakeShare() float64 {
	his, all := 0.0, 0.0
	for _, c := range w.genesisStakes() {
		all += float64(c.value)
		if c.party == w.attacker().id {
			his += float64(c.value)
		}
	}
	return his / all
}

type dealt struct {
	party int
	value pillars.Amount
}

// genesisStakes are the outputs that were dealt for staking.
func (s *scene) genesisStakes() (all []dealt) {
	at := 0
	for i, part := range s.parts {
		if part.outputs == 0 {
			continue
		}
		for k := range part.outputs {
			all = append(all, dealt{i, s.params.Genesis.Outputs[at+1+k].Value})
		}
		at += 1 + part.outputs
	}
	return all
}

// choicesBound is how often, at most, a win leaves a choice of outputs (TestGrinding in package pos): one time in thirteen.
const choicesBound = 1.0 / 13

// grinding: a staker with 30 % of the stake, and in the last variant 30 % of the hash rate, chooses. Outputs: of all
// that win within the window, each of which makes another modifier, he takes the one after which he wins again soonest, at the
// moment when an honest staker would show his first. Withhold: he drops his own blocks of work unless one of his stakes wins soon behind them.
func (c *contest) grinding() {
	const sigma = 0.3
	w := c.world(0, sigma, nearStart)
	if w == nil {
		return
	}
	a := w.attacker()
	choices := &chooser{w: w, s: w.stakers[a.id]}
	w.stakers[a.id].pick = choices.pick
	w.runTo(w.from+c.blocks(), c.stop)
	c.finish(w)
	if c.g.Error != "" {
		return
	}
	c.g.Detail["outputs"], c.g.Noise = c.shareGain(w)
	c.g.Detail["choices"] = float64(choices.seen) / float64(max(choices.wins, 1))

	if w = c.world(sigma, sigma, nearStart); w == nil {
		return
	}
	a = w.attacker()
	kept, dropped := 0, 0
	w.miners[a.id].found = func(b *pillars.Block, id pillars.BlockID) {
		if choices := (&chooser{w: w, s: w.stakers[a.id]}); choices.soonest(&w.court.records[id].branch, nil) > b.Timestamp+12 && !w.quiet {
			dropped++
			return
		}
		kept++
		a.take(a.id, b, id)
	}
	w.runTo(w.from+c.blocks(), c.stop)
	w.miners[a.id].found = func(b *pillars.Block, id pillars.BlockID) { a.take(a.id, b, id) }
	c.finish(w)
	if c.g.Error != "" {
		return
	}
	c.g.Detail["withhold"], _ = c.shareGain(w)
	c.g.Gain = max(c.g.Detail["outputs"], c.g.Detail["withhold"])
	c.g.Detail["withhold_dropped"] = float64(dropped) / float64(max(kept+dropped, 1))
	c.g.Detail["withhold_reward"] = c.reward(w) - 1
	c.g.Bound = choicesBound + sigma*wantShare // each own block of work is another draw for the life of a parent, at most
}

// reward is what the attacker earns against his part of the hash rate and stake, in subsidies.
func (c *contest) reward(w *world) float64 {
	a := w.attacker().id
	hisWork, work := w.shares(w.from, pillars.PoW, a)
	hisStake, stake := w.shares(w.from, pillars.PoS, a)
	pow, pos := float64(w.params.Subsidy.PoW), float64(w.params.Subsidy.PoS)
	honest := w.parts[a].rate/w.hashRate()*float64(work)*pow + w.stakeShare()*float64(stake)*pos
	return (float64(hisWork)*pow + float64(hisStake)*pos) / honest
}

// A chooser looks at what each of his wins leads to.
type chooser struct {
	w          *world
	s          *staker
	wins, seen int
}

// pick returns the win after which the next one comes soonest, among all whose seconds lie within the window.
func (c *chooser) pick(on *consensus.Branch, first pos.Winner) pos.Winner {
	rules := c.w.rules()
	best, soonest := first, ^uint32(0)
	c.wins++
	mine := slices.Clone(c.w.court.stakes(on.ID, c.s.owner()))
	for i := range mine {
		win, ok := pos.Prepare(rules, on, mine[i:i+1], first.Stamp, first.Stamp+rules.Time.StakeSeconds)
		if !ok {
			continue
		}
		c.seen++
		h, err := on.Prepare(rules, pillars.PoS, win.Stamp)
		if err != nil {
			continue
		}
		next := on.Next(rules, &h, consensus.Reveal{Stake: win.Stake.Outpoint})
		if at := c.soonestIn(&next, mine, &win.Stake.Outpoint); at < soonest {
			best, soonest = win, at
		}
	}
	return best
}

// horizon is how far a grinder looks ahead, in seconds: few parents last longer.
const horizon = 40

// soonest is the first second behind a branch in which one of his stakes wins, but for one that was just used.
func (c *chooser) soonest(on *consensus.Branch, used *pillars.Outpoint) uint32 {
	return c.soonestIn(on, c.w.court.stakes(on.ID, c.s.owner()), used)
}

func (c *chooser) soonestIn(on *consensus.Branch, stakes []pos.Stake, used *pillars.Outpoint) uint32 {
	mine := slices.DeleteFunc(slices.Clone(stakes), func(s pos.Stake) bool { return used != nil && s.Outpoint == *used })
	if win, ok := pos.Prepare(c.w.rules(), on, mine, 0, on.Stamps[0]+horizon); ok {
		return win.Stamp
	}
	return ^uint32(0)
}
