package book

import (
	"math/rand/v2"
	"testing"
)

func v4(a, b, c, d byte) [16]byte { return [16]byte{10: 0xff, 11: 0xff, 12: a, 13: b, 14: c, 15: d} }

func never(Addr) bool { return false }

// TestFlood: one network that names addresses without end fills its part of the book, and honest ones stay.
func TestFlood(t *testing.T) {
	b := New(1, 2, false)
	honest := Addr{v4(8, 8, 8, 8), 5251}
	b.Good(honest, 1000)
	r := rand.New(rand.NewPCG(1, 1))
	for range 100_000 {
		b.Add(Addr{v4(byte(1+r.IntN(9)), byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(256))), 5251}, v4(66, 66, 1, 1), 1000)
	}
	if n := b.Len(); n > perSource*bucketSize+1 || n < perSource*bucketSize/2 {
		t.Errorf("%d addresses from one source", n)
	}
	for range 10_000 {
		b.Good(Addr{v4(66, 66, byte(r.IntN(256)), byte(r.IntN(256))), 1 + uint16(r.IntN(1000))}, 2000)
	}
	tried := 0
	for _, rec := range b.All() {
		if rec.Tried {
			tried++
		}
	}
	if tried > perGroup*bucketSize+1 {
		t.Errorf("%d proved ones of one network", tried)
	}
	for i := range uint64(1000) {
		if a, ok := b.Pick(i<<1, 3000, func(a Addr) bool { return Group(a.IP) == Group(v4(66, 66, 0, 0)) }); ok && a == honest {
			return
		}
	}
	t.Error("the honest address is never picked")
}

func TestBackoff(t *testing.T) {
	b := New(1, 2, true)
	a := Addr{v4(127, 0, 0, 1), 5251}
	if !b.Add(a, a.IP, 100) || b.Add(a, a.IP, 101) {
		t.Fatal("not new once")
	}
	b.Attempt(a, 200)
	if _, ok := b.Pick(0, 219, never); ok {
		t.Error("dialled again at once")
	}
	if _, ok := b.Pick(0, 220, never); !ok {
		t.Error("not dialled again")
	}
	for range giveUp {
		b.Attempt(a, 300)
	}
	if b.Len() != 0 {
		t.Error("an address that never answered stays")
	}
	b.Good(a, 400)
	for range 2 * giveUp {
		b.Attempt(a, 500)
	}
	if b.Len() != 1 {
		t.Error("one that answered once is forgotten")
	}
	if _, ok := b.Pick(1, 500+3600, never); !ok {
		t.Error("rests for more than an hour")
	}
}

func TestUsable(t *testing.T) {
	public, local := New(1, 2, false), New(1, 2, true)
	for _, tt := range []struct {
		a             Addr
		public, local bool
	}{
		{Addr{v4(8, 8, 8, 8), 1}, true, true}, {Addr{v4(8, 8, 8, 8), 0}, false, false},
		{Addr{v4(127, 0, 0, 1), 1}, false, true}, {Addr{v4(192, 168, 1, 1), 1}, false, true}, {Addr{v4(172, 31, 0, 1), 1}, false, true},
		{Addr{v4(224, 0, 0, 1), 1}, false, false}, {Addr{v4(0, 0, 0, 0), 1}, false, false}, {Addr{[16]byte{}, 1}, false, false},
		{Addr{[16]byte{15: 1}, 1}, false, true}, {Addr{[16]byte{0xfe, 0x80, 15: 1}, 1}, false, true},
		{Addr{[16]byte{0x20, 1, 15: 1}, 1}, true, true}, {Addr{[16]byte{0xff, 2, 15: 1}, 1}, false, false},
	} {
		if public.Usable(tt.a) != tt.public || local.Usable(tt.a) != tt.local {
			t.Errorf("%v", tt.a)
		}
	}
}

// TestLoad keeps what is known over a restart.
func TestLoad(t *testing.T) {
	b := New(1, 2, false)
	for i := range byte(100) {
		a := Addr{v4(8, i, 1, 1), 5251}
		b.Add(a, v4(9, i, 1, 1), uint32(i))
		if i%2 == 0 {
			b.Good(a, 1000)
		}
	}
	again := New(3, 4, false)
	again.Load(b.All())
	if again.Len() != b.Len() {
		t.Fatalf("%d of %d", again.Len(), b.Len())
	}
	tried := 0
	for _, r := range again.All() {
		if r.Tried {
			tried++
		}
	}
	if tried != 50 || len(again.Sample(7, 20, 2000)) != 20 {
		t.Errorf("%d proved", tried)
	}
}
