package sharing

import (
	"errors"
	"fmt"
	"io"
	"math/bits"
	"slices"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"
)

// A Polynomial shares its value at 0 among holders, who get its values at their indexes. It is
// secret as a whole and never printed.
type Polynomial struct{ coefficients []*Number } // constant term first

// NewPolynomial draws a polynomial of the given degree.
func NewPolynomial(degree int, random io.Reader) (*Polynomial, error) {
	p := &Polynomial{make([]*Number, degree+1)}
	for i := range p.coefficients {
		n, err := RandomNumber(random)
		if err != nil {
			return nil, err
		}
		p.coefficients[i] = n
	}
	return p, nil
}

// RandomNumber draws a uniformly distributed number.
func RandomNumber(random io.Reader) (*Number, error) {
	var wide [64]byte
	if _, err := io.ReadFull(random, wide[:]); err != nil {
		return nil, fmt.Errorf("read randomness: %w", err)
	}
	return reduce(wide), nil
}

// At is the share of the holder with the given index.
func (p *Polynomial) At(index uint16) *Number {
	x, sum := small(index), scalar.New()
	for i := len(p.coefficients) - 1; i >= 0; i-- {
		sum.Mul(sum, x)
		sum.Add(sum, p.coefficients[i])
	}
	return sum
}

// Commit publishes the polynomial in the exponent.
func (p *Polynomial) Commit() Commitments {
	c := make(Commitments, len(p.coefficients))
	for i, n := range p.coefficients {
		c[i] = Public(n)
	}
	return c
}

// String hides the coefficients.
func (*Polynomial) String() string { return "polynomial(hidden)" }

// GoString hides the coefficients in %#v too.
func (*Polynomial) GoString() string { return "polynomial(hidden)" }

// Commitments are the coefficients of a polynomial times the generator: they fix every share
// and tell none.
type Commitments []*Point

// ParseCommitments decodes commitments to a polynomial of degree len(keys)-1. None may be the
// identity: no honest polynomial has a zero coefficient, and a zero leading one would let fewer
// holders act.
func ParseCommitments(keys []crypto.Key) (Commitments, error) {
	c := make(Commitments, len(keys))
	for i, k := range keys {
		p, err := ParsePoint(k)
		if err != nil {
			return nil, fmt.Errorf("commitment %d: %w", i, err)
		}
		c[i] = p
	}
	return c, nil
}

// Keys encodes the commitments.
func (c Commitments) Keys() []crypto.Key {
	keys := make([]crypto.Key, len(c))
	for i, p := range c {
		keys[i] = KeyOf(p)
	}
	return keys
}

// At is the public share of the holder with the given index: its share times the generator.
func (c Commitments) At(index uint16) *Point {
	sum := new(Point).Identity()
	for i := len(c) - 1; i >= 0; i-- {
		sum = multiplySmall(index, sum)
		sum.Add(sum, c[i])
	}
	return sum
}

// Holds reports whether share is the one that the commitments fix for index.
func (c Commitments) Holds(index uint16, share *Number) bool {
	return Public(share).Equal(c.At(index)) == 1
}

// AddCommitments commits to the sum of the polynomials; all have the same degree.
func AddCommitments(all ...Commitments) Commitments {
	var sum Commitments
	for i, c := range all {
		if i == 0 {
			sum = make(Commitments, len(c))
			for j := range sum {
				sum[j] = new(Point).Identity()
			}
		}
		if len(c) != len(sum) {
			panic("sharing: add commitments of different degrees")
		}
		for j := range c {
			sum[j].Add(sum[j], c[j])
		}
	}
	return sum
}

// ErrIndexes says that interpolation was asked for with index 0 or with one index twice.
var ErrIndexes = errors.New("share indexes are not distinct and above 0")

// Interpolate returns the value at 0 of the polynomial whose value in the exponent is points[i]
// at indexes[i]. Its degree must be below the number of points.
func Interpolate(indexes []uint16, points []*Point) (*Point, error) {
	if factors, ok := wholeLagrange(indexes); ok {
		return sumSmall(factors, points), nil
	}
	weights, err := lagrange(indexes)
	if err != nil {
		return nil, err
	}
	return new(Point).MultiscalarMulVartime(weights, points), nil
}

// InterpolateSome returns what Interpolate does of any threshold of the points, which all lie on one
// polynomial of degree below it. It looks for some that take small factors.
func InterpolateSome(threshold int, indexes []uint16, points []*Point) (*Point, error) {
	if n := len(indexes); n <= agreeExactly && threshold < n {
		some, at := make([]uint16, 0, n), make([]*Point, 0, n)
		for choice := range 1 << n {
			if bits.OnesCount(uint(choice)) != threshold {
				continue
			}
			some, at = some[:0], at[:0]
			for i := range n {
				if choice>>i&1 == 1 {
					some, at = append(some, indexes[i]), append(at, points[i])
				}
			}
			if factors, ok := wholeLagrange(some); ok {
				return sumSmall(factors, at), nil
			}
		}
	}
	return Interpolate(indexes[:threshold], points[:threshold])
}

// wholeLagrange is lagrange where all weights are small integers, as they are of indexes in a row: some
// additions of points then take the place of a multiplication of each.
func wholeLagrange(indexes []uint16) ([]int64, bool) {
	if n := len(indexes); n == 0 || n > agreeExactly || slices.Max(indexes) > MaxHolders {
		return nil, false
	}
	factors := make([]int64, len(indexes)) // below 2^42
	for i, xi := range indexes {
		above, below := int64(1), int64(1)
		for j, xj := range indexes {
			if j != i {
				above *= int64(xj)
				below *= int64(xj) - int64(xi)
			}
		}
		if xi == 0 || below == 0 || above%below != 0 {
			return nil, false
		}
		factors[i] = above / below
	}
	return factors, true
}

// lagrange returns the weights with which values at indexes add up to the value at 0: the product
// of x_j / (x_j - x_i) over j ≠ i.
func lagrange(indexes []uint16) ([]*Number, error) {
	product := scalar.One()
	for _, x := range indexes {
		if x == 0 {
			return nil, ErrIndexes
		}
		product.Mul(product, small(x))
	}
	weights := make([]*Number, len(indexes))
	for i, xi := range indexes {
		weight, negative := scalar.New().Mul(product, inverse(xi)), false
		for j, xj := range indexes {
			switch {
			case j == i:
			case xj == xi:
				return nil, ErrIndexes
			case xj > xi:
				weight.Mul(weight, inverse(xj-xi))
			default:
				weight.Mul(weight, inverse(xi-xj))
				negative = !negative
			}
		}
		if negative {
			weight.Neg(weight)
		}
		weights[i] = weight
	}
	return weights, nil
}

// inverse is 1/n, for n above 0.
func inverse(n uint16) *Number {
	if int(n) < len(inverses) {
		return inverses[n]
	}
	return scalar.New().Invert(small(n))
}

// inverses are those of the indexes of all holders that there may be, and of their differences: an
// inversion takes 18 µs, half as long as a multiplication of a point.
var inverses = func() (all [MaxHolders + 1]*Number) {
	for n := 1; n < len(all); n++ {
		all[n] = small(uint16(n))
	}
	scalar.New().BatchInvert(all[1:])
	return all
}()
