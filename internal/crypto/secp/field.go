package secp

import "math/bits"

// An element is an integer modulo p = 2^256 - 2^32 - 977, the lowest word first. It is below 2^256, not always below p: a
// value below p + reduction is held in either form until normal.
type element [4]uint64

// fold is 2^256 modulo p.
const fold = 1<<32 + 977

var prime = element{0xfffffffefffffc2f, 0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff}

// multiply adds a·b and two words; the result fits into two words.
func multiply(a, b, c, d uint64) (high, low uint64) {
	high, low = bits.Mul64(a, b)
	low, carry := bits.Add64(low, c, 0)
	high += carry
	low, carry = bits.Add64(low, d, 0)
	return high + carry, low
}

// mul sets z to x·y.
func (z *element) mul(x, y *element) {
	var t [8]uint64
	var c uint64
	c, t[0] = bits.Mul64(x[0], y[0])
	c, t[1] = multiply(x[0], y[1], c, 0)
	c, t[2] = multiply(x[0], y[2], c, 0)
	t[4], t[3] = multiply(x[0], y[3], c, 0)

	c, t[1] = multiply(x[1], y[0], t[1], 0)
	c, t[2] = multiply(x[1], y[1], t[2], c)
	c, t[3] = multiply(x[1], y[2], t[3], c)
	t[5], t[4] = multiply(x[1], y[3], t[4], c)

	c, t[2] = multiply(x[2], y[0], t[2], 0)
	c, t[3] = multiply(x[2], y[1], t[3], c)
	c, t[4] = multiply(x[2], y[2], t[4], c)
	t[6], t[5] = multiply(x[2], y[3], t[5], c)

	c, t[3] = multiply(x[3], y[0], t[3], 0)
	c, t[4] = multiply(x[3], y[1], t[4], c)
	c, t[5] = multiply(x[3], y[2], t[5], c)
	t[7], t[6] = multiply(x[3], y[3], t[6], c)
	z.reduce(&t)
}

// square sets z to x·x: the products beside the diagonal once, doubled.
func (z *element) square(x *element) {
	var t [8]uint64
	var c uint64
	c, t[1] = bits.Mul64(x[0], x[1])
	c, t[2] = multiply(x[0], x[2], c, 0)
	t[4], t[3] = multiply(x[0], x[3], c, 0)
	c, t[3] = multiply(x[1], x[2], t[3], 0)
	t[5], t[4] = multiply(x[1], x[3], t[4], c)
	t[6], t[5] = multiply(x[2], x[3], t[5], 0)

	t[7] = t[6] >> 63
	t[6] = t[6]<<1 | t[5]>>63
	t[5] = t[5]<<1 | t[4]>>63
	t[4] = t[4]<<1 | t[3]>>63
	t[3] = t[3]<<1 | t[2]>>63
	t[2] = t[2]<<1 | t[1]>>63
	t[1] <<= 1

	h0, l0 := bits.Mul64(x[0], x[0])
	h1, l1 := bits.Mul64(x[1], x[1])
	h2, l2 := bits.Mul64(x[2], x[2])
	h3, l3 := bits.Mul64(x[3], x[3])
	t[0] = l0
	t[1], c = bits.Add64(t[1], h0, 0)
	t[2], c = bits.Add64(t[2], l1, c)
	t[3], c = bits.Add64(t[3], h1, c)
	t[4], c = bits.Add64(t[4], l2, c)
	t[5], c = bits.Add64(t[5], h2, c)
	t[6], c = bits.Add64(t[6], l3, c)
	t[7], _ = bits.Add64(t[7], h3, c)
	z.reduce(&t)
}

// reduce folds the upper half into the lower, twice, and once more the carry that may be left.
func (z *element) reduce(t *[8]uint64) {
	c, r0 := multiply(t[4], fold, t[0], 0)
	c, r1 := multiply(t[5], fold, t[1], c)
	c, r2 := multiply(t[6], fold, t[2], c)
	c, r3 := multiply(t[7], fold, t[3], c) // c is below 2^34

	high, low := bits.Mul64(c, fold)
	r0, c = bits.Add64(r0, low, 0)
	r1, c = bits.Add64(r1, high, c)
	r2, c = bits.Add64(r2, 0, c)
	r3, c = bits.Add64(r3, 0, c)
	z[0], c = bits.Add64(r0, c*fold, 0)
	z[1], c = bits.Add64(r1, 0, c)
	z[2], c = bits.Add64(r2, 0, c)
	z[3] = r3 + c // after a carry the rest was small: this is the last
}

// add sets z to x+y.
func (z *element) add(x, y *element) {
	r0, c := bits.Add64(x[0], y[0], 0)
	r1, c := bits.Add64(x[1], y[1], c)
	r2, c := bits.Add64(x[2], y[2], c)
	r3, c := bits.Add64(x[3], y[3], c)
	r0, c = bits.Add64(r0, c*fold, 0)
	r1, c = bits.Add64(r1, 0, c)
	r2, c = bits.Add64(r2, 0, c)
	r3, c = bits.Add64(r3, 0, c)
	z[0], z[1], z[2], z[3] = r0+c*fold, r1, r2, r3 // a second carry leaves less than fold
}

// sub sets z to x-y.
func (z *element) sub(x, y *element) {
	r0, c := bits.Sub64(x[0], y[0], 0)
	r1, c := bits.Sub64(x[1], y[1], c)
	r2, c := bits.Sub64(x[2], y[2], c)
	r3, c := bits.Sub64(x[3], y[3], c)
	r0, c = bits.Sub64(r0, c*fold, 0)
	r1, c = bits.Sub64(r1, 0, c)
	r2, c = bits.Sub64(r2, 0, c)
	r3, c = bits.Sub64(r3, 0, c)
	z[0], z[1], z[2], z[3] = r0-c*fold, r1, r2, r3 // a second borrow leaves almost 2^256
}

// double sets z to 2x.
func (z *element) double(x *element) { z.add(x, x) }

// normal is the one form below p.
func (z *element) normal() element {
	r0, c := bits.Sub64(z[0], prime[0], 0)
	r1, c := bits.Sub64(z[1], prime[1], c)
	r2, c := bits.Sub64(z[2], prime[2], c)
	r3, c := bits.Sub64(z[3], prime[3], c)
	if c != 0 {
		return *z
	}
	return element{r0, r1, r2, r3}
}

func (z *element) isZero() bool { return *z == element{} || *z == prime }

func (z *element) equal(x *element) bool { return z.normal() == x.normal() }

func (z *element) isOdd() bool { n := z.normal(); return n[0]&1 == 1 }

// squares sets z to x to the power of 2^n.
func (z *element) squares(x *element, n int) {
	*z = *x
	for range n {
		z.square(z)
	}
}

// ladder returns the powers of x to 2^2-1, 2^22-1 and 2^223-1: p has 223 ones at its top.
func ladder(x *element) (x2, x22, x223 element) {
	var x3, x6, x9, x11, x44, x88, x176, x220, t element
	t.square(x)
	x2.mul(&t, x)
	t.square(&x2)
	x3.mul(&t, x)
	grow := func(z, high *element, n int, low *element) {
		t.squares(high, n)
		z.mul(&t, low)
	}
	grow(&x6, &x3, 3, &x3)
	grow(&x9, &x6, 3, &x3)
	grow(&x11, &x9, 2, &x2)
	grow(&x22, &x11, 11, &x11)
	grow(&x44, &x22, 22, &x22)
	grow(&x88, &x44, 44, &x44)
	grow(&x176, &x88, 88, &x88)
	grow(&x220, &x176, 44, &x44)
	grow(&x223, &x220, 3, &x3)
	return x2, x22, x223
}

// inverse sets z to 1/x, x to the power of p-2; of zero it is zero.
func (z *element) inverse(x *element) {
	x2, x22, t := ladder(x)
	t.squares(&t, 23)
	t.mul(&t, &x22)
	t.squares(&t, 5)
	t.mul(&t, x)
	t.squares(&t, 3)
	t.mul(&t, &x2)
	t.squares(&t, 2)
	z.mul(&t, x)
}

// root sets z to a square root of x, and reports whether there is one: x to the power of (p+1)/4.
func (z *element) root(x *element) bool {
	x2, x22, t := ladder(x)
	t.squares(&t, 23)
	t.mul(&t, &x22)
	t.squares(&t, 6)
	t.mul(&t, &x2)
	t.squares(&t, 2)
	var check element
	check.square(&t)
	*z = t
	return check.equal(x)
}

// setBytes reads 32 big-endian bytes; false if they are not below p.
func (z *element) setBytes(b []byte) bool {
	_ = b[31]
	for i := range z {
		w := b[24-8*i : 32-8*i]
		z[i] = uint64(w[0])<<56 | uint64(w[1])<<48 | uint64(w[2])<<40 | uint64(w[3])<<32 |
			uint64(w[4])<<24 | uint64(w[5])<<16 | uint64(w[6])<<8 | uint64(w[7])
	}
	return *z == z.normal()
}
