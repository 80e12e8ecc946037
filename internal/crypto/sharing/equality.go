package sharing

import (
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/gtank/ristretto255"
)

// A Statement says that one secret x stands behind two points: Public = x·G for the generator G
// and Image = x·Base.
type Statement struct {
	Label  string // one use of the proof, for ever
	Base   *Point
	Public *Point
	Image  *Point
}

// A Proof is challenge || response of the Chaum-Pedersen proof of a Statement, made
// non-interactive by hashing. It is 64 bytes and the only one that its maker's nonce allows.
//
// Proofs in this short form are checked one by one: the points that a batch would weigh
// against each other are not sent. A Checker makes that cheaper; 32 more bytes a
// snapshot would make it cheaper still.
type Proof [64]byte

// Prove proves the statement with its secret. The nonce is a hash of secret and statement, so
// the same call gives the same proof and no random source can leak the secret.
func (s *Statement) Prove(secret *Number) Proof {
	context := s.bytes()
	nonce := HashToNumber(s.Label+" nonce", secret.Bytes(), context)
	c := s.challenge(context, Public(nonce), Multiply(nonce, s.Base))
	response := ristretto255.NewScalar().Multiply(c, secret)
	response.Add(response, nonce)
	return Proof(append(c.Bytes(), response.Bytes()...))
}

// Verify reports whether proof shows the statement. The points are public: variable time.
func (s *Statement) Verify(proof *Proof) bool {
	c, errC := ParseNumber(crypto.Scalar(proof[:32]))
	response, errR := ParseNumber(crypto.Scalar(proof[32:]))
	if errC != nil || errR != nil {
		return false
	}
	minus := ristretto255.NewScalar().Negate(c)
	first := ristretto255.NewIdentityElement().VarTimeDoubleScalarBaseMult(minus, s.Public, response)
	second := ristretto255.NewIdentityElement().VarTimeMultiScalarMult(
		[]*Number{response, minus}, []*Point{s.Base, s.Image})
	return s.challenge(s.bytes(), first, second).Equal(c) == 1
}

func (s *Statement) bytes() []byte {
	b := make([]byte, 0, 5*32)
	for _, p := range []*Point{s.Base, s.Public, s.Image} {
		b = append(b, p.Bytes()...)
	}
	return b
}

// challenge hashes everything that the proof is about: leaving one of the points out would let a
// prover choose it afterwards.
func (s *Statement) challenge(context []byte, first, second *Point) *Number {
	return HashToNumber(s.Label, context, first.Bytes(), second.Bytes())
}
