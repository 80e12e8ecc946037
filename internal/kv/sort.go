package kv

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"
)

// A row is where a key stands, with its first bytes for comparing: the first names a table in most
// stores, so it stands apart from the eight behind it, which may be all there are.
type row struct {
	first uint64
	place uint32
	head  byte
}

func (t *table) compare(a, b row) int {
	if a.first != b.first {
		return cmp.Compare(a.first, b.first)
	}
	return bytes.Compare(entryKey(t.entry(a.place)), entryKey(t.entry(b.place)))
}

// sorted returns the rows of a frozen table in the order of their keys. Half a million are the usual
// number, and their keys are spread over memory: so they are moved by digits of their first bytes,
// and only what these do not tell apart is compared.
func (t *table) sorted() []row {
	rows, spare := make([]row, 0, t.keys), make([]row, t.keys)
	var count [256]int
	for _, s := range t.slots {
		if s.place != 0 {
			r := rowOf(entryKey(t.entry(s.place)), s.place)
			rows = append(rows, r)
			count[r.head]++
		}
	}
	scatter(spare, rows, &count, func(r row) byte { return r.head })
	for head, from := 0, 0; head < len(count); head++ {
		n := count[head] - from // scatter left where each head ends
		t.sortHead(rows[from:from+n], spare[from:from+n])
		from += n
	}
	return rows
}

func rowOf(key []byte, place uint32) row {
	r := row{place: place}
	if len(key) > 0 {
		r.head = key[0]
	}
	if len(key) > 8 {
		r.first = binary.BigEndian.Uint64(key[1:])
		return r
	}
	var b [8]byte
	copy(b[:], key[min(1, len(key)):])
	r.first = binary.BigEndian.Uint64(b[:])
	return r
}

// scatter moves rows by a digit of theirs, those of one digit in the order in which they are. It
// turns how many there are of each digit into where they end.
func scatter(to, from []row, count *[256]int, digit func(row) byte) {
	at := 0
	for i, n := range count {
		count[i] = at
		at += n
	}
	for _, r := range from {
		d := digit(r)
		to[count[d]] = r
		count[d]++
	}
}

// fewRows are sorted by comparing alone.
const fewRows = 64

// sortHead sorts rows with one head from spare into rows: by the 24 highest bits in which they
// differ, and by comparison where those are equal.
func (t *table) sortHead(rows, spare []row) {
	if len(rows) < fewRows {
		copy(rows, spare)
		slices.SortFunc(rows, t.compare)
		return
	}
	differ := uint64(0)
	for _, r := range spare {
		differ |= r.first ^ spare[0].first
	}
	shift := max(0, bits.Len64(differ)-24)
	var count [3][256]int
	for _, r := range spare {
		d := r.first >> shift
		count[0][byte(d)]++
		count[1][byte(d>>8)]++
		count[2][byte(d>>16)]++
	}
	scatter(rows, spare, &count[0], func(r row) byte { return byte(r.first >> shift) })
	scatter(spare, rows, &count[1], func(r row) byte { return byte(r.first >> (shift + 8)) })
	scatter(rows, spare, &count[2], func(r row) byte { return byte(r.first >> (shift + 16)) })
	for from := 0; from < len(rows); {
		to := from + 1
		for to < len(rows) && rows[to].first>>shift == rows[from].first>>shift {
			to++
		}
		if to > from+1 {
			slices.SortFunc(rows[from:to], t.compare)
		}
		from = to
	}
}
