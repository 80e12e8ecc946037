package crypto

import (
	"math/rand/v2"
	"slices"
	"testing"

	"filippo.io/edwards25519/field"
	"github.com/oasisprotocol/curve25519-voi/curve"
)

// sameDecoding decodes keys together and alone: the same ones are points, and the same points,
// which add up to the same, for T counts too.
func sameDecoding(t testing.TB, keys []Key) (decoded int) {
	t.Helper()
	points, good := make([]*curve.EdwardsPoint, len(keys)), make([]bool, len(keys))
	for i := range points {
		points[i] = new(curve.EdwardsPoint)
	}
	decodeAll(points, keys, good)
	for i, k := range keys {
		want, ok := decode(k)
		if good[i] != ok {
			t.Fatalf("%v: decoded together %t, alone %t", k, good[i], ok)
		}
		if !ok {
			continue
		}
		decoded++
		var bytes curve.CompressedEdwardsY
		bytes.SetEdwardsPoint(points[i])
		var sum, wantSum curve.EdwardsPoint
		sum.Add(points[i], curve.ED25519_BASEPOINT_POINT)
		wantSum.Add(want, curve.ED25519_BASEPOINT_POINT)
		if Key(bytes) != k || points[i].Equal(want) != 1 || sum.Equal(&wantSum) != 1 {
			t.Fatalf("%v: another point", k)
		}
	}
	return decoded
}

// TestDecodeAll decodes random bytes and all edges, in every number up to 20 at a time.
func TestDecodeAll(t *testing.T) {
	if haveEight && !layoutKnown {
		t.Error("the library's points are not laid out as decode.go says")
	}
	rng := rand.New(rand.NewPCG(13, 14))
	keys := edgeKeys()
	for range 1000 {
		var k Key
		for i := range k {
			k[i] = byte(rng.Uint32())
		}
		keys = append(keys, k)
	}
	rng.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	decoded := 0
	for n := 0; len(keys) > 0; n = (n + 1) % 21 {
		n = min(n, len(keys))
		decoded += sameDecoding(t, keys[:n])
		keys = keys[n:]
	}
	if decoded < 400 || decoded > 700 {
		t.Errorf("%d of about 1100 are points", decoded)
	}
}

// TestChooseRoot proposes what is no root: it is not taken.
func TestChooseRoot(t *testing.T) {
	one, two := fieldOne, new(field.Element).Add(fieldOne, fieldOne)
	four := new(field.Element).Multiply(two, two)
	x := new(field.Element).Set(two)
	if !chooseRoot(x, four, one) || x.Equal(two) != 1 {
		t.Error("2 is a root of 4")
	}
	x.Multiply(two, fieldRootOfMinusOne)
	if !chooseRoot(x, four, one) || new(field.Element).Square(x).Equal(four) != 1 {
		t.Error("2·sqrt(-1) leads to a root of 4")
	}
	for _, wrong := range []*field.Element{one, four, new(field.Element)} {
		if chooseRoot(x.Set(wrong), four, one) {
			t.Errorf("%v is taken for a root of 4", wrong)
		}
	}
}

// FuzzDecodeAll decodes any bytes together.
func FuzzDecodeAll(f *testing.F) {
	var seed []byte
	for _, k := range edgeKeys() {
		seed = append(seed, k[:]...)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, b []byte) {
		var keys []Key
		for c := range slices.Chunk(b, 32) {
			if len(c) == 32 && len(keys) < 40 {
				keys = append(keys, Key(c))
			}
		}
		sameDecoding(t, keys)
	})
}
