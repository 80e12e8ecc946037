package sharing

import (
	"bytes"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
)

// seeded is a reproducible random source.
type seeded struct{ *crypto.Stream }

func (s seeded) Read(b []byte) (int, error) { s.Fill(b); return len(b), nil }

func random(seed string) seeded { return seeded{crypto.NewStream("sharing test", []byte(seed))} }

func polynomial(t testing.TB, degree int) *Polynomial {
	t.Helper()
	p, err := NewPolynomial(degree, random("polynomial"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAnyDegreePlusOneSharesGiveTheSecret(t *testing.T) {
	for _, degree := range []int{0, 1, 2, 5, 16} {
		p := polynomial(t, degree)
		want := Public(p.At(0))
		for first := uint16(1); first < 40; first += 7 {
			var indexes []uint16
			var points []*Point
			for i := range degree + 1 {
				index := first + uint16(i*i) // gaps, any order
				indexes, points = append(indexes, index), append(points, Public(p.At(index)))
			}
			got, err := Interpolate(indexes, points)
			if err != nil || got.Equal(want) != 1 {
				t.Fatalf("degree %d, indexes %v: another secret (%v)", degree, indexes, err)
			}
			if degree > 0 {
				got, err = Interpolate(indexes[1:], points[1:])
				if err != nil || got.Equal(want) == 1 {
					t.Fatalf("degree %d: %d shares gave the secret (%v)", degree, degree, err)
				}
			}
		}
	}
}

func TestInterpolateRefusesBadIndexes(t *testing.T) {
	g := Public(small(1))
	for _, indexes := range [][]uint16{{0, 1}, {1, 0}, {3, 3}, {1, 2, 1}} {
		points := []*Point{g, g, g}[:len(indexes)]
		if _, err := Interpolate(indexes, points); err != ErrIndexes {
			t.Errorf("indexes %v: got %v", indexes, err)
		}
	}
}

func TestCommitmentsHoldExactlyTheShares(t *testing.T) {
	p := polynomial(t, 4)
	c, err := ParseCommitments(p.Commit().Keys())
	if err != nil {
		t.Fatal(err)
	}
	for _, index := range []uint16{1, 2, 3, 49, 50, 51, 65535} {
		share := p.At(index)
		if !c.Holds(index, share) {
			t.Errorf("share of %d does not match", index)
		}
		if c.Holds(index, new(Number).Add(share, small(1))) || c.Holds(index-1, share) {
			t.Errorf("a wrong share of %d matches", index)
		}
	}
	sum := AddCommitments(c, c, c)
	tripled := new(Number).Mul(small(3), p.At(9))
	if !sum.Holds(9, tripled) {
		t.Error("sum of commitments does not commit to the sum")
	}
}

func statement(t testing.TB) (*Statement, *Number) {
	t.Helper()
	secret := HashToNumber("secret")
	base := HashToPoint("base", []byte("1"))
	return &Statement{Label: "test", Base: base, Public: Public(secret), Image: Multiply(secret, base)}, secret
}

func TestEqualityProof(t *testing.T) {
	s, secret := statement(t)
	proof := s.Prove(secret)
	if !s.Verify(&proof) {
		t.Fatal("honest proof does not verify")
	}
	if again := s.Prove(secret); again != proof {
		t.Error("two proofs of one statement")
	}
	other := HashToPoint("other")
	for name, broken := range map[string]Statement{
		"label":  {"test2", s.Base, s.Public, s.Image},
		"base":   {s.Label, other, s.Public, s.Image},
		"public": {s.Label, s.Base, other, s.Image},
		"image":  {s.Label, s.Base, s.Public, other},
	} {
		if broken.Verify(&proof) {
			t.Errorf("proof verifies with another %s", name)
		}
		if forged := broken.Prove(secret); name != "label" && broken.Verify(&forged) {
			t.Errorf("a false statement about %s was proven", name)
		}
	}
	for bit := range len(proof) * 8 {
		bad := proof
		bad[bit/8] ^= 1 << (bit % 8)
		if s.Verify(&bad) {
			t.Fatalf("proof verifies with bit %d changed", bit)
		}
	}
}

// order is the group order, little-endian: adding it keeps a number's value and breaks its form.
var order = [32]byte{0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 31: 0x10}

func addOrder(b []byte) {
	carry := 0
	for i := range b {
		carry += int(b[i]) + int(order[i])
		b[i] = byte(carry)
		carry >>= 8
	}
}

func TestEncodingsAreUnique(t *testing.T) {
	s, secret := statement(t)
	proof := s.Prove(secret)
	for _, at := range []int{0, 32} {
		bad := proof
		addOrder(bad[at : at+32])
		if s.Verify(&bad) {
			t.Errorf("non-canonical number at byte %d accepted", at)
		}
	}
	if _, err := ParseNumber(crypto.Scalar(order)); err != ErrNumber {
		t.Errorf("group order as a number: %v", err)
	}
	if _, err := ParsePoint(crypto.Key{}); err != ErrIdentity {
		t.Errorf("identity: %v", err)
	}
	key := KeyOf(s.Public)
	for name, change := range map[string]func(*crypto.Key){
		"sign bit":    func(k *crypto.Key) { k[31] |= 0x80 },
		"negative":    func(k *crypto.Key) { k[0] ^= 1 },
		"above field": func(k *crypto.Key) { *k = crypto.Key(bytes.Repeat([]byte{0xff}, 32)) },
		"field prime": func(k *crypto.Key) {
			*k = crypto.Key(bytes.Repeat([]byte{0xff}, 32))
			k[0], k[31] = 0xed, 0x7f
		},
		"one": func(k *crypto.Key) { *k = crypto.Key{1} },
	} {
		k := key
		change(&k)
		if _, err := ParsePoint(k); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	p := polynomial(t, 2)
	if p.String() != "polynomial(hidden)" || p.GoString() != p.String() {
		t.Error("polynomial prints")
	}
}

func TestShortRandomSourceIsAnError(t *testing.T) {
	if _, err := NewPolynomial(2, bytes.NewReader(make([]byte, 100))); err == nil {
		t.Error("polynomial drawn from too few bytes")
	}
}
