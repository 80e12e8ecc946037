package ledger

import (
	"math/bits"

	"github.com/asterism-network/asterism/kernel"
)

// A FeeKind is something that the network charges for. [STK-7]
type FeeKind uint8

// What is charged.
const (
	FeeAppCreation FeeKind = 1 // once, by what the app claims to need
	FeeCall        FeeKind = 2 // by type and count
)

// Fee is what so many of a kind cost by the schedule in force; false if that is 2^128 units or
// more, or the kind is not known.
func (s *StakeState) Fee(kind FeeKind, count uint64) (sum kernel.Amount, ok bool) {
	each := s.Fees.Call
	switch kind {
	case FeeAppCreation:
		each = s.Fees.AppCreation
	case FeeCall:
	default:
		return sum, false
	}
	hi, lo := each.Units()
	return timesUnits(hi, lo, count)
}

// paidFee is what a transaction's outputs of type aa pay to the pool. A class whose rules charge a
// fee compares it with Fee before it applies the transaction, and calls collect when it does.
func paidFee(tx *kernel.Transaction) (sum kernel.Amount, ok bool) {
	ok = true
	for i := range tx.Outputs {
		if tx.Outputs[i].Type != kernel.OutputNodeCancel {
			continue
		}
		if sum, ok = sum.Add(tx.Outputs[i].Amount); !ok {
			return sum, false
		}
	}
	return sum, ok
}

// collect puts what a transaction that is being applied pays into the pool.
func (x *execution) collect(tx *kernel.Transaction) {
	paid, ok := paidFee(tx)
	if !ok {
		panic("ledger: a fee of 2^128 units")
	}
	if !paid.IsZero() {
		x.toPool(paid)
	}
}

// timesUnits is (hi, lo) times n.
func timesUnits(hi, lo, n uint64) (kernel.Amount, bool) {
	over, low := bits.Mul64(lo, n)
	top, high := bits.Mul64(hi, n)
	high, carry := bits.Add64(high, over, 0)
	return kernel.AmountFromUnits(high, low), top == 0 && carry == 0
}
