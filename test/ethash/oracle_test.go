package oracle

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"math/big"
	"math/rand/v2"
	"os"
	"sync"
	"testing"

	"github.com/ethereum/go-ethereum/consensus/ethash"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/log"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/pow"
)

var public, small = pow.Sizes(pillars.MainnetLike().Ethash), pow.Sizes(pillars.Devnet().Ethash)

var update = flag.Bool("update", false, "write testdata/vectors/pillars_ethash.json anew")

func TestMain(m *testing.M) {
	log.Root().SetHandler(log.DiscardHandler()) // it reports the progress of every cache
	os.Exit(m.Run())
}

// A table is one epoch as both see it.
type table struct {
	epoch uint32
	sizes pow.Sizes
	ours  *pow.Cache
	words []uint32 // theirs
}

func newTable(s pow.Sizes, epoch uint32) table {
	seed := ethash.SeedHash(uint64(epoch) * 30_000)
	words := make([]uint32, s.Cache(epoch)/4)
	generateCache(words, uint64(epoch), seed)
	return table{epoch, s, pow.NewCache(s, epoch), words}
}

func (tb table) compare(t *testing.T, head [32]byte, nonce uint64) {
	t.Helper()
	mix, result := tb.ours.Hash(head, nonce)
	theirMix, theirResult := hashimotoLight(tb.sizes.Dataset(tb.epoch), tb.words, head[:], nonce)
	if !bytes.Equal(mix[:], theirMix) || !bytes.Equal(result[:], theirResult) {
		t.Errorf("epoch %d, head %x, nonce %x: mix %x and result %x, go-ethereum has %x and %x",
			tb.epoch, head, nonce, mix, result, theirMix, theirResult)
	}
}

func TestSizes(t *testing.T) {
	for epoch := range uint32(2048) {
		block := uint64(epoch) * 30_000
		if got, want := public.Cache(epoch), cacheSize(block); got != want {
			t.Errorf("cache of epoch %d: %d, want %d", epoch, got, want)
		}
		if got, want := public.Dataset(epoch), datasetSize(block); got != want {
			t.Errorf("dataset of epoch %d: %d, want %d", epoch, got, want)
		}
	}
}

func TestSeeds(t *testing.T) {
	for _, epoch := range []uint32{0, 1, 2, 3, 100, 2047} {
		if got, want := pow.Seed(epoch), ethash.SeedHash(uint64(epoch)*30_000); !bytes.Equal(got[:], want) {
			t.Errorf("seed of epoch %d: %x, want %x", epoch, got, want)
		}
	}
}

func TestLight(t *testing.T) {
	r := rand.New(rand.NewChaCha8([32]byte{1}))
	for _, c := range []struct {
		sizes  pow.Sizes
		epoch  uint32
		hashes int
	}{{small, 0, 300}, {small, 1, 300}, {small, 33, 300}, {public, 0, 20}, {public, 1, 20}, {public, 64, 20}} {
		tb := newTable(c.sizes, c.epoch)
		for range c.hashes {
			var head [32]byte
			binary.LittleEndian.PutUint64(head[r.IntN(25):], r.Uint64())
			tb.compare(t, head, r.Uint64())
		}
	}
}

func TestFull(t *testing.T) {
	tb := newTable(small, 5)
	theirs := make([]uint32, small.Dataset(5)/4)
	generateDataset(theirs, 5, tb.words)
	ours := tb.ours.NewDataset()
	ours.Fill(ours.Pages()/3, ours.Pages())
	ours.Fill(0, ours.Pages()/3)
	for nonce := range uint64(500) {
		head := [32]byte{31: byte(nonce)}
		mix, result := ours.Hash(head, nonce)
		theirMix, theirResult := hashimotoFull(theirs, head[:], nonce)
		if !bytes.Equal(mix[:], theirMix) || !bytes.Equal(result[:], theirResult) {
			t.Fatalf("nonce %d: mix %x and result %x, go-ethereum has %x and %x", nonce, mix, result, theirMix, theirResult)
		}
	}
}

// TestSealAccepted mines with ours and lets go-ethereum judge, on both sides of the target.
func TestSealAccepted(t *testing.T) {
	judge := ethash.New(ethash.Config{CacheDir: t.TempDir(), CachesInMem: 1, DatasetDir: t.TempDir()}, nil, false)
	defer judge.Close()
	cache := pow.NewCache(public, 0)
	ceiling := new(big.Int).Lsh(big.NewInt(1), 256)
	accepted := 0
	for nonce := uint64(1); nonce <= 60; nonce++ {
		header := &types.Header{Number: big.NewInt(7), Difficulty: big.NewInt(20), Nonce: types.EncodeNonce(nonce)}
		mix, result := cache.Hash(judge.SealHash(header), nonce)
		header.MixDigest = mix
		want := new(big.Int).SetBytes(result[:]).Cmp(new(big.Int).Div(ceiling, header.Difficulty)) <= 0
		if got := verifySeal(judge, nil, header, false) == nil; got != want {
			t.Errorf("nonce %d: go-ethereum says %v", nonce, got)
		} else if got {
			accepted++
		}
		header.MixDigest[0] ^= 1
		if verifySeal(judge, nil, header, false) == nil {
			t.Errorf("nonce %d: accepted with another mix", nonce)
		}
	}
	if accepted == 0 || accepted == 60 {
		t.Errorf("%d of 60 accepted: only one side was tried", accepted)
	}
}

var fuzzed = sync.OnceValue(func() table { return newTable(small, 2) })

func FuzzLight(f *testing.F) {
	f.Add(make([]byte, 32), uint64(0))
	f.Fuzz(func(t *testing.T, head []byte, nonce uint64) {
		if len(head) == 32 {
			fuzzed().compare(t, [32]byte(head), nonce)
		}
	})
}

// TestVectors writes what go-ethereum answers, for tests that run without it, or checks that the file
// still says so.
func TestVectors(t *testing.T) {
	const path = "../../testdata/vectors/pillars_ethash.json"
	made := vectors()
	if *update {
		if err := os.WriteFile(path, made, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(kept, made) {
		t.Errorf("%s is not what go-ethereum says (%v): run with -update and look at the difference", path, err)
	}
}

func vectors() []byte {
	type size struct {
		Epoch   uint32 `json:"epoch"`
		Seed    string `json:"seed"`
		Cache   uint64 `json:"cache"`
		Dataset uint64 `json:"dataset"`
	}
	type answer struct {
		Epoch   uint32 `json:"epoch"` // its seed; the sizes are said apart
		Cache   uint64 `json:"cache"`
		Dataset uint64 `json:"dataset"`
		Head    string `json:"head"`
		Nonce   uint64 `json:"nonce,string"`
		Mix     string `json:"mix"`
		Result  string `json:"result"`
	}
	var out struct {
		Description string   `json:"description"`
		Sizes       []size   `json:"sizes"`
		Answers     []answer `json:"answers"`
	}
	out.Description = "Ethash as go-ethereum v1.10.23 computes it. sizes: bytes of cache and dataset in public epochs. " +
		"answers: light verification over tables of the stated sizes grown from the epoch's seed; hex as hashed, nonces decimal."
	for _, epoch := range []uint32{0, 1, 2, 3, 10, 99, 171, 511, 1000, 2046, 2047} {
		block := uint64(epoch) * 30_000
		out.Sizes = append(out.Sizes, size{epoch, hex.EncodeToString(ethash.SeedHash(block)), cacheSize(block), datasetSize(block)})
	}
	r := rand.New(rand.NewChaCha8([32]byte{2}))
	for _, c := range []struct {
		epoch          uint32
		cache, dataset uint64
	}{{0, 1024, 32 * 1024}, {1, 1024, 32 * 1024}, {0, 16_192, 523_904}, {9, 65_344, 1_048_448}, {0, cacheSize(0), datasetSize(0)}} {
		words := make([]uint32, c.cache/4)
		generateCache(words, uint64(c.epoch), ethash.SeedHash(uint64(c.epoch)*30_000))
		for range 3 {
			var head [32]byte
			for i := range head {
				head[i] = byte(r.Uint32())
			}
			nonce := r.Uint64()
			mix, result := hashimotoLight(c.dataset, words, head[:], nonce)
			out.Answers = append(out.Answers, answer{c.epoch, c.cache, c.dataset, hex.EncodeToString(head[:]), nonce, hex.EncodeToString(mix), hex.EncodeToString(result)})
		}
	}
	text, err := json.MarshalIndent(out, "", " ")
	if err != nil {
		panic(err)
	}
	return append(text, '\n')
}

func BenchmarkLightOurs(b *testing.B)   { benchmark(b, true) }
func BenchmarkLightTheirs(b *testing.B) { benchmark(b, false) }

func benchmark(b *testing.B, ours bool) {
	tb := newTable(public, 0)
	head, size := [32]byte{1}, public.Dataset(0)
	nonce := uint64(0)
	for b.Loop() {
		nonce++
		if ours {
			tb.ours.Hash(head, nonce)
		} else {
			hashimotoLight(size, tb.words, head[:], nonce)
		}
	}
}
