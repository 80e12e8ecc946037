package consensus

import (
	"github.com/holiman/uint256"

	"github.com/asterism-network/asterism/pillars"
)

// A Difficulty is what the next block with a seal must show.
type Difficulty struct {
	Bits   uint256.Int // in its header, and what its seal is measured against
	Normal uint256.Int // what it counts for afterwards; Bits without the valve's factor
}

// Difficulty says what the next block must show if it has the seal and the timestamp, or the rule that
// keeps such a block from following at all [PIL-DIF-1].
func (b *Branch) Difficulty(p *pillars.Params, seal pillars.Seal, stamp uint32) (Difficulty, error) {
	switch seal {
	case pillars.PoW:
		return b.workDifficulty(p, stamp)
	case pillars.PoS:
		if b.Number+1 > p.Runs.Grace && b.StakeRun >= p.Runs.PoS {
			return Difficulty{}, Reject(StakeRunTooLong, "%d PoS blocks since the last PoW block", b.StakeRun)
		}
		bits := b.stakeBits(p)
		return Difficulty{bits, bits}, nil
	case pillars.DPoS:
		return Difficulty{}, b.checkDelegate(p)
	}
	return Difficulty{}, Reject(SealNotActive, "%s", seal)
}

// workDifficulty is the retarget of PoW [PIL-DIF-3] and the bound of its runs with the valve: once
// the run is used up, work alone goes on only while stakers are long gone, and at a higher price [PIL-RUN-1, PIL-RUN-2].
func (b *Branch) workDifficulty(p *pillars.Params, stamp uint32) (Difficulty, error) {
	d := Difficulty{Normal: b.workBits(p, stamp)}
	d.Bits = d.Normal
	if b.Number+1 <= p.Runs.Grace || b.WorkRun < p.Runs.PoW {
		return d, nil
	}
	opens := uint64(b.Stake.Stamp) + uint64(p.Runs.ValveSeconds)
	if uint64(stamp) < opens || p.Runs.ValveFactor == 0 { // without a factor there is no valve
		return Difficulty{}, Reject(WorkRunTooLong, "%d PoW blocks since the last PoS block, the valve opens at %d", b.WorkRun, opens)
	}
	if _, over := d.Bits.MulOverflow(&d.Normal, uint256.NewInt(uint64(p.Runs.ValveFactor))); over {
		d.Bits.SetAllOne()
	}
	return d, nil
}

func (b *Branch) workBits(p *pillars.Params, stamp uint32) uint256.Int {
	if b.Work.Bits.IsZero() {
		return p.PoW.Minimum
	}
	twice := p.Phase.Double && b.Seal != pillars.DPoS
	return retarget(&p.PoW, &b.Work.Bits, since(b.Work.Stamp, stamp), twice)
}

// stakeBits is the retarget of PoS [PIL-DIF-4]: over the interval between the last two PoS blocks,
// so that no staker's own stamp moves the difficulty that he is measured against.
func (b *Branch) stakeBits(p *pillars.Params) uint256.Int {
	if b.Stakes < 2 {
		return p.PoS.Minimum
	}
	return retarget(&p.PoS, &b.Stake.Bits, since(b.Stake2, b.Stake.Stamp), false)
}

// checkDelegate: a DPoS block follows a PoW or PoS block, and shows no difficulty [PIL-RUN-4].
func (b *Branch) checkDelegate(p *pillars.Params) error {
	if p.Phase.Delegates == 0 || b.Number+1 < p.Phase.Delegates {
		return Reject(SealNotActive, "dpos at %d", b.Number+1)
	}
	if b.Seal == pillars.DPoS {
		return Reject(DelegateTwice, "the parent is a delegate's block")
	}
	return nil
}

// since is an interval in seconds. Stamps never go back on a branch; a caller that asks about an earlier
// one gets zero.
func since(before, after uint32) uint32 {
	if after < before {
		return 0
	}
	return after - before
}

// retarget is one step of the difficulty [PIL-DIF-2]:
// previous + floor(previous/Scale)·A with A = max(Up - floor(1000·dt/DivisorMilli), -Down),
// not below the minimum. Twice doubles A after that bound.
func retarget(r *pillars.RetargetParams, previous *uint256.Int, dt uint32, twice bool) (next uint256.Int) {
	a := max(int64(r.Up)-int64(uint64(dt)*1000/uint64(r.DivisorMilli)), -int64(r.Down))
	if twice {
		a *= 2
	}
	var step uint256.Int
	step.Div(previous, uint256.NewInt(uint64(r.Scale)))
	if a >= 0 {
		if _, over := step.MulOverflow(&step, uint256.NewInt(uint64(a))); over {
			step.SetAllOne()
		}
		if _, over := next.AddOverflow(previous, &step); over {
			next.SetAllOne()
		}
	} else {
		next.Set(previous)
		// At most 2·Down/Scale of it goes, which Params.CheckSeals keeps below the whole.
		if _, under := next.SubOverflow(&next, step.Mul(&step, uint256.NewInt(uint64(-a)))); under {
			next.Clear()
		}
	}
	if next.Lt(&r.Minimum) {
		return r.Minimum
	}
	return next
}
