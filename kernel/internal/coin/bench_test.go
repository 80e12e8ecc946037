package coin

import (
	"slices"
	"strconv"
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

func BenchmarkNewKey(b *testing.B) {
	d := deal(b, 50)
	for b.Loop() {
		if _, err := NewKey(d.network, d.epoch, d.roster); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkShare(b *testing.B) {
	d := deal(b, 50)
	for b.Loop() {
		d.share(b, 7, 9)
	}
}

func BenchmarkVerify(b *testing.B) {
	d := deal(b, 50)
	s := d.share(b, 7, 9)
	for b.Loop() {
		if !d.key.Verify(7, 9, s.Share) {
			b.Fatal("does not verify")
		}
	}
}

// BenchmarkVerifyEach: shares of a round that others were verified of before, some together.
func BenchmarkVerifyEach(b *testing.B) {
	d := deal(b, 50)
	round, all := d.key.Round(9), d.shares(b, 9)
	for _, n := range []int{1, 2, 3, 6, 12, 24, 49} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			var checks []Check
			for _, s := range all[:n] {
				checks = append(checks, Check{round, s})
			}
			b.ReportAllocs()
			for b.Loop() {
				if good := VerifyEach(checks); slices.Contains(good, false) {
					b.Fatal("does not verify")
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/share")
		})
	}
}

func BenchmarkCombine(b *testing.B) {
	d := deal(b, 50)
	all := d.shares(b, 9)
	for b.Loop() {
		if _, err := d.key.Combine(9, all); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPermutation(b *testing.B) {
	voting := make([]kernel.Author, 50)
	for i := range voting {
		voting[i] = kernel.Author(i)
	}
	for b.Loop() {
		Permutation(kernel.Hash{1}, voting)
	}
}
