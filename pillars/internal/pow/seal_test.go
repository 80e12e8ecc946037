package pow

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/holiman/uint256"
	"golang.org/x/crypto/sha3"
	"pgregory.net/rapid"

	"github.com/asterism-network/asterism/internal/cputime"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
)

// mined makes a header of a development network with enough work for the difficulty.
func mined(t testing.TB, bits uint64) (pillars.Header, *Recent) {
	h := pillars.Header{
		Version: pillars.HeaderVersion(pillars.PoW, true), Previous: pillars.BlockID{1}, Merkle: pillars.Hash{2},
		Timestamp: 1_700_000_000, Bits: *uint256.NewInt(bits), Number: 77, ExtensionRoot: pillars.Hash{3},
	}
	caches := NewRecent(small, 2)
	w := Prepare(small, &h)
	nonce, mix, ok := Search(caches.Cache(w.Epoch), w, 1<<40, 100_000)
	if !ok {
		t.Fatal("no nonce in 100,000")
	}
	h.Nonce, h.MixHash = nonce, mix
	return h, caches
}

// TestVerify takes what was mined and refuses whatever is changed about it: every field is under the
// work.
func TestVerify(t *testing.T) {
	good, caches := mined(t, 200)
	if err := Verify(&good, caches); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		broken func(h *pillars.Header)
		want   consensus.Rule
	}{
		"mix":            {func(h *pillars.Header) { h.MixHash[31] ^= 1 }, consensus.WrongMix},
		"nonce":          {func(h *pillars.Header) { h.Nonce++ }, consensus.WrongMix},
		"previous":       {func(h *pillars.Header) { h.Previous[0] ^= 1 }, consensus.WrongMix},
		"merkle":         {func(h *pillars.Header) { h.Merkle[0] ^= 1 }, consensus.WrongMix},
		"extension root": {func(h *pillars.Header) { h.ExtensionRoot[0] ^= 1 }, consensus.WrongMix},
		"stamp":          {func(h *pillars.Header) { h.Timestamp++ }, consensus.WrongMix},
		"number":         {func(h *pillars.Header) { h.Number++ }, consensus.WrongMix},
		"epoch":          {func(h *pillars.Header) { h.Number += 30_000 }, consensus.WrongMix},
		"bits":           {func(h *pillars.Header) { h.Bits.SetUint64(201) }, consensus.WrongMix},
		"version":        {func(h *pillars.Header) { h.Version++ }, consensus.WrongMix},
		"classic":        {func(h *pillars.Header) { h.Version &= 0xff }, consensus.WrongMix},
		"the last epoch": {func(h *pillars.Header) { h.Number = 0xffffffff }, consensus.UnknownEpoch},
	} {
		h := good
		tt.broken(&h)
		v := View(caches)
		if tt.want == consensus.UnknownEpoch {
			sizes := small
			sizes.DatasetGrowth = 1 << 30
			v = NewRecent(sizes, 1)
		}
		if err := Verify(&h, v); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
	lazy := good
	for {
		lazy.Nonce++
		mix, result := caches.Cache(0).Hash(Head(&lazy), lazy.Nonce)
		if Enough(&lazy, result) != nil {
			lazy.MixHash = mix
			break
		}
	}
	if err := Verify(&lazy, caches); !errors.Is(err, consensus.WorkTooLittle) {
		t.Errorf("too little work: %v", err)
	}
}

// TestTarget holds the comparison of [PIL-POW-4] at its edges: a result equal to the target is enough.
func TestTarget(t *testing.T) {
	for _, bits := range []uint64{1, 2, 3, 10, 1 << 40} {
		h := pillars.Header{Bits: *uint256.NewInt(bits)}
		target := Target(&h.Bits)
		if err := Enough(&h, target.Bytes32()); err != nil {
			t.Errorf("at the target of %d: %v", bits, err)
		}
		if above := new(uint256.Int).AddUint64(&target, 1); !above.IsZero() {
			if err := Enough(&h, above.Bytes32()); !errors.Is(err, consensus.WorkTooLittle) {
				t.Errorf("above the target of %d: %v", bits, err)
			}
		}
		back := new(uint256.Int).Div(new(uint256.Int).SetAllOne(), &target)
		if !back.Eq(&h.Bits) {
			t.Errorf("target of %d is of %s", bits, back.Dec())
		}
	}
	if err := Enough(&pillars.Header{}, [32]byte{}); !errors.Is(err, consensus.WorkTooLittle) {
		t.Error("a header without difficulty has enough work:", err)
	}
}

// TestHead spells the encoding of [PIL-POW-1] out for one header, as bytes.
func TestHead(t *testing.T) {
	h := pillars.Header{
		Version: 1, Bits: *uint256.NewInt(0x80), Number: 0x0102, Timestamp: 0x7f,
		Previous: pillars.BlockID{0: 0, 1: 0x7f, 2: 0x80, 31: 0xff},
	}
	for i := range h.Merkle {
		h.Merkle[i] = 0xff // two bytes each: 64 of content
	}
	var want []byte
	want = append(want, 0x01)             // version: itself
	want = append(want, 0x81, 0x80)       // bits: from 0x80 on with a length
	want = append(want, 0x82, 0x01, 0x02) // number
	want = append(want, 0xf8, 64)         // a long list
	want = append(want, bytes.Repeat([]byte{0x81, 0xff}, 32)...)
	want = append(want, 0xc0+34, 0x80, 0x7f, 0x81, 0x80) // zero is the empty string; a short list
	want = append(want, bytes.Repeat([]byte{0x80}, 28)...)
	want = append(want, 0x81, 0xff)
	want = append(want, 0x7f) // timestamp
	sum := func() []byte {
		k := sha3.NewLegacyKeccak256()
		k.Write(want)
		return k.Sum(nil)
	}
	if got := Head(&h); !bytes.Equal(got[:], sum()) {
		t.Errorf("%x", got)
	}
	h.Version |= 0x100
	h.ExtensionRoot = pillars.Hash(h.Previous)
	want = append([]byte{0x82, 0x01, 0x01}, want[1:]...)
	want = append(want, 0xc0+34, 0x80, 0x7f, 0x81, 0x80)
	want = append(want, bytes.Repeat([]byte{0x80}, 28)...)
	want = append(want, 0x81, 0xff)
	if got := Head(&h); !bytes.Equal(got[:], sum()) {
		t.Errorf("extended: %x", got)
	}
}

// TestHeadLists: the length of a hash's list is written in one byte up to 55 bytes of content, then in two.
func TestHeadLists(t *testing.T) {
	for high := range 33 {
		var hash pillars.Hash
		for i := range high {
			hash[i] = 0x80
		}
		got := appendHash(nil, hash)
		content := 32 + high
		if short := got[0] == 0xc0+byte(content) && len(got) == 1+content; short != (content <= 55) {
			t.Errorf("%d bytes of content: short is %v", content, short)
		}
		if long := got[0] == 0xf8 && got[1] == byte(content) && len(got) == 2+content; long != (content > 55) {
			t.Errorf("%d bytes of content: long is %v", content, long)
		}
	}
}

// TestHeadIgnoresTheSeal: nonce and mix hash are what is looked for, and nothing else is left out.
func TestHeadIgnoresTheSeal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOfN(rapid.Byte(), pillars.ExtendedHeaderSize, pillars.ExtendedHeaderSize).Draw(t, "header")
		copy(raw, []byte{1, 1, 0, 0})
		var a, b pillars.Header
		if err := a.UnmarshalBinary(raw); err != nil {
			t.Fatal(err)
		}
		at := rapid.IntRange(4, len(raw)-1).Draw(t, "changed byte")
		raw[at] ^= 0x10
		if err := b.UnmarshalBinary(raw); err != nil {
			t.Fatal(err)
		}
		sealed := at >= 104 && at < 144 // nonce and mix hash
		if (Head(&a) == Head(&b)) != sealed {
			t.Fatalf("byte %d", at)
		}
	})
}

// TestPrepare gives what pool miners expect.
func TestPrepare(t *testing.T) {
	h := pillars.Header{Number: 30_000, Bits: *uint256.NewInt(3)}
	w := Prepare(public, &h)
	if hex.EncodeToString(w.Boundary[:]) != "5555555555555555555555555555555555555555555555555555555555555555" {
		t.Errorf("boundary %x", w.Boundary)
	}
	if w.Epoch != 1 || w.Seed != hash32(t, "290decd9548b62a8d60345a988386fc84ba6bc95484008f6362f93160ef3e563") || w.Head != Head(&h) {
		t.Errorf("epoch %d, seed %x", w.Epoch, w.Seed)
	}
}

// TestSearch finds the first nonce that is enough, in the slice that has it.
func TestSearch(t *testing.T) {
	h, caches := mined(t, 300)
	w := Prepare(small, &h)
	c := caches.Cache(0)
	if _, _, ok := Search(c, w, 1<<40, h.Nonce-1<<40); ok {
		t.Error("found before the first")
	}
	if nonce, mix, ok := Search(c, w, h.Nonce, 1); !ok || nonce != h.Nonce || mix != h.MixHash {
		t.Error("not found where it is")
	}
	if _, _, ok := Search(c, w, h.Nonce, 0); ok {
		t.Error("found in nothing")
	}
}

// A fixed hasher answers the same for every nonce.
type fixed [32]byte

func (f fixed) Hash([32]byte, uint64) (mix, result [32]byte) { return mix, f }

// TestSearchAtTheBoundary: a result equal to it is enough.
func TestSearchAtTheBoundary(t *testing.T) {
	w := Work{Boundary: [32]byte{1, 2}}
	for result, want := range map[fixed]bool{{1, 2}: true, {1, 1, 0xff}: true, {1, 2, 31: 1}: false} {
		if _, _, ok := Search(result, w, 0, 1); ok != want {
			t.Errorf("%x: %v", result[:], ok)
		}
	}
}

// perCPU reports the processor's time for each operation beside the wall's: on a busy machine only that
// can be compared.
func perCPU(b *testing.B, run func()) {
	before, n := cputime.Process(), 0
	for b.Loop() {
		run()
		n++
	}
	b.ReportMetric(float64((cputime.Process()-before).Nanoseconds())/float64(n), "cpu-ns/op")
}

// BenchmarkVerify is one PoW header of a public network with its cache at hand.
func BenchmarkVerify(b *testing.B) {
	h := pillars.Header{Version: pillars.HeaderVersion(pillars.PoW, true), Bits: *uint256.NewInt(1)}
	caches := NewRecent(public, 1)
	mix, _ := caches.Cache(0).Hash(Head(&h), h.Nonce)
	h.MixHash = mix
	perCPU(b, func() {
		if err := Verify(&h, caches); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkCache is what a new epoch costs a verifier of a public network.
func BenchmarkCache(b *testing.B) {
	perCPU(b, func() { NewCache(public, 0) })
}

// BenchmarkFull is one try of a miner on a development network.
func BenchmarkFull(b *testing.B) {
	d := NewCache(small, 0).NewDataset()
	d.Fill(0, d.Pages())
	nonce := uint64(0)
	perCPU(b, func() { nonce++; d.Hash([32]byte{1}, nonce) })
}

// BenchmarkFill is one page of a public dataset: 8.4 million of them are the first epoch's.
func BenchmarkFill(b *testing.B) {
	c := NewCache(public, 0)
	k := newSponge()
	n := uint32(0)
	perCPU(b, func() { n++; c.pair(k, n) })
}
