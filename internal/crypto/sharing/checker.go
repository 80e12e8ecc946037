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
	encoded := KeyOf(public)
	point, ok := parseFast(encoded)
	if !ok {
		panic("sharing: the two libraries disagree about a point")
	}
	return &Checker{label, encoded, curve.NewRistrettoBasepointTable(point)}
}

// NewBase prepares a base point.
func NewBase(base *Point) *Base {
	encoded := KeyOf(base)
	point, ok := parseFast(encoded)
	if !ok {
		panic("sharing: the two libraries disagree about a point")
	}
	return &Base{encoded, point}
}

// Verify reports whether proof shows that the secret behind the public point stands behind image
// too, which must be the canonical encoding of a point other than the identity.
func (k *Checker) Verify(base *Base, image crypto.Key, proof *Proof) bool {
	c, errC := scalar.NewFromCanonicalBytes(proof[:32])
	response, errR := scalar.NewFromCanonicalBytes(proof[32:])
	point, ok := parseFast(image)
	if errC != nil || errR != nil || !ok || image.IsZero() {
		return false
	}
	minus := scalar.New().Neg(c)
	var first, rest, second curve.RistrettoPoint
	first.MulBasepoint(curve.RISTRETTO_BASEPOINT_TABLE, response)
	first.Add(&first, rest.MulBasepoint(k.table, minus))
	second.MultiscalarMulVartime([]*scalar.Scalar{response, minus}, []*curve.RistrettoPoint{base.point, point})
	again := HashToNumber(k.label, base.encoded[:], k.encoded[:], image[:], encodeFast(&first), encodeFast(&second))
	return crypto.Scalar(proof[:32]) == ScalarOf(again)
}

func parseFast(k crypto.Key) (*curve.RistrettoPoint, bool) {
	p := curve.NewRistrettoPoint()
	_, err := p.SetCompressed((*curve.CompressedRistretto)(&k))
	return p, err == nil
}

func encodeFast(p *curve.RistrettoPoint) []byte {
	var c curve.CompressedRistretto
	c.SetRistrettoPoint(p)
	return c[:]
}
