package crypto

import (
	"crypto/sha512"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"
	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
)

// Verify reports whether sig is a signature of msg by key. It is the only verification rule of
// the network: the cofactored equation with canonical encodings of key and R, a key that is not
// of small order and s below the group order. Single and batch verification agree on every
// input, which the cofactorless rule of other libraries cannot promise. [SIG-1]
func Verify(key Key, msg []byte, sig Signature) bool {
	return ed25519.Verify(key[:], msg, sig[:])
}

// A NodeKey signs for a node: an RFC 8032 Ed25519 private key. It never prints.
type NodeKey struct {
	seed   [32]byte
	public Key
}

// NodeKeyFromSeed expands the 32 secret bytes of a key file.
func NodeKeyFromSeed(seed [32]byte) NodeKey {
	private := ed25519.NewKeyFromSeed(seed[:])
	return NodeKey{seed: seed, public: Key(private[32:])}
}

// Public returns the key that others verify with.
func (k NodeKey) Public() Key { return k.public }

// Seed returns the 32 secret bytes.
func (k NodeKey) Seed() [32]byte { return k.seed }

// Sign signs msg as RFC 8032 says; the same message gives the same signature.
func (k NodeKey) Sign(msg []byte) Signature {
	private := make(ed25519.PrivateKey, 0, ed25519.PrivateKeySize)
	private = append(append(private, k.seed[:]...), k.public[:]...)
	return Signature(ed25519.Sign(private, msg))
}

// String hides the seed.
func (NodeKey) String() string { return "node key(hidden)" }

// GoString hides the seed in %#v too.
func (NodeKey) GoString() string { return "node key(hidden)" }

// A PublicKey is a key that many signatures will be verified with, such as a node's: what depends
// on the key alone is done once. It is immutable and may be used by several goroutines.
type PublicKey struct {
	key      Key
	expanded *ed25519.ExpandedPublicKey
	minus    *curve.ExpandedEdwardsPoint // its negative, for batches

	multiples *curve.EdwardsBasepointTable // of minus, 40 kB
}

// NewPublicKey prepares a key. Any bytes will do: a key that is none verifies nothing.
func NewPublicKey(k Key) *PublicKey {
	prepared := &PublicKey{key: k}
	var minus curve.EdwardsPoint
	expanded, err := ed25519.NewExpandedPublicKey(k[:])
	if err == nil && decodeMinus(&minus, k) {
		prepared.expanded, prepared.minus = expanded, curve.NewExpandedEdwardsPoint(&minus)
		prepared.multiples = curve.NewEdwardsBasepointTable(&minus)
	}
	return prepared
}

// Verify reports what the function Verify does for the key.
func (k *PublicKey) Verify(msg []byte, sig Signature) bool {
	return k.expanded != nil && (k.usual(msg, &sig) || ed25519.VerifyExpanded(k.expanded, msg, sig[:]))
}

// usual reports whether sB - hA is R, encoded: the equation as all signers meet it. With tables of
// both points' multiples there is nothing to double, and no R to decode. A signature that meets it only
// after multiplication by the cofactor, or not at all, is for the rule itself to judge.
func (k *PublicKey) usual(msg []byte, sig *Signature) bool {
	var s, h scalar.Scalar
	if _, err := s.SetCanonicalBytes(sig[32:]); err != nil {
		return false
	}
	hash := sha512.New()
	hash.Write(sig[:32])
	hash.Write(k.key[:])
	hash.Write(msg)
	var sum [64]byte
	if _, err := h.SetBytesModOrderWide(hash.Sum(sum[:0])); err != nil {
		return false
	}
	var point, other curve.EdwardsPoint
	point.MulBasepoint(curve.ED25519_BASEPOINT_TABLE, &s)
	other.MulBasepoint(k.multiples, &h)
	var r curve.CompressedEdwardsY
	r.SetEdwardsPoint(point.Add(&point, &other))
	return r == curve.CompressedEdwardsY(sig[:32])
}

// Check is the same question for VerifyBatch and VerifyEach, a quarter cheaper there than for a
// key that is not prepared.
func (k *PublicKey) Check(msg []byte, sig Signature) Check {
	c := Check{Key: k.key, Message: msg, Signature: sig}
	if k.minus != nil {
		c.prepared = k
	}
	return c
}
