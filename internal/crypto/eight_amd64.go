package crypto

import "golang.org/x/sys/cpu"

// haveEight is whether the machine computes on eight numbers at once.
var haveEight = cpu.X86.HasAVX512F && cpu.X86.HasAVX512IFMA

// squareEight squares n times, at least once.
//
//go:noescape
func squareEight(z *eight, n int)

//go:noescape
func multiplyEight(z, x, y *eight)
