package secp

import (
	"crypto/sha256"
	"encoding/binary"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/holiman/uint256"
)

var modulus, _ = new(big.Int).SetString("fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f", 16)

func (z *element) big() *big.Int {
	v := new(big.Int)
	for i := 3; i >= 0; i-- {
		v.Lsh(v, 64).Add(v, new(big.Int).SetUint64(z[i]))
	}
	return v
}

// edges are elements near which carries go wrong, with both forms of small values.
func edges(r *rand.Rand) []element {
	all := []element{
		{}, {1}, {2}, {fold - 1}, {fold}, {fold + 1}, prime, {prime[0] - 1, prime[1], prime[2], prime[3]}, {prime[0] + 1, prime[1], prime[2], prime[3]},
		{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}, {0, 0, 0, 1 << 63}, {0, ^uint64(0), 0, ^uint64(0)}, {^uint64(0), 0, ^uint64(0), 0},
	}
	for range 40 {
		e := element{r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64()}
		for i := range e {
			switch r.IntN(4) {
			case 0:
				e[i] = 0
			case 1:
				e[i] = ^uint64(0)
			}
		}
		all = append(all, e)
	}
	return all
}

// TestField compares with integers of any size.
func TestField(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	check := func(name string, got element, want *big.Int) {
		t.Helper()
		n := got.normal()
		if want.Mod(want, modulus); n.big().Cmp(want) != 0 {
			t.Fatalf("%s: %x, want %x", name, n.big(), want)
		}
	}
	for range 50 {
		all := edges(r)
		for i := range all {
			x, y := all[i], all[r.IntN(len(all))]
			bx, by := x.big(), y.big()
			var z element
			z.mul(&x, &y)
			check("mul", z, new(big.Int).Mul(bx, by))
			z.square(&x)
			check("square", z, new(big.Int).Mul(bx, bx))
			z.add(&x, &y)
			check("add", z, new(big.Int).Add(bx, by))
			z.sub(&x, &y)
			check("sub", z, new(big.Int).Sub(bx, by))
			if x.isZero() != (new(big.Int).Mod(bx, modulus).Sign() == 0) || x.equal(&y) != (new(big.Int).Mod(new(big.Int).Sub(bx, by), modulus).Sign() == 0) {
				t.Fatalf("%x, %x: zero or equal", bx, by)
			}
		}
		x := all[r.IntN(len(all))]
		var z, w element
		z.inverse(&x)
		if w.mul(&z, &x); !x.isZero() && !w.equal(&one) {
			t.Fatalf("inverse of %x", x.big())
		}
		if has := new(big.Int).ModSqrt(new(big.Int).Mod(x.big(), modulus), modulus) != nil; z.root(&x) != has {
			t.Fatalf("root of %x: want %v", x.big(), has)
		}
	}
}

// TestSplit: the halves make the whole and are short.
func TestSplit(t *testing.T) {
	lambda := uint256.MustFromHex("0x5363ad4cc05c30e0a5261c028812645a122e22ea20816678df02967c1b23bd72")
	r := rand.New(rand.NewPCG(3, 4))
	minusOne := new(uint256.Int).SubUint64(&order, 1)
	all := []uint256.Int{{}, {1}, {2}, *minusOne, *lambda, *new(uint256.Int).Sub(&order, lambda), a1, b1, a2, {0, 0, 1}, {0, 0, 0, 1 << 63}}
	for range 20_000 {
		k := uint256.Int{r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64()}
		all = append(all, *k.Mod(&k, &order))
	}
	for _, k := range all {
		k1, k2 := split(&k)
		var sum uint256.Int
		sum.MulMod(modulo(k2), lambda, &order)
		if sum.AddMod(&sum, modulo(k1), &order); !sum.Eq(&k) {
			t.Fatalf("%s splits into %s and %s", k.Hex(), k1.Hex(), k2.Hex())
		}
		for _, half := range []uint256.Int{k1, k2} {
			if half.Abs(&half); half.BitLen() > 130 {
				t.Fatalf("%s: a half of %d bits", k.Hex(), half.BitLen())
			}
		}
	}
}

func modulo(k uint256.Int) *uint256.Int {
	if k.Sign() < 0 {
		k.Neg(&k)
		return k.Sub(&order, k.Mod(&k, &order))
	}
	return k.Mod(&k, &order)
}

// library is u1·G + u2·K by the library, in affine coordinates.
func library(u1, u2 *btcec.ModNScalar, key *btcec.PublicKey) *btcec.JacobianPoint {
	var a, b, k, sum btcec.JacobianPoint
	key.AsJacobian(&k)
	btcec.ScalarBaseMultNonConst(u1, &a)
	btcec.ScalarMultNonConst(u2, &k, &b)
	btcec.AddNonConst(&a, &b, &sum)
	sum.ToAffine()
	return &sum
}

// TestCombine compares sums with the library's, with scalars and keys for which points meet, vanish and double.
func TestCombine(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	scalar := func(v uint256.Int) *btcec.ModNScalar {
		var s btcec.ModNScalar
		b := v.Bytes32()
		s.SetBytes(&b)
		return &s
	}
	minus := func(n uint64) uint256.Int { return *new(uint256.Int).SubUint64(&order, n) }
	special := []uint256.Int{
		{}, {1}, {2}, {3}, {5}, {15}, {16}, {17}, {127}, {128}, {129}, {255}, {0, 0, 1}, {1, 0, 1}, minus(1), minus(2), minus(127), a1, b1, a2,
		*uint256.MustFromHex("0x5363ad4cc05c30e0a5261c028812645a122e22ea20816678df02967c1b23bd72"),
	}
	pick := func() uint256.Int {
		if r.IntN(2) == 0 {
			return special[r.IntN(len(special))]
		}
		v := uint256.Int{r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64()}
		return *v.Mod(&v, &order)
	}
	infinities := 0
	for range 4000 {
		d := pick()
		if d.IsZero() {
			d.SetOne()
		}
		b := d.Bytes32()
		private, public := btcec.PrivKeyFromBytes(b[:])
		_ = private
		u1, u2 := pick(), pick()
		if r.IntN(8) == 0 { // u1 = -u2·d: the sum is infinity
			u1.MulMod(&u2, &d, &order)
			u1.Sub(&order, &u1)
			u1.Mod(&u1, &order)
		}
		k, ok := ParseKey(public.SerializeCompressed())
		if !ok {
			t.Fatal("a key of the library is none")
		}
		got := k.combine(u1.Bytes32(), u2.Bytes32())
		want := library(scalar(u1), scalar(u2), public)
		if infinite := want.X.IsZero() && want.Y.IsZero(); infinite != got.inf {
			t.Fatalf("%s·G + %s·%s·G: infinite %v", u1.Hex(), u2.Hex(), d.Hex(), got.inf)
		} else if infinite {
			infinities++
			continue
		}
		var at [1]affine
		affines([]point{got}, at[:])
		x, y := at[0].x.normal(), at[0].y.normal()
		if string(x.bytes()) != string(want.X.Bytes()[:]) || string(y.bytes()) != string(want.Y.Bytes()[:]) {
			t.Fatalf("%s·G + %s·%s·G is another point", u1.Hex(), u2.Hex(), d.Hex())
		}
	}
	if infinities < 100 {
		t.Errorf("%d sums at infinity", infinities)
	}
}

func (z *element) bytes() []byte {
	var b []byte
	for i := 3; i >= 0; i-- {
		b = binary.BigEndian.AppendUint64(b, z[i])
	}
	return b
}

// TestKeys: what is a key and what is none is the library's answer, and the point is the same.
func TestKeys(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	try := func(b []byte) {
		t.Helper()
		k, ok := ParseKey(b)
		want, err := btcec.ParsePubKey(b)
		if ok != (err == nil) {
			t.Fatalf("%x: %v, the library says %v", b, ok, err)
		}
		if ok {
			x, y := k.at.x.normal(), k.at.y.normal()
			full := want.SerializeUncompressed()
			if string(append(x.bytes(), y.bytes()...)) != string(full[1:]) {
				t.Fatalf("%x: another point", b)
			}
		}
	}
	for i := range 3000 {
		b := make([]byte, 33)
		for k := range b {
			b[k] = byte(r.Uint32())
		}
		if b[0] = byte(2 + i%2); i%10 == 0 {
			b[0] = byte(i)
			if b[0] == 4 || b[0] == 6 || b[0] == 7 {
				b[0] = 9
			}
		}
		if i%7 == 0 {
			copy(b[1:], prime.bytes())
			b[32] += byte(i%20) - 10
		}
		try(b)
	}
}

// verify is a whole verification as scripts do it.
func verify(k *Key, hash []byte, r, s *btcec.ModNScalar) bool {
	var e, w, u1, u2 btcec.ModNScalar
	e.SetByteSlice(hash)
	w.InverseValNonConst(s)
	u1.Mul2(&e, &w)
	u2.Mul2(r, &w)
	return k.Verify(u1.Bytes(), u2.Bytes(), r.Bytes())
}

// TestVerify: good signatures verify, and no changed one does that does not verify by the library.
func TestVerify(t *testing.T) {
	for i := range uint32(500) {
		seed := sha256.Sum256(binary.BigEndian.AppendUint32([]byte("key"), i))
		private, public := btcec.PrivKeyFromBytes(seed[:])
		hash := sha256.Sum256(seed[:])
		sig := ecdsa.Sign(private, hash[:])
		rr, ss := sig.R(), sig.S()
		k, _ := ParseKey(public.SerializeCompressed())
		if !verify(&k, hash[:], &rr, &ss) {
			t.Fatalf("signature %d does not verify", i)
		}
		high := ss
		high.Negate()
		if !verify(&k, hash[:], &rr, &high) {
			t.Fatalf("signature %d with the other s does not verify", i)
		}
		hash[i%32] ^= 1 << (i % 8)
		if verify(&k, hash[:], &rr, &ss) {
			t.Fatalf("signature %d of another hash verifies", i)
		}
	}
}

// TestHighX: a sum whose x lies between the order and p, which no signature made by chance has. R is such a point; any s then
// gives the key for which (r, s) is a signature.
func TestHighX(t *testing.T) {
	found := 0
	for add := uint64(0); found < 5; add++ {
		x := new(uint256.Int).AddUint64(&order, add)
		b := x.Bytes32()
		point, err := btcec.ParsePubKey(append([]byte{2}, b[:]...))
		if err != nil || add == 0 {
			continue
		}
		found++
		var r, s, e btcec.ModNScalar
		r.SetInt(uint32(add))
		s.SetInt(12_345)
		hash := sha256.Sum256(b[:])
		e.SetByteSlice(hash[:])
		// K = (s·R - e·G)/r
		var at, sr, eg, sum btcec.JacobianPoint
		point.AsJacobian(&at)
		btcec.ScalarMultNonConst(&s, &at, &sr)
		btcec.ScalarBaseMultNonConst(new(btcec.ModNScalar).NegateVal(&e), &eg)
		btcec.AddNonConst(&sr, &eg, &sum)
		btcec.ScalarMultNonConst(new(btcec.ModNScalar).InverseValNonConst(&r), &sum, &at)
		at.ToAffine()
		key := btcec.NewPublicKey(&at.X, &at.Y)
		if !ecdsa.NewSignature(&r, &s).Verify(hash[:], key) {
			t.Fatal("the library refuses it")
		}
		k, _ := ParseKey(key.SerializeCompressed())
		if !verify(&k, hash[:], &r, &s) {
			t.Errorf("x = order + %d: not verified", add)
		}
		if r.SetInt(uint32(add) + 1); verify(&k, hash[:], &r, &s) {
			t.Errorf("x = order + %d: verified with another r", add)
		}
	}
}

// FuzzVerify compares with the library on any bytes.
func FuzzVerify(f *testing.F) {
	private, public := btcec.PrivKeyFromBytes([]byte("some key of 32 bytes for fuzzing"))
	hash := sha256.Sum256(nil)
	sig := ecdsa.Sign(private, hash[:])
	r, s := sig.R(), sig.S()
	rb, sb := r.Bytes(), s.Bytes()
	f.Add(public.SerializeCompressed(), hash[:], rb[:], sb[:])
	f.Add(public.SerializeCompressed(), make([]byte, 32), []byte{1}, []byte{1})
	f.Fuzz(func(t *testing.T, key, hash, rb, sb []byte) {
		if len(key) != 33 || len(hash) != 32 || len(rb) > 32 || len(sb) > 32 {
			return
		}
		k, ok := ParseKey(key)
		public, err := btcec.ParsePubKey(key)
		if ok != (err == nil) {
			t.Fatalf("key %x: %v, %v", key, ok, err)
		}
		var r, s btcec.ModNScalar
		if !ok || r.SetByteSlice(rb) || s.SetByteSlice(sb) || r.IsZero() || s.IsZero() {
			return
		}
		if got, want := verify(&k, hash, &r, &s), ecdsa.NewSignature(&r, &s).Verify(hash, public); got != want {
			t.Fatalf("%v, the library says %v", got, want)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	private, public := btcec.PrivKeyFromBytes([]byte("some key of 32 bytes for fuzzing"))
	hash := sha256.Sum256(nil)
	sig := ecdsa.Sign(private, hash[:])
	r, s := sig.R(), sig.S()
	raw := public.SerializeCompressed()
	b.Run("ours", func(b *testing.B) {
		for b.Loop() {
			k, _ := ParseKey(raw)
			if !verify(&k, hash[:], &r, &s) {
				b.Fatal("no")
			}
		}
	})
	b.Run("library", func(b *testing.B) {
		for b.Loop() {
			k, _ := btcec.ParsePubKey(raw)
			if !sig.Verify(hash[:], k) {
				b.Fatal("no")
			}
		}
	})
}
