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
