package sharing

import (
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/gtank/ristretto255"
)

// ProveKnowledge proves that the maker knows the secret behind Public(secret), for one label and
// context (Schnorr's proof with a hashed challenge and a hashed nonce).
func ProveKnowledge(label string, context []byte, secret *Number) Proof {
	public := Public(secret).Bytes()
	nonce := HashToNumber(label+" nonce", secret.Bytes(), public, context)
	c := knowledgeChallenge(label, context, public, Public(nonce))
	response := ristretto255.NewScalar().Multiply(c, secret)
	response.Add(response, nonce)
	return Proof(append(c.Bytes(), response.Bytes()...))
}

// VerifyKnowledge reports whether proof shows knowledge of the secret behind public.
func VerifyKnowledge(label string, context []byte, public *Point, proof *Proof) bool {
	c, errC := ParseNumber(crypto.Scalar(proof[:32]))
	response, errR := ParseNumber(crypto.Scalar(proof[32:]))
	if errC != nil || errR != nil {
		return false
	}
	minus := ristretto255.NewScalar().Negate(c)
	commitment := ristretto255.NewIdentityElement().VarTimeDoubleScalarBaseMult(minus, public, response)
	return knowledgeChallenge(label, context, public.Bytes(), commitment).Equal(c) == 1
}

func knowledgeChallenge(label string, context, public []byte, commitment *Point) *Number {
	return HashToNumber(label, public, commitment.Bytes(), context)
}
