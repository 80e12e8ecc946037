package sharing

import (
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/oasisprotocol/curve25519-voi/curve"
)

// A Claim says that the secret of a public point, Public = secret·G, stands behind Image =
// secret·Base too, where nobody knows the logarithm of Base: it came out of HashToPoint.
//
// Its proof is Schnorr's, of one logarithm in place of two: with e hashed from Base, Public and
// Image, that the maker knows an x with x·(Base + e·G) = Image + e·Public. Whoever can show that
// for two e's knows numbers a and b with Image = a·G + b·Base. Then x = b and e·(b - secret) = a, or
// these numbers and the secret would give the logarithm of Base. A false claim has b ≠ secret and
// so one e that fits at most; but e is hashed from Image, when a and b are chosen already. The
// proof is known as a thin VRF (Burdges and others, "Ring verifiable random functions and
// zero-knowledge continuations", 2023). It is for Bases of this kind only: for others there is a
// Statement.
//
// It shows its commitment, not its challenge. So to check it is to test an equation, without
// computing a commitment again.
type Claim struct {
	Label  string // one use of the proof, for ever
	Base   *Fixed
	Public *Fixed
	Image  crypto.Key
	Proof  *ThinProof
}

// A ThinProof is commitment || response. It is 64 bytes and the only one that its maker's nonce
// allows.
type ThinProof [64]byte

// A Fixed is a point that several claims are about: what depends on it alone is computed once, in
// 6 µs. It is for public data, immutable, and about 1.5 kB large.
type Fixed struct {
	encoded crypto.Key
	table   *curve.ExpandedRistrettoPoint // its odd multiples
}

// Fix prepares a point.
func Fix(p *Point) *Fixed { return &Fixed{KeyOf(p), curve.NewExpandedRistrettoPoint(p)} }

// Point returns the point.
func (f *Fixed) Point() *Point { return f.table.Point() }

// Is reports whether f is the point p.
func (f *Fixed) Is(p *Point) bool { return f.encoded == KeyOf(p) }

var generator = Fix(curve.RISTRETTO_BASEPOINT_POINT)

// NewClaim computes the image of base and proves it. The nonce is a hash of secret and statement, so
// the same call gives the same proof and no random source can leak the secret.
func NewClaim(label string, base, public *Fixed, secret *Number) *Claim {
	point := base.Point()
	c := &Claim{label, base, public, KeyOf(Multiply(secret, point)), new(ThinProof)}
	x := ScalarOf(secret)
	nonce := HashToNumber(label+" nonce", x[:], base.encoded[:], public.encoded[:], c.Image[:])
	merged := Public(c.merger())
	merged.Add(merged, point)
	commitment := KeyOf(Multiply(nonce, merged))
	copy(c.Proof[:32], commitment[:])
	response := ScalarOf(respond(nonce, reduce(c.challenge()), secret))
	copy(c.Proof[32:], response[:])
	return c
}

// merger is the number e that merges two logarithms into one.
func (c *Claim) merger() *Number {
	return HashToNumber(c.Label+" merger", c.Base.encoded[:], c.Public.encoded[:], c.Image[:])
}

// challenge hashes everything that the proof is about: leaving one of the points out would let a
// prover choose it afterwards.
func (c *Claim) challenge() (wide [64]byte) {
	crypto.NewStream(c.Label, c.Base.encoded[:], c.Public.encoded[:], c.Image[:], c.Proof[:32]).Fill(wide[:])
	return wide
}

// Verify reports whether the proof shows the claim. Image and commitment must be canonical
// encodings of points other than the identity, the response below the group order. With H for the
// base, X for the public point, S for the image, R for the commitment and z for the response it is
// one equation: z·(H + eG) = R + c·(S + eX). [COIN-5]
func (c *Claim) Verify() bool {
	commitment := crypto.Key(c.Proof[:32])
	if c.Image.IsZero() || commitment.IsZero() {
		return false
	}
	var s, r Point
	var z, ze, ce Number
	if _, err := z.SetCanonicalBytes(c.Proof[32:]); err != nil {
		return false
	}
	if _, err := s.SetCompressed((*curve.CompressedRistretto)(&c.Image)); err != nil {
		return false
	}
	if _, err := r.SetCompressed((*curve.CompressedRistretto)(&commitment)); err != nil {
		return false
	}
	e, challenge := c.merger(), reduce(c.challenge())
	ze.Mul(&z, e)
	ce.Mul(challenge, e)
	left := new(Point).ExpandedMultiscalarMulVartime(
		[]*Number{&ze, &z, ce.Neg(&ce)}, []*curve.ExpandedRistrettoPoint{generator.table, c.Base.table, c.Public.table},
		[]*Number{challenge.Neg(challenge)}, []*Point{&s})
	return left.Equal(&r) == 1
}
