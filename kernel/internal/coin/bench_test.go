package coin

import (
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

// BenchmarkVerifyInRound: a share of a round that others were verified of before.
func BenchmarkVerifyInRound(b *testing.B) {
	d := deal(b, 50)
	d.key.Prepare()
	s, round := d.share(b, 7, 9), d.key.Round(9)
	b.ReportAllocs()
	for b.Loop() {
		if !round.Verify(7, s.Share) {
			b.Fatal("does not verify")
		}
	}
}

func BenchmarkVerifyBatch34(b *testing.B) {
	d := deal(b, 50)
	all := d.shares(b, 9)[:34]
	for b.Loop() {
		if good := d.key.VerifyBatch(9, all); !good[33] {
			b.Fatal("does not verify")
		}
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
