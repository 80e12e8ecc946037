package pillars

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// etpSymbol is what no asset may be called.
const etpSymbol = "ETP"

// ValidSymbol reports whether s can name an asset or certificate: upper-case letters, digits and
// dots, at most MaxSymbol, no dot at an end and none behind another [PIL-ATT-4].
func ValidSymbol(s string) bool {
	return named(s, func(c byte) bool { return upper(c) || digit(c) || c == '.' }) &&
		s[0] != '.' && s[len(s)-1] != '.' && !strings.Contains(s, "..")
}

// ValidAvatar reports whether s can name an avatar or an identifiable token: letters of both
// cases, digits and . @ _ -, and nothing that reads as an address [PIL-ATT-6].
func ValidAvatar(s string) bool {
	return named(s, func(c byte) bool {
		return upper(c) || lower(c) || digit(c) || strings.IndexByte(".@_-", c) >= 0
	}) && !readsAsAddress(s)
}

func named(s string, ok func(c byte) bool) bool {
	if s == "" || len(s) > MaxSymbol {
		return false
	}
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return true
}

// readsAsAddress reports whether s is base58 with a right checksum, or bech32, of any network.
func readsAsAddress(s string) bool {
	if s == blackHoleText {
		return true
	}
	if len(s) < 26 {
		return false
	}
	_, _, err := decodeAddress(s)
	return err == nil
}

func upper(c byte) bool { return c >= 'A' && c <= 'Z' }
func lower(c byte) bool { return c >= 'a' && c <= 'z' }
func digit(c byte) bool { return c >= '0' && c <= '9' }

// bans reports whether a word of the profile's list stands in s, in whatever case.
func (n *NameParams) bans(s string) bool {
	s = strings.ToUpper(s)
	for _, word := range n.Banned {
		if strings.Contains(s, word) {
			return true
		}
	}
	return false
}

// Domain is the part of a symbol before its first dot: who holds the domain's certificate decides
// about the symbols below it.
func Domain(symbol string) string {
	domain, _, _ := strings.Cut(symbol, ".")
	return domain
}

// MiningTerms are the content of a mining certificate: a block at height h above the issue at i
// may create Initial · (BaseNum/BaseDen)^floor((h-i)/Interval) of the asset, rounded half up [PIL-SUB-5].
type MiningTerms struct {
	Initial  uint64
	Interval uint32
	BaseNum  uint32 // at most BaseDen
	BaseDen  uint32 // a power of ten
}

// ParseMiningTerms reads "initial:<n>,interval:<n>,base:<0.n>" [PIL-ATT-13]. The base is a decimal
// fraction with at most nine decimals, above 0 and at most 1.
func ParseMiningTerms(s string) (MiningTerms, error) {
	bad := func() (MiningTerms, error) { return MiningTerms{}, reject(MiningContent, "%.80q", s) }
	parts := strings.Split(s, ",")
	if len(s) > MaxCertContent || len(parts) != 3 {
		return bad()
	}
	initial, ok1 := strings.CutPrefix(parts[0], "initial:")
	interval, ok2 := strings.CutPrefix(parts[1], "interval:")
	base, ok3 := strings.CutPrefix(parts[2], "base:")
	if !ok1 || !ok2 || !ok3 {
		return bad()
	}
	first, ok1 := parseDecimal(initial, math.MaxUint64)
	every, ok2 := parseDecimal(interval, math.MaxUint32)
	num, den, ok3 := parseFraction(base)
	if !ok1 || !ok2 || !ok3 || first == 0 || every == 0 {
		return bad()
	}
	return MiningTerms{Initial: first, Interval: uint32(every), BaseNum: num, BaseDen: den}, nil
}

// String returns the form that ParseMiningTerms reads.
func (m MiningTerms) String() string {
	base := "1"
	if m.BaseNum != m.BaseDen {
		width := len(strconv.FormatUint(uint64(m.BaseDen), 10)) - 1
		base = fmt.Sprintf("0.%0*d", width, m.BaseNum)
	}
	return fmt.Sprintf("initial:%d,interval:%d,base:%s", m.Initial, m.Interval, base)
}

// parseDecimal reads digits without needless zeros, at most limit.
func parseDecimal(s string, limit uint64) (uint64, bool) {
	if !digits(s) || len(s) > 1 && s[0] == '0' {
		return 0, false
	}
	v, err := strconv.ParseUint(s, 10, 64)
	return v, err == nil && v <= limit
}

func parseFraction(s string) (num, den uint32, ok bool) {
	if s == "1" {
		return 1, 1, true
	}
	decimals, ok := strings.CutPrefix(s, "0.")
	if !ok || decimals == "" || len(decimals) > 9 || !digits(decimals) {
		return 0, 0, false
	}
	v, err := strconv.ParseUint(decimals, 10, 32)
	if err != nil || v == 0 {
		return 0, 0, false
	}
	den = 1
	for range decimals {
		den *= 10
	}
	return uint32(v), den, true
}
