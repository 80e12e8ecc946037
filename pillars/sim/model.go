package sim

import (
	"math"
	"math/rand/v2"

	"github.com/asterism-network/asterism/pillars"
)

// A model is the rules about difficulty by themselves: work and stake as two exponential clocks, both retargets, the bound of
// runs, stakes that wait after a win. There is no network, no chain and no code of a node in it. It says what a shock must
// cost in the mean, and how far a single run strays from that.
type model struct {
	p           *pillars.Params
	rng         *rand.Rand
	work, stake float64 // difficulties, in those at which intervals have their mean
	run         uint32  // blocks of work since the last stake
	height      int
	waiting     []int // heights of the wins whose outputs still wait
	seconds     float64
	last        [2]float64 // when work and stake came last
	blocks      int        // of work
}

// after is the model right after the hash rate was multiplied.
func after(p *pillars.Params, factor float64, rng *rand.Rand) *model {
	m := &model{p: p, rng: rng, work: 1 / factor, stake: 1}
	every := target(&p.PoS)/target(&p.PoW) + 1 // blocks from one of stake to the next, in the mean
	for h := -float64(p.Stake.MaturityScale); h < 0; h += every {
		m.waiting = append(m.waiting, int(h))
	}
	return m
}

// recover goes on until work's difficulty is within shockNear of its place.
func (m *model) recover(up bool) (blocks int) {
	looking := float64(stakedOutputs - len(m.waiting))
	for up && m.work < shockNear || !up && m.work > 1/shockNear {
		m.height++
		for len(m.waiting) > 0 && m.waiting[0] <= m.height-int(m.p.Stake.MaturityScale) {
			m.waiting = m.waiting[1:]
		}
		stake := math.Max(stakedOutputs-float64(len(m.waiting)), 1) / looking / m.stake / target(&m.p.PoS)
		work := 1 / m.work / target(&m.p.PoW)
		if m.run >= m.p.Runs.PoW {
			work = 0
		}
		m.seconds += m.rng.ExpFloat64() / (stake + work)
		if m.rng.Float64()*(stake+work) < work {
			m.run++
			m.blocks++
			m.work *= m.step(&m.p.PoW, 0)
		} else {
			m.run = 0
			m.waiting = append(m.waiting, m.height)
			m.stake *= m.step(&m.p.PoS, 1)
		}
	}
	return m.blocks
}

// step is what a block's interval does to its difficulty [PIL-DIF-1].
func (m *model) step(r *pillars.RetargetParams, clock int) float64 {
	steps := math.Floor((m.seconds - m.last[clock]) * 1000 / float64(r.DivisorMilli))
	m.last[clock] = m.seconds
	return 1 + math.Max(float64(r.Up)-steps, -float64(r.Down))/float64(r.Scale)
}

// An Expected is what the rules by themselves give, in blocks of work: mean and standard deviation of single runs.
type Expected struct {
	Up       float64 `json:"up_blocks"`
	UpSpread float64 `json:"up_deviation"`

	Down       float64 `json:"down_blocks"`
	DownSpread float64 `json:"down_deviation"`
}

// expect draws the model.
func expect(p *pillars.Params, rng *rand.Rand) (e Expected) {
	e.Up, e.UpSpread = spread(func() int { return after(p, shockFactor, rng).recover(true) })
	e.Down, e.DownSpread = spread(func() int { return after(p, 1.0/shockFactor, rng).recover(false) })
	return e
}

func spread(draw func() int) (mean, deviation float64) {
	sum, squares := 0.0, 0.0
	for range shockDraws {
		n := float64(draw())
		sum, squares = sum+n, squares+n*n
	}
	mean = sum / shockDraws
	return mean, math.Sqrt((squares - sum*mean) / (shockDraws - 1))
}

// most is how many blocks the mean of some runs may be.
func most(mean, deviation float64, runs int) float64 {
	return mean + shockDeviations*deviation/math.Sqrt(float64(runs))
}
