package crypto

import (
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

func bigOfBytes(b [32]byte) *big.Int {
	slices.Reverse(b[:])
	return new(big.Int).SetBytes(b[:])
}

// TestEight multiplies, squares and raises numbers in eight lanes, the largest limbs included, and
// compares each lane with the arithmetic of the language.
func TestEight(t *testing.T) {
	if !haveEight {
		t.Skip("this machine does not compute on eight numbers at once")
	}
	rng := rand.New(rand.NewPCG(11, 12))
	limb := func() uint64 {
		switch rng.IntN(4) {
		case 0:
			return 1<<51 + 1<<15 - 1 // the largest that may come in
		case 1:
			return limbMask
		case 2:
			return rng.Uint64N(3)
		}
		return rng.Uint64N(1<<51 + 1<<15)
	}
	value := func(z *eight, lane int) *big.Int {
		sum := new(big.Int)
		for i := 4; i >= 0; i-- {
			sum.Add(sum.Lsh(sum, 51), new(big.Int).SetUint64(z[i][lane]))
		}
		return sum.Mod(sum, bigPrime)
	}
	power := new(big.Int).Rsh(new(big.Int).Sub(bigPrime, big.NewInt(5)), 3)
	for range 300 {
		var x, y, product eight
		for lane := range 8 {
			for i := range x {
				x[i][lane], y[i][lane] = limb(), limb()
			}
		}
		multiplyEight(&product, &x, &y)
		squared, raised := x, x
		squareEight(&squared, 3)
		raised.powerForRoot()
		for lane := range 8 {
			a, b := value(&x, lane), value(&y, lane)
			same := func(what string, z *eight, want *big.Int) {
				want.Mod(want, bigPrime)
				if got := value(z, lane); got.Cmp(want) != 0 {
					t.Fatalf("%s of %v: %v, want %v", what, a, got, want)
				}
				b := z.get(lane)
				if got := bigOfBytes(b); got.BitLen() > 255 || new(big.Int).Mod(got, bigPrime).Cmp(want) != 0 {
					t.Fatalf("%s of %v: bytes %x", what, a, b)
				}
				for i := range z {
					if z[i][lane] >= 1<<51+1<<15 {
						t.Fatalf("%s of %v: limb %d is %x", what, a, i, z[i][lane])
					}
				}
				var again eight
				again.set(lane, b[:])
				if value(&again, lane).Cmp(want) != 0 {
					t.Fatalf("%s of %v: bytes do not come back", what, a)
				}
			}
			same("product", &product, new(big.Int).Mul(a, b))
			same("eighth power", &squared, new(big.Int).Exp(a, big.NewInt(8), bigPrime))
			same("power", &raised, new(big.Int).Exp(a, power, bigPrime))
		}
	}
}

func BenchmarkPowerForRoot(b *testing.B) {
	if !haveEight {
		b.Skip("this machine does not compute on eight numbers at once")
	}
	var z eight
	for lane := range 8 {
		z[0][lane] = uint64(lane) + 2
	}
	for b.Loop() {
		z.powerForRoot()
	}
}
