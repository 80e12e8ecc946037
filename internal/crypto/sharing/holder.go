package sharing

import (
	"crypto/sha512"
	"errors"

	"filippo.io/edwards25519"
	"filippo.io/edwards25519/field"
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"
)

// A member's Ed25519 key is the key that dealings for it are encrypted to as well: ristretto255 is made of the
// same curve, and its generator is Ed25519's. So whoever is in a roster can be dealt to, and a node
// keeps one secret. Signatures hash with SHA-512 and no label, everything here with BLAKE3 and
// labels; a complaint opens products with ephemeral keys only, whose makers have proven that they
// know the logarithm and so could compute them too.

var errHolder = errors.New("key is not a point of prime order")

// invSqrtAMinusD is 1/sqrt(a-d) of RFC 9496, section 4.1.
var sqrtMinusOne, invSqrtAMinusD = constants()

func constants() (root, inverse *field.Element) {
	one := new(field.Element).One()
	minusOne := new(field.Element).Negate(one)
	// SqrtRatio of (u, v) where u/v is no square gives sqrt(i·u/v); -1 is a square.
	root, _ = new(field.Element).SqrtRatio(minusOne, one)
	a, b := new(field.Element).Mult32(one, 121665), new(field.Element).Mult32(one, 121666)
	d := new(field.Element).Multiply(a.Negate(a), b.Invert(b))
	inverse, _ = new(field.Element).SqrtRatio(one, d.Subtract(minusOne, d))
	return root, inverse
}

// HolderKey is the encryption key of the member with an Ed25519 key: the ristretto255 element that
// the point stands for. It takes points of prime order only. Variable time: for public data.
func HolderKey(node crypto.Key) (crypto.Key, error) {
	if !crypto.ValidKey(node) {
		return crypto.Key{}, errHolder
	}
	p, err := new(edwards25519.Point).SetBytes(node[:])
	if err != nil {
		return crypto.Key{}, errHolder
	}
	return encodeRistretto(p), nil
}

// HolderSecret opens what is encrypted to the key of a node.
func HolderSecret(node crypto.NodeKey) *Number {
	seed := node.Seed()
	digest := sha512.Sum512(seed[:])
	var wide [64]byte
	copy(wide[:32], digest[:32])
	wide[0] &= 248
	wide[31] &= 127
	wide[31] |= 64
	n, err := scalar.NewFromBytesModOrderWide(wide[:])
	if err != nil {
		panic("sharing: " + err.Error()) // only for another length
	}
	return n
}

// encodeRistretto is Encode of RFC 9496, section 4.3.2.
func encodeRistretto(p *edwards25519.Point) (out crypto.Key) {
	x, y, z, t := p.ExtendedCoordinates()
	mul := func(a, b *field.Element) *field.Element { return new(field.Element).Multiply(a, b) }
	u1 := mul(new(field.Element).Add(z, y), new(field.Element).Subtract(z, y))
	u2 := mul(x, y)
	inverse, _ := new(field.Element).SqrtRatio(new(field.Element).One(), mul(u1, new(field.Element).Square(u2)))
	den1, den2 := mul(inverse, u1), mul(inverse, u2)
	zInverse := mul(mul(den1, den2), t)
	den := den2
	if mul(t, zInverse).IsNegative() == 1 {
		x, y = mul(y, sqrtMinusOne), mul(x, sqrtMinusOne)
		den = mul(den1, invSqrtAMinusD)
	}
	if mul(x, zInverse).IsNegative() == 1 {
		y = new(field.Element).Negate(y)
	}
	s := mul(den, new(field.Element).Subtract(z, y))
	copy(out[:], s.Absolute(s).Bytes())
	return out
}
