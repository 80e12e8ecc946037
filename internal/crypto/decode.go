package crypto

import (
	"unsafe"

	"filippo.io/edwards25519/field"
	"github.com/oasisprotocol/curve25519-voi/curve"
)

// Half of the cost of a large batch of signatures is the square roots that decoding its points
// takes. Where the machine computes on eight numbers at once they are taken eight at a time. What
// comes out of that is only a proposal: it is the root if its square is right, which ordinary
// arithmetic checks, and a point without such a root is left to the library. So the wide
// arithmetic can cost time, but never change an answer.

// fewRoots is the number of points below which the library is as fast.
const fewRoots = 3

// decodeAll decodes keys[i] into points[i] and says in good[i] what decodeTo would say.
func decodeAll(points []*curve.EdwardsPoint, keys []Key, good []bool) {
	for haveEight && layoutKnown && len(keys) >= fewRoots {
		n := min(8, len(keys))
		decodeEight(points[:n], keys[:n], good[:n])
		points, keys, good = points[n:], keys[n:], good[n:]
	}
	for i := range keys {
		good[i] = decodeTo(points[i], keys[i])
	}
}

// decodeEight is decodeAll for up to eight keys. With u = y²-1 and v = dy²+1, x = sqrt(u/v) is
// u·(uv)^((p-5)/8), or that times sqrt(-1). [RFC 8032, 5.1.3]
func decodeEight(points []*curve.EdwardsPoint, keys []Key, good []bool) {
	var y, u, v [8]field.Element
	var power eight
	for i := range keys {
		good[i] = (*curve.CompressedEdwardsY)(&keys[i]).IsCanonicalVartime()
		mustSet(&y[i], keys[i])
		v[i].Square(&y[i])
		u[i].Subtract(&v[i], fieldOne)
		v[i].Multiply(&v[i], curveD)
		v[i].Add(&v[i], fieldOne)
		power.set(i, new(field.Element).Multiply(&u[i], &v[i]).Bytes())
	}
	power.powerForRoot()
	for i := range keys {
		if !good[i] {
			continue
		}
		var x field.Element
		mustSet(&x, power.get(i))
		x.Multiply(&x, &u[i])
		if !chooseRoot(&x, &u[i], &v[i]) {
			good[i] = decodeTo(points[i], keys[i]) // no point, as the library will say
			continue
		}
		if x.IsNegative() != int(keys[i][31]>>7) {
			x.Negate(&x)
		}
		setAffine(points[i], &x, &y[i])
	}
}

// chooseRoot reports whether x or x·sqrt(-1) is a root of u/v, and leaves it in x.
func chooseRoot(x, u, v *field.Element) bool {
	square := new(field.Element).Square(x)
	square.Multiply(square, v)
	if square.Equal(u) == 1 {
		return true
	}
	x.Multiply(x, fieldRootOfMinusOne)
	return square.Negate(square).Equal(u) == 1
}

var (
	fieldOne = new(field.Element).One()

	fieldRootOfMinusOne = mustField([32]byte{
		0xb0, 0xa0, 0x0e, 0x4a, 0x27, 0x1b, 0xee, 0xc4, 0x78, 0xe4, 0x2f, 0xad, 0x06, 0x18, 0x43, 0x2f,
		0xa7, 0xd7, 0xfb, 0x3d, 0x99, 0x00, 0x4d, 0x2b, 0x0b, 0xdf, 0xc1, 0x4f, 0x80, 0x24, 0x83, 0x2b,
	})
)

func mustSet(e *field.Element, b [32]byte) {
	if _, err := e.SetBytes(b[:]); err != nil {
		panic("crypto: " + err.Error()) // only for another length
	}
}

// A coordinates is what a curve.EdwardsPoint is in memory on amd64: X, Y, Z and T = XY/Z in five
// limbs of 51 bits each. The library, whose version is pinned, has no other way to take a point
// whose root is known; layoutKnown is false where it should not be so.
type coordinates [4][5]uint64

var layoutKnown = isLayout()

// setAffine makes p the point with the coordinates x and y.
func setAffine(p *curve.EdwardsPoint, x, y *field.Element) {
	c := (*coordinates)(unsafe.Pointer(p))
	c[0], c[1], c[2], c[3] = limbsOf(x), limbsOf(y), [5]uint64{1}, limbsOf(new(field.Element).Multiply(x, y))
}

func limbsOf(e *field.Element) [5]uint64 {
	n := numberOf(e.Bytes())
	return [5]uint64{
		n[0] & limbMask,
		(n[0]>>51 | n[1]<<13) & limbMask,
		(n[1]>>38 | n[2]<<26) & limbMask,
		(n[2]>>25 | n[3]<<39) & limbMask,
		n[3] >> 12 & limbMask,
	}
}

// isLayout makes some points both ways and compares what the library then says of them and of
// their multiples. It writes only into memory of the right size.
func isLayout() bool {
	if unsafe.Sizeof(curve.EdwardsPoint{}) != unsafe.Sizeof(coordinates{}) {
		return false
	}
	var want curve.EdwardsPoint
	want.Set(curve.ED25519_BASEPOINT_POINT)
	for range 8 {
		want.Add(&want, curve.ED25519_BASEPOINT_POINT)
		var key, again curve.CompressedEdwardsY
		key.SetEdwardsPoint(&want)
		root, err := point(Key(key))
		if err != nil {
			return false
		}
		x, y, z, _ := root.ExtendedCoordinates()
		z.Invert(z)
		var got, sum, wantSum curve.EdwardsPoint
		got.Identity()
		setAffine(&got, x.Multiply(x, z), y.Multiply(y, z))
		sum.Add(&got, curve.ED25519_BASEPOINT_POINT) // uses T
		wantSum.Add(&want, curve.ED25519_BASEPOINT_POINT)
		again.SetEdwardsPoint(&got)
		if again != key || got.Equal(&want) != 1 || sum.Equal(&wantSum) != 1 {
			return false
		}
	}
	return true
}
