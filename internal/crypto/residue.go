package crypto

import (
	"encoding/binary"
	"math/bits"

	"filippo.io/edwards25519/field"
)

// Whether a coordinate y lies on the curve is one question about squares: x² = (y²-1)/(dy²+1)
// has a solution exactly when (y²-1)(dy²+1) is a square of the field, zero included. The
// denominator is never zero, since -1/d is no square. A Jacobi symbol answers that without
// taking the root, in a third of the time. Variable time: for public data. [TX-13] [TX-15]

// curveD is the constant d = -121665/121666 of the curve.
var curveD = mustField([32]byte{
	0xa3, 0x78, 0x59, 0x13, 0xca, 0x4d, 0xeb, 0x75, 0xab, 0xd8, 0x41, 0x41, 0x4d, 0x0a, 0x70, 0x00,
	0x98, 0xe8, 0x79, 0x77, 0x79, 0x40, 0xc7, 0x8c, 0x73, 0xfe, 0x6f, 0x2b, 0xee, 0x6c, 0x03, 0x52,
})

func mustField(b [32]byte) *field.Element {
	e, err := new(field.Element).SetBytes(b[:])
	if err != nil {
		panic("crypto: " + err.Error()) // only for another length
	}
	return e
}

// onCurve reports whether some point has the coordinate y of k, whose sign bit is ignored.
func onCurve(k Key) bool {
	var y, u, v field.Element
	if _, err := y.SetBytes(k[:]); err != nil {
		panic("crypto: " + err.Error()) // only for another length
	}
	y.Square(&y)
	one := new(field.Element).One()
	u.Subtract(&y, one)
	v.Multiply(&y, curveD)
	v.Add(&v, one)
	return jacobi(numberOf(u.Multiply(&u, &v).Bytes())) >= 0
}

// A limbs is a number below 2^256, little-endian.
type limbs [4]uint64

// prime is 2^255 - 19, the order of the field.
var prime = limbs{^uint64(18), ^uint64(0), ^uint64(0), ^uint64(0) >> 1}

func numberOf(b []byte) (n limbs) {
	for i := range n {
		n[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return n
}

// jacobi returns the symbol (a/p) for the field's prime p and a below it: 1 for a square, -1 for
// a number that is none, 0 for zero.
//
// It is the binary algorithm: of two odd numbers the smaller one is subtracted from the larger
// one, and what is left is halved until it is odd. The symbol turns its sign with each halving
// when the other number n is 3 or 5 modulo 8, (2/n) = -1, and when two numbers that are both 3
// modulo 4 change places, by the law of reciprocity. It ends when nothing is left: the other
// number is then the greatest common divisor, which is 1 for a prime and a number below it. One
// loop for each length of numbers keeps all their words in registers.
func jacobi(a limbs) int {
	if a == (limbs{}) {
		return 0
	}
	turns := uint64(0) // bit 1 is whether the sign is turned; the others mean nothing
	n := prime
	for a[0] == 0 { // 64 halvings are an even number
		a = limbs{a[1], a[2], a[3], 0}
	}
	if s := bits.TrailingZeros64(a[0]) & 63; s > 0 {
		turns ^= halvings(n[0], s)
		a = limbs{a[0]>>s | a[1]<<(64-s), a[1]>>s | a[2]<<(64-s), a[2]>>s | a[3]<<(64-s), a[3] >> s}
	}
	turns ^= reduce4(&a, &n)
	turns ^= reduce3(&a, &n)
	turns ^= reduce2(&a, &n)
	return 1 - int(turns^reduce1(a[0], n[0]))&2
}

// halvings is in bit 1 whether s halvings beside the odd number n turn the sign.
func halvings(n uint64, s int) uint64 { return (n ^ n>>1) & (uint64(s) << 1) }

// A step of the loops below. The difference is even, so it can be halved as it is, with the borrow
// for its sign; only then it is made positive: what is left is odd, and minus an odd number is its
// complement with the lowest bit set. So no word waits for a carry twice.

// reduce4 goes on until both numbers are below 2^192. [a and n stay odd, and positive]
func reduce4(a, n *limbs) (turns uint64) {
	a0, a1, a2, a3 := a[0], a[1], a[2], a[3]
	n0, n1, n2, n3 := n[0], n[1], n[2], n[3]
	for a3|n3 != 0 {
		d0, b := bits.Sub64(a0, n0, 0)
		d1, b := bits.Sub64(a1, n1, b)
		d2, b := bits.Sub64(a2, n2, b)
		d3, b := bits.Sub64(a3, n3, b)
		less := -b // all ones when a is the smaller one
		turns ^= a0 & n0 & less
		n0 ^= (n0 ^ a0) & less
		n1 ^= (n1 ^ a1) & less
		n2 ^= (n2 ^ a2) & less
		n3 ^= (n3 ^ a3) & less
		for d0 == 0 {
			d0, d1, d2, d3 = d1, d2, d3, less
		}
		s := bits.TrailingZeros64(d0) & 63
		turns ^= halvings(n0, s)
		a0 = (d0>>s | d1<<(-s&63)) ^ less | 1
		a1 = (d1>>s | d2<<(-s&63)) ^ less
		a2 = (d2>>s | d3<<(-s&63)) ^ less
		a3 = (d3>>s | less<<(-s&63)) ^ less
	}
	*a, *n = limbs{a0, a1, a2, a3}, limbs{n0, n1, n2, n3}
	return turns
}

// reduce3 goes on until both numbers are below 2^128.
func reduce3(a, n *limbs) (turns uint64) {
	a0, a1, a2 := a[0], a[1], a[2]
	n0, n1, n2 := n[0], n[1], n[2]
	for a2|n2 != 0 {
		d0, b := bits.Sub64(a0, n0, 0)
		d1, b := bits.Sub64(a1, n1, b)
		d2, b := bits.Sub64(a2, n2, b)
		less := -b
		turns ^= a0 & n0 & less
		n0 ^= (n0 ^ a0) & less
		n1 ^= (n1 ^ a1) & less
		n2 ^= (n2 ^ a2) & less
		for d0 == 0 {
			d0, d1, d2 = d1, d2, less
		}
		s := bits.TrailingZeros64(d0) & 63
		turns ^= halvings(n0, s)
		a0 = (d0>>s | d1<<(-s&63)) ^ less | 1
		a1 = (d1>>s | d2<<(-s&63)) ^ less
		a2 = (d2>>s | less<<(-s&63)) ^ less
	}
	*a, *n = limbs{a0, a1, a2}, limbs{n0, n1, n2}
	return turns
}

// reduce2 goes on until both numbers are below 2^64.
func reduce2(a, n *limbs) (turns uint64) {
	a0, a1 := a[0], a[1]
	n0, n1 := n[0], n[1]
	for a1|n1 != 0 {
		d0, b := bits.Sub64(a0, n0, 0)
		d1, b := bits.Sub64(a1, n1, b)
		less := -b
		turns ^= a0 & n0 & less
		n0 ^= (n0 ^ a0) & less
		n1 ^= (n1 ^ a1) & less
		for d0 == 0 {
			d0, d1 = d1, less
		}
		s := bits.TrailingZeros64(d0) & 63
		turns ^= halvings(n0, s)
		a0 = (d0>>s | d1<<(-s&63)) ^ less | 1
		a1 = (d1>>s | less<<(-s&63)) ^ less
	}
	*a, *n = limbs{a0, a1}, limbs{n0, n1}
	return turns
}

// reduce1 goes on until one of the numbers is 1: beside it every symbol is 1.
func reduce1(a, n uint64) (turns uint64) {
	for a != 1 && n != 1 {
		d, b := bits.Sub64(a, n, 0)
		less := -b
		turns ^= a & n & less
		n ^= (n ^ a) & less
		s := bits.TrailingZeros64(d) & 63
		turns ^= halvings(n, s)
		a = (d>>s | less<<(-s&63)) ^ less | 1
	}
	return turns
}
