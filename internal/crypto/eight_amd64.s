// Arithmetic modulo 2^255-19 on eight numbers at once, with AVX-512 and its multiplication of
// 52-bit integers. A number is five limbs of 51 bits, each in one lane of five registers.
//
// Bounds: a limb that comes in is below 2^51 + 2^15, so products are below 2^102 + 2^67. The lower
// 52 bits of a product weigh 2^51k, the upper ones 2^(51k+52), so they are doubled into column
// k+1. A column is at most five products: below 2^55 with its doubled part, below 2^60 with the 19-fold
// column above 2^255 that is folded into it. One round of carries leaves limbs below 2^51 + 2^14.

#include "textflag.h"

// The product of x and y: lower half into column l, upper half into h.
#define PRODUCT(x, y, l, h) \
	VPMADD52LUQ x, y, l \
	VPMADD52HUQ x, y, h

#define DOUBLE(x) VPADDQ x, x, x

// low += 19 * high
#define FOLD(high, low) \
	VPADDQ high, low, low \
	VPSLLQ $1, high, Z23 \
	VPSLLQ $4, high, Z24 \
	VPADDQ Z23, low, low \
	VPADDQ Z24, low, low

// Columns: the lower halves of products in Z5 to Z13, the upper ones in Z14 to Z22.
#define CLEAR \
	VPXORQ Z5, Z5, Z5 \
	VPXORQ Z6, Z6, Z6 \
	VPXORQ Z7, Z7, Z7 \
	VPXORQ Z8, Z8, Z8 \
	VPXORQ Z9, Z9, Z9 \
	VPXORQ Z10, Z10, Z10 \
	VPXORQ Z11, Z11, Z11 \
	VPXORQ Z12, Z12, Z12 \
	VPXORQ Z13, Z13, Z13 \
	VPXORQ Z14, Z14, Z14 \
	VPXORQ Z15, Z15, Z15 \
	VPXORQ Z16, Z16, Z16 \
	VPXORQ Z17, Z17, Z17 \
	VPXORQ Z18, Z18, Z18 \
	VPXORQ Z19, Z19, Z19 \
	VPXORQ Z20, Z20, Z20 \
	VPXORQ Z21, Z21, Z21 \
	VPXORQ Z22, Z22, Z22

// Reduces the columns to limbs in Z0 to Z4; Z31 holds 2^51-1.
#define REDUCE \
	DOUBLE(Z14) \
	DOUBLE(Z15) \
	DOUBLE(Z16) \
	DOUBLE(Z17) \
	DOUBLE(Z18) \
	DOUBLE(Z19) \
	DOUBLE(Z20) \
	DOUBLE(Z21) \
	DOUBLE(Z22) \
	VPADDQ Z14, Z6, Z6 \
	VPADDQ Z15, Z7, Z7 \
	VPADDQ Z16, Z8, Z8 \
	VPADDQ Z17, Z9, Z9 \
	VPADDQ Z18, Z10, Z10 \
	VPADDQ Z19, Z11, Z11 \
	VPADDQ Z20, Z12, Z12 \
	VPADDQ Z21, Z13, Z13 \
	FOLD(Z10, Z5) \
	FOLD(Z11, Z6) \
	FOLD(Z12, Z7) \
	FOLD(Z13, Z8) \
	FOLD(Z22, Z9) \
	VPSRLQ $51, Z5, Z23 \
	VPSRLQ $51, Z6, Z24 \
	VPSRLQ $51, Z7, Z25 \
	VPSRLQ $51, Z8, Z26 \
	VPSRLQ $51, Z9, Z27 \
	VPANDQ Z31, Z5, Z0 \
	VPANDQ Z31, Z6, Z1 \
	VPANDQ Z31, Z7, Z2 \
	VPANDQ Z31, Z8, Z3 \
	VPANDQ Z31, Z9, Z4 \
	VPADDQ Z23, Z1, Z1 \
	VPADDQ Z24, Z2, Z2 \
	VPADDQ Z25, Z3, Z3 \
	VPADDQ Z26, Z4, Z4 \
	VPADDQ Z27, Z0, Z0 \
	VPSLLQ $1, Z27, Z28 \
	VPSLLQ $4, Z27, Z29 \
	VPADDQ Z28, Z0, Z0 \
	VPADDQ Z29, Z0, Z0

// The square of Z0 to Z4. Products of two different limbs count twice.
#define SQUARE \
	CLEAR \
	PRODUCT(Z0, Z1, Z6, Z15) \
	PRODUCT(Z1, Z2, Z8, Z17) \
	PRODUCT(Z2, Z3, Z10, Z19) \
	PRODUCT(Z3, Z4, Z12, Z21) \
	PRODUCT(Z0, Z2, Z7, Z16) \
	PRODUCT(Z1, Z3, Z9, Z18) \
	PRODUCT(Z2, Z4, Z11, Z20) \
	PRODUCT(Z0, Z3, Z8, Z17) \
	PRODUCT(Z1, Z4, Z10, Z19) \
	PRODUCT(Z0, Z4, Z9, Z18) \
	DOUBLE(Z6) \
	DOUBLE(Z15) \
	DOUBLE(Z7) \
	DOUBLE(Z16) \
	DOUBLE(Z8) \
	DOUBLE(Z17) \
	DOUBLE(Z9) \
	DOUBLE(Z18) \
	DOUBLE(Z10) \
	DOUBLE(Z19) \
	DOUBLE(Z11) \
	DOUBLE(Z20) \
	DOUBLE(Z12) \
	DOUBLE(Z21) \
	PRODUCT(Z0, Z0, Z5, Z14) \
	PRODUCT(Z1, Z1, Z7, Z16) \
	PRODUCT(Z2, Z2, Z9, Z18) \
	PRODUCT(Z3, Z3, Z11, Z20) \
	PRODUCT(Z4, Z4, Z13, Z22) \
	REDUCE

// The product of Z0 to Z4 and Z25 to Z29.
#define MULTIPLY \
	CLEAR \
	PRODUCT(Z0, Z25, Z5, Z14) \
	PRODUCT(Z0, Z26, Z6, Z15) \
	PRODUCT(Z0, Z27, Z7, Z16) \
	PRODUCT(Z0, Z28, Z8, Z17) \
	PRODUCT(Z0, Z29, Z9, Z18) \
	PRODUCT(Z1, Z25, Z6, Z15) \
	PRODUCT(Z1, Z26, Z7, Z16) \
	PRODUCT(Z1, Z27, Z8, Z17) \
	PRODUCT(Z1, Z28, Z9, Z18) \
	PRODUCT(Z1, Z29, Z10, Z19) \
	PRODUCT(Z2, Z25, Z7, Z16) \
	PRODUCT(Z2, Z26, Z8, Z17) \
	PRODUCT(Z2, Z27, Z9, Z18) \
	PRODUCT(Z2, Z28, Z10, Z19) \
	PRODUCT(Z2, Z29, Z11, Z20) \
	PRODUCT(Z3, Z25, Z8, Z17) \
	PRODUCT(Z3, Z26, Z9, Z18) \
	PRODUCT(Z3, Z27, Z10, Z19) \
	PRODUCT(Z3, Z28, Z11, Z20) \
	PRODUCT(Z3, Z29, Z12, Z21) \
	PRODUCT(Z4, Z25, Z9, Z18) \
	PRODUCT(Z4, Z26, Z10, Z19) \
	PRODUCT(Z4, Z27, Z11, Z20) \
	PRODUCT(Z4, Z28, Z12, Z21) \
	PRODUCT(Z4, Z29, Z13, Z22) \
	REDUCE

#define MASK \
	MOVQ $0x7ffffffffffff, AX \
	VPBROADCASTQ AX, Z31

// func squareEight(z *eight, n int)
TEXT ·squareEight(SB), NOSPLIT, $0-16
	MOVQ z+0(FP), DI
	MOVQ n+8(FP), CX
	MASK
	VMOVDQU64 0(DI), Z0
	VMOVDQU64 64(DI), Z1
	VMOVDQU64 128(DI), Z2
	VMOVDQU64 192(DI), Z3
	VMOVDQU64 256(DI), Z4

loop:
	SQUARE
	DECQ CX
	JNZ  loop
	VMOVDQU64 Z0, 0(DI)
	VMOVDQU64 Z1, 64(DI)
	VMOVDQU64 Z2, 128(DI)
	VMOVDQU64 Z3, 192(DI)
	VMOVDQU64 Z4, 256(DI)
	VZEROUPPER
	RET

// func multiplyEight(z, x, y *eight)
TEXT ·multiplyEight(SB), NOSPLIT, $0-24
	MOVQ z+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ y+16(FP), DX
	MASK
	VMOVDQU64 0(SI), Z0
	VMOVDQU64 64(SI), Z1
	VMOVDQU64 128(SI), Z2
	VMOVDQU64 192(SI), Z3
	VMOVDQU64 256(SI), Z4
	VMOVDQU64 0(DX), Z25
	VMOVDQU64 64(DX), Z26
	VMOVDQU64 128(DX), Z27
	VMOVDQU64 192(DX), Z28
	VMOVDQU64 256(DX), Z29
	MULTIPLY
	VMOVDQU64 Z0, 0(DI)
	VMOVDQU64 Z1, 64(DI)
	VMOVDQU64 Z2, 128(DI)
	VMOVDQU64 Z3, 192(DI)
	VMOVDQU64 Z4, 256(DI)
	VZEROUPPER
	RET
