package pillars

import (
	"errors"
	"fmt"

	"github.com/holiman/uint256"
)

// PhaseParams are what seals need beyond the other groups of a profile. The zero value is phase 1 of
// the paper without a bound on what stakers earn.
type PhaseParams struct {
	Pool        Amount `json:"pool"`         // what all PoS blocks of a chain may earn together; 0 is no bound
	Double      bool   `json:"double"`       // phase 2: a PoW retarget counts twice unless the parent is a delegate's
	Delegates   uint32 `json:"delegates"`    // first height with DPoS blocks; 0 is never
	DelegateNum uint32 `json:"delegate_num"` // what a DPoS block weighs, as a share of the last PoW difficulty
	DelegateDen uint32 `json:"delegate_den"`
}

// MaxMedianBlocks is the most blocks that a profile may take the median time of.
const MaxMedianBlocks = 11

// CheckSeals says why the rules of seals cannot run on this profile: a division by zero, a difficulty
// that can never move, a switch without meaning. A genesis is outside data; nodes ask this before
// they use one.
func (p *Params) CheckSeals() error {
	return errors.Join(
		p.PoW.check("pow"), p.PoS.check("pos"),
		p.checkRuns(), p.checkShares(), p.checkStake(),
		p.Subsidy.check(),
	)
}

func (r *RetargetParams) check(name string) error {
	if r.DivisorMilli == 0 || r.Scale == 0 {
		return fmt.Errorf("%s: divisor_milli and scale must not be 0", name)
	}
	if uint64(r.Down)*2 >= uint64(r.Scale) {
		return fmt.Errorf("%s: one step down by twice %d/%d leaves nothing", name, r.Down, r.Scale)
	}
	if r.Minimum.Lt(uint256.NewInt(uint64(r.Scale))) {
		return fmt.Errorf("%s: minimum %s below scale %d: such a difficulty never moves", name, r.Minimum.Dec(), r.Scale)
	}
	return nil
}

func (p *Params) checkRuns() error {
	if p.Runs.PoW == 0 || p.Runs.PoS == 0 {
		return errors.New("runs: at least one block of each seal must be allowed")
	}
	if p.Extended && (p.Runs.ValveFactor == 0 || p.Runs.ValveSeconds == 0) { // the running network has none
		return errors.New("runs: without a valve the chain ends with the last staker")
	}
	if p.Time.MedianBlocks == 0 || p.Time.MedianBlocks > MaxMedianBlocks {
		return fmt.Errorf("time: median of %d blocks, want 1 to %d", p.Time.MedianBlocks, MaxMedianBlocks)
	}
	if p.Time.StakeSeconds > p.Time.FutureSeconds {
		return errors.New("time: stake_seconds must not be above future_seconds")
	}
	return nil
}

func (p *Params) checkShares() error {
	if p.Weight.PoSDen == 0 || p.Weight.PoSNum > p.Weight.PoSDen {
		return errors.New("weight: a PoS block weighs a share of the last PoW difficulty, at most all of it")
	}
	if p.Phase.Delegates != 0 && (p.Phase.DelegateDen == 0 || p.Phase.DelegateNum > p.Phase.DelegateDen) {
		return errors.New("phase: a DPoS block weighs a share of the last PoW difficulty, at most all of it")
	}
	return nil
}

func (p *Params) checkStake() error {
	s := &p.Stake
	switch {
	case s.Minimum == 0 || !s.Minimum.Valid() || s.Locked == 0 || !s.Locked.Valid():
		return errors.New("stake: minimum and locked must be amounts above 0")
	case s.LockBlocks <= s.LockTail:
		return fmt.Errorf("stake: a lock of %d blocks whose last %d do not count never counts", s.LockBlocks, s.LockTail)
	case s.MaturityBase.IsZero() || s.MaturityMin == 0:
		return errors.New("stake: maturity_base and maturity_min must not be 0")
	case s.MaxInputs == 0 || s.MaxPieces == 0:
		return errors.New("stake: a coinstake needs an input and a piece")
	}
	return nil
}

// maxDecayDen bounds how many decays leave something, and so the size of their exact powers.
const maxDecayDen = 1000

func (s *SubsidyParams) check() error {
	if s.Den == 0 || s.Den > maxDecayDen || s.Num > s.Den || s.Interval == 0 {
		return fmt.Errorf("subsidy: decay %d/%d every %d blocks", s.Num, s.Den, s.Interval)
	}
	if !s.PoW.Valid() || !s.PoS.Valid() {
		return errors.New("subsidy: more than all money")
	}
	return nil
}
