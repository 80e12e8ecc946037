// Package secp verifies signatures on secp256k1: ECDSA as Bitcoin has it, and Schnorr's of BIP 340. It keeps no secrets and signs nothing.
//
// What is a key, what is a scalar and the arithmetic of scalars are btcec's; sums of multiples of points, where the time
// goes, are secp256k1-voi's: its field arithmetic is generated from a proof (fiat-crypto), and its formulas for adding points
// have no exceptions. Whether a signature verifies is consensus, so tests and fuzzers compare every answer
// with btcec's, and every entry of the library's table with multiples that btcec makes (docs/adr/0015).
package secp

import (
	"crypto/sha256"

	"github.com/btcsuite/btcd/btcec/v2"
	"gitlab.com/yawning/secp256k1-voi"
)

// VerifyECDSA reports whether (r, s) is a signature of a hash by a key, with an s of either sign. It is what btcec's Signature.Verify
// answers for every key that btcec parses.
func VerifyECDSA(key *btcec.PublicKey, hash *[32]byte, r, s *btcec.ModNScalar) bool {
	if r.IsZero() || s.IsZero() {
		return false
	}
	var e, w, u1, u2 btcec.ModNScalar
	e.SetBytes(hash) // modulo the order
	w.InverseValNonConst(s)
	u1.Mul2(&e, &w)
	u2.Mul2(r, &w)
	sum, ok := combine(key, &u1, &u2)
	if !ok {
		return false
	}
	x, err := sum.XBytes()
	if err != nil { // the point at infinity
		return false
	}
	var v btcec.ModNScalar
	v.SetByteSlice(x) // modulo the order: x may lie above it
	return v.Equals(r)
}

// SchnorrSize is the size of a signature of BIP 340: the x of a point, and a scalar.
const SchnorrSize = 64

// challengeTag is the hash of the label of BIP 340's challenge, twice.
var challengeTag = func() []byte {
	tag := sha256.Sum256([]byte("BIP0340/challenge"))
	return append(tag[:], tag[:]...)
}()

// VerifySchnorr reports whether a signature of BIP 340 is one of a hash by the key with this x, whichever y the given key has. It is
// what btcec's schnorr.Signature.Verify answers.
func VerifySchnorr(key *btcec.PublicKey, hash *[32]byte, sig *[SchnorrSize]byte) bool {
	var s, e btcec.ModNScalar
	if s.SetByteSlice(sig[32:]) {
		return false // not below the order
	}
	var buffer [64 + 32 + 32 + 32]byte
	public := key.SerializeCompressed()
	b := append(buffer[:0], challengeTag...)
	b = append(b, sig[:32]...)
	b = append(b, public[1:]...)
	challenge := sha256.Sum256(append(b, hash[:]...))
	e.SetBytes(&challenge) // modulo the order
	if public[0] == evenY {
		e.Negate() // R = s·G - e·P, and -e·(-P) = e·P
	}
	sum, ok := combine(key, &s, &e)
	if !ok || sum.IsIdentity() == 1 {
		return false
	}
	point := sum.CompressedBytes()
	return point[0] == evenY && string(point[1:]) == string(sig[:32])
}

// evenY starts the short form of a point whose y is even.
const evenY = 2

// combine returns a·G + b·K. It is false if the key, made by hand, lies on no curve.
func combine(key *btcec.PublicKey, a, b *btcec.ModNScalar) (*secp256k1.Point, bool) {
	var at btcec.JacobianPoint
	key.AsJacobian(&at)
	k, err := secp256k1.NewPointFromCoords(at.X.Bytes(), at.Y.Bytes())
	if err != nil {
		return nil, false
	}
	return secp256k1.NewIdentityPoint().DoubleScalarMultBasepointVartime(scalar(a), scalar(b), k), true
}

// scalar is a scalar in the other library's form.
func scalar(v *btcec.ModNScalar) *secp256k1.Scalar {
	b := v.Bytes()
	s, _ := secp256k1.NewScalarFromBytes(&b) // reduced already
	return s
}
