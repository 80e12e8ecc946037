package pillars

import (
	"testing"

	"github.com/holiman/uint256"
)

func TestProfilesCanRun(t *testing.T) {
	for _, p := range []Params{MainnetLike(), Testnet(), Devnet()} {
		if err := p.CheckSeals(); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
}

func TestCheckSeals(t *testing.T) {
	for name, broken := range map[string]func(*Params){
		"no divisor":           func(p *Params) { p.PoW.DivisorMilli = 0 },
		"no scale":             func(p *Params) { p.PoS.Scale = 0 },
		"step to nothing":      func(p *Params) { p.PoW.Down = 2048 },
		"frozen work":          func(p *Params) { p.PoW.Minimum = *uint256.NewInt(2047) },
		"frozen stake":         func(p *Params) { p.PoS.Minimum = *uint256.NewInt(64) },
		"no work run":          func(p *Params) { p.Runs.PoW = 0 },
		"no stake run":         func(p *Params) { p.Runs.PoS = 0 },
		"no valve":             func(p *Params) { p.Runs.ValveSeconds = 0 },
		"valve without factor": func(p *Params) { p.Runs.ValveFactor = 0 },
		"no median":            func(p *Params) { p.Time.MedianBlocks = 0 },
		"long median":          func(p *Params) { p.Time.MedianBlocks = 12 },
		"heavy stake":          func(p *Params) { p.Weight.PoSNum = 2 },
		"weight by zero":       func(p *Params) { p.Weight.PoSDen = 0 },
		"heavy delegates":      func(p *Params) { p.Phase = PhaseParams{Delegates: 1, DelegateNum: 2, DelegateDen: 1} },
		"delegates by zero":    func(p *Params) { p.Phase = PhaseParams{Delegates: 1} },
		"no stake":             func(p *Params) { p.Stake.Minimum = 0 },
		"stake beyond money":   func(p *Params) { p.Stake.Minimum = MaxMoney + 1 },
		"no lock":              func(p *Params) { p.Stake.Locked = 0 },
		"all tail":             func(p *Params) { p.Stake.LockTail = p.Stake.LockBlocks },
		"no maturity base":     func(p *Params) { p.Stake.MaturityBase = uint256.Int{} },
		"no maturity":          func(p *Params) { p.Stake.MaturityMin = 0 },
		"no inputs":            func(p *Params) { p.Stake.MaxInputs = 0 },
		"no pieces":            func(p *Params) { p.Stake.MaxPieces = 0 },
		"decay by zero":        func(p *Params) { p.Subsidy.Den = 0 },
		"endless decay":        func(p *Params) { p.Subsidy.Num, p.Subsidy.Den = 1000, 1001 },
		"growth":               func(p *Params) { p.Subsidy.Num = 101 },
		"no interval":          func(p *Params) { p.Subsidy.Interval = 0 },
		"subsidy beyond money": func(p *Params) { p.Subsidy.PoW = MaxMoney + 1 },
	} {
		p := MainnetLike()
		broken(&p)
		if p.CheckSeals() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
