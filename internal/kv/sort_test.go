package kv

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSorted: whatever the keys have in common, rows come in the order of bytes.
func TestSorted(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	random := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		return b
	}
	number := func(head byte, n uint64, tail ...byte) []byte {
		return append(binary.BigEndian.AppendUint64([]byte{head}, n), tail...)
	}
	for name, key := range map[string]func(i int) []byte{
		"random":          func(int) []byte { return random(9) },
		"one head":        func(int) []byte { return append([]byte{'g'}, random(8)...) },
		"numbers":         func(i int) []byte { return number('z', uint64(i)*7%3001) },
		"large numbers":   func(i int) []byte { return number('z', 1<<63+uint64(i)<<40) },
		"tails":           func(i int) []byte { return number('x', uint64(i%50), byte(i>>8), byte(i)) },
		"same beginnings": func(i int) []byte { return append(make([]byte, 12), random(3)...) },
		"all lengths":     func(i int) []byte { return random(rng.IntN(14)) },
		"zeros":           func(i int) []byte { return make([]byte, rng.IntN(14)) },
		"few bits":        func(i int) []byte { return number(byte(i%3), uint64(rng.IntN(4))<<rng.IntN(60), byte(i)) },
	} {
		for _, n := range []int{0, 1, 2, 63, 64, 65, 3000} {
			table, want := newTable(), map[string]bool{}
			for i := range n {
				k := key(i)
				table.put(entrySet, k, nil, hashKey(k))
				want[string(k)] = true
			}
			rows := table.sorted()
			if len(rows) != len(want) {
				t.Fatalf("%s: %d rows of %d keys", name, len(rows), len(want))
			}
			var before []byte
			for i, r := range rows {
				k, _, _ := table.at(r)
				if !want[string(k)] || i > 0 && bytes.Compare(before, k) >= 0 {
					t.Fatalf("%s, %d keys: %x follows %x", name, n, k, before)
				}
				before = k
			}
		}
	}
}

// BenchmarkSorted sorts what 60,000 payments leave in a table.
func BenchmarkSorted(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	table := newTable()
	put := func(head byte, n uint64, tail ...byte) {
		k := append(binary.BigEndian.AppendUint64([]byte{head}, n), tail...)
		table.put(entrySet, k, make([]byte, 5), hashKey(k))
	}
	const payments = 60_000
	for i := range uint64(payments) {
		put('z', 1_000_000+i)
		put('h', rng.Uint64())
		for range 3 {
			put('g', rng.Uint64())
		}
		spent := rng.Uint64N(1_000_000)
		put('x', spent, 0, 0)
		put('x', spent, 0, 1)
	}
	for b.Loop() {
		if rows := table.sorted(); !slices.IsSortedFunc(rows[:1000], func(x, y row) int { return table.compare(x, y) }) {
			b.Fatal("not in order")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/payments, "ns/payment")
}
