package pillars

import (
	"fmt"
	"strconv"
	"strings"
)

const (
	// AmountDecimals is the number of decimals of ETP.
	AmountDecimals = 8
	// ETP is one ETP in satoshis.
	ETP Amount = 100_000_000
	// MaxMoney is the most ETP that can ever be; no output and no sum of outputs is above it.
	MaxMoney = 100_000_000 * ETP
)

// An Amount is a quantity of ETP in satoshis, 10^-8 ETP. Text form: always eight decimals.
type Amount uint64

// Valid reports whether the amount is at most MaxMoney.
func (a Amount) Valid() bool { return a <= MaxMoney }

// Add returns a + b; ok is false, and the sum 0, when that is above MaxMoney.
func (a Amount) Add(b Amount) (sum Amount, ok bool) {
	if !a.Valid() || !b.Valid() || a+b > MaxMoney {
		return 0, false
	}
	return a + b, true
}

// Sub returns a - b; ok is false, and the difference 0, when b is above a.
func (a Amount) Sub(b Amount) (difference Amount, ok bool) {
	if b > a {
		return 0, false
	}
	return a - b, true
}

// String returns the amount in ETP with eight decimals.
func (a Amount) String() string { return fmt.Sprintf("%d.%08d", a/ETP, a%ETP) }

// ParseAmount reads ETP with at most eight decimals: no sign, no exponent, no needless zeros in front.
func ParseAmount(s string) (Amount, error) {
	whole, fraction, point := strings.Cut(s, ".")
	if whole == "" || len(whole) > 9 || len(whole) > 1 && whole[0] == '0' || !digits(whole) {
		return 0, fmt.Errorf("amount %.30q: want digits without needless zeros", s)
	}
	if point && (fraction == "" || len(fraction) > AmountDecimals || !digits(fraction)) {
		return 0, fmt.Errorf("amount %.30q: want one to %d decimals", s, AmountDecimals)
	}
	all := whole + fraction + strings.Repeat("0", AmountDecimals-len(fraction))
	v, err := strconv.ParseUint(all, 10, 64)
	if err != nil || !Amount(v).Valid() {
		return 0, fmt.Errorf("amount %.30q is above %s", s, MaxMoney)
	}
	return Amount(v), nil
}

func digits(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

// MarshalText returns the form of String.
func (a Amount) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText accepts what ParseAmount does.
func (a *Amount) UnmarshalText(text []byte) (err error) {
	*a, err = ParseAmount(string(text))
	return err
}
