package kernel

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"strings"

	"github.com/asterism-network/asterism/internal/codec"
)

// AmountDecimals is the number of decimals of every asset's amounts on the ledger.
const AmountDecimals = 8

const (
	unitsPerWhole = 100_000_000
	amountBytes   = 16
)

// An Amount is a quantity of one asset in units of 10^-8, from 0 to 2^128-1. Amounts compare
// with == and as map keys. Text form: always eight decimals, "1.50000000".
type Amount struct{ hi, lo uint64 }

// NewAmount returns an amount of units of 10^-8.
func NewAmount(units uint64) Amount { return Amount{lo: units} }

// AmountFromUnits returns hi·2^64 + lo units.
func AmountFromUnits(hi, lo uint64) Amount { return Amount{hi, lo} }

// Units returns the amount as hi·2^64 + lo units.
func (a Amount) Units() (hi, lo uint64) { return a.hi, a.lo }

// IsZero reports whether a is 0.
func (a Amount) IsZero() bool { return a == Amount{} }

// Compare is -1, 0 or 1 as a is below, equal to or above b.
func (a Amount) Compare(b Amount) int {
	return cmp.Or(cmp.Compare(a.hi, b.hi), cmp.Compare(a.lo, b.lo))
}

// Add returns a + b; ok is false, and the sum 0, when it reaches 2^128.
func (a Amount) Add(b Amount) (sum Amount, ok bool) {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	hi, carry := bits.Add64(a.hi, b.hi, carry)
	if carry != 0 {
		return Amount{}, false
	}
	return Amount{hi, lo}, true
}

// Sub returns a - b; ok is false, and the difference 0, when b is above a.
func (a Amount) Sub(b Amount) (difference Amount, ok bool) {
	lo, borrow := bits.Sub64(a.lo, b.lo, 0)
	hi, borrow := bits.Sub64(a.hi, b.hi, borrow)
	if borrow != 0 {
		return Amount{}, false
	}
	return Amount{hi, lo}, true
}

// mulSmall returns a·m + add; ok is false when it reaches 2^128.
func (a Amount) mulSmall(m, add uint64) (Amount, bool) {
	over, low := bits.Mul64(a.lo, m)
	top, hi := bits.Mul64(a.hi, m)
	hi, carry := bits.Add64(hi, over, 0)
	if top != 0 || carry != 0 {
		return Amount{}, false
	}
	return Amount{hi, low}.Add(Amount{lo: add})
}

// Hundredth is a hundredth of a, rounded down: what taking back a pledge costs. [STK-14]
func (a Amount) Hundredth() Amount {
	q, _ := a.divSmall(100)
	return q
}

// divSmall returns the quotient and the remainder of a by d.
func (a Amount) divSmall(d uint64) (Amount, uint64) {
	hi, rest := a.hi/d, a.hi%d
	lo, rest := bits.Div64(rest, a.lo, d)
	return Amount{hi, lo}, rest
}

var (
	errAmountText     = errors.New("want digits with at most one decimal point, like 12.5")
	errAmountDecimals = fmt.Errorf("more than %d decimals", AmountDecimals)
	errAmountRange    = errors.New("2^128 units or more")
)

// ParseAmount reads decimal text such as "12", "0.5" or "1.50000000": digits on both sides of
// the point, at most eight decimals, no sign, no exponent, no spaces. Nothing is rounded.
func ParseAmount(s string) (Amount, error) {
	a, err := parseAmount(s)
	if err != nil {
		return Amount{}, fmt.Errorf("amount %.64q: %w", s, err)
	}
	return a, nil
}

func parseAmount(s string) (a Amount, err error) {
	whole, decimals, point := strings.Cut(s, ".")
	switch {
	case whole == "" || point && decimals == "":
		return Amount{}, errAmountText
	case len(whole) > 1 && whole[0] == '0':
		return Amount{}, errors.New("leading zero")
	case len(decimals) > AmountDecimals:
		return Amount{}, errAmountDecimals
	}
	digits := whole + decimals + "00000000"[len(decimals):]
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return Amount{}, errAmountText
		}
		var ok bool
		if a, ok = a.mulSmall(10, uint64(digits[i]-'0')); !ok {
			return Amount{}, errAmountRange
		}
	}
	return a, nil
}

// String returns the amount with exactly eight decimals.
func (a Amount) String() string {
	whole, decimals := a.divSmall(unitsPerWhole)
	high, low := whole.divSmall(10_000_000_000_000_000_000)
	if high.IsZero() {
		return fmt.Sprintf("%d.%08d", low, decimals)
	}
	return fmt.Sprintf("%d%019d.%08d", high.lo, low, decimals)
}

// MarshalText returns the form of String.
func (a Amount) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads what ParseAmount reads.
func (a *Amount) UnmarshalText(text []byte) (err error) {
	*a, err = ParseAmount(string(text))
	return err
}

// AppendBinary appends the wire form: a 16-bit length and the big-endian magnitude without
// leading zeros, so zero is the length 0.
func (a Amount) AppendBinary(b []byte) []byte {
	var magnitude [amountBytes]byte
	binary.BigEndian.PutUint64(magnitude[:8], a.hi)
	binary.BigEndian.PutUint64(magnitude[8:], a.lo)
	n := (a.bitLen() + 7) / 8
	return codec.AppendBytes16(b, magnitude[amountBytes-n:])
}

func (a Amount) bitLen() int {
	if a.hi != 0 {
		return 64 + bits.Len64(a.hi)
	}
	return bits.Len64(a.lo)
}

// ReadAmount reads the wire form. The wider format has no bound; here a magnitude of more than
// 16 bytes is too large, and one with a leading zero is not canonical.
func ReadAmount(r *codec.Reader, field string) Amount {
	magnitude := r.View16(amountBytes, field)
	if len(magnitude) == 0 {
		return Amount{}
	}
	if magnitude[0] == 0 {
		r.Fail(codec.NonCanonical, field)
		return Amount{}
	}
	var full [amountBytes]byte
	copy(full[amountBytes-len(magnitude):], magnitude)
	return Amount{binary.BigEndian.Uint64(full[:8]), binary.BigEndian.Uint64(full[8:])}
}
