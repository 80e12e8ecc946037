package sim

import (
	"math"
	"math/rand/v2"

	"github.com/asterism-network/asterism/internal/sim"
	"github.com/asterism-network/asterism/pillars"
)

// A shock is ten times the hash rate from one moment to the next, and later a tenth of it. The paper: the
// difficulty rises as fast as before, and falls much faster than before. Before is the running network's
// first rule: up by 1/1024 if a block came in less than 24 seconds, else down by as much.

const (
	shockFactor = 10
	// The difficulty has recovered when it is this near to where intervals have their mean again.
	shockNear = 0.8
	// How many standard deviations of one run a run may be above the mean that the rules give by themselves; of n runs' mean
	// the deviation is that by the root of n.
	shockDeviations = 4
	// How often the rules are drawn by themselves to know mean and deviation.
	shockDraws = 200
)

// A Shock is what one seed showed. Blocks are blocks of work.
type Shock struct {
	Seed         uint64  `json:"seed"`
	Up           int     `json:"up_blocks"`
	UpHours      float64 `json:"up_hours"`
	Down         int     `json:"down_blocks"`
	DownHours    float64 `json:"down_hours"`
	OldUp        int     `json:"old_rule_up_blocks"`
	OldUpHours   float64 `json:"old_rule_up_hours"`
	OldDown      int     `json:"old_rule_down_blocks"`
	OldDownHours float64 `json:"old_rule_down_hours"`
	Ok           bool    `json:"ok"`
	Error        string  `json:"error,omitempty"`
}

func shock(o Options, p pillars.Params, seed uint64, progress func(string), stop func() bool) (s Shock) {
	s.Seed = seed
	scene := newScene(p, steadyParts(o.HashRate, o.Stakers), sim.Stream(seed, "scene"))
	w, err := newWorld(scene, o.rules(&scene.params), seed)
	if err != nil {
		s.Error = err.Error()
		return s
	}
	progress("warm-up")
	if w.runTo(uint32(o.Warmup), stop) {
		progress("hash rate times ten")
		s.Up, s.UpHours = w.recover(shockFactor, true, stop)
	}
	if w.broken == nil && !stop() {
		w.runTo(w.nodes[0].tip().Number+1000, stop)
		progress("a tenth of the hash rate")
		s.Down, s.DownHours = w.recover(1.0/shockFactor, false, stop)
	}
	if stop() {
		s.Error = interrupted
		return s
	}
	w.settle(w.nodes)
	w.check(w.nodes)
	rng := sim.Stream(seed, "old rule")
	s.OldUp, s.OldUpHours = oldRule(1.0/shockFactor, rng)
	s.OldDown, s.OldDownHours = oldRule(shockFactor, rng)
	s.Ok = w.broken == nil && s.DownHours < s.OldDownHours
	if w.broken != nil {
		s.Error = w.broken.Error()
	}
	return s
}

// recover changes everybody's hash rate and lets time pass until the difficulty is near where it belongs.
func (w *world) recover(factor float64, up bool, stop func() bool) (blocks int, hours float64) {
	rate := 0.0
	for _, m := range w.miners {
		m.rate *= factor
		rate += m.rate
	}
	w.restart()
	n := w.nodes[0]
	began, from := w.clock.Now(), n.tip().ID()
	want := powTarget(&w.params) * rate
	if up {
		want *= shockNear
	} else {
		want /= shockNear
	}
	done := w.run(func() bool {
		now := n.tip().Branch.Work.Bits.Float64()
		return up && now >= want || !up && now <= want
	}, began+60*86400_000, stop)
	if !done {
		return 0, 0
	}
	chain := w.court.chain(n.tip().ID())
	for i := len(chain) - 1; i > 0 && chain[i].branch.ID != from; i-- {
		if chain[i].block.Seal() == pillars.PoW {
			blocks++
		}
	}
	return blocks, float64(w.clock.Now()-began) / 3600_000
}

// powTarget is the mean interval of work in seconds that the profile's figures give: with independent blocks the mean of
// the retarget's A is zero there.
func powTarget(p *pillars.Params) float64 { return target(&p.PoW) }

func target(r *pillars.RetargetParams) float64 {
	return float64(r.DivisorMilli) / 1000 / math.Log(float64(r.Up+1)/float64(r.Up))
}

// oldRule counts the blocks and hours that the running network's first rule takes from a difficulty that many times too high
// until it is as near as shockNear; the mean of twenty draws without network, stake or bound of runs.
func oldRule(times float64, rng *rand.Rand) (blocks int, hours float64) {
	const draws = 20
	seconds := 0.0
	mean := 24 / math.Ln2 // where as many blocks come earlier than 24 s as later
	for range draws {
		for x := times; x < shockNear || x > 1/shockNear; blocks++ {
			if x < shockNear && times > 1 || x > 1/shockNear && times < 1 {
				break // past it
			}
			dt := rng.ExpFloat64() * mean * x
			seconds += dt
			if dt < 24 {
				x *= 1 + 1.0/1024
			} else {
				x *= 1 - 1.0/1024
			}
		}
	}
	return blocks / draws, seconds / draws / 3600
}
