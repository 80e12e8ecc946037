package pow

import (
	"encoding/hex"
	"testing"
)

func hash32(t testing.TB, s string) (h [32]byte) {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 32 {
		t.Fatalf("%q is no hash", s)
	}
	return [32]byte(b)
}

func TestTinyKnown(t *testing.T) {
	c := newCache(1024, 32*1024, [32]byte{})
	head := hash32(t, "c9149cc0386e689d789a1c2f3d5d169a61a6218ed30e74414dc736e442ef3d1f")
	mix, result := c.Hash(head, 0)
	t.Logf("%x %x", mix, result)
}

func TestBlock22(t *testing.T) {
	c := NewCache(Public, 0)
	mix, result := c.Hash(hash32(t, "372eca2454ead349c3df0ab5d00b0b706b23e49d469387db91811cee0358fc6d"), 0x495732e0ed7a801c)
	t.Logf("%x %x", mix, result)
}
func BenchmarkLight(b *testing.B) {
	c := NewCache(Public, 0)
	b.ResetTimer()
	n := uint64(0)
	for b.Loop() {
		n++
		c.Hash([32]byte{}, n)
	}
}
func BenchmarkCache(b *testing.B) {
	for b.Loop() {
		NewCache(Public, 0)
	}
}
