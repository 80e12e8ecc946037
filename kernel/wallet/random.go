package wallet

import (
	"fmt"
	"io"
	"math/bits"
	"slices"

	"github.com/asterism-network/asterism/kernel"
)

// A dice draws numbers from a source of randomness; the first failure sticks. Equal bytes
// give equal draws, so a plan is a function of its seed.
type dice struct {
	source io.Reader
	err    error
}

func (d *dice) fill(b []byte) {
	if d.err != nil {
		return
	}
	if _, err := io.ReadFull(d.source, b); err != nil {
		d.err = fmt.Errorf("read randomness: %w", err)
	}
}

// upTo returns a uniform number in [0, limit], both included, by rejection.
func (d *dice) upTo(limit kernel.Amount) kernel.Amount {
	hi, lo := limit.Units()
	maskHi, maskLo := mask(hi), ^uint64(0)
	if hi == 0 {
		maskHi, maskLo = 0, mask(lo)
	}
	for {
		var b [16]byte
		d.fill(b[:])
		if d.err != nil {
			return kernel.Amount{}
		}
		h, l := be64(b[:8])&maskHi, be64(b[8:])&maskLo
		if n := kernel.AmountFromUnits(h, l); n.Compare(limit) <= 0 {
			return n
		}
	}
}

func mask(v uint64) uint64 { return 1<<bits.Len64(v) - 1 }

func be64(b []byte) (v uint64) {
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return v
}

// intn returns a uniform number in [0, n).
func (d *dice) intn(n int) int {
	_, lo := d.upTo(kernel.NewAmount(uint64(n - 1))).Units()
	return int(lo)
}

func shuffle[T any](d *dice, s []T) {
	for i := len(s) - 1; i > 0; i-- {
		j := d.intn(i + 1)
		s[i], s[j] = s[j], s[i]
	}
}

// split divides amount into n random parts, each at least a sixteenth of it, so none is dust,
// and at least one unit. It panics unless 1 ≤ n ≤ 8 and amount has n units.
func (d *dice) split(amount kernel.Amount, n int) []kernel.Amount {
	if n < 1 || n > 8 || amount.Compare(kernel.NewAmount(uint64(n))) < 0 {
		panic("wallet: split into more parts than units")
	}
	hi, lo := amount.Units()
	least := kernel.AmountFromUnits(hi>>4, lo>>4|hi<<60)
	if least.IsZero() {
		least = kernel.NewAmount(1)
	}
	rest := amount
	for range n {
		rest = minus(rest, least)
	}
	cuts := make([]kernel.Amount, 0, n+1)
	cuts = append(cuts, kernel.Amount{}, rest)
	for range n - 1 {
		cuts = append(cuts, d.upTo(rest))
	}
	slices.SortFunc(cuts, kernel.Amount.Compare)
	parts := make([]kernel.Amount, n)
	for i := range parts {
		parts[i] = plus(least, minus(cuts[i+1], cuts[i]))
	}
	return parts
}

// plus adds amounts whose sum is known to fit: both are parts of one that does.
func plus(a, b kernel.Amount) kernel.Amount {
	sum, ok := a.Add(b)
	if !ok {
		panic("wallet: sum of parts overflows")
	}
	return sum
}

// minus subtracts an amount that is known not to be larger.
func minus(a, b kernel.Amount) kernel.Amount {
	d, ok := a.Sub(b)
	if !ok {
		panic("wallet: part is larger than the whole")
	}
	return d
}
