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
func CurveKey(k Key) bool { return !smallOrder(k) && CanonicalPoint(k) }

// CanonicalPoint reports whether k may be a mask: the one encoding of a point on the curve, of
// any order. The coordinate y must be below the field's prime, and the sign bit zero where x is
// zero. So a mask has one spelling, and a scanning wallet never meets bytes that it cannot
// decode; whether the mask is of prime order is for that wallet to check. [TX-15]
func CanonicalPoint(k Key) bool {
	c := curve.CompressedEdwardsY(k)
	return c.IsCanonicalVartime() && onCurve(k)
}

// smallOrderY are the coordinates y of the eight points of small order: of the identity, of the
// point of order 2, of the two of order 4, and of two and two of order 8.
var smallOrderY = [...]Key{
	{0: 1},
	{0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
	{},
	{0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
		0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
	{0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
		0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
}

// smallOrder reports whether k is the canonical encoding of a point of small order, or would be
// with another sign.
func smallOrder(k Key) bool {
	k[31] &= 0x7f
	for i := range smallOrderY {
		if k == smallOrderY[i] {
			return true
		}
	}
	return false
}

// decode returns the point that k is the canonical encoding of. Variable time: for public data.
func decode(k Key) (*curve.EdwardsPoint, bool) {
	p := new(curve.EdwardsPoint)
	return p, decodeTo(p, k)
}

func decodeTo(p *curve.EdwardsPoint, k Key) bool {
	c := curve.CompressedEdwardsY(k)
	if !c.IsCanonicalVartime() {
		return false
	}
	_, err := p.SetCompressedY(&c)
	return err == nil
}

// point decodes k for constant-time arithmetic with secrets.
func point(k Key) (*edwards25519.Point, error) {
	p, err := new(edwards25519.Point).SetBytes(k[:])
	if err != nil || Key(p.Bytes()) != k {
		return nil, errPoint
	}
	return p, nil
}
