package sim

import (
	"github.com/asterism-network/asterism/internal/sim"
	"github.com/asterism-network/asterism/pillars"
)

// A run of the network as it should be: what the intervals and shares are after a warm-up.

// stakedOutputs is how many outputs of the scene stake. About a hundred wait at any time for their maturity of a
// thousand heights; the others look for seconds.
const stakedOutputs = 132

// steadyParts are three miners and as many stakers as asked for. The first node is a whole chain.
func steadyParts(rate float64, stakers int) (parts []part) {
	for _, share := range []float64{0.5, 0.3, 0.2} {
		parts = append(parts, part{rate: share * rate})
	}
	parts[0].full = true
	for i := range stakers {
		parts = append(parts, part{outputs: (stakedOutputs*(i+1))/stakers - (stakedOutputs*i)/stakers})
	}
	return parts
}

// A Steady is what one seed of the network without attackers showed.
type Steady struct {
	Seed     uint64  `json:"seed"`
	Blocks   int     `json:"blocks"` // measured, after the warm-up
	PoW      float64 `json:"pow_mean_s"`
	PoS      float64 `json:"pos_mean_s"`
	All      float64 `json:"all_mean_s"`
	PoWShare float64 `json:"pow_share"`
	PoSShare float64 `json:"pos_share"`
	Stale    int     `json:"stale"`   // blocks made that are not on the chain, of all heights
	Reorgs   int     `json:"reorgs"`  // of the node that saw most
	Deepest  uint32  `json:"deepest"` // blocks that one reorganisation took off
	Stalled  float64 `json:"stalled"` // part of the time in which the bound of runs kept miners waiting
	Valve    int     `json:"valve"`   // blocks through the valve
	Days     float64 `json:"days"`    // of virtual time
	Tip      string  `json:"tip"`     // id of the last block: equal options have equal ones
	Error    string  `json:"error,omitempty"`

	trace *Trace
}

// steady makes a run: warm-up, then so many blocks, then everybody agrees and the chain is checked.
func steady(o Options, p pillars.Params, seed uint64, progress func(height uint32), stop func() bool) (s Steady) {
	s.Seed = seed
	scene := newScene(p, steadyParts(o.HashRate, o.Stakers), sim.Stream(seed, "scene"))
	rules := o.rules(&scene.params)
	w, err := newWorld(scene, rules, seed)
	if err != nil {
		s.Error = err.Error()
		return s
	}
	if c := canaryOf(o.Canary); c != nil && c.act != nil {
		c.act(w)
	}
	end := uint32(o.Warmup + o.Blocks)
	told := func() bool {
		progress(w.nodes[0].tip().Number)
		return stop()
	}
	if !w.runTo(end, told) && w.broken == nil {
		if stop() {
			s.Error = interrupted
			return s
		}
		w.fail("the chain stands at %d", w.nodes[0].tip().Number)
	}
	w.settle(w.nodes)
	w.check(w.nodes)
	s.measure(w, uint32(o.Warmup), end)
	if o.Trace {
		s.trace = w.trace("")
	}
	if w.broken != nil {
		s.Error = w.broken.Error()
	}
	return s
}

// measure takes the blocks above from up to a height.
func (s *Steady) measure(w *world, from, to uint32) {
	tip := w.nodes[0].tip()
	s.Tip = tip.ID().String()
	s.Days = float64(w.clock.Now()) / 86400_000
	made := 0
	for i := range w.miners {
		made += w.miners[i].made + w.stakers[i].made
		s.Reorgs = max(s.Reorgs, w.nodes[i].reorgs)
		s.Deepest = max(s.Deepest, w.nodes[i].deepest)
	}
	chain := w.court.chain(tip.ID())
	s.Stale = made - (len(chain) - 2) // the genesis and block 1 were made by nobody
	if int(to) >= len(chain) || from >= to {
		return
	}
	pow, pos := intervals(chain, from, to)
	s.Blocks = int(to - from)
	s.PoW, s.PoS = pow.mean(), pos.mean()
	s.All = float64(chain[to].block.Timestamp-chain[from].block.Timestamp) / float64(s.Blocks)
	s.PoWShare = float64(pow.blocks) / float64(s.Blocks)
	s.PoSShare = float64(pos.blocks) / float64(s.Blocks)
	s.Stalled, s.Valve = stalls(w, chain, from, to)
}

// A count is blocks with one seal, and the seconds between them.
type count struct {
	blocks, gaps int
	seconds      float64
}

func (c count) mean() float64 {
	if c.gaps == 0 {
		return 0
	}
	return c.seconds / float64(c.gaps)
}

// intervals measures from each block above a height to the block with the same seal before it, wherever that is.
func intervals(chain []*record, from, to uint32) (pow, pos count) {
	last := map[pillars.Seal]uint32{}
	for h := uint32(1); h <= to; h++ {
		b := chain[h].block
		c := &pow
		if b.Seal() == pillars.PoS {
			c = &pos
		}
		if h > from {
			c.blocks++
			if before, ok := last[b.Seal()]; ok {
				c.gaps++
				c.seconds += float64(b.Timestamp - before)
			}
		}
		last[b.Seal()] = b.Timestamp
	}
	return pow, pos
}

// stalls is the part of the time in which a run of work was used up, and how many blocks went through the valve.
func stalls(w *world, chain []*record, from, to uint32) (part float64, valve int) {
	p := &w.params
	waited := uint32(0)
	for h := from + 1; h <= to; h++ {
		before, b := &chain[h-1].branch, chain[h].block
		if h <= p.Runs.Grace || before.WorkRun < p.Runs.PoW {
			continue
		}
		waited += b.Timestamp - before.Stamps[0]
		if b.Seal() == pillars.PoW {
			valve++
		}
	}
	return float64(waited) / float64(chain[to].block.Timestamp-chain[from].block.Timestamp), valve
}
