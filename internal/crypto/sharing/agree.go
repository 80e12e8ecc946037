package sharing

import (
	"math/bits"
	"slices"

	"github.com/oasisprotocol/curve25519-voi/curve/scalar"
)

// Points n at distinct indexes lie on one polynomial of degree below t in the exponent exactly if
// they are a word of a Reed-Solomon code, that is, orthogonal to its dual code: the sum of
// m(x_i)·v_i·S_i, where v_i = Π_{j≠i} 1/(x_i - x_j), is zero for every polynomial m of degree below
// n-t. One m with coefficients that nobody could know before all points were made shows as much, but
// for one choice in 2^128 (the test of SCRAPE: Cascudo and David, 2017). [COIN-8]

const labelDual = "asterism points weighed together"

// Agree reports whether points lie on one polynomial of degree below threshold in the exponent: with
// that many right ones among them, all are. It is a function of its arguments. Fewer points
// than threshold+1 always lie on one; indexes must be distinct and above 0.
func Agree(threshold int, indexes []uint16, points []*Point) bool {
	for i, x := range indexes {
		if x == 0 || slices.Contains(indexes[:i], x) {
			return false
		}
	}
	if len(points) <= threshold {
		return true
	}
	if len(points) <= agreeExactly {
		if agree, ok := agreeInWindows(threshold, indexes, points); ok {
			return agree
		}
	}
	return agreeByWeights(threshold, indexes, points)
}

// agreeExactly is how many points at most are tried window by window: it takes 15 µs for 5 of
// them where random weights take 80, but grows with the third power.
const agreeExactly = 8

// agreeInWindows applies the word of the dual code with the fewest terms to each run of
// threshold+1 points: multiplied by a common denominator, its factors are small. All runs agree
// exactly if all points do. It gives up where factors are not so small.
func agreeInWindows(threshold int, indexes []uint16, points []*Point) (agree, ok bool) {
	for from := 0; from+threshold < len(points); from++ {
		factors, ok := smallDual(indexes[from : from+threshold+1])
		if !ok {
			return false, false
		}
		if !sumSmall(factors, points[from:]).IsIdentity() {
			return false, true
		}
	}
	return true, true
}

// smallDual returns the v_i times the least common denominator, if that is below 2^40. There are at
// most agreeExactly indexes, all at most MaxHolders.
func smallDual(indexes []uint16) ([]int64, bool) {
	factors, common := make([]int64, len(indexes)), int64(1)
	for i, xi := range indexes {
		factors[i] = 1
		for j, xj := range indexes {
			if j != i {
				factors[i] *= int64(xi) - int64(xj)
			}
			if factors[i] >= 1<<20 || factors[i] <= -1<<20 {
				return nil, false
			}
		}
		n := max(factors[i], -factors[i])
		common = common / gcd(common, n) * n
		if common >= 1<<40 {
			return nil, false
		}
	}
	for i := range factors {
		factors[i] = common / factors[i]
	}
	return factors, true
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// sumSmall adds up factors times points; both are public.
func sumSmall(factors []int64, points []*Point) *Point {
	sum, top := new(Point).Identity(), 0
	for _, f := range factors {
		top = max(top, bits.Len64(uint64(max(f, -f))))
	}
	for bit := int64(1) << top >> 1; bit != 0; bit >>= 1 {
		sum.Add(sum, sum)
		for i, f := range factors {
			switch {
			case f > 0 && f&bit != 0:
				sum.Add(sum, points[i])
			case f < 0 && -f&bit != 0:
				sum.Sub(sum, points[i])
			}
		}
	}
	return sum
}

func agreeByWeights(threshold int, indexes []uint16, points []*Point) bool {
	weights := dual(indexes)
	factors := mask(len(points)-threshold, indexes, points)
	for i, x := range indexes {
		value, at := scalar.New(), small(x)
		for j := len(factors) - 1; j >= 0; j-- {
			value.Mul(value, at)
			value.Add(value, factors[j])
		}
		weights[i].Mul(weights[i], value)
	}
	return new(Point).MultiscalarMulVartime(weights, points).IsIdentity()
}

// mask draws the coefficients of m from a hash of all points. The leading one is 1: only the ratios
// matter.
func mask(n int, indexes []uint16, points []*Point) []*Number {
	bound := make([]byte, 0, len(points)*34)
	for i, p := range points {
		k := KeyOf(p)
		bound = append(append(bound, byte(indexes[i]>>8), byte(indexes[i])), k[:]...)
	}
	factors := make([]*Number, n)
	for j := range n - 1 {
		factors[j] = HashToNumber(labelDual, []byte{byte(j)}, bound)
	}
	factors[n-1] = scalar.One()
	return factors
}

// dual returns v_i for each index.
func dual(indexes []uint16) []*Number {
	weights := make([]*Number, len(indexes))
	for i, xi := range indexes {
		weight, negative := scalar.One(), false
		for _, xj := range indexes {
			switch {
			case xj < xi:
				weight.Mul(weight, inverse(xi-xj))
			case xj > xi:
				weight.Mul(weight, inverse(xj-xi))
				negative = !negative
			}
		}
		if negative {
			weight.Neg(weight)
		}
		weights[i] = weight
	}
	return weights
}
