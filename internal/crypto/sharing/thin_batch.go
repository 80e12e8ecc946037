package sharing

import (
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/oasisprotocol/curve25519-voi/curve"
)

// With H for the base, X for the public point, S for the image and (R, z) for the proof, a claim
// is good if z·(H + eG) = R + c·(S + eX). Many are verified by one equation: the sum over all of
// w·(R + cS + ceX - zH - zeG), with a weight w of 128 bits for each, is zero. If one of them is
// bad, its term is not zero, and in a group of prime order the sum is zero for one choice of its
// weight in 2^128.
//
// The weights are drawn from a hash of the whole batch, so the answer is a function of the
// arguments. It binds every R, H, X, S (the challenge is their hash) and z: whoever changes any of
// them, so that errors would cancel, draws all weights anew. To pass a bad batch one would have
// to find a hash that cancels it, which is expected after 2^128 attempts, as many as it takes to
// forge a proof. [COIN-5]

const labelWeights = "asterism claims weighed together"

// An opening is a claim with its points and numbers decoded.
type opening struct {
	claim *Claim
	s, r  Point
	// Factors of G and H, and negative ones of X and S, until they are weighed.
	ze, z, ce, c Number
	w            Number   // the weight, that of R
	bound        [96]byte // what is hashed for the weights
	good         *bool    // where to say that it is good; nil if nobody asks for it alone
}

// open decodes a claim and reports whether it can be good.
func (o *opening) open(c *Claim) bool {
	commitment := crypto.Key(c.Proof[:32])
	if c.Image.IsZero() || commitment.IsZero() {
		return false
	}
	if _, err := o.z.SetCanonicalBytes(c.Proof[32:]); err != nil {
		return false
	}
	if _, err := o.s.SetCompressed((*curve.CompressedRistretto)(&c.Image)); err != nil {
		return false
	}
	if _, err := o.r.SetCompressed((*curve.CompressedRistretto)(&commitment)); err != nil {
		return false
	}
	challenge := c.challenge()
	e, reduced := c.merger(), reduce(challenge)
	copy(o.bound[:], challenge[:])
	copy(o.bound[64:], c.Proof[32:])
	o.claim = c
	o.ze.Mul(&o.z, e)
	o.c.Set(reduced)
	o.ce.Mul(&o.c, e)
	return true
}

// alone reports whether the claim is good by its own equation.
func (o *opening) alone() bool {
	var ce, c Number
	left := new(Point).ExpandedMultiscalarMulVartime(
		[]*Number{&o.ze, &o.z, ce.Neg(&o.ce)}, []*curve.ExpandedRistrettoPoint{generator.table, o.claim.Base.table, o.claim.Public.table},
		[]*Number{c.Neg(&o.c)}, []*Point{&o.s})
	return left.Equal(&o.r) == 1
}

// weigh draws a weight for each opening.
func weigh(all []opening) {
	bound := make([]byte, 0, len(all)*len(all[0].bound))
	for i := range all {
		bound = append(bound, all[i].bound[:]...)
	}
	stream := crypto.NewStream(labelWeights, bound)
	for i := range all {
		o := &all[i]
		var w [32]byte
		stream.Fill(w[:16])
		if w == ([32]byte{}) {
			w[16] = 1 // in the place of 0, which would weigh nothing
		}
		if _, err := o.w.SetCanonicalBytes(w[:]); err != nil {
			panic("sharing: " + err.Error()) // 129 bits are below the order
		}
	}
}

// A fixedSum holds the terms of fixed points, one for each point.
type fixedSum struct {
	numbers []*Number
	points  []*curve.ExpandedRistrettoPoint
}

func (s *fixedSum) add(n *Number, f *Fixed) {
	for i, p := range s.points {
		if p == f.table {
			s.numbers[i].Add(s.numbers[i], n)
			return
		}
	}
	s.numbers, s.points = append(s.numbers, n), append(s.points, f.table)
}

// sum is Σ w·(zeG + zH - ceX - cS - R), negated, over the given openings.
func sum(all []opening) *Point {
	var plus, minus fixedSum
	numbers, points := make([]*Number, 0, 2*len(all)), make([]*Point, 0, 2*len(all))
	product := func(a, b *Number) *Number { return new(Number).Mul(a, b) }
	for i := range all {
		o := &all[i]
		minus.add(product(&o.w, &o.ze), generator)
		minus.add(product(&o.w, &o.z), o.claim.Base)
		plus.add(product(&o.w, &o.ce), o.claim.Public)
		numbers = append(numbers, &o.w, product(&o.w, &o.c))
		points = append(points, &o.r, &o.s)
	}
	for _, n := range minus.numbers {
		n.Neg(n)
	}
	return new(Point).ExpandedMultiscalarMulVartime(
		append(plus.numbers, minus.numbers...), append(plus.points, minus.points...), numbers, points)
}

// The claims of a bad batch are checked one by one from these sizes on: where halving on would
// cost more, and where both halves are bad, so that there are many.
const (
	findFew  = 4
	findMany = 16
)

// find marks the good openings among those with the given sum. Of two halves only one sum has to
// be computed: the other is what is left.
func find(all []opening, whole *Point) {
	if whole.IsIdentity() {
		for i := range all {
			*all[i].good = true
		}
		return
	}
	if len(all) <= findFew {
		eachAlone(all)
		return
	}
	half := len(all) / 2
	left := sum(all[:half])
	right := new(Point).Sub(whole, left)
	if len(all) <= findMany && !left.IsIdentity() && !right.IsIdentity() {
		eachAlone(all)
		return
	}
	find(all[:half], left)
	find(all[half:], right)
}

func eachAlone(all []opening) {
	for i := range all {
		*all[i].good = all[i].alone()
	}
}
