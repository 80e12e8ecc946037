package kernel

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/internal/codec"
)

var maxAmount = AmountFromUnits(1<<64-1, 1<<64-1)

func TestParseAmount(t *testing.T) {
	for _, tt := range []struct {
		text, printed string
		hi, lo        uint64
	}{
		{"0", "0.00000000", 0, 0},
		{"0.00000001", "0.00000001", 0, 1},
		{"1.5", "1.50000000", 0, 150000000},
		{"13439", "13439.00000000", 0, 1343900000000},
		{"184467440737.09551615", "184467440737.09551615", 0, 1<<64 - 1},
		{"184467440737.09551616", "184467440737.09551616", 1, 0},
		{"100000000000000000000", "100000000000000000000.00000000", 542101086, 4477988020393345024},
		{"3402823669209384634633746074317.68211455", "3402823669209384634633746074317.68211455", 1<<64 - 1, 1<<64 - 1},
	} {
		a, err := ParseAmount(tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		if hi, lo := a.Units(); hi != tt.hi || lo != tt.lo {
			t.Errorf("%s is %d·2^64 + %d units", tt.text, hi, lo)
		}
		states(t, tt.text, a.String(), tt.printed)
		if again, err := ParseAmount(a.String()); err != nil || again != a {
			t.Errorf("%s reads as %s, %v", a, again, err)
		}
	}
	for _, bad := range []string{
		"", ".", "1.", ".5", "-1", "+1", "1e3", " 1", "1 ", "1,5", "1.5.5", "0x1", "00", "01", "1_000", "٣", "NaN",
		"0.000000001", "1.123456780", "3402823669209384634633746074317.68211456", "1" + strings.Repeat("0", 40),
	} {
		if a, err := ParseAmount(bad); err == nil {
			t.Errorf("%q is read as %s", bad, a)
		}
	}
}

func TestAmountArithmeticBounds(t *testing.T) {
	one, half := NewAmount(1), AmountFromUnits(1<<63, 0)
	for _, tt := range []struct {
		name       string
		a, b, want Amount
		op         func(Amount, Amount) (Amount, bool)
		ok         bool
	}{
		{"0 + max", Amount{}, maxAmount, maxAmount, Amount.Add, true},
		{"1 + max", one, maxAmount, Amount{}, Amount.Add, false},
		{"max + max", maxAmount, maxAmount, Amount{}, Amount.Add, false},
		{"half + half", half, half, Amount{}, Amount.Add, false},
		{"carry", NewAmount(1<<64 - 1), one, AmountFromUnits(1, 0), Amount.Add, true},
		{"0 - 0", Amount{}, Amount{}, Amount{}, Amount.Sub, true},
		{"0 - 1", Amount{}, one, Amount{}, Amount.Sub, false},
		{"max - max", maxAmount, maxAmount, Amount{}, Amount.Sub, true},
		{"borrow", AmountFromUnits(1, 0), one, NewAmount(1<<64 - 1), Amount.Sub, true},
		{"high word below", AmountFromUnits(1, 5), AmountFromUnits(2, 0), Amount{}, Amount.Sub, false},
	} {
		if got, ok := tt.op(tt.a, tt.b); got != tt.want || ok != tt.ok {
			t.Errorf("%s is %s, %t", tt.name, got, ok)
		}
	}
}

// TestAmountAgainstBig compares with unlimited integers.
func TestAmountAgainstBig(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		a := AmountFromUnits(rng.Uint64()>>rng.IntN(65), rng.Uint64()>>rng.IntN(65))
		b := AmountFromUnits(rng.Uint64()>>rng.IntN(65), rng.Uint64()>>rng.IntN(65))
		if got, want := a.Compare(b), inUnits(a).Cmp(inUnits(b)); got != want {
			t.Fatalf("%s to %s compares %d", a, b, got)
		}
		checkOperation(t, a, b, Amount.Add, (*big.Int).Add)
		checkOperation(t, a, b, Amount.Sub, (*big.Int).Sub)
		if whole := new(big.Int).Quo(inUnits(a), big.NewInt(unitsPerWhole)).String(); !strings.HasPrefix(a.String(), whole+".") {
			t.Fatalf("%s has the whole part %s", a, whole)
		}
		if again, err := ParseAmount(a.String()); err != nil || again != a {
			t.Fatalf("%s reads as %s, %v", a, again, err)
		}
	}
}

func inUnits(a Amount) *big.Int {
	hi, lo := a.Units()
	v := new(big.Int).Lsh(new(big.Int).SetUint64(hi), 64)
	return v.Or(v, new(big.Int).SetUint64(lo))
}

func checkOperation(t *testing.T, a, b Amount, op func(Amount, Amount) (Amount, bool), exact func(z, x, y *big.Int) *big.Int) {
	t.Helper()
	want := exact(new(big.Int), inUnits(a), inUnits(b))
	got, ok := op(a, b)
	if fits := want.Sign() >= 0 && want.BitLen() <= 128; ok != fits || ok && inUnits(got).Cmp(want) != 0 {
		t.Fatalf("%s and %s give %s, %t, want %s", a, b, got, ok, want)
	}
}

func TestAmountWire(t *testing.T) {
	for _, tt := range []struct {
		amount Amount
		wire   string
	}{
		{Amount{}, "0000"},
		{NewAmount(1), "000101"},
		{NewAmount(150000000), "000408f0d180"},
		{NewAmount(255), "0001ff"},
		{NewAmount(256), "00020100"},
		{AmountFromUnits(1, 0), "0009010000000000000000"},
		{maxAmount, "0010" + strings.Repeat("ff", 16)},
	} {
		states(t, tt.amount.String(), hex.EncodeToString(tt.amount.AppendBinary(nil)), tt.wire)
		r := codec.NewReader(fromHex(t, tt.wire))
		if got := ReadAmount(r, "amount"); got != tt.amount || r.Done() != nil {
			t.Errorf("%s reads as %s, %v", tt.wire, got, r.Done())
		}
	}
	for _, tt := range []struct {
		wire  string
		fault codec.Fault
	}{
		{"", codec.Truncated},
		{"00", codec.Truncated},
		{"0001", codec.Truncated},
		{"000100", codec.NonCanonical},
		{"00020001", codec.NonCanonical},
		{"001101" + strings.Repeat("00", 16), codec.TooLarge},
		{"001100" + strings.Repeat("ff", 16), codec.TooLarge},
		{"ffff", codec.TooLarge},
	} {
		r := codec.NewReader(fromHex(t, tt.wire))
		ReadAmount(r, "amount")
		if want := (&codec.Error{Fault: tt.fault, Field: "amount"}); !errors.Is(r.Done(), want) {
			t.Errorf("%s: %v, want %v", tt.wire, r.Done(), want)
		}
	}
}

func TestAddressRefusals(t *testing.T) {
	good := AccountFromSeed([64]byte{1}).Address()
	text := good.String()
	if a, err := ParseAddress(text); err != nil || a != good {
		t.Fatal("base case is not valid:", err)
	}
	for i := range len(text) { // every character counts
		for _, c := range []byte("1zQ") {
			if text[i] == c {
				continue
			}
			b := []byte(text)
			b[i] = c
			if _, err := ParseAddress(string(b)); err == nil {
				t.Errorf("character %d may be %c", i, c)
			}
		}
	}
	torsion, _ := keyFromHex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa")
	for name, s := range map[string]string{
		"empty":              "",
		"prefix only":        "XIN",
		"lower-case prefix":  "xin" + text[3:],
		"a digit more":       text + "1",
		"a digit less":       text[:len(text)-1],
		"leading one":        "XIN1" + text[3:],
		"space":              text + " ",
		"very long":          "XIN" + strings.Repeat("z", 1<<20),
		"not base58":         "XIN0OIl" + text[7:],
		"spend key bad":      Address{Spend: torsion, View: good.View}.String(),
		"view key bad":       Address{Spend: good.Spend, View: torsion}.String(),
		"identity":           Address{Spend: Key{1}, View: good.View}.String(),
		"keys of zero bytes": Address{}.String(),
	} {
		if _, err := ParseAddress(s); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// keyFromHex is the key of the given hex digits.
func keyFromHex(s string) (k Key, err error) {
	err = k.UnmarshalText([]byte(s))
	return k, err
}

func TestBase58(t *testing.T) {
	for _, tt := range []struct{ raw, text string }{ // from the Bitcoin tests
		{"", ""}, {"61", "2g"}, {"626262", "a3gV"}, {"73696d706c792061206c6f6e6720737472696e67", "2cFupjhnEsSn59qHXstmK2ffpLv2"},
		{"516b6fcd0f", "ABnLTmg"}, {"00000000000000000000", "1111111111"}, {"00eb15231dfceb60925886b67d065299925915aeb172c06647", "1NS17iag9jJgTHD1VXjvLCEnZuQ3rJDE9L"},
	} {
		raw := fromHex(t, tt.raw)
		states(t, tt.raw, encodeBase58(raw), tt.text)
		if got, ok := decodeBase58(tt.text); !ok || !bytes.Equal(got, raw) {
			t.Errorf("%s is %x, %t", tt.text, got, ok)
		}
	}
}

func TestScript(t *testing.T) {
	for _, tt := range []struct {
		script Script
		want   uint8
		ok     bool
	}{
		{NewScript(0), 0, true},
		{NewScript(1), 1, true},
		{NewScript(64), 64, true},
		{NewScript(65), 0, false},
		{nil, 0, false},
		{Script{0xff, 0xfe}, 0, false},
		{Script{0xff, 0xfe, 1, 0}, 0, false},
		{Script{0xfe, 0xfe, 1}, 0, false},
		{Script{0xff, 0xff, 1}, 0, false},
	} {
		if got, err := tt.script.Threshold(); got != tt.want || (err == nil) != tt.ok {
			t.Errorf("%s asks for %d, %v", tt.script, got, err)
		}
	}
}
