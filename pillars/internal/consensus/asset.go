package consensus

import (
	"math/big"

	"github.com/asterism-network/asterism/pillars"
)

// fractionBits is the precision of powers of a base. Rounding down by at most 2^-192 in each of at most
// 64 products cannot reach the last digit of a 64-bit reward, except beside an exact half.
const fractionBits = 192

// AssetReward is how many units of an asset a block may create for its author: with the terms of
// the asset's mining certificate, round half up of Initial·(BaseNum/BaseDen)^floor(age/Interval), the
// power in fixed point as [PIL-SUB-5] says step by step. Age is in heights since the issue. Delegates share:
// seats is their number, 1 for other blocks. Left is what remains under the ceiling that the
// asset declared.
func AssetReward(t pillars.MiningTerms, age uint32, seats, left uint64) uint64 {
	if t.BaseDen == 0 || t.BaseNum > t.BaseDen || t.Interval == 0 || seats == 0 {
		return 0
	}
	one := new(big.Int).Lsh(big.NewInt(1), fractionBits)
	base := big.NewInt(int64(t.BaseNum))
	base.Lsh(base, fractionBits).Quo(base, big.NewInt(int64(t.BaseDen)))
	value := new(big.Int).SetUint64(t.Initial)
	value.Mul(value, fixedPower(one, base, age/t.Interval))
	value.Add(value, new(big.Int).Rsh(one, 1)).Rsh(value, fractionBits)
	return min(value.Uint64()/seats, left)
}

// fixedPower is base^n for a base of at most one, from the highest bit of n down: square, then
// multiply, each product rounded down.
func fixedPower(one, base *big.Int, n uint32) *big.Int {
	power := new(big.Int).Set(one)
	for bit := 31; bit >= 0; bit-- {
		power.Mul(power, power).Rsh(power, fractionBits)
		if n>>bit&1 == 1 {
			power.Mul(power, base).Rsh(power, fractionBits)
		}
	}
	return power
}
