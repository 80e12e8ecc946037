package naive

import "github.com/asterism-network/asterism/kernel"

// ExpectedRounds is how many rounds above its own a snapshot becomes final on average, as a
// fraction, where f of n members are silent: w-1 + (1-l/n)/p. The caller sees to it that the
// parameters are those of a genesis. [ORD-10]
func ExpectedRounds(n int, p kernel.Parameters) (numerator, denominator uint64) {
	size, slots, wave := uint64(n), uint64(p.Slots), uint64(p.Wave)
	all := choose(size, slots)
	hit := all - choose((size-1)/3, slots) // draws that name somebody who is not silent
	denominator = size * hit
	return (wave-1)*denominator + (size-slots)*all, denominator
}

// choose is n over k; of up to 50 members it stays below 2^47.
func choose(n, k uint64) uint64 {
	if k > n {
		return 0
	}
	out := uint64(1)
	for i := range k {
		out = out * (n - i) / (i + 1)
	}
	return out
}
