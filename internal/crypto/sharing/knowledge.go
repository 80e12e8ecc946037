package sharing

import (
	"github.com/asterism-network/asterism/internal/crypto"
)

// ProveKnowledge proves that the maker knows the secret behind Public(secret), for one label and
// context (Schnorr's proof with a hashed challenge and a hashed nonce).
func ProveKnowledge(label string, context []byte, secret *Number) Proof {
	public, s := KeyOf(Public(secret)), ScalarOf(secret)
	nonce := HashToNumber(label+" nonce", s[:], public[:], context)
	c := knowledgeChallenge(label, context, public, Public(nonce))
	return proofOf(c, respond(nonce, c, secret))
}

// VerifyKnowledge reports whether proof shows knowledge of the secret behind public.
func VerifyKnowledge(label string, context []byte, public *Point, proof *Proof) bool {
	c, errC := ParseNumber(crypto.Scalar(proof[:32]))
	response, errR := ParseNumber(crypto.Scalar(proof[32:]))
	if errC != nil || errR != nil {
		return false
	}
	minus := new(Number).Neg(c)
	commitment := new(Point).DoubleScalarMulBasepointVartime(minus, public, response)
	return knowledgeChallenge(label, context, KeyOf(public), commitment).Equal(c) == 1
}

func knowledgeChallenge(label string, context []byte, public crypto.Key, commitment *Point) *Number {
	r := KeyOf(commitment)
	return HashToNumber(label, public[:], r[:], context)
}
