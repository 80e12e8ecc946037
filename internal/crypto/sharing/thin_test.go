package sharing

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/gtank/ristretto255"
)

// claimOf is holder i's claim about the base of a round.
func claimOf(i, round byte) *Claim {
	secret := HashToNumber("claim secret", []byte{i})
	return NewClaim("test", Fix(HashToPoint("claim base", []byte{round})), Fix(Public(secret)), secret)
}

// holdsElsewhere computes the two sides of a claim's equation with another library, as the
// specification has it, and in no way that this package does. [COIN-5]
func holdsElsewhere(t testing.TB, c *Claim) bool {
	t.Helper()
	point := func(k crypto.Key) *ristretto255.Element {
		p, err := ristretto255.NewIdentityElement().SetCanonicalBytes(k[:])
		if err != nil || k.IsZero() {
			return nil
		}
		return p
	}
	base, public, image, r := point(c.Base.encoded), point(c.Public.encoded), point(c.Image), point(crypto.Key(c.Proof[:32]))
	z, err := ristretto255.NewScalar().SetCanonicalBytes(c.Proof[32:])
	if err != nil || base == nil || public == nil || image == nil || r == nil {
		return false
	}
	e := otherNumber(t, HashToNumber(c.Label+" merger", base.Bytes(), public.Bytes(), image.Bytes()))
	k := otherNumber(t, HashToNumber(c.Label, base.Bytes(), public.Bytes(), image.Bytes(), r.Bytes()))
	el := ristretto255.NewIdentityElement
	left := el().ScalarMult(z, el().Add(base, el().ScalarBaseMult(e)))
	right := el().Add(r, el().ScalarMult(k, el().Add(image, el().ScalarMult(e, public))))
	return left.Equal(right) == 1
}

// sameVerdict asks about a claim alone, with another library, and in batches among good and bad ones.
func sameVerdict(t testing.TB, c *Claim) bool {
	t.Helper()
	want := holdsElsewhere(t, c)
	if got := c.Verify(); got != want {
		t.Fatalf("image %v, proof %x: alone %t, elsewhere %t", c.Image, *c.Proof, got, want)
	}
	good := []Claim{*claimOf(1, 1), *claimOf(2, 1), *claimOf(3, 2), *claimOf(4, 1), *claimOf(5, 2)}
	bad := *claimOf(6, 1)
	bad.Proof = claimOf(6, 2).Proof
	for _, batch := range [][]Claim{
		{*c}, {*c, *c}, {good[0], *c}, append([]Claim{*c}, good...), append([]Claim{bad, *c, bad}, good...),
	} {
		for i, got := range VerifyEach(batch) {
			if expected := batch[i].Proof != bad.Proof && (batch[i] != *c || want); got != expected {
				t.Fatalf("image %v, proof %x: %t in the place %d of %d, alone %t", c.Image, *c.Proof, got, i, len(batch), want)
			}
		}
	}
	return want
}

// TestClaim flips every bit of image and proof, and puts everything from somewhere else in its
// place: a claim is good in one form only, alone and in batches.
func TestClaim(t *testing.T) {
	good := claimOf(1, 1)
	if !sameVerdict(t, good) || *claimOf(1, 1).Proof != *good.Proof {
		t.Fatal("an honest claim does not verify, or is made in two ways")
	}
	for bit := range 8 * 96 {
		bad, proof := *good, *good.Proof
		bad.Proof = &proof
		if bit < 256 {
			bad.Image[bit/8] ^= 1 << (bit % 8)
		} else {
			proof[bit/8-32] ^= 1 << (bit % 8)
		}
		if bad.Verify() || VerifyEach([]Claim{*good, bad})[1] || bit%16 == 0 && sameVerdict(t, &bad) {
			t.Fatalf("verifies with bit %d changed", bit)
		}
	}
	// The last of them are the field's prime, and what encodes a point of order 8 in Ed25519.
	points := []crypto.Key{{}, {1}, crypto.Key(order), good.Base.encoded, good.Public.encoded, KeyOf(Public(small(1))),
		KeyOf(new(Point).Add(good.Base.Point(), good.Public.Point())),
		crypto.Key(bytes.Repeat([]byte{0xff}, 32)),
		{0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
		{0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
			0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a}}
	for _, other := range []*Claim{claimOf(2, 1), claimOf(1, 2), claimOf(2, 2)} {
		points = append(points, other.Image, crypto.Key(other.Proof[:32]))
		for name, bad := range map[string]Claim{
			"label":       {"other", good.Base, good.Public, good.Image, good.Proof},
			"label's end": {"test merger", good.Base, good.Public, good.Image, good.Proof},
			"image":       {"test", good.Base, good.Public, other.Image, good.Proof},
			"proof":       {"test", good.Base, good.Public, good.Image, other.Proof},
			"both":        {"test", good.Base, good.Public, other.Image, other.Proof},
		} {
			if sameVerdict(t, &bad) {
				t.Errorf("verifies with another %s", name)
			}
		}
	}
	if bad := (Claim{"test", claimOf(1, 2).Base, good.Public, good.Image, good.Proof}); sameVerdict(t, &bad) {
		t.Error("verifies with another base")
	}
	if bad := (Claim{"test", good.Base, claimOf(2, 1).Public, good.Image, good.Proof}); sameVerdict(t, &bad) {
		t.Error("verifies with another public point")
	}
	for _, p := range points {
		imaged, committed, proof := *good, *good, *good.Proof
		imaged.Image = p
		copy(proof[:32], p[:])
		committed.Proof = &proof
		if sameVerdict(t, &imaged) || sameVerdict(t, &committed) {
			t.Errorf("verifies with point %v", p)
		}
	}
	proof := *good.Proof
	addOrder(proof[32:])
	if sameVerdict(t, &Claim{"test", good.Base, good.Public, good.Image, &proof}) {
		t.Error("verifies with a response above the order")
	}
}

// forged is a claim by somebody who chose its image as a·G + b·Base and answers as well as can be.
func forged(base *Fixed, secret, a, b *Number) *Claim {
	c := &Claim{Label: "test", Base: base, Public: Fix(Public(secret)), Proof: new(ThinProof)}
	image := Multiply(b, base.Point())
	c.Image = KeyOf(image.Add(image, Public(a)))
	e, k := c.merger(), HashToNumber("forger", c.Image[:])
	merged := Public(e)
	merged.Add(merged, base.Point())
	r := KeyOf(Multiply(k, merged))
	copy(c.Proof[:], r[:])
	z := ScalarOf(respond(k, reduce(c.challenge()), secret))
	copy(c.Proof[32:], z[:])
	return c
}

// TestFalseClaims makes the claims that the proof must not allow: images that are something else
// than the secret times the base. The one who answers knows the secret and how the image was made.
func TestFalseClaims(t *testing.T) {
	secret, base := HashToNumber("claim secret", []byte{1}), Fix(HashToPoint("claim base", []byte{1}))
	for i := range byte(30) {
		a, b := HashToNumber("a", []byte{i}), HashToNumber("b", []byte{i})
		for _, c := range []*Claim{forged(base, secret, a, b), forged(base, secret, a, secret), forged(base, secret, new(Number), b)} {
			if sameVerdict(t, c) {
				t.Fatal("a false claim verifies")
			}
		}
	}
	if !sameVerdict(t, forged(base, secret, new(Number), secret)) {
		t.Error("the forger's one true claim does not verify: the cases above show nothing")
	}
	// Whoever knows the logarithm of the base can do it. That is why it must come from a hash.
	log := HashToNumber("known logarithm")
	known := Fix(Public(log))
	c := &Claim{Label: "test", Base: known, Public: Fix(Public(secret)), Image: KeyOf(Public(small(5))), Proof: new(ThinProof)}
	e, k := c.merger(), small(9)
	r := KeyOf(Multiply(k, new(Point).Add(known.Point(), Public(e))))
	copy(c.Proof[:], r[:])
	above := respond(small(5), e, secret) // Image + e·Public = above·G, Base + e·G = below·G
	below := new(Number).Add(log, e)
	z := ScalarOf(respond(k, reduce(c.challenge()), new(Number).Mul(above, new(Number).Invert(below))))
	copy(c.Proof[32:], z[:])
	if !sameVerdict(t, c) {
		t.Error("this claim was expected to verify, though it is false")
	}
}

// TestErrorsDoNotCancel spoils several claims of a batch so that the errors add up to nothing, as
// an unweighted sum would have it, or one that weighs by place.
func TestErrorsDoNotCancel(t *testing.T) {
	delta := HashToNumber("delta")
	shift := func(c *Claim, by *Number) Claim { // response by more
		proof := *c.Proof
		z, err := ParseNumber(crypto.Scalar(proof[32:]))
		if err != nil {
			t.Fatal(err)
		}
		s := ScalarOf(z.Add(z, by))
		copy(proof[32:], s[:])
		return Claim{c.Label, c.Base, c.Public, c.Image, &proof}
	}
	negative := new(Number).Neg(delta)
	twice := new(Number).Add(negative, negative)
	c := claimOf(1, 1)
	// Two responses to one statement: the same merger, so the errors cancel exactly.
	for name, batch := range map[string][]Claim{
		"opposite":         {shift(c, delta), shift(c, negative)},
		"opposite, apart":  {*claimOf(2, 1), shift(c, delta), *claimOf(3, 1), *claimOf(4, 1), shift(c, negative), *claimOf(5, 1)},
		"two against one":  {shift(c, delta), shift(c, delta), shift(c, twice)},
		"weighed by place": {shift(c, twice), shift(c, delta)},
	} {
		for i, good := range VerifyEach(batch) {
			if good != batch[i].Verify() {
				t.Errorf("%s: place %d is %t", name, i, good)
			}
		}
	}
	// Commitments shifted against each other: the challenges change too, and are known beforehand.
	secret := HashToNumber("claim secret", []byte{1})
	left, right := NewClaim("test", c.Base, c.Public, secret), NewClaim("test", c.Base, c.Public, secret)
	nonce := HashToNumber("nonce")
	merged := Public(left.merger())
	merged.Add(merged, left.Base.Point())
	for _, s := range []struct {
		claim *Claim
		error *Number
	}{{left, delta}, {right, negative}} {
		point := Multiply(nonce, merged)
		r := KeyOf(point.Add(point, Public(s.error)))
		copy(s.claim.Proof[:], r[:])
		z := ScalarOf(respond(nonce, reduce(s.claim.challenge()), secret))
		copy(s.claim.Proof[32:], z[:])
	}
	if good := VerifyEach([]Claim{*left, *right}); good[0] || good[1] {
		t.Errorf("shifted commitments: %v", good)
	}
}

// TestIdentitiesAreRefused makes proofs whose equation holds and whose points are the identity.
func TestIdentitiesAreRefused(t *testing.T) {
	secret, c := HashToNumber("claim secret", []byte{1}), claimOf(1, 1)
	*c.Proof = ThinProof{} // the nonce 0
	z := ScalarOf(new(Number).Mul(reduce(c.challenge()), secret))
	copy(c.Proof[32:], z[:])
	if sameVerdict(t, c) {
		t.Error("the identity is a commitment")
	}
	if sameVerdict(t, forged(c.Base, new(Number), new(Number), new(Number))) {
		t.Error("the identity is an image")
	}
}

// TestGoodClaimsAddUpToNothing looks at the sums: with them no claim has to be checked alone. The
// claims are of few holders and rounds, so that points occur several times.
func TestGoodClaimsAddUpToNothing(t *testing.T) {
	for n := 2; n < 20; n++ {
		opened := make([]opening, n)
		for i := range opened {
			if !opened[i].open(claimOf(byte(i%3), byte(i%2))) {
				t.Fatal("does not open")
			}
		}
		bases := []*Fixed{opened[0].claim.Base, opened[1].claim.Base}
		for i := range opened {
			opened[i].claim.Base = bases[i%2] // prepared once, as callers do
		}
		weigh(opened)
		if !sum(opened).IsIdentity() || !sum(opened[:n/2]).IsIdentity() {
			t.Errorf("sum of %d good claims is not zero", n)
		}
		opened[n-1].z.Add(&opened[n-1].z, small(1))
		if sum(opened).IsIdentity() || !sum(opened[:n-1]).IsIdentity() {
			t.Errorf("a bad one among %d makes no difference", n)
		}
	}
}

// TestWeightsBindEverything changes each part of a batch: all weights change.
func TestWeightsBindEverything(t *testing.T) {
	weights := func(claims ...*Claim) (all []string) {
		opened := make([]opening, len(claims))
		for i, c := range claims {
			if !opened[i].open(c) {
				t.Fatal("does not open")
			}
		}
		weigh(opened)
		for i := range opened {
			w := ScalarOf(&opened[i].w)
			if !bytes.Equal(w[16:], make([]byte, 16)) || bytes.Equal(w[:16], make([]byte, 16)) {
				t.Fatalf("weight %x", w[:])
			}
			all = append(all, fmt.Sprintf("%x", w[:]))
		}
		return all
	}
	a, b := claimOf(1, 1), claimOf(2, 1)
	seen := map[string]bool{}
	changed := func(change func(*Claim)) *Claim {
		c, proof := *b, *b.Proof
		c.Proof = &proof
		change(&c)
		return &c
	}
	batches := [][]*Claim{
		{a, b}, {b, a}, {a, b, b},
		{a, changed(func(c *Claim) { c.Label = "other" })},
		{a, changed(func(c *Claim) { c.Base = claimOf(1, 2).Base })},
		{a, changed(func(c *Claim) { c.Public = a.Public })},
		{a, changed(func(c *Claim) { c.Image = a.Image })},
		{a, changed(func(c *Claim) { copy(c.Proof[:32], a.Proof[:32]) })},
		{a, changed(func(c *Claim) { copy(c.Proof[32:], a.Proof[32:]) })},
	}
	for i, batch := range batches {
		for _, w := range weights(batch...) {
			if seen[w] {
				t.Errorf("batch %d has a weight of another, or one twice", i)
			}
			seen[w] = true
		}
	}
	if first := weights(a, b); fmt.Sprint(weights(claimOf(1, 1), claimOf(2, 1))) != fmt.Sprint(first) {
		t.Error("the weights are no function of the batch")
	}
}

// TestVerifyEachFindsTheBad spoils some of many claims, in every number and at random places.
func TestVerifyEachFindsTheBad(t *testing.T) {
	const most = 40
	all := make([]*Claim, most)
	for i := range all {
		all[i] = claimOf(byte(i%7), byte(i/7))
	}
	random := rand.New(rand.NewPCG(1, 2))
	for n := range most + 1 {
		for range 4 {
			batch, want := make([]Claim, n), make([]bool, n)
			share := random.IntN(4) // of four that are bad
			for i := range batch {
				batch[i], want[i] = *all[i], true
				if random.IntN(10) < share*share {
					proof := *all[i].Proof
					proof[random.IntN(64)] ^= 1 << random.IntN(8)
					batch[i].Proof, want[i] = &proof, false
				}
			}
			if got := VerifyEach(batch); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("%d claims: got %v, want %v", n, got, want)
			}
		}
	}
}

// FuzzClaim shows any image and proof to all ways of checking.
func FuzzClaim(f *testing.F) {
	c, other := claimOf(1, 1), claimOf(2, 1)
	f.Add(c.Image[:], c.Proof[:])
	f.Add(c.Image[:], other.Proof[:])
	f.Add(make([]byte, 32), make([]byte, 64))
	f.Fuzz(func(t *testing.T, image, proof []byte) {
		if len(image) == 32 && len(proof) == 64 {
			p := ThinProof(proof)
			sameVerdict(t, &Claim{"test", c.Base, c.Public, crypto.Key(image), &p})
		}
	})
}

func BenchmarkClaims(b *testing.B) {
	for _, n := range []int{1, 2, 3, 6, 24} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			base, claims := claimOf(0, 1).Base, make([]Claim, n)
			for i := range claims {
				claims[i] = *claimOf(byte(i), 1)
				claims[i].Base = base
			}
			b.ReportAllocs()
			for b.Loop() {
				if good := VerifyEach(claims); !good[n-1] {
					b.Fatal("does not verify")
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/claim")
		})
	}
}
