package pillars

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// The types of lock models.
const (
	LockFixed     = 1 // equal amounts at equal distances
	LockCustom    = 2 // listed amounts at listed distances
	LockInflation = 3 // amounts that grow with what is out already; listed, like LockCustom's
)

const (
	maxPeriods   = 100     // of models that list them
	maxInflation = 100_000 // percent
	// maxLockModel is the longest text, so that a script can push it.
	maxLockModel = 520
)

// A LockModel says how the quantity of an asset under an attenuation lock comes free: period by
// period, counted in blocks [PIL-LCK-1]. Only Period and Left change as it does.
type LockModel struct {
	Period   uint64 // PN: the period that runs, from 0
	Left     uint64 // LH: blocks left in it
	Type     uint64
	Quantity uint64   // LQ: locked at the start
	Blocks   uint64   // LP: of all periods
	Periods  uint64   // UN
	Rate     uint64   // IR, LockInflation only: percent
	Lengths  []uint64 // UC, not LockFixed: blocks of each period
	Releases []uint64 // UQ, not LockFixed: what each period's end frees
}

// ParseLockModel reads "PN=0;LH=20;TYPE=1;LQ=9001;LP=60001;UN=3" and judges it. The keys may
// stand in any order; each type has its own, no more and no less.
func ParseLockModel(text string) (LockModel, error) {
	bad := func(why string) (LockModel, error) {
		return LockModel{}, reject(ModelInvalid, "%s in %.100q", why, text)
	}
	if len(text) > maxLockModel {
		return bad("too long")
	}
	var m LockModel
	seen := map[string]bool{}
	for part := range strings.SplitSeq(text, ";") {
		key, value, ok := strings.Cut(part, "=")
		if !ok || seen[key] || !m.set(key, value) {
			return bad("bad part " + part)
		}
		seen[key] = true
	}
	keys := []string{"PN", "LH", "TYPE", "LQ", "LP", "UN"}
	switch m.Type {
	case LockCustom:
		keys = append(keys, "UC", "UQ")
	case LockInflation:
		keys = append(keys, "IR", "UC", "UQ")
	}
	for _, key := range keys {
		if !seen[key] {
			return bad("no " + key)
		}
	}
	if len(seen) != len(keys) {
		return bad("a key of another type")
	}
	return m, m.check()
}

func (m *LockModel) set(key, value string) (ok bool) {
	one := map[string]*uint64{
		"PN": &m.Period, "LH": &m.Left, "TYPE": &m.Type, "LQ": &m.Quantity, "LP": &m.Blocks, "UN": &m.Periods, "IR": &m.Rate,
	}[key]
	switch {
	case one != nil:
		*one, ok = parseDecimal(value, math.MaxUint64)
	case key == "UC":
		m.Lengths, ok = parseList(value)
	case key == "UQ":
		m.Releases, ok = parseList(value)
	}
	return ok
}

func parseList(s string) (list []uint64, ok bool) {
	for part := range strings.SplitSeq(s, ",") {
		v, ok := parseDecimal(part, math.MaxUint64)
		if !ok || len(list) == maxPeriods {
			return nil, false
		}
		list = append(list, v)
	}
	return list, true
}

// check judges the figures of the model against each other.
func (m *LockModel) check() error {
	bad := func(why string) error { return reject(ModelInvalid, "%s: %s", why, m) }
	switch m.Type {
	case LockFixed:
		if m.Periods == 0 || m.Quantity < m.Periods || m.Blocks < m.Periods {
			return bad("fewer units or blocks than periods")
		}
	case LockCustom, LockInflation:
		n := len(m.Lengths)
		if m.Periods == 0 || m.Periods > maxPeriods || uint64(n) != m.Periods || len(m.Releases) != n {
			return bad("lists and periods differ")
		}
		if !addsUp(m.Lengths, m.Blocks) || !addsUp(m.Releases, m.Quantity) {
			return bad("a list does not add up")
		}
		if m.Type == LockInflation && (m.Rate == 0 || m.Rate > maxInflation) {
			return bad("rate")
		}
	default:
		return bad("no such type")
	}
	if m.Period >= m.Periods || m.Left > m.length(m.Period) {
		return bad("no such period")
	}
	return nil
}

// addsUp reports whether all are positive and their sum is the total.
func addsUp(list []uint64, total uint64) bool {
	sum := uint64(0)
	for _, v := range list {
		if v == 0 || v > total-sum {
			return false
		}
		sum += v
	}
	return sum == total
}

// length returns the blocks of a period: listed, or an equal share with the rest in the last one.
func (m *LockModel) length(period uint64) uint64 {
	if m.Type != LockFixed {
		return m.Lengths[period]
	}
	share := m.Blocks / m.Periods
	if period+1 == m.Periods {
		return m.Blocks - share*(m.Periods-1)
	}
	return share
}

// Locked returns what is not free yet.
func (m *LockModel) Locked() uint64 {
	if m.Type == LockFixed {
		return m.Quantity - m.Quantity/m.Periods*m.Period
	}
	locked := uint64(0)
	for _, v := range m.Releases[m.Period:] {
		locked += v
	}
	return locked
}

// After returns the model so many blocks later; ended says that nothing is locked any more.
func (m LockModel) After(blocks uint64) (later LockModel, ended bool) {
	if blocks < m.Left {
		m.Left -= blocks
		return m, false
	}
	blocks -= m.Left
	m.Period++
	if m.Type == LockFixed && m.Period < m.Periods { // there may be many: the equal ones at once
		share := m.Blocks / m.Periods
		skip := min(blocks/share, m.Periods-1-m.Period)
		m.Period, blocks = m.Period+skip, blocks-skip*share
	}
	for m.Period < m.Periods && blocks >= m.length(m.Period) {
		blocks -= m.length(m.Period)
		m.Period++
	}
	if m.Period == m.Periods {
		return LockModel{}, true
	}
	m.Left = m.length(m.Period) - blocks
	return m, false
}

// Elapsed returns the blocks from the start of the first period to where the model is.
func (m LockModel) Elapsed() uint64 {
	blocks := m.length(m.Period) - m.Left
	if m.Type == LockFixed {
		return blocks + m.Blocks/m.Periods*m.Period
	}
	for _, v := range m.Lengths[:m.Period] {
		blocks += v
	}
	return blocks
}

// Same reports whether two models differ in nothing but Period and Left.
func (m LockModel) Same(other LockModel) bool {
	m.Period, m.Left, other.Period, other.Left = 0, 0, 0, 0
	return m.String() == other.String()
}

// String returns the text form, keys in the order of the documentation.
func (m LockModel) String() string {
	var b strings.Builder
	put := func(key string, v uint64) {
		b.WriteString(key + "=" + strconv.FormatUint(v, 10))
	}
	put("PN", m.Period)
	put(";LH", m.Left)
	put(";TYPE", m.Type)
	put(";LQ", m.Quantity)
	put(";LP", m.Blocks)
	put(";UN", m.Periods)
	if m.Type == LockInflation {
		put(";IR", m.Rate)
	}
	if m.Type != LockFixed {
		b.WriteString(";UC=" + joined(m.Lengths) + ";UQ=" + joined(m.Releases))
	}
	return b.String()
}

func joined(list []uint64) string {
	words := make([]string, len(list))
	for i, v := range list {
		words[i] = strconv.FormatUint(v, 10)
	}
	return strings.Join(words, ",")
}

// NewFixedLock returns a model of equal releases at its start.
func NewFixedLock(quantity, blocks, periods uint64) (LockModel, error) {
	m := LockModel{Type: LockFixed, Quantity: quantity, Blocks: blocks, Periods: periods}
	return m.started()
}

// NewCustomLock returns a model with its own periods at its start.
func NewCustomLock(lengths, releases []uint64) (LockModel, error) {
	m := LockModel{Type: LockCustom, Periods: uint64(len(lengths)), Lengths: lengths, Releases: releases}
	for _, v := range lengths {
		m.Blocks += v
	}
	for _, v := range releases {
		m.Quantity += v
	}
	return m.started()
}

// NewInflationLock returns a model whose first release is quantity · (1+rate/100)^(1-periods), each
// further one what is out times rate/100, and the last one the rest; all rounded down.
func NewInflationLock(quantity, blocks, periods, rate uint64) (LockModel, error) {
	m := LockModel{Type: LockInflation, Quantity: quantity, Blocks: blocks, Periods: periods, Rate: rate}
	if periods == 0 || periods > maxPeriods || rate == 0 || rate > maxInflation || quantity < periods || blocks < periods {
		return m, reject(ModelInvalid, "%d units, %d blocks, %d periods, %d percent", quantity, blocks, periods, rate)
	}
	grown := new(big.Int).Exp(big.NewInt(int64(100+rate)), big.NewInt(int64(periods-1)), nil)
	first := new(big.Int).Exp(big.NewInt(100), big.NewInt(int64(periods-1)), nil)
	first.Mul(first, new(big.Int).SetUint64(quantity))
	out, part := uint64(0), first.Quo(first, grown).Uint64()
	for i := range periods {
		if i > 0 {
			v := new(big.Int).Mul(new(big.Int).SetUint64(out), new(big.Int).SetUint64(rate))
			v.Quo(v, big.NewInt(100))
			part = quantity - out
			if v.IsUint64() && v.Uint64() < part {
				part = v.Uint64()
			}
		}
		if i+1 == periods {
			part = quantity - out
		}
		m.Lengths = append(m.Lengths, blocks/periods)
		m.Releases = append(m.Releases, part)
		out += part
	}
	m.Lengths[periods-1] = blocks - blocks/periods*(periods-1)
	return m.started()
}

// started sets the first period and judges the whole.
func (m LockModel) started() (LockModel, error) {
	if m.Periods > 0 && (m.Type == LockFixed || len(m.Lengths) > 0) {
		m.Left = m.length(0)
	}
	if len(m.String()) > maxLockModel {
		return m, reject(ModelInvalid, "%d periods do not fit into a script", m.Periods)
	}
	return m, m.check()
}
