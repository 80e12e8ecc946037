package sharing

import (
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"
)

// A Checker checks many statements about one public point, two thirds as dear as
// Statement.Verify, whose answers it gives: everything that depends on the public point alone is
// computed once. It is for public data, in variable time; immutable, and about 30 kB large.
type Checker struct {
	label   string
	encoded crypto.Key
	table   *curve.RistrettoBasepointTable // multiples of the public point
}

// A Base is the base point of several statements, prepared for Checkers.
type Base struct {
	encoded crypto.Key
	point   *curve.RistrettoPoint
}

// NewChecker prepares the checks of statements with the given label and public point.
func NewChecker(label string, public *Point) *Checker {
	return &Checker{label, KeyOf(public), curve.NewRistrettoBasepointTable(public)}
}

// NewBase prepares a base point.
func NewBase(base *Point) *Base {
	return &Base{KeyOf(base), base}
}

// Verify reports whether proof shows that the secret behind the public point stands behind image
// too, which must be the canonical encoding of a point other than the identity.
func (k *Checker) Verify(base *Base, image crypto.Key, proof *Proof) bool {
	c, errC := scalar.NewFromCanonicalBytes(proof[:32])
	response, errR := scalar.NewFromCanonicalBytes(proof[32:])
	point, err := ParsePoint(image)
	if errC != nil || errR != nil || err != nil {
		return false
	}
	minus := scalar.New().Neg(c)
	var first, rest, second curve.RistrettoPoint
	first.MulBasepoint(curve.RISTRETTO_BASEPOINT_TABLE, response)
	first.Add(&first, rest.MulBasepoint(k.table, minus))
	second.MultiscalarMulVartime([]*scalar.Scalar{response, minus}, []*curve.RistrettoPoint{base.point, point})
	r1, r2 := KeyOf(&first), KeyOf(&second)
	again := HashToNumber(k.label, base.encoded[:], k.encoded[:], image[:], r1[:], r2[:])
	return crypto.Scalar(proof[:32]) == ScalarOf(again)
}
