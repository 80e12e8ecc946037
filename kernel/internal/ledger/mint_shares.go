package ledger

import "math/bits"

// A mintWork is what a member did on one UTC day, in committed snapshots. [MNT-4]
type mintWork struct {
	Led    uint64 // its own that had a body
	Signed uint64 // others' that its own named as parents of the round before
}

const (
	// maxMintWork is where the counters stop: no day has that many rounds, and sums stay in 64 bits.
	maxMintWork = 1_000_000_000

	workUnit = 100_000_000 // a snapshot signed; one led is 1.2 of them
	ledUnit  = 120_000_000
)

func (w mintWork) weight() uint64 { return w.Led*ledUnit + w.Signed*workUnit }

func (w *mintWork) add(led, signed int) {
	w.Led = min(w.Led+uint64(led), maxMintWork)
	w.Signed = min(w.Signed+uint64(signed), maxMintWork)
}

// shapeWork turns the members' work into what they are paid by: the average without best and worst
// is paid in full only up to seven times itself, and nobody gets less than a seventh of it. ok is
// false when fewer than a quorum worked: then the day waits. Every division is rounded down. [MNT-5]
func shapeWork(work []mintWork, quorum int) (shaped []uint64, ok bool) {
	var sum, least, most uint64
	valid := 0
	for _, w := range work {
		n := w.weight()
		if n == 0 {
			continue
		}
		if valid == 0 || n < least {
			least = n
		}
		most = max(most, n)
		sum += n
		valid++
	}
	if valid < quorum || valid < 3 {
		return nil, false
	}
	average := (sum - least - most) / uint64(valid-2)
	for _, w := range work {
		shaped = append(shaped, shapeOne(w.weight(), average))
	}
	return shaped, true
}

func shapeOne(n, average uint64) uint64 {
	switch {
	case n >= 7*average:
		return 2 * average
	case n >= average:
		return n/6 + 5*average/6
	case n <= average/7:
		return average / 7
	}
	return n
}

// shareOut splits total by weights, each part rounded down; the parts never add up to more. [MNT-6]
func shareOut(total uint64, weights []uint64) []uint64 {
	var sum uint64
	for _, w := range weights {
		var carry uint64
		if sum, carry = bits.Add64(sum, w, 0); carry != 0 {
			panic("ledger: weights of a distribution reach 2^64")
		}
	}
	shares := make([]uint64, len(weights))
	if sum == 0 {
		return shares
	}
	for i, w := range weights {
		hi, lo := bits.Mul64(total, w)
		shares[i], _ = bits.Div64(hi, lo, sum) // w ≤ sum, so the quotient is at most total
	}
	return shares
}
