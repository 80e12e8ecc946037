package pos

import (
	"github.com/holiman/uint256"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
)

// A Winner is a stake and the second in which it wins.
type Winner struct {
	Stake *Stake
	Stamp uint32
	Bits  uint256.Int // what the header must show
}

// Prepare looks for the first second from first to last, both included, in which one of the stakes
// wins after the parent; among several the first in the list. It tries each stake once a second: that is
// all there is to try. A staker passes outputs that pass CheckStake but for the hash, and asks again when
// the tip or the second changes.
func Prepare(p *pillars.Params, parent *consensus.Branch, stakes []Stake, first, last uint32) (w Winner, ok bool) {
	first = max(first, parent.Earliest(p, pillars.PoS))
	d, err := parent.Difficulty(p, pillars.PoS, first)
	if err != nil {
		return Winner{}, false // a run of PoS blocks is used up
	}
	need := Maturity(&p.Stake, &d.Bits)
	for stamp := first; stamp <= last && stamp >= first; stamp++ {
		for i := range stakes {
			s := &stakes[i]
			if !s.Plain || s.Value < p.Stake.Minimum || !aged(s.Height, parent.Number, need) {
				continue
			}
			if Wins(Hash(parent.Modifier, s, stamp), s.Value, &d.Bits) {
				return Winner{s, stamp, d.Bits}, true
			}
		}
	}
	return Winner{}, false
}
