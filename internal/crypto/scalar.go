package crypto

import (
	"crypto/sha512"
	"hash"

	"filippo.io/edwards25519"
)

// ScalarFromWide reduces 64 little-endian bytes modulo the group order.
func ScalarFromWide(wide [64]byte) Scalar {
	s, err := edwards25519.NewScalar().SetUniformBytes(wide[:])
	if err != nil {
		panic("crypto: " + err.Error()) // the length is fixed
	}
	return Scalar(s.Bytes())
}

// ScalarFromSeed returns the scalar that an RFC 8032 seed expands to, reduced modulo the group
// order, so the public key is the one that Ed25519 derives from the seed.
func ScalarFromSeed(seed [32]byte) Scalar {
	h := sha512.Sum512(seed[:])
	s, err := edwards25519.NewScalar().SetBytesWithClamping(h[:32])
	if err != nil {
		panic("crypto: " + err.Error()) // the length is fixed
	}
	return Scalar(s.Bytes())
}

// Valid reports whether s is a private key: canonical, below the group order, and not zero.
func (s Scalar) Valid() bool {
	_, err := edwards25519.NewScalar().SetCanonicalBytes(s[:])
	return err == nil && s != Scalar{}
}

// number returns s for arithmetic. Scalars from outside are checked by Valid first.
func (s Scalar) number() *edwards25519.Scalar {
	n, err := edwards25519.NewScalar().SetCanonicalBytes(s[:])
	if err != nil {
		panic("crypto: scalar is not canonical, see Scalar.Valid")
	}
	return n
}

// Public returns sG. The zero scalar gives the identity, which is no valid key.
func (s Scalar) Public() Key {
	return Key(new(edwards25519.Point).ScalarBaseMult(s.number()).Bytes())
}

// Sign signs msg in the way of wallets: Ed25519 with the scalar used directly and a nonce that
// is a hash of scalar and message, so no randomness can fail. [SIG-2]
func (s Scalar) Sign(msg []byte) Signature { return s.SignAs(s.Public(), msg) }

// SignAs is Sign for who knows the public key, half the work. Under another key than s.Public()
// the signature is good for nothing, and two of them reveal s.
func (s Scalar) SignAs(public Key, msg []byte) Signature {
	prefix := sha512.Sum512(s[:])
	nonce := wideNumber(prefix[32:], msg)
	commitment := new(edwards25519.Point).ScalarBaseMult(nonce).Bytes()
	challenge := wideNumber(commitment, public[:], msg)
	answer := edwards25519.NewScalar().MultiplyAdd(challenge, s.number(), nonce)
	return Signature(append(commitment, answer.Bytes()...))
}

// wideNumber is SHA-512 over the parts, reduced modulo the group order.
func wideNumber(parts ...[]byte) *edwards25519.Scalar {
	h := sha512.New()
	for _, p := range parts {
		h.Write(p)
	}
	return hashedNumber(h)
}

// hashedNumber is what SHA-512 hashed, reduced modulo the group order.
func hashedNumber(h hash.Hash) *edwards25519.Scalar {
	n, err := edwards25519.NewScalar().SetUniformBytes(h.Sum(nil))
	if err != nil {
		panic("crypto: " + err.Error()) // the length is fixed
	}
	return n
}
