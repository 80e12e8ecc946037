package pow

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"pgregory.net/rapid"

	"github.com/asterism-network/asterism/pillars"
)

var public, small = Sizes(pillars.MainnetLike().Ethash), Sizes(pillars.Devnet().Ethash)

func hash32(t testing.TB, s string) (h [32]byte) {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 32 {
		t.Fatalf("%q is no hash", s)
	}
	return [32]byte(b)
}

// TestPublished holds Ethash to answers that were printed elsewhere: the tiny table of go-ethereum's own tests, and
// two blocks of the public chain with the mix that their headers carry.
func TestPublished(t *testing.T) {
	tiny := newCache(1024, 32*1024, [32]byte{})
	mix, result := tiny.Hash(hash32(t, "c9149cc0386e689d789a1c2f3d5d169a61a6218ed30e74414dc736e442ef3d1f"), 0)
	if mix != hash32(t, "e4073cffaef931d37117cefd9afd27ea0f1cad6a981dd2605c4a1ac97c519800") ||
		result != hash32(t, "d3539235ee2e6f8db665c0a72169f55b7f6c605712330b778ec3944f0eb5a557") {
		t.Errorf("tiny table: mix %x, result %x", mix, result)
	}
	for _, b := range []struct {
		number    uint32
		nonce     uint64
		head, mix string
	}{
		{22, 0x495732e0ed7a801c, "372eca2454ead349c3df0ab5d00b0b706b23e49d469387db91811cee0358fc6d",
			"2f74cdeb198af0b9abe65d22d372e22fb2d474371774a9583c1cc427a07939f5"},
		{30001, 0x318df1c8adef7e5e, "7e44356ee3441623bc72a683fd3708fdf75e971bbe294f33e539eedad4b92b34",
			"144b180aad09ae3c81fb07be92c8e6351b5646dda80e6844ae1b697e55ddde84"},
	} {
		mix, _ := NewCache(public, public.EpochOf(b.number)).Hash(hash32(t, b.head), b.nonce)
		if mix != hash32(t, b.mix) {
			t.Errorf("public block %d: mix %x, want %s", b.number, mix, b.mix)
		}
	}
}

// TestVectors reads what the old go-ethereum answers; test/ethash writes the file.
func TestVectors(t *testing.T) {
	text, err := os.ReadFile("../../../testdata/vectors/pillars_ethash.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Sizes []struct {
			Epoch          uint32
			Seed           string
			Cache, Dataset uint64
		}
		Answers []struct {
			Epoch             uint32
			Cache, Dataset    uint64
			Head, Mix, Result string
			Nonce             uint64 `json:",string"`
		}
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	for _, s := range v.Sizes {
		if Seed(s.Epoch) != hash32(t, s.Seed) || public.Cache(s.Epoch) != s.Cache || public.Dataset(s.Epoch) != s.Dataset {
			t.Errorf("epoch %d: seed %x, cache %d, dataset %d", s.Epoch, Seed(s.Epoch), public.Cache(s.Epoch), public.Dataset(s.Epoch))
		}
	}
	for _, a := range v.Answers {
		mix, result := newCache(a.Cache, a.Dataset, Seed(a.Epoch)).Hash(hash32(t, a.Head), a.Nonce)
		if mix != hash32(t, a.Mix) || result != hash32(t, a.Result) {
			t.Errorf("epoch %d, %d bytes, nonce %d: mix %x, result %x", a.Epoch, a.Cache, a.Nonce, mix, result)
		}
	}
	if len(v.Sizes) < 10 || len(v.Answers) < 10 {
		t.Errorf("only %d sizes and %d answers", len(v.Sizes), len(v.Answers))
	}
}

// TestSizesArePrime holds the rule for odd profiles too.
func TestSizesArePrime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Sizes{
			Epoch:       1,
			CacheInit:   rapid.Uint64Range(4*itemBytes, 1<<20).Draw(t, "cache"),
			CacheGrowth: rapid.Uint64Range(0, 1<<14).Draw(t, "cache growth"),
			DatasetInit: rapid.Uint64Range(4*mixBytes, 1<<22).Draw(t, "dataset"),
		}
		if err := s.Check(); err != nil {
			t.Fatal(err)
		}
		epoch := rapid.Uint32Range(0, 63).Draw(t, "epoch")
		size := s.Cache(epoch)
		linear := s.CacheInit + s.CacheGrowth*uint64(epoch)
		if size%itemBytes != 0 || !prime(size/itemBytes) || size > linear-itemBytes/2 {
			t.Fatalf("cache of %d bytes from %d", size, linear)
		}
		for n := size/itemBytes + 1; n < linear/itemBytes; n++ {
			if n%2 == 1 && prime(n) && n != size/itemBytes {
				t.Fatalf("%d items: %d would be prime too, of %d bytes", size/itemBytes, n, linear)
			}
		}
	})
}

func TestSizesCheck(t *testing.T) {
	for _, s := range []Sizes{public, small} {
		if err := s.Check(); err != nil {
			t.Error(err)
		}
	}
	for name, broken := range map[string]func(*Sizes){
		"no epoch length": func(s *Sizes) { s.Epoch = 0 },
		"small cache":     func(s *Sizes) { s.CacheInit = 255 },
		"small dataset":   func(s *Sizes) { s.DatasetInit = 511 },
		"huge cache":      func(s *Sizes) { s.CacheInit = 1 << 60 },
		"huge dataset":    func(s *Sizes) { s.DatasetInit = 1 << 60 },
	} {
		s := public
		broken(&s)
		if s.Check() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if !public.fits(16_000) || public.fits(17_000) {
		t.Error("the public profile's last epoch is not where indexes end")
	}
	for _, s := range []Sizes{{CacheGrowth: 1 << 60}, {DatasetGrowth: 1 << 63}, {DatasetGrowth: ^uint64(0)}} {
		if s.fits(16) || !s.fits(0) {
			t.Errorf("growth by %d and %d", s.CacheGrowth, s.DatasetGrowth)
		}
	}
}

func TestPrime(t *testing.T) {
	for n, want := range map[uint64]bool{0: false, 1: false, 2: true, 3: true, 4: false, 9: false, 25: false, 97: true, 1009 * 1009: false,
		1009 * 1013: false, 16_776_896 / 64: true, 1<<31 - 1: true, 46_337 * 46_337: false} {
		if prime(n) != want {
			t.Errorf("prime(%d) is %v", n, !want)
		}
	}
}

func TestReducer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, x := rapid.Uint32Min(1).Draw(t, "n"), rapid.Uint32().Draw(t, "x")
		if n > 1 && newReducer(n).mod(x) != x%n {
			t.Fatalf("%d mod %d = %d", x, n, newReducer(n).mod(x))
		}
	})
}

// TestDatasetInRanges fills a dataset in an odd order and finds the answers of the cache.
func TestDatasetInRanges(t *testing.T) {
	c := NewCache(small, 3)
	d := c.NewDataset()
	for first := d.Pages() - d.Pages()%100; ; first -= 100 {
		d.Fill(first, min(first+100, d.Pages()))
		if first == 0 {
			break
		}
	}
	for nonce := range uint64(200) {
		head := [32]byte{byte(nonce)}
		mix, result := c.Hash(head, nonce)
		if m, r := d.Hash(head, nonce); m != mix || r != result {
			t.Fatalf("nonce %d: light and full differ", nonce)
		}
	}
}

func TestRecentForgetsTheOldest(t *testing.T) {
	r := NewRecent(small, 2)
	first := r.Cache(0)
	r.Cache(1)
	if r.Cache(0) != first {
		t.Error("a held cache was computed again")
	}
	r.Cache(2) // 1 goes, it was not used since
	if _, ok := r.Held(1); ok {
		t.Error("epoch 1 is still held")
	}
	if c, ok := r.Held(0); !ok || c != first || len(r.held) != 2 {
		t.Errorf("epoch 0 is gone, or %d are held", len(r.held))
	}
	other := NewCache(small, 0)
	if r.Add(0, other); r.Cache(0) != first {
		t.Error("a second cache replaced the one held")
	}
}

func FuzzLightIsFull(f *testing.F) {
	c := NewCache(small, 1)
	d := c.NewDataset()
	d.Fill(0, d.Pages())
	f.Add([]byte("head"), uint64(1))
	f.Fuzz(func(t *testing.T, b []byte, nonce uint64) {
		var head [32]byte
		copy(head[:], b)
		mix, result := c.Hash(head, nonce)
		if m, r := d.Hash(head, nonce); m != mix || r != result {
			t.Fatal("light and full differ")
		}
	})
}
