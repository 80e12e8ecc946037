package wallet

import (
	"fmt"
	"slices"

	"github.com/asterism-network/asterism/kernel"
)

// choose draws inputs at random until they cover want, as the paper asks: which outputs are
// spent together then says little about which are old, large or related. If the draw needs
// more inputs than a transaction holds, the largest are taken instead.
func choose(d *dice, from []Output, want kernel.Amount) (inputs []Output, sum kernel.Amount, err error) {
	drawn := slices.Clone(from)
	shuffle(d, drawn)
	if d.err != nil {
		return nil, sum, d.err
	}
	total, ok := sumOf(drawn)
	if !ok || total.Compare(want) < 0 {
		return nil, sum, fmt.Errorf("%w: have %s, need %s", ErrInsufficient, total, want)
	}
	if inputs, sum, ok = cover(drawn, want); ok {
		return inputs, sum, nil
	}
	slices.SortStableFunc(drawn, func(a, b Output) int { return b.Amount.Compare(a.Amount) })
	if inputs, sum, ok = cover(drawn, want); ok {
		shuffle(d, inputs)
		return inputs, sum, d.err
	}
	return nil, sum, fmt.Errorf("%w: %s lie in %d outputs", ErrConsolidate, total, len(from))
}

// cover takes outputs from the front until they reach want.
func cover(from []Output, want kernel.Amount) (inputs []Output, sum kernel.Amount, ok bool) {
	for i := range from[:min(len(from), maxInputs)] {
		sum = plus(sum, from[i].Amount) // parts of a total that fits
		if sum.Compare(want) >= 0 {
			return from[:i+1], sum, true
		}
	}
	return nil, sum, false
}

func sumOf(outputs []Output) (sum kernel.Amount, ok bool) {
	ok = true
	for i := range outputs {
		if sum, ok = sum.Add(outputs[i].Amount); !ok {
			return sum, false
		}
	}
	return sum, true
}
