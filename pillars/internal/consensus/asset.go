package consensus

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// MiningTerms are what an asset's mining certificate promises the authors of blocks: Initial units
// a block, times Num/Den every Interval blocks [PIL-SUB-5].
type MiningTerms struct {
	Initial  uint64
	Interval uint32
	Num, Den uint64 // 0 < Num ≤ Den
}

// maxBaseDigits bounds the decimals of a certificate's base, so that its denominator fits 64 bits.
const maxBaseDigits = 18

// ParseMiningTerms reads a certificate's content, "initial:<integer>,interval:<integer>,base:<decimal>":
// all above zero, in this order, the base at most 1 and with at most 18 decimals.
func ParseMiningTerms(content string) (MiningTerms, error) {
	bad := fmt.Errorf("mining terms %.64q: want initial:<integer>,interval:<integer>,base:<decimal up to 1>", content)
	parts := strings.Split(content, ",")
	if len(content) > 64 || len(parts) != 3 {
		return MiningTerms{}, bad
	}
	initial, ok1 := strings.CutPrefix(parts[0], "initial:")
	interval, ok2 := strings.CutPrefix(parts[1], "interval:")
	base, ok3 := strings.CutPrefix(parts[2], "base:")
	if !ok1 || !ok2 || !ok3 {
		return MiningTerms{}, bad
	}
	var t MiningTerms
	first, err1 := parseNumber(initial, 64)
	each, err2 := parseNumber(interval, 32)
	if err1 != nil || err2 != nil || first == 0 || each == 0 {
		return MiningTerms{}, bad
	}
	t.Initial, t.Interval = first, uint32(each)
	if t.Num, t.Den, ok1 = parseBase(base); !ok1 {
		return MiningTerms{}, bad
	}
	return t, nil
}

// parseNumber reads digits only: ParseUint alone would take a sign of neither kind, but zeros in front.
func parseNumber(s string, bits int) (uint64, error) {
	if len(s) > 1 && s[0] == '0' {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseUint(s, 10, bits)
}

func parseBase(s string) (num, den uint64, ok bool) {
	whole, fraction, point := strings.Cut(s, ".")
	if point == (fraction == "") || len(fraction) > maxBaseDigits || whole != "0" && whole != "1" {
		return 0, 0, false
	}
	den = 1
	for range fraction {
		den *= 10
	}
	num, err := strconv.ParseUint(whole+fraction, 10, 64)
	if err != nil || num == 0 || num > den {
		return 0, 0, false
	}
	return num, den, true
}

// fractionBits is the precision of powers of the base. A floor of 2^-192 at each of at most 64 steps
// cannot reach the first digit of a 64-bit reward, except at an exact half, where rounding was
// arbitrary before.
const fractionBits = 192

// Reward is what a block of the given age in heights since the issue may create for its author: round
// half up of Initial·(Num/Den)^floor(age/Interval), the power in fixed point as [PIL-SUB-5]
// says step by step; divided by seats for delegates' blocks; and not more than is left under the
// asset's declared ceiling.
func (t MiningTerms) Reward(age uint32, seats, left uint64) uint64 {
	if t.Den == 0 || t.Num > t.Den || t.Interval == 0 || seats == 0 {
		return 0
	}
	one := new(big.Int).Lsh(big.NewInt(1), fractionBits)
	base := new(big.Int).SetUint64(t.Num)
	base.Lsh(base, fractionBits).Quo(base, new(big.Int).SetUint64(t.Den))
	power := fixedPower(one, base, age/t.Interval)
	value := new(big.Int).SetUint64(t.Initial)
	value.Mul(value, power)
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
