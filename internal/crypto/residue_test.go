package crypto

import (
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/oasisprotocol/curve25519-voi/curve"
)

var bigPrime = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))

func bigOf(n limbs) *big.Int {
	var b [32]byte
	for i := range b {
		b[31-i] = byte(n[i/8] >> (8 * (i % 8)))
	}
	return new(big.Int).SetBytes(b[:])
}

// TestJacobi compares with the library of the language: small numbers, numbers with long runs of
// zeros and ones, and random ones.
func TestJacobi(t *testing.T) {
	var numbers []limbs
	for i := range uint64(500) {
		numbers = append(numbers, limbs{i}, limbs{prime[0] - 1 - i, prime[1], prime[2], prime[3]})
	}
	for i := range 255 {
		var n limbs
		n[i/64] = 1 << (i % 64)
		numbers = append(numbers, n)
		for j := range i {
			n[j/64] |= 1 << (j % 64)
		}
		if i < 254 {
			numbers = append(numbers, n)
		}
	}
	rng := rand.New(rand.NewPCG(5, 6))
	for range 5000 {
		n := limbs{rng.Uint64(), rng.Uint64(), rng.Uint64(), rng.Uint64() >> 2}
		numbers = append(numbers, n)
		for i := range rng.IntN(4) {
			n[i] = 0
		}
		numbers = append(numbers, n)
	}
	count := map[int]int{}
	for _, n := range numbers {
		got, want := jacobi(n), big.Jacobi(bigOf(n), bigPrime)
		if got != want {
			t.Fatalf("(%v/p) is %d, want %d", bigOf(n), got, want)
		}
		count[got]++
	}
	if count[0] != 1 || count[1] < 1000 || count[-1] < 1000 {
		t.Errorf("one-sided: %v", count)
	}
}

// slowCurveKey and slowCanonicalPoint are the rules by the library's arithmetic.
func slowCurveKey(k Key) bool {
	p, ok := decode(k)
	return ok && !p.IsSmallOrder()
}

func slowCanonicalPoint(k Key) bool {
	_, ok := decode(k)
	return ok
}

func samePointRules(t testing.TB, k Key) {
	t.Helper()
	if CurveKey(k) != slowCurveKey(k) || CanonicalPoint(k) != slowCanonicalPoint(k) {
		t.Fatalf("%v: curve key %t, canonical %t; the library says otherwise", k, CurveKey(k), CanonicalPoint(k))
	}
	var p curve.EdwardsPoint
	_, err := p.SetCompressedY((*curve.CompressedEdwardsY)(&k))
	if onCurve(k) != (err == nil) {
		t.Fatalf("%v: on the curve %t; the library says otherwise", k, onCurve(k))
	}
}

// edgeKeys are all encodings around what the rules tell apart, with both signs.
func edgeKeys() (keys []Key) {
	for _, low := range smallOrderY {
		keys = append(keys, low)
	}
	for i := range 40 {
		near, small := Key{31: 0x7f}, Key{byte(i)}
		for j := range 31 {
			near[j] = 0xff
		}
		near[0] = byte(0xff - i) // from above p, 2^255-1, to below
		keys = append(keys, near, small)
	}
	for _, k := range slices.Clone(keys) {
		k[31] ^= 0x80
		keys = append(keys, k)
	}
	return keys
}

// TestPointRulesAgree compares both rules with the library on every edge and on random bytes.
func TestPointRulesAgree(t *testing.T) {
	for _, k := range edgeKeys() {
		samePointRules(t, k)
	}
	rng := rand.New(rand.NewPCG(7, 8))
	good := 0
	for range 5000 {
		var k Key
		for i := range k {
			k[i] = byte(rng.Uint32())
		}
		samePointRules(t, k)
		if CurveKey(k) {
			good++
		}
	}
	if good < 2000 || good > 3000 {
		t.Errorf("%d of 5000 random keys are on the curve", good)
	}
}

// TestSmallOrder: the list holds the coordinate of each of the eight points of small order.
func TestSmallOrder(t *testing.T) {
	found := 0
	for _, y := range smallOrderY {
		for _, sign := range []byte{0, 0x80} {
			k := y
			k[31] |= sign
			if p, ok := decode(k); ok {
				found++
				if !p.IsSmallOrder() || CurveKey(k) || !CanonicalPoint(k) {
					t.Errorf("%v", k)
				}
			}
		}
	}
	if found != 8 {
		t.Errorf("%d points of small order, there are 8", found)
	}
}

// FuzzPointRules compares both rules with the library on any bytes.
func FuzzPointRules(f *testing.F) {
	for _, k := range edgeKeys() {
		f.Add(k[:])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) != 32 {
			return
		}
		samePointRules(t, Key(b))
		n := numberOf(b)
		n[3] >>= 1
		if bigOf(n).Cmp(bigPrime) < 0 && jacobi(n) != big.Jacobi(bigOf(n), bigPrime) {
			t.Fatalf("(%v/p) is %d", bigOf(n), jacobi(n))
		}
	})
}

func benchmarkKeys() []Key {
	keys := make([]Key, 250)
	for i := range keys {
		keys[i] = testScalar(byte(i) + 1).Public()
	}
	return keys
}

// BenchmarkCurveKey: the check of an output key, by the symbol and by the square root.
func BenchmarkCurveKey(b *testing.B) {
	keys := benchmarkKeys()
	for _, bb := range []struct {
		name  string
		check func(Key) bool
	}{{"symbol", CurveKey}, {"root", slowCurveKey}} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if !bb.check(keys[i%len(keys)]) {
					b.Fatal("not on the curve")
				}
			}
		})
	}
}
