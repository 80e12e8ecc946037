package sharing

import (
	"bytes"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/gtank/ristretto255"
)

// The same group as another library has it: what this package computes with secrets and points is
// compared with that.

func otherNumber(t testing.TB, n *Number) *ristretto255.Scalar {
	t.Helper()
	s := ScalarOf(n)
	other, err := ristretto255.NewScalar().SetCanonicalBytes(s[:])
	if err != nil {
		t.Fatalf("number %x: %v", s[:], err)
	}
	return other
}

func samePoint(t testing.TB, what string, got *Point, want *ristretto255.Element) {
	t.Helper()
	if k := KeyOf(got); !bytes.Equal(k[:], want.Bytes()) {
		t.Fatalf("%s: %v, the other library has %x", what, k, want.Bytes())
	}
}

// FuzzGroup compares both libraries on a point and two numbers made of arbitrary bytes, and on
// whether the bytes encode a point or number.
func FuzzGroup(f *testing.F) {
	f.Add(make([]byte, 64), make([]byte, 64))
	f.Add(bytes.Repeat([]byte{0xff}, 64), bytes.Repeat([]byte{0xff}, 64))
	for i := range byte(40) {
		var a, b [64]byte
		crypto.NewStream("differential", []byte{i}).Fill(a[:])
		crypto.NewStream("differential", []byte{i, 1}).Fill(b[:])
		f.Add(a[:], b[:])
		k, n := KeyOf(Public(reduce(a))), ScalarOf(reduce(b))
		k[31] |= i & 1 << 7 // half of them are not canonical
		f.Add(append(k[:], n[:]...), b[:])
	}
	f.Add(append(order[:], order[:]...), make([]byte, 64))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if len(a) != 64 || len(b) != 64 {
			return
		}
		decoding(t, a)
		x, y := reduce([64]byte(a)), reduce([64]byte(b))
		ox, oy := otherNumber(t, x), otherNumber(t, y)
		wide, err := ristretto255.NewScalar().SetUniformBytes(a)
		if err != nil || wide.Equal(ox) != 1 {
			t.Fatalf("%x is another number: %v", a, err)
		}
		p, err := new(Point).SetUniformBytes(b)
		if err != nil {
			t.Fatal(err)
		}
		op, err := ristretto255.NewIdentityElement().SetUniformBytes(b)
		if err != nil {
			t.Fatal(err)
		}
		samePoint(t, "one-way map", p, op)
		samePoint(t, "public", Public(x), ristretto255.NewIdentityElement().ScalarBaseMult(ox))
		q, oq := Multiply(x, p), ristretto255.NewIdentityElement().ScalarMult(ox, op)
		samePoint(t, "product", q, oq)
		samePoint(t, "sum", new(Point).Add(p, q), ristretto255.NewIdentityElement().Add(op, oq))
		samePoint(t, "sum of products", new(Point).MultiscalarMulVartime([]*Number{x, y}, []*Point{p, q}),
			ristretto255.NewIdentityElement().VarTimeMultiScalarMult([]*ristretto255.Scalar{ox, oy}, []*ristretto255.Element{op, oq}))
		sum, product := new(Number).Add(x, y), new(Number).Mul(x, y)
		if otherNumber(t, sum).Equal(ristretto255.NewScalar().Add(ox, oy)) != 1 ||
			otherNumber(t, product).Equal(ristretto255.NewScalar().Multiply(ox, oy)) != 1 ||
			otherNumber(t, respond(x, y, y)).Equal(ristretto255.NewScalar().Add(ox, ristretto255.NewScalar().Multiply(oy, oy))) != 1 {
			t.Fatal("sum or product of numbers differs")
		}
	})
}

// decoding compares what both libraries take for encodings, the identity aside.
func decoding(t *testing.T, a []byte) {
	p, err := ParsePoint(crypto.Key(a[:32]))
	_, otherErr := ristretto255.NewIdentityElement().SetCanonicalBytes(a[:32])
	if (err == nil || err == ErrIdentity) != (otherErr == nil) {
		t.Fatalf("point %x: %v, the other library says %v", a[:32], err, otherErr)
	}
	if err == nil && KeyOf(p) != crypto.Key(a[:32]) {
		t.Fatalf("point %x has two encodings", a[:32])
	}
	_, err = ParseNumber(crypto.Scalar(a[32:]))
	if _, otherErr := ristretto255.NewScalar().SetCanonicalBytes(a[32:]); (err == nil) != (otherErr == nil) {
		t.Fatalf("number %x: %v, the other library says %v", a[32:], err, otherErr)
	}
}

// TestInterpolateIsTheOther compares the weights with those of plain division.
func TestInterpolateIsTheOther(t *testing.T) {
	for _, indexes := range [][]uint16{{1}, {1, 2, 3}, {50, 3, 17, 2}, {7, 64, 65, 1}, {65535, 1, 40000}} {
		weights, err := lagrange(indexes)
		if err != nil {
			t.Fatal(err)
		}
		for i, xi := range indexes {
			above, below := otherNumber(t, small(1)), otherNumber(t, small(1))
			for j, xj := range indexes {
				if i != j {
					other := otherNumber(t, small(xj))
					above.Multiply(above, other)
					below.Multiply(below, ristretto255.NewScalar().Subtract(other, otherNumber(t, small(xi))))
				}
			}
			if otherNumber(t, weights[i]).Equal(above.Multiply(above, below.Invert(below))) != 1 {
				t.Errorf("indexes %v: weight of %d is another", indexes, xi)
			}
		}
	}
}

// TestPublicOfSmallNumbers counts through the first digits of the table of multiples, signs included.
func TestPublicOfSmallNumbers(t *testing.T) {
	sum := ristretto255.NewIdentityElement()
	base := ristretto255.NewIdentityElement().ScalarBaseMult(otherNumber(t, small(1)))
	for i := range uint16(300) {
		samePoint(t, "small multiple", Public(small(i)), sum)
		sum.Add(sum, base)
	}
}
