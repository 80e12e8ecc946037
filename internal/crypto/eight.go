package crypto

import "encoding/binary"

// An eight is eight numbers modulo 2^255-19, in five limbs of 51 bits: limb i of number j is
// eight[i][j]. Limbs may be above 51 bits by a little, see eight_amd64.s.
type eight [5][8]uint64

const limbMask = 1<<51 - 1

// set puts a number below 2^255, in 32 little-endian bytes, into a lane.
func (z *eight) set(lane int, b []byte) {
	n := numberOf(b)
	z[0][lane] = n[0] & limbMask
	z[1][lane] = (n[0]>>51 | n[1]<<13) & limbMask
	z[2][lane] = (n[1]>>38 | n[2]<<26) & limbMask
	z[3][lane] = (n[2]>>25 | n[3]<<39) & limbMask
	z[4][lane] = n[3] >> 12 & limbMask
}

// get returns a lane's number, or that number and the prime, below 2^255 in any case.
func (z *eight) get(lane int) (b [32]byte) {
	l0, l1, l2, l3, l4 := z[0][lane], z[1][lane], z[2][lane], z[3][lane], z[4][lane]
	for range 2 { // what the first round carries over the top is a few bits: the second carries nothing
		l1 += l0 >> 51
		l2 += l1 >> 51
		l3 += l2 >> 51
		l4 += l3 >> 51
		l0, l1, l2, l3, l4 = l0&limbMask+19*(l4>>51), l1&limbMask, l2&limbMask, l3&limbMask, l4&limbMask
	}
	binary.LittleEndian.PutUint64(b[0:], l0|l1<<51)
	binary.LittleEndian.PutUint64(b[8:], l1>>13|l2<<38)
	binary.LittleEndian.PutUint64(b[16:], l2>>26|l3<<25)
	binary.LittleEndian.PutUint64(b[24:], l3>>39|l4<<12)
	return b
}

// powerForRoot raises each number to (p-5)/8 = 2^252 - 3, from which its square root follows.
func (z *eight) powerForRoot() {
	var x2, x9, x11, a, b, c eight
	square := func(to, from *eight, n int) *eight { *to = *from; squareEight(to, n); return to }
	square(&x2, z, 1)                           // z^2
	multiplyEight(&x9, square(&a, &x2, 2), z)   // z^9
	multiplyEight(&x11, &x9, &x2)               // z^11
	multiplyEight(&a, square(&b, &x11, 1), &x9) // z^(2^5-1)
	multiplyEight(&a, square(&b, &a, 5), &a)    // z^(2^10-1)
	multiplyEight(&c, square(&b, &a, 10), &a)   // z^(2^20-1)
	multiplyEight(&c, square(&b, &c, 20), &c)   // z^(2^40-1)
	multiplyEight(&a, square(&b, &c, 10), &a)   // z^(2^50-1)
	multiplyEight(&c, square(&b, &a, 50), &a)   // z^(2^100-1)
	multiplyEight(&c, square(&b, &c, 100), &c)  // z^(2^200-1)
	multiplyEight(&a, square(&b, &c, 50), &a)   // z^(2^250-1)
	multiplyEight(z, square(&b, &a, 2), z)      // z^(2^252-3)
}
