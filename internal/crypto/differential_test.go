package crypto

import (
	"crypto/sha512"
	"slices"
	"testing"

	"filippo.io/edwards25519"
)

// eighth is a point of order 8: its multiples are all points of small order.
func eighth(t testing.TB) *edwards25519.Point {
	t.Helper()
	k, err := ParseKey("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa")
	if err != nil {
		t.Fatal(err)
	}
	p, err := point(k)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// twisted adds n times a point of order 8.
func twisted(t testing.TB, p *edwards25519.Point, n byte) *edwards25519.Point {
	q, e := new(edwards25519.Point).Set(p), eighth(t)
	for range n % 8 {
		q.Add(q, e)
	}
	return q
}

// FuzzTwistedSignatures makes signatures as only somebody who knows the curve makes them: keys and
// nonces with torsion, of small order, with s over the group order or in error, flipped bits.
// Single and batch verification say the same of each, alone and among good ones, and accept
// exactly those that the cofactored equation and the rules for encodings do. [V01] [T22]
func FuzzTwistedSignatures(f *testing.F) {
	var good []Check
	for i := range byte(3) {
		s, m := testScalar(i+1), []byte{i, 7}
		good = append(good, Check{Key: s.Public(), Message: m, Signature: s.Sign(m)})
	}
	seed := make([]byte, 64)
	seed[0] = 1
	for n := range byte(8) {
		f.Add(seed, seed, n, byte(0), []byte("m"), uint16(0), byte(0))
		f.Add(seed, seed, byte(0), n, []byte("m"), uint16(0), byte(0))
		f.Add(make([]byte, 64), seed, n, n, []byte{}, uint16(0), byte(0)) // key of small order
		f.Add(seed, make([]byte, 64), n, n, []byte{}, uint16(0), n)       // nonce of small order
	}
	f.Add(seed, seed, byte(0), byte(0), []byte("m"), uint16(300), byte(0))
	f.Fuzz(func(t *testing.T, key, nonce []byte, keyTwist, nonceTwist byte, message []byte, flip uint16, extra byte) {
		if len(key) != 64 || len(nonce) != 64 {
			return
		}
		a, r := ScalarFromWide([64]byte(key)).number(), ScalarFromWide([64]byte(nonce)).number()
		A := twisted(t, new(edwards25519.Point).ScalarBaseMult(a), keyTwist).Bytes()
		R := twisted(t, new(edwards25519.Point).ScalarBaseMult(r), nonceTwist).Bytes()
		h := sha512.New()
		h.Write(R)
		h.Write(A)
		h.Write(message)
		k, err := edwards25519.NewScalar().SetUniformBytes(h.Sum(nil))
		if err != nil {
			t.Fatal(err)
		}
		s := edwards25519.NewScalar().MultiplyAdd(k, a, r).Bytes()
		right := a.Equal(edwards25519.NewScalar()) == 0 // a key of small order is refused
		switch extra % 4 {
		case 1: // the same s, written over the group order
			addOrder(s)
			right = false
		case 2: // another s
			s[extra%31] ^= 1 + extra/4
			right = false
		}
		c := Check{Key: Key(A), Message: message, Signature: Signature(append(R, s...))}
		if flip > 0 && int(flip) <= 8*64 {
			c.Signature[(flip-1)/8] ^= 1 << ((flip - 1) % 8)
			right = false
		}
		single := Verify(c.Key, c.Message, c.Signature)
		if single != right {
			t.Errorf("Verify is %t, want %t", single, right)
		}
		known := NewPublicKey(c.Key)
		if known.Verify(c.Message, c.Signature) != single {
			t.Errorf("PublicKey.Verify is %t, Verify %t", !single, single)
		}
		p := known.Check(c.Message, c.Signature)
		batches := [][]Check{{c}, {c, c}, {good[0], c}, {c, good[0]}, {good[0], good[1], c, good[2], c},
			{p}, {p, p}, {p, c}, {c, good[0], p}, {good[0], p, good[1]}}
		for _, b := range batches {
			if each := VerifyEach(b); each[slices.IndexFunc(b, func(x Check) bool { return x.Signature == c.Signature })] != single {
				t.Errorf("among %d: %t, alone: %t", len(b), !single, single)
			}
			if VerifyBatch(b) != single {
				t.Errorf("in a batch of %d: %t, alone: %t", len(b), !single, single)
			}
		}
	})
}

// addOrder adds the group order to a number below it, in 32 little-endian bytes.
func addOrder(s []byte) {
	order := [32]byte{0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 31: 0x10}
	carry := 0
	for i := range s {
		carry += int(s[i]) + int(order[i])
		s[i], carry = byte(carry), carry>>8
	}
}

// TestTwoTwistsDoNotCancelInABatch: signatures that are wrong by points that add up to nothing,
// which a batch without coefficients would accept.
func TestTwoTwistsDoNotCancelInABatch(t *testing.T) {
	s := testScalar(9)
	var pair []Check
	for i := range byte(2) {
		m := []byte{i}
		sig := s.Sign(m)
		number, err := edwards25519.NewScalar().SetCanonicalBytes(sig[32:])
		if err != nil {
			t.Fatal(err)
		}
		one := testScalar(1).number()
		if i == 1 {
			one.Negate(one)
		}
		copy(sig[32:], number.Add(number, one).Bytes())
		pair = append(pair, Check{Key: s.Public(), Message: m, Signature: sig})
	}
	if Verify(pair[0].Key, pair[0].Message, pair[0].Signature) || VerifyBatch(pair) || VerifyBatch([]Check{pair[1], pair[0]}) {
		t.Error("two wrong signatures cancel each other")
	}
}
