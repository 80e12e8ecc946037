package crypto

import (
	"encoding/binary"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"
)

// GhostOwn is Mask, GhostPublic and GhostPrivate at once, for an account whose both scalars the
// sender knows: its own change, or the accounts of a load generator. The shared point is then
// (ra)G, so that all three points are multiples of the base point: a third of the work. The
// scalars must be valid, see Scalar.Valid.
func GhostOwn(r, view, spend Scalar, index uint64) (mask, ghost Key, private Scalar) {
	shared := number{r.number()}
	shared.Multiply(shared.Scalar, view.number())
	point := base(Scalar(shared.Bytes()))
	once := doubleSum(binary.AppendUvarint(point[:], index))
	x := number{doubleSum(once[:]).number()}
	private = Scalar(x.Add(x.Scalar, spend.number()).Bytes())
	return base(r), base(private), private
}

// base returns sG of a canonical scalar, in constant time.
func base(s Scalar) (k Key) {
	n, err := scalar.NewFromCanonicalBytes(s[:])
	if err != nil {
		panic("crypto: scalar is not canonical, see Scalar.Valid")
	}
	var c curve.CompressedEdwardsY
	c.SetEdwardsPoint(curve.NewEdwardsPoint().MulBasepoint(curve.ED25519_BASEPOINT_TABLE, n))
	return Key(c)
}
