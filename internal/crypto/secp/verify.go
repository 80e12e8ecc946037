// Package secp verifies ECDSA signatures on secp256k1, and nothing else: it holds no secrets, so its time may depend on what it is
// given. Signing, and everything with secrets, is the library's (btcec).
//
// It exists because a block's cost is its signatures. The library keeps field elements in ten words of 26 bits and adds points for every
// third bit of a scalar; here there are four words of 64 bits, and both scalars are written in halves (Gallant, Lambert, Vanstone 2001)
// in non-adjacent windows over one chain of 128 doublings (Straus 1964). Tests and a fuzzer compare every answer with the library's.
package secp

import (
	"github.com/holiman/uint256"
)

// Sizes of the windows: 5 bits for a key, whose table is made for one signature, and 8 for the generator.
const (
	keyBits  = 5
	baseBits = 8
)

var (
	generator = affine{
		element{0x59f2815b16f81798, 0x029bfcdb2dce28d9, 0x55a06295ce870b07, 0x79be667ef9dcbbac},
		element{0x9c47d08ffb10d4b8, 0xfd17b448a6855419, 0x5da4fbfc0e1108a8, 0x483ada7726a3c465},
	}
	order = uint256.Int{0xbfd25e8cd0364141, 0xbaaedce6af48a03b, 0xfffffffffffffffe, 0xffffffffffffffff}

	// Multiplying x by beta multiplies a point by lambda. The two vectors (a1, -b1) and (a2, a1) are short in the lattice of (k, l)
	// with k + l·lambda = 0 modulo the order.
	beta = element{0xc1396c28719501ee, 0x9cf0497512f58995, 0x6e64479eac3434e9, 0x7ae96a2b657c0710}
	a1   = uint256.Int{0xe86c90e49284eb15, 0x3086d221a7d46bcd}
	b1   = uint256.Int{0x6f547fa90abfe4c3, 0xe4437ed6010e8828}
	a2   = uint256.Int{0x57c1108d9d44cfd8, 0x14ca50f7a8e2f3f6, 1}

	base, baseHigh = baseTables() // odd multiples of the generator, and of 2^128 times it
)

func baseTables() (low, high [1 << (baseBits - 2)]affine) {
	odd(&generator, low[:])
	p := generator.point()
	for range 128 {
		p.double(&p)
	}
	var far [1]affine
	affines([]point{p}, far[:])
	odd(&far[0], high[:])
	return low, high
}

// A Key is a point of the curve.
type Key struct{ at affine }

// ParseKey reads a compressed key, 33 bytes; false if it is none.
func ParseKey(b []byte) (k Key, ok bool) {
	if len(b) != 33 || b[0] != 2 && b[0] != 3 {
		return k, false
	}
	var yy element
	if !k.at.x.setBytes(b[1:]) {
		return k, false
	}
	yy.square(&k.at.x)
	yy.mul(&yy, &k.at.x)
	yy.add(&yy, &element{7})
	if !k.at.y.root(&yy) {
		return k, false
	}
	if k.at.y.isOdd() != (b[0] == 3) {
		k.at.y.sub(&element{}, &k.at.y)
	}
	return k, true
}

// Verify reports whether u1·G + u2·K has an x that is r modulo the order: for a signature (r, s) of a hash e, u1 is e/s and u2 is r/s
// modulo the order. All three are big-endian and below the order; r is not zero.
func (k *Key) Verify(u1, u2, r [32]byte) bool {
	sum := k.combine(u1, u2)
	if sum.inf {
		return false
	}
	var zz, want, x element
	zz.square(&sum.z)
	x.setBytes(r[:]) // below the order, which is below p
	want.mul(&x, &zz)
	if want.equal(&sum.x) {
		return true
	}
	// x modulo the order loses whether x was above it: p is larger than the order by less than 2^129.
	var next uint256.Int
	next.SetBytes32(r[:])
	if _, over := next.AddOverflow(&next, &order); over {
		return false
	}
	bytes := next.Bytes32()
	if !x.setBytes(bytes[:]) {
		return false
	}
	want.mul(&x, &zz)
	return want.equal(&sum.x)
}

// combine is u1·G + u2·K.
func (k *Key) combine(u1, u2 [32]byte) point {
	var table, turned [1 << (keyBits - 2)]affine
	odd(&k.at, table[:])
	for i := range table {
		turned[i] = table[i]
		turned[i].x.mul(&turned[i].x, &beta)
	}
	var a, b uint256.Int
	a.SetBytes32(u1[:])
	b.SetBytes32(u2[:])
	k1, k2 := split(&b)
	low, high := uint256.Int{a[0], a[1]}, uint256.Int{a[2], a[3]}
	sums := [4]windows{
		{table: table[:]}, {table: turned[:]}, {table: base[:]}, {table: baseHigh[:]},
	}
	n := 0
	for i, s := range []struct {
		k    *uint256.Int
		bits uint
	}{{&k1, keyBits}, {&k2, keyBits}, {&low, baseBits}, {&high, baseBits}} {
		n = max(n, sums[i].write(s.k, s.bits))
	}
	p := point{inf: true}
	for at := n - 1; at >= 0; at-- {
		p.double(&p)
		for i := range sums {
			sums[i].addTo(&p, at)
		}
	}
	return p
}

// split returns k1 and k2 with k1 + k2·lambda = k modulo the order, both of less than 2^130 and with a sign, as two's complement.
func split(k *uint256.Int) (k1, k2 uint256.Int) {
	var c1, c2, t uint256.Int
	c1.MulDivOverflow(k, &a1, &order)
	c2.MulDivOverflow(k, &b1, &order)
	k1.Sub(k, t.Mul(&c1, &a1))
	k1.Sub(&k1, t.Mul(&c2, &a2))
	k2.Sub(t.Mul(&c1, &b1), new(uint256.Int).Mul(&c2, &a1))
	return k1, k2
}

// maxDigits is how many digits a scalar of 131 bits has at most.
const maxDigits = 133

// windows are a scalar in non-adjacent form: odd digits, with at least bits-1 zeros between two of them.
type windows struct {
	table  []affine
	digits [maxDigits]int8
}

// write sets the digits and returns how many there are.
func (w *windows) write(k *uint256.Int, size uint) int {
	v := *k
	negative := v.Sign() < 0
	if negative {
		v.Neg(&v)
	}
	n := 0
	for at := 0; !v.IsZero(); at++ {
		if v[0]&1 == 1 {
			d := int64(v[0] & (1<<size - 1))
			if d >= 1<<(size-1) {
				d -= 1 << size
				v.AddUint64(&v, uint64(-d))
			} else {
				v.SubUint64(&v, uint64(d))
			}
			if negative {
				d = -d
			}
			w.digits[at] = int8(d)
			n = at + 1
		}
		v.Rsh(&v, 1)
	}
	return n
}

func (w *windows) addTo(p *point, at int) {
	switch d := w.digits[at]; {
	case d > 0:
		p.add(&w.table[d>>1])
	case d < 0:
		minus := w.table[-d>>1].negative()
		p.add(&minus)
	}
}
