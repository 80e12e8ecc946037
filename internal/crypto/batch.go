package crypto

import (
	"crypto/sha512"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"
	"github.com/zeebo/blake3"
)

// Many signatures are verified by one equation: the sum over all of z·(sB - R - hA), with a
// weight z of 128 bits for each, is of small order. If one of them does not verify, the sum is
// right for one choice of its weight in 2^128. [SIG-1]
//
// The weights are drawn from a hash of the whole batch, so the answer is a function of the
// arguments. To pass a bad batch one would have to find a hash that cancels it, which is expected
// after 2^128 attempts.

// A Check is one verification to be done. PublicKey.Check makes one that knows its key better.
type Check struct {
	Key       Key
	Message   []byte
	Signature Signature
	prepared  *PublicKey // nil, or another key, if nothing is known about Key
}

// VerifyBatch reports whether every check is good; VerifyEach also tells the bad ones. It costs
// half as much a check for 1024 of them as for one.
func VerifyBatch(checks []Check) bool {
	opened := make([]opening, len(checks))
	for i := range checks {
		if !opened[i].open(&checks[i]) {
			return false
		}
	}
	switch len(opened) {
	case 0:
		return true
	case 1:
		return opened[0].alone()
	}
	return weigh(opened).sum(opened).IsSmallOrder()
}

// VerifyEach reports for each check whether it is good, as Verify does. When all are, it costs
// what VerifyBatch does. Otherwise it halves the batch until the bad ones are found, which costs
// about as much again for a single one, and when many are bad about half more than to verify each
// alone. It is a function of its arguments: a caller with several
// cores gives each a part.
func VerifyEach(checks []Check) []bool {
	good := make([]bool, len(checks))
	opened, n := make([]opening, len(checks)), 0
	for i := range checks {
		opened[n].good = &good[i]
		if opened[n].open(&checks[i]) {
			n++
		}
	}
	if opened = opened[:n]; n == 1 {
		eachAlone(opened)
	} else if n > 1 {
		w := weigh(opened)
		if sum := w.sum(opened); sum.IsSmallOrder() {
			allGood(opened)
		} else {
			w.find(opened, sum)
		}
	}
	return good
}

// An opening is a check with its points and numbers decoded.
type opening struct {
	minusA, r  curve.EdwardsPoint
	expanded   *curve.ExpandedEdwardsPoint // minusA of a prepared key; nil for others
	s, h       scalar.Scalar
	z, zs, mzh scalar.Scalar          // the weight z, zs and -zh, see weigh
	bound      [sha512.Size + 32]byte // the hash of R, A and message, and s: fixes all four
	good       *bool                  // where to say that it is good; nil if nobody asks for it alone
}

// open decodes a check and reports whether it can be good: key and R are canonical encodings of
// points, the key is not of small order, and s is below the group order.
func (o *opening) open(c *Check) bool {
	if !scalar.ScMinimalVartime(c.Signature[32:]) || !decodeTo(&o.r, Key(c.Signature[:32])) {
		return false
	}
	o.expanded = nil
	if c.prepared != nil && c.prepared.key == c.Key {
		o.expanded = c.prepared.minus
	} else if !decodeMinus(&o.minusA, c.Key) {
		return false
	}
	h := sha512.New()
	h.Write(c.Signature[:32])
	h.Write(c.Key[:])
	h.Write(c.Message)
	h.Sum(o.bound[:0])
	copy(o.bound[sha512.Size:], c.Signature[32:])
	_, errS := o.s.SetCanonicalBytes(c.Signature[32:])
	_, errH := o.h.SetBytesModOrderWide(o.bound[:sha512.Size])
	return errS == nil && errH == nil
}

// decodeMinus decodes a key and turns its sign. It reports whether the key can verify anything.
func decodeMinus(p *curve.EdwardsPoint, k Key) bool {
	if smallOrder(k) || !decodeTo(p, k) {
		return false
	}
	p.Neg(p)
	return true
}

// alone reports whether the check is good by its own equation, sB - R - hA of small order.
func (o *opening) alone() bool {
	var left curve.EdwardsPoint
	if o.expanded != nil {
		left.ExpandedTripleScalarMulBasepointVartime(&o.h, o.expanded, &o.s, &o.r)
	} else {
		left.TripleScalarMulBasepointVartime(&o.h, &o.minusA, &o.s, &o.r)
	}
	return left.IsSmallOrder()
}

// A weighing holds the terms of a sum, reused from one sum to the next. What is known is the base
// point and the prepared keys, each once.
type weighing struct {
	scalars []*scalar.Scalar
	points  []*curve.EdwardsPoint
	factors []scalar.Scalar
	known   []*curve.ExpandedEdwardsPoint
}

var expandedBase = curve.NewExpandedEdwardsPoint(curve.ED25519_BASEPOINT_POINT)

// addKnown adds a multiple of a known point.
func (w *weighing) addKnown(n *scalar.Scalar, p *curve.ExpandedEdwardsPoint) {
	for i, k := range w.known {
		if k == p {
			w.factors[i].Add(&w.factors[i], n)
			return
		}
	}
	w.factors, w.known = append(w.factors, *scalar.New().Set(n)), append(w.known, p)
}

const weightSize = 16 // bytes

// weigh draws a weight for each opening. What is hashed fixes R, key, message and s of all.
func weigh(all []opening) *weighing {
	transcript := blake3.NewDeriveKey("asterism batch verification")
	for i := range all {
		transcript.Write(all[i].bound[:])
	}
	stream := transcript.Digest()
	for i := range all {
		o := &all[i]
		var z [scalar.ScalarSize]byte
		stream.Read(z[:weightSize])
		if z == ([scalar.ScalarSize]byte{}) {
			z[weightSize] = 1 // in the place of 0, which would weigh nothing
		}
		o.z.SetBits(z[:])
		o.zs.Mul(&o.z, &o.s)
		o.mzh.Neg(o.mzh.Mul(&o.z, &o.h))
	}
	n := 2 * len(all)
	return &weighing{scalars: make([]*scalar.Scalar, 0, n), points: make([]*curve.EdwardsPoint, 0, n)}
}

// sum is Σ z·(R + hA) - Σ zs·B over the given openings.
func (w *weighing) sum(all []opening) *curve.EdwardsPoint {
	var base scalar.Scalar
	w.scalars, w.points = w.scalars[:0], w.points[:0]
	w.factors, w.known = w.factors[:0], w.known[:0]
	for i := range all {
		o := &all[i]
		base.Add(&base, &o.zs)
		w.scalars, w.points = append(w.scalars, &o.z), append(w.points, &o.r)
		if o.expanded != nil {
			w.addKnown(&o.mzh, o.expanded)
		} else {
			w.scalars, w.points = append(w.scalars, &o.mzh), append(w.points, &o.minusA)
		}
	}
	w.addKnown(base.Neg(&base), expandedBase)
	factors := make([]*scalar.Scalar, len(w.factors))
	for i := range factors {
		factors[i] = &w.factors[i]
	}
	return new(curve.EdwardsPoint).ExpandedMultiscalarMulVartime(factors, w.known, w.scalars, w.points)
}

// The checks of a bad batch are done one by one from these sizes on: where halving on would cost
// more, and where both halves are bad, so that there are many.
const (
	findFew  = 16
	findMany = 256
)

// find marks the good openings among those with the given sum, which is not of small order. Of
// two halves only one sum has to be computed: the other is what is left.
func (w *weighing) find(all []opening, sum *curve.EdwardsPoint) {
	if len(all) <= findFew {
		eachAlone(all)
		return
	}
	half := len(all) / 2
	left := w.sum(all[:half])
	right := sum.Sub(sum, left)
	leftGood, rightGood := left.IsSmallOrder(), right.IsSmallOrder()
	switch {
	case !leftGood && !rightGood && len(all) <= findMany:
		eachAlone(all)
		return
	case leftGood:
		allGood(all[:half])
	default:
		w.find(all[:half], left)
	}
	if rightGood {
		allGood(all[half:])
	} else {
		w.find(all[half:], right)
	}
}

func allGood(all []opening) {
	for i := range all {
		*all[i].good = true
	}
}

func eachAlone(all []opening) {
	for i := range all {
		*all[i].good = all[i].alone()
	}
}
