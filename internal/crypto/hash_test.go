package crypto

import (
	"bytes"
	"strconv"
	"testing"
)

// TestSumLabelAnyLength: short and long inputs are hashed on two ways that must agree with the definition.
func TestSumLabelAnyLength(t *testing.T) {
	const label = "some label"
	all := bytes.Repeat([]byte("0123456789abcdef"), 3*shortSum/16)
	for n := range len(all) {
		want := Sum(append(append([]byte{byte(len(label))}, label...), all[:n]...))
		if got := SumLabel(label, all[:n/3], all[n/3:n]); got != want {
			t.Fatalf("hash of %d bytes is %x, want %x", n, got, want)
		}
	}
}

func BenchmarkSumLabel(b *testing.B) {
	for _, size := range []int{32, 64, 500, 1500} {
		part := make([]byte, size)
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				SumLabel("asterism body entry", part)
			}
		})
	}
}
