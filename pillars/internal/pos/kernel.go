// Package pos is the seal of proof of stake: which output may stake, when it wins, and what the coinstake
// that spends it may look like.
//
// It is pure. Everything that it reads of the chain is as of the block's own parent and comes through a View; a
// node that asks the state of its tip instead would disagree with itself after a reorganisation.
package pos

import (
	"encoding/binary"

	"github.com/holiman/uint256"

	"github.com/asterism-network/asterism/pillars"
)

// A Stake is an unspent output as staking sees it.
type Stake struct {
	Outpoint pillars.Outpoint
	Value    pillars.Amount
	Owner    pillars.Address // who can spend it
	Plain    bool            // nothing but ETP, and spendable in the next block
	Height   uint32          // of the block that made it
	Stamp    uint32          // of that block
}

// Hash is what must be small: over values that the staker cannot choose, and the second in which he
// stakes [PIL-POS-2]. Modifier is the one after the parent.
func Hash(modifier pillars.Hash, s *Stake, stamp uint32) pillars.Hash {
	var made, now [4]byte
	binary.LittleEndian.PutUint32(made[:], s.Stamp)
	binary.LittleEndian.PutUint32(now[:], stamp)
	return stakeTag.Hash(modifier[:], made[:], s.Outpoint.Bytes(), now[:])
}

var stakeTag = pillars.NewTag("asterism pillars stake")

// Wins reports whether a stake hash, read big-endian, is below the target times the satoshis that
// stake [PIL-POS-3]. A product beyond 256 bits is above every hash.
func Wins(hash pillars.Hash, value pillars.Amount, bits *uint256.Int) bool {
	var k, bound uint256.Int
	k.SetBytes32(hash[:])
	bound.SetAllOne()
	bound.Div(&bound, bits) // no difficulty: by zero is zero, nobody wins
	_, over := bound.MulOverflow(&bound, uint256.NewInt(uint64(value)))
	return over || k.Lt(&bound)
}

// Maturity is how many heights old an output must be to stake at a difficulty [PIL-POS-4]: the sigmoid
// of the paper over the logarithm of the difficulty, which is D/(1+D), as a share of the profile's scale,
// rounded half up, and at least the profile's minimum.
func Maturity(p *pillars.StakeParams, bits *uint256.Int) uint32 {
	if bits.BitLen() > 200 || p.MaturityBase.BitLen() > 200 { // beyond any network; keeps the sums below exact
		return max(p.MaturityMin, p.MaturityScale)
	}
	var sum, half, value uint256.Int
	sum.Add(&p.MaturityBase, bits)
	half.Rsh(&sum, 1)
	value.Mul(bits, uint256.NewInt(uint64(p.MaturityScale)))
	value.Add(&value, &half)
	value.Div(&value, &sum)
	return max(p.MaturityMin, uint32(value.Uint64()))
}
