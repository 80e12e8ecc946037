package consensus

import "github.com/asterism-network/asterism/pillars"

// checkTime holds a stamp to its branch: after the median of the last blocks, and not before the
// parent; a PoS block must be later than its parent [PIL-TIM-1, PIL-TIM-2].
func (b *Branch) checkTime(p *pillars.Params, h *pillars.Header) error {
	if median := b.Median(p); h.Timestamp <= median {
		return Reject(TimeTooOld, "%d, median is %d", h.Timestamp, median)
	}
	if earliest := b.Earliest(p, h.Seal()); h.Timestamp < earliest {
		return Reject(TimeBeforeParent, "%d, earliest is %d", h.Timestamp, earliest)
	}
	return nil
}

// Median is the median stamp of the last blocks, the later one of two. Stamps on a branch never go
// back, so it is the one in the middle.
func (b *Branch) Median(p *pillars.Params) uint32 {
	n := min(uint64(p.Time.MedianBlocks), uint64(b.Number)+1, uint64(len(b.Stamps)))
	return b.Stamps[n-1-n/2]
}

// Earliest is the earliest stamp that the next block may have.
func (b *Branch) Earliest(p *pillars.Params, seal pillars.Seal) uint32 {
	earliest := b.Stamps[0]
	if seal == pillars.PoS {
		earliest++
	}
	return max(earliest, b.Median(p)+1)
}

// Wait says for how many seconds a header is still ahead of the clock by more than the window. It
// is then put aside, not refused: the clock is ours, and it will come [PIL-TIM-3]. The window is narrower for stake: every
// second in it is one more try behind the same parent for a staker who does not wait for the second to come.
func Wait(p *pillars.Params, h *pillars.Header, now uint32) uint32 {
	window := p.Time.FutureSeconds
	if h.Seal() == pillars.PoS {
		window = p.Time.StakeSeconds
	}
	latest := uint64(now) + uint64(window)
	if uint64(h.Timestamp) <= latest {
		return 0
	}
	return uint32(uint64(h.Timestamp) - latest)
}
