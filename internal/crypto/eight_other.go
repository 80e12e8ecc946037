//go:build !amd64

package crypto

const haveEight = false

func squareEight(*eight, int) { panic("crypto: no arithmetic on eight numbers here") }

func multiplyEight(_, _, _ *eight) { panic("crypto: no arithmetic on eight numbers here") }
