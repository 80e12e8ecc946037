package sim

import (
	"crypto/ed25519"
	"crypto/sha512"
	"encoding/hex"

	"filippo.io/edwards25519"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/asterism-network/asterism/kernel/internal/replica"
)

// torsion is a point of order 8.
var torsion = func() *edwards25519.Point {
	b, _ := hex.DecodeString("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
	p, err := new(edwards25519.Point).SetBytes(b)
	if err != nil {
		panic("sim: " + err.Error())
	}
	return p
}()

// torsionSign signs with a nonce point that has a part of order 8. Whoever has the private key
// can do that; the two verification equations in use disagree about it.
func torsionSign(private kernel.Scalar, hash kernel.TxHash) (out kernel.Signature) {
	key, err := edwards25519.NewScalar().SetCanonicalBytes(private[:])
	if err != nil {
		panic("sim: " + err.Error())
	}
	public := private.Public()
	nonce := wide(private[:], hash[:])
	commitment := new(edwards25519.Point).ScalarBaseMult(nonce)
	r := commitment.Add(commitment, torsion).Bytes()
	challenge := wide(r, public[:], hash[:])
	answer := edwards25519.NewScalar().MultiplyAdd(challenge, key, nonce)
	return kernel.Signature(append(r, answer.Bytes()...))
}

func wide(parts ...[]byte) *edwards25519.Scalar {
	h := sha512.New()
	for _, p := range parts {
		h.Write(p)
	}
	n, err := edwards25519.NewScalar().SetUniformBytes(h.Sum(nil))
	if err != nil {
		panic("sim: " + err.Error())
	}
	return n
}

// cofactorless is the canary of that name: the equation of the standard library. It is no
// replica.Batch, which would verify with the right one.
type cofactorless struct{ replica.Proofs }

// Verify implements ledger.Verifier.
func (c cofactorless) Verify(tx *kernel.Transaction, signed kernel.Hash, keys [][]kernel.Key) bool {
	checks, aggregate, ok := ledger.SignatureChecks(tx, tx.Hash(), keys)
	if !ok || aggregate != nil {
		return ok && aggregate.Verify()
	}
	for _, check := range checks {
		if !ed25519.Verify(check.Key[:], check.Message, check.Signature[:]) {
			return false
		}
	}
	return true
}
