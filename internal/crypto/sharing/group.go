// Package sharing splits a secret among n holders so that any degree+1 of them can act with it
// and degree of them know nothing: Feldman commitments, evaluation in the exponent and
// discrete-log-equality proofs over ristretto255.
//
// It is pure. Randomness is an argument; nonces and weights are hashes. Holders are numbered
// from 1: index 0 is the secret itself.
//
// Whatever touches a secret takes constant time. The library says which of its functions do, and
// its source bears it out: multiplication recodes a number into 64 digits without a branch, reads
// all of a table for each of them and negates under a mask, with AVX2 and without; arithmetic of
// numbers has fixed limbs and masks. Its functions that do not are called Vartime, and get public data only.
package sharing

import (
	"errors"
	"fmt"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"
)

// A Point is an element of the ristretto255 group (RFC 9496).
type Point = curve.RistrettoPoint

// A Number is an integer modulo the order of the group.
type Number = scalar.Scalar

// Why a value is refused.
var (
	ErrPoint    = errors.New("not a canonical ristretto255 point")
	ErrIdentity = errors.New("point is the identity")
	ErrNumber   = errors.New("not a canonical number below the group order")
)

// ParsePoint decodes a point. Other encodings of it do not exist, and the identity is refused:
// as a key or share it would stand for a secret that everybody knows.
func ParsePoint(k crypto.Key) (*Point, error) {
	if k.IsZero() {
		return nil, ErrIdentity
	}
	p := new(Point)
	if _, err := p.SetCompressed((*curve.CompressedRistretto)(&k)); err != nil {
		return nil, ErrPoint
	}
	return p, nil
}

// ParseNumber decodes 32 little-endian bytes below the group order.
func ParseNumber(b crypto.Scalar) (*Number, error) {
	n, err := scalar.NewFromCanonicalBytes(b[:])
	if err != nil {
		return nil, ErrNumber
	}
	return n, nil
}

// KeyOf encodes a point.
func KeyOf(p *Point) crypto.Key {
	var c curve.CompressedRistretto
	c.SetRistrettoPoint(p)
	return crypto.Key(c)
}

// ScalarOf encodes a number, in the type that does not print.
func ScalarOf(n *Number) (s crypto.Scalar) {
	if err := n.ToBytes(s[:]); err != nil {
		panic(fmt.Sprintf("sharing: %v", err)) // only for another length
	}
	return s
}

// HashToPoint maps the label and parts to a point whose discrete logarithm nobody knows.
func HashToPoint(label string, parts ...[]byte) *Point {
	var wide [64]byte
	crypto.NewStream(label, parts...).Fill(wide[:])
	p, err := new(Point).SetUniformBytes(wide[:])
	if err != nil {
		panic(fmt.Sprintf("sharing: %v", err)) // only for another length
	}
	return p
}

// HashToNumber maps the label and parts to a uniformly distributed number.
func HashToNumber(label string, parts ...[]byte) *Number {
	var wide [64]byte
	crypto.NewStream(label, parts...).Fill(wide[:])
	return reduce(wide)
}

func reduce(wide [64]byte) *Number {
	n, err := scalar.NewFromBytesModOrderWide(wide[:])
	if err != nil {
		panic(fmt.Sprintf("sharing: %v", err)) // only for another length
	}
	return n
}

// Public returns secret times the generator, in constant time.
func Public(secret *Number) *Point {
	return new(Point).MulBasepoint(curve.RISTRETTO_BASEPOINT_TABLE, secret)
}

// Multiply returns secret times p, in constant time.
func Multiply(secret *Number, p *Point) *Point {
	return new(Point).Mul(p, secret)
}

// small is the number of an index.
func small(index uint16) *Number { return scalar.NewFromUint64(uint64(index)) }

// multiplySmall returns index times p by doubling; both are public.
func multiplySmall(index uint16, p *Point) *Point {
	sum := new(Point).Identity()
	for bit := uint16(1) << 15; bit != 0; bit >>= 1 {
		if bit <= index {
			sum.Add(sum, sum)
		}
		if bit&index != 0 {
			sum.Add(sum, p)
		}
	}
	return sum
}
