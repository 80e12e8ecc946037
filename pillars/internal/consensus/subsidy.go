package consensus

import (
	"math/big"

	"github.com/asterism-network/asterism/pillars"
)

// Subsidy is what the next block with a seal may create beside its fees [PIL-SUB-1, PIL-SUB-2]. What
// delegates earn depends on their certificates and is not said here: zero.
func (b *Branch) Subsidy(p *pillars.Params, seal pillars.Seal) pillars.Amount {
	height := b.Number + 1
	switch seal {
	case pillars.PoW:
		return Decayed(&p.Subsidy, p.Subsidy.PoW, height)
	case pillars.PoS:
		return b.stakeSubsidy(p, height)
	}
	return 0
}

// stakeSubsidy: by its own schedule, or half of work's while the difficulty of work is out of the
// profile's band [PIL-SUB-3]; in any case no more than the pool still has [PIL-SUB-4].
func (b *Branch) stakeSubsidy(p *pillars.Params, height uint32) pillars.Amount {
	amount := Decayed(&p.Subsidy, p.Subsidy.PoS, height)
	if b.half(p) {
		amount = Decayed(&p.Subsidy, p.Subsidy.PoW, height) / 2
	}
	if p.Phase.Pool == 0 {
		return amount
	}
	left, ok := p.Phase.Pool.Sub(b.Earned)
	if !ok {
		return 0
	}
	return min(amount, left)
}

func (b *Branch) half(p *pillars.Params) bool {
	work, low, high := &b.Work.Bits, &p.Stake.HalfBelow, &p.Stake.HalfAbove
	if work.IsZero() {
		return false
	}
	return work.Lt(low) || !high.IsZero() && work.Gt(high)
}

// Decayed is floor(initial · (Num/Den)^floor(height/Interval)), exact: no step is rounded on the way
// [PIL-SUB-1].
func Decayed(s *pillars.SubsidyParams, initial pillars.Amount, height uint32) pillars.Amount {
	steps := height / s.Interval
	if steps == 0 || s.Num == s.Den || initial == 0 {
		return initial
	}
	// (Num/Den)^n ≤ e^(-n·(Den-Num)/Den), and e^44 is above every amount: nothing is left.
	if s.Num == 0 || uint64(steps)*uint64(s.Den-s.Num) > 44*uint64(s.Den) {
		return 0
	}
	n := big.NewInt(int64(steps))
	value := new(big.Int).SetUint64(uint64(initial))
	value.Mul(value, new(big.Int).Exp(big.NewInt(int64(s.Num)), n, nil))
	value.Quo(value, new(big.Int).Exp(big.NewInt(int64(s.Den)), n, nil))
	return pillars.Amount(value.Uint64())
}
