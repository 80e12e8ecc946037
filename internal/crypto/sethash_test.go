package crypto

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"strconv"
	"testing"
)

// plainElement is an element's lanes as the specification says them, with nothing done at once.
func plainElement(element []byte) (lanes [SetHashSize / 2]uint16) {
	var b [SetHashSize]byte
	sum := sha256.Sum256(element)
	NewStream(elementLabel, sum[:]).Fill(b[:])
	for i := range lanes {
		lanes[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return lanes
}

func sameLanes(h *SetHash, want *[SetHashSize / 2]uint16) bool {
	for i, lane := range want {
		if binary.LittleEndian.Uint16(h[2*i:]) != lane {
			return false
		}
	}
	return true
}

// TestSetHashLanes compares with the slow hash, at every length around the ends of blocks, and adds and removes lane by lane.
func TestSetHashLanes(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var h SetHash
	var want [SetHashSize / 2]uint16
	for n := range 300 {
		element := make([]byte, n)
		for i := range element {
			element[i] = byte(rng.Uint32())
		}
		lanes := plainElement(element)
		if n%3 == 2 {
			h.Remove(element)
		} else {
			h.Add(element)
		}
		for i := range want {
			if n%3 == 2 {
				want[i] -= lanes[i]
			} else {
				want[i] += lanes[i]
			}
		}
		if !sameLanes(&h, &want) {
			t.Fatalf("other lanes after an element of %d bytes", n)
		}
	}
}

// FuzzSetHash adds and removes arbitrary elements, and compares lane by lane.
func FuzzSetHash(f *testing.F) {
	f.Add([]byte("a"), []byte("b"))
	f.Add(make([]byte, 64), make([]byte, 1024))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		var h SetHash
		h.Remove(b)
		h.Add(a)
		lanes, less := plainElement(a), plainElement(b)
		for i := range lanes {
			lanes[i] -= less[i]
		}
		if !sameLanes(&h, &lanes) {
			t.Fatal("other lanes")
		}
		h.Add(b)
		h.Remove(a)
		if h != (SetHash{}) {
			t.Fatal("something is left")
		}
	})
}

// BenchmarkSetHashAdd: an element like a spending, and one like a payment of three outputs.
func BenchmarkSetHashAdd(b *testing.B) {
	for _, n := range []int{80, 200, 650} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			var h SetHash
			element := make([]byte, n)
			b.ReportAllocs()
			for b.Loop() {
				h.Add(element)
			}
		})
	}
}

// BenchmarkOthersAfterSetHash is a SHA-256 right behind a set hash: far above 100 ns more than
// BenchmarkSetHashAdd, it would mean that the vector code leaves the machine slow for all others.
func BenchmarkOthersAfterSetHash(b *testing.B) {
	var h SetHash
	element, other := make([]byte, 200), make([]byte, 48)
	for b.Loop() {
		h.Add(element)
		sum := sha256.Sum256(other)
		other[0] = sum[0]
	}
}
