package sharing

import (
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
)

// sameVerdict asks both ways about a statement with s's base and public point.
func sameVerdict(t testing.TB, s *Statement, k *Checker, base *Base, image crypto.Key, proof Proof) bool {
	t.Helper()
	want := false
	if p, err := ParsePoint(image); err == nil {
		one := *s
		one.Image = p
		want = one.Verify(&proof)
	}
	if got := k.Verify(base, image, &proof); got != want {
		t.Fatalf("image %v, proof %x: Checker says %t, Statement %t", image, proof, got, want)
	}
	return want
}

// TestChecker flips every bit of image and proof, and shows the unusual: both ways agree.
func TestChecker(t *testing.T) {
	s, secret := statement(t)
	proof, image := s.Prove(secret), KeyOf(s.Image)
	k, base := NewChecker(s.Label, s.Public), NewBase(s.Base)
	if !sameVerdict(t, s, k, base, image, proof) {
		t.Fatal("honest proof does not verify")
	}
	for bit := range 8 * len(proof) {
		bad := proof
		bad[bit/8] ^= 1 << (bit % 8)
		if sameVerdict(t, s, k, base, image, bad) {
			t.Errorf("proof verifies with bit %d changed", bit)
		}
	}
	for bit := range 8 * len(image) {
		bad := image
		bad[bit/8] ^= 1 << (bit % 8)
		if sameVerdict(t, s, k, base, bad, proof) {
			t.Errorf("proof verifies with bit %d of the image changed", bit)
		}
	}
	for _, at := range []int{0, 32} {
		bad := proof
		addOrder(bad[at : at+32])
		sameVerdict(t, s, k, base, image, bad)
	}
	sameVerdict(t, s, k, base, crypto.Key{}, proof)
	sameVerdict(t, s, k, base, image, Proof{})
	sameVerdict(t, s, NewChecker("test", s.Public), base, KeyOf(s.Public), proof)
	if NewChecker("other", s.Public).Verify(base, image, &proof) || k.Verify(NewBase(s.Public), image, &proof) {
		t.Error("a proof verifies with another label or base")
	}
	zero := Statement{s.Label, s.Base, s.Public, Multiply(small(0), s.Base)} // of the secret 0
	if forged := zero.Prove(small(0)); k.Verify(base, KeyOf(zero.Image), &forged) {
		t.Error("a proof about the identity verifies")
	}
}

// FuzzChecker shows any image and proof to both ways of checking.
func FuzzChecker(f *testing.F) {
	s, secret := statement(f)
	proof, image := s.Prove(secret), KeyOf(s.Image)
	k, base := NewChecker(s.Label, s.Public), NewBase(s.Base)
	f.Add(image[:], proof[:])
	f.Add(make([]byte, 32), make([]byte, 64))
	f.Fuzz(func(t *testing.T, image, proof []byte) {
		if len(image) == 32 && len(proof) == 64 {
			sameVerdict(t, s, k, base, crypto.Key(image), Proof(proof))
		}
	})
}
