package sim

import (
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
)

// A Canary is a rule that all nodes of a run break, so that it can be seen that a checker notices. Figures of the rules are
// fields of the profile: the nodes' profile says one thing, the referee's another. No switch in the code
// of a node is needed for it.
type Canary struct {
	Name   string `json:"name"`
	Help   string `json:"help"`
	breaks func(*pillars.Params)
	act    func(*world) // what must happen besides for the break to matter; nil: nothing
}

// Canaries lists the rules that can be broken.
func Canaries() []Canary {
	return []Canary{
		{Name: "difficulty-off-by-one", Help: "the least difficulty of work is one more", breaks: func(p *pillars.Params) { p.PoW.Minimum.AddUint64(&p.PoW.Minimum, 1) }},
		{Name: "retarget-steps", Help: "work's difficulty rises by a step more", breaks: func(p *pillars.Params) { p.PoW.Up++ }},
		{Name: "stake-retarget", Help: "stake's difficulty is measured with a second more", breaks: func(p *pillars.Params) { p.PoS.DivisorMilli += 1000 }},
		{Name: "no-work-run", Help: "runs of work have no bound", breaks: func(p *pillars.Params) { p.Runs.PoW = 1 << 31 }},
		{Name: "free-stake-weight", Help: "stake weighs half of what it should", breaks: func(p *pillars.Params) { p.Weight.PoSDen *= 2 }},
		{Name: "young-stake", Help: "stakes need not wait", breaks: func(p *pillars.Params) { p.Stake.MaturityMin, p.Stake.MaturityScale = 1, 1 }},
		{Name: "generous-subsidy", Help: "a block of work creates a satoshi too much", breaks: func(p *pillars.Params) { p.Subsidy.PoW++ }},
		{Name: "wide-window", Help: "stamps may be a minute ahead", breaks: func(p *pillars.Params) { p.Time.FutureSeconds += 60 }, act: stampLate},
	}
}

func canaryOf(name string) *Canary {
	for _, c := range Canaries() {
		if c.Name == name {
			return &c
		}
	}
	return nil
}

// stampLate has a miner stamp as far ahead as his rules allow.
func stampLate(w *world) {
	w.miners[1].stamp = func(_ *consensus.Branch, now uint32) uint32 { return now + w.rules().Time.FutureSeconds }
}
