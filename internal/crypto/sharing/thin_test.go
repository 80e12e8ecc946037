package sharing

import (
	"bytes"
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

// sameVerdict asks about a claim here and with another library.
func sameVerdict(t testing.TB, c *Claim) bool {
	t.Helper()
	want := holdsElsewhere(t, c)
	if got := c.Verify(); got != want {
		t.Fatalf("image %v, proof %x: here %t, elsewhere %t", c.Image, *c.Proof, got, want)
	}
	return want
}

// TestClaim flips every bit of image and proof, and puts everything from somewhere else in its
// place: a claim is good in one form only.
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
		if sameVerdict(t, &bad) {
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

// FuzzClaim shows any image and proof to both libraries.
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

func BenchmarkClaim(b *testing.B) {
	c := claimOf(1, 1)
	b.ReportAllocs()
	for b.Loop() {
		if !c.Verify() {
			b.Fatal("does not verify")
		}
	}
}
