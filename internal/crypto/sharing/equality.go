package sharing

import "github.com/asterism-network/asterism/internal/crypto"

// A Statement says that one secret x stands behind two points: Public = x·G for the generator G
// and Image = x·Base. Whoever chose Base may know its logarithm; if nobody does, a Claim says the
// same and is cheaper to check.
type Statement struct {
	Label  string // one use of the proof, for ever
	Base   *Point
	Public *Point
	Image  *Point
}

// A Proof is challenge || response of the Chaum-Pedersen proof of a Statement, made
// non-interactive by hashing. It is 64 bytes and the only one that its maker's nonce allows.
type Proof [64]byte

func proofOf(challenge, response *Number) (p Proof) {
	c, r := ScalarOf(challenge), ScalarOf(response)
	copy(p[:32], c[:])
	copy(p[32:], r[:])
	return p
}

// respond is nonce + challenge·secret.
func respond(nonce, challenge, secret *Number) *Number {
	response := new(Number).Mul(challenge, secret)
	return response.Add(response, nonce)
}

// Prove proves the statement with its secret. The nonce is a hash of secret and statement, so
// the same call gives the same proof and no random source can leak the secret.
func (s *Statement) Prove(secret *Number) Proof {
	context, x := s.bytes(), ScalarOf(secret)
	nonce := HashToNumber(s.Label+" nonce", x[:], context)
	c := s.challenge(context, Public(nonce), Multiply(nonce, s.Base))
	return proofOf(c, respond(nonce, c, secret))
}

// Verify reports whether proof shows the statement. The points are public: variable time.
func (s *Statement) Verify(proof *Proof) bool {
	c, errC := ParseNumber(crypto.Scalar(proof[:32]))
	response, errR := ParseNumber(crypto.Scalar(proof[32:]))
	if errC != nil || errR != nil {
		return false
	}
	minus := new(Number).Neg(c)
	first := new(Point).DoubleScalarMulBasepointVartime(minus, s.Public, response)
	second := new(Point).MultiscalarMulVartime([]*Number{response, minus}, []*Point{s.Base, s.Image})
	return s.challenge(s.bytes(), first, second).Equal(c) == 1
}

func (s *Statement) bytes() []byte {
	b := make([]byte, 0, 3*32)
	for _, p := range []*Point{s.Base, s.Public, s.Image} {
		k := KeyOf(p)
		b = append(b, k[:]...)
	}
	return b
}

// challenge hashes everything that the proof is about: leaving one of the points out would let a
// prover choose it afterwards.
func (s *Statement) challenge(context []byte, first, second *Point) *Number {
	r1, r2 := KeyOf(first), KeyOf(second)
	return HashToNumber(s.Label, context, r1[:], r2[:])
}
