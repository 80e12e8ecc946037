package crypto

import (
	"errors"

	"filippo.io/edwards25519"
	"github.com/oasisprotocol/curve25519-voi/curve"
)

// errPoint is the answer to bytes that are not the canonical encoding of a curve point.
var errPoint = errors.New("not the canonical encoding of a point on the curve")

// errOrder is the answer to a point with a torsion component, or the identity.
var errOrder = errors.New("not a point of prime order")

// ValidKey reports whether k is what an address may hold: a canonical encoding of a point of
// prime order, which the identity is not. It costs a scalar multiplication, about 35 µs.
func ValidKey(k Key) bool {
	p, ok := decode(k)
	return ok && p.IsTorsionFree() && !p.IsIdentity()
}

// CurveKey reports whether k may lock an output: a canonical encoding of a point that is not of
// small order. A torsion component is allowed; verification clears it. [TX-13]
func CurveKey(k Key) bool {
	p, ok := decode(k)
	return ok && !p.IsSmallOrder()
}

// CanonicalPoint reports whether k may be a mask: the one encoding of a point on the curve, of
// any order. The coordinate y must be below the field's prime, and the sign bit zero where x is
// zero. So a mask has one spelling, and a scanning wallet never meets bytes that it cannot
// decode; whether the mask is of prime order is for that wallet to check. [TX-15]
func CanonicalPoint(k Key) bool {
	_, ok := decode(k)
	return ok
}

// decode returns the point that k is the canonical encoding of. Variable time: for public data.
func decode(k Key) (*curve.EdwardsPoint, bool) {
	c := curve.CompressedEdwardsY(k)
	if !c.IsCanonicalVartime() {
		return nil, false
	}
	p := new(curve.EdwardsPoint)
	_, err := p.SetCompressedY(&c)
	return p, err == nil
}

// point decodes k for constant-time arithmetic with secrets.
func point(k Key) (*edwards25519.Point, error) {
	p, err := new(edwards25519.Point).SetBytes(k[:])
	if err != nil || Key(p.Bytes()) != k {
		return nil, errPoint
	}
	return p, nil
}
