package crypto

import (
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"

	"filippo.io/edwards25519"
	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"
)

// Aggregate signatures: one signature for several keys of one transaction. The keys are summed
// with coefficients that depend on all of them, so no key can be chosen to cancel another.
// Signers are strictly increasing places in the list of keys. [SIG-3]

const (
	coefficientLabel = "mixin-aggregate-coefficient-v1"
	nonceLabel       = "mixin-aggregate-nonce-v1"
	minNonceSeed     = 32
)

var (
	errSigners   = errors.New("signers are not strictly increasing places of keys")
	errNonceSeed = fmt.Errorf("nonce seed is shorter than %d bytes", minNonceSeed)
)

// AggregateVerify reports whether sig is a signature of msg by all the keys at signers.
func AggregateVerify(keys []Key, signers []uint16, msg [32]byte, sig Signature) bool {
	if checkSigners(keys, signers) != nil {
		return false
	}
	public, _, err := aggregateKey(newAggregateHash(), keys, signers)
	return err == nil && Verify(public, msg[:], sig)
}

// AggregateSign signs msg with the private keys of the given signers, one for each. The seed, at
// least 32 bytes, makes the nonces together with the private keys and everything that is signed;
// the same arguments give the same signature.
func AggregateSign(keys []Key, signers []uint16, privates []Scalar, msg [32]byte, seed []byte) (Signature, error) {
	if err := checkSigners(keys, signers); err != nil {
		return Signature{}, err
	}
	if len(seed) < minNonceSeed {
		return Signature{}, errNonceSeed
	}
	if len(privates) != len(signers) {
		return Signature{}, fmt.Errorf("%d private keys for %d signers", len(privates), len(signers))
	}
	for i, p := range privates {
		if !p.Valid() || p.Public() != keys[signers[i]] {
			return Signature{}, fmt.Errorf("private key %d is not that of key %d", i, signers[i])
		}
	}
	hashed := newAggregateHash()
	public, transcript, err := aggregateKey(hashed, keys, signers)
	if err != nil {
		return Signature{}, err
	}

	nonces := make([]*edwards25519.Scalar, len(signers))
	sum := edwards25519.NewScalar()
	for i, p := range privates {
		nonces[i] = wideNumber([]byte(nonceLabel), p[:], u32(len(seed)), seed, transcript, public[:], u32(int(signers[i])), msg[:])
		sum.Add(sum, nonces[i])
	}
	commitment := new(edwards25519.Point).ScalarBaseMult(sum).Bytes()
	challenge := wideNumber(commitment, public[:], msg[:])
	answer := edwards25519.NewScalar()
	for i, p := range privates {
		c := coefficient(hashed, signers[i], keys[signers[i]])
		c.Multiply(c, challenge)
		answer.Add(answer, c.MultiplyAdd(c, p.number(), nonces[i]))
	}
	return Signature(append(commitment, answer.Bytes()...)), nil
}

func checkSigners(keys []Key, signers []uint16) error {
	if len(signers) == 0 {
		return errSigners
	}
	for i, s := range signers {
		if int(s) >= len(keys) || i > 0 && s <= signers[i-1] {
			return errSigners
		}
	}
	return nil
}

func newAggregateHash() hash.Cloner { return sha512.New().(hash.Cloner) }

// aggregateKey returns the sum of the signers' keys with their coefficients, and the transcript
// that the coefficients and nonces are hashed from. It leaves in hashed, which is fresh, what the hashes of all
// coefficients begin with. That is hashed once: the transcript grows with the signers, and to hash it for each of
// 60,000 would take minutes.
func aggregateKey(hashed hash.Cloner, keys []Key, signers []uint16) (public Key, transcript []byte, err error) {
	transcript = u32(len(signers))
	for _, s := range signers {
		transcript = append(append(transcript, u32(int(s))...), keys[s][:]...)
	}
	hashed.Write([]byte(coefficientLabel))
	hashed.Write(transcript)
	points := make([]*curve.EdwardsPoint, len(signers))
	coefficients := make([]*scalar.Scalar, len(signers))
	for i, s := range signers {
		p, ok := decode(keys[s])
		if !ok {
			return Key{}, nil, fmt.Errorf("key %d: %w", s, errPoint)
		}
		points[i] = p
		c := coefficient(hashed, s, keys[s]).Bytes()
		if coefficients[i], err = scalar.NewFromCanonicalBytes(c); err != nil {
			panic("crypto: " + err.Error()) // reduced above
		}
	}
	sum := new(curve.EdwardsPoint).MultiscalarMulVartime(coefficients, points)
	var c curve.CompressedEdwardsY
	c.SetEdwardsPoint(sum)
	return Key(c), transcript, nil
}

func coefficient(hashed hash.Cloner, signer uint16, key Key) *edwards25519.Scalar {
	h, err := hashed.Clone()
	if err != nil {
		panic("crypto: " + err.Error()) // SHA-512 clones
	}
	h.Write(u32(int(signer)))
	h.Write(key[:])
	return hashedNumber(h)
}

func u32(v int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(v)) }
