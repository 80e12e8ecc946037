package mining

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/holiman/uint256"
	"go.uber.org/goleak"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/pow"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var small = pow.Sizes(pillars.Devnet().Ethash)

func header(bits uint64) pillars.Header {
	return pillars.Header{Version: pillars.HeaderVersion(pillars.PoW, true), Number: 5, Bits: *uint256.NewInt(bits)}
}

// TestMineAndVerify goes from a header to one that a verifier accepts, with a dataset filled by several workers.
func TestMineAndVerify(t *testing.T) {
	caches := NewCaches(small)
	h := header(3000)
	w := pow.Prepare(small, &h)
	last := uint32(0)
	var mu sync.Mutex
	d, err := NewDataset(context.Background(), caches.Cache(w.Epoch), 3, func(done, pages uint32) {
		mu.Lock()
		defer mu.Unlock()
		last = max(last, done)
	})
	if err != nil || last != d.Pages() {
		t.Fatalf("%v, %d of %d pages reported", err, last, d.Pages())
	}
	alone, err := Search(context.Background(), d, w, 99, 1)
	if err != nil || alone.Nonce < 99 || alone.Tried != alone.Nonce-98 {
		t.Fatalf("alone: nonce %d after %d tries, %v", alone.Nonce, alone.Tried, err)
	}
	s, err := Search(context.Background(), d, w, 99, 3) // how many were tried depends on which worker got to run
	if err != nil || s.Nonce < alone.Nonce || s.Tried == 0 {
		t.Fatalf("nonce %d after %d tries, alone it was %d, %v", s.Nonce, s.Tried, alone.Nonce, err)
	}
	for _, s := range []Solution{alone, s} {
		h.Nonce, h.MixHash = s.Nonce, s.Mix
		if err := pow.Verify(&h, caches); err != nil {
			t.Error(err)
		}
	}
}

// TestEveryPageIsFilled compares each answer with the cache's.
func TestEveryPageIsFilled(t *testing.T) {
	c := pow.NewCache(small, 0)
	for _, workers := range []int{0, 1, 2, 7} {
		d, err := NewDataset(context.Background(), c, workers, nil)
		if err != nil {
			t.Fatal(err)
		}
		for nonce := range uint64(50) {
			mix, result := c.Hash([32]byte{1}, nonce)
			if m, r := d.Hash([32]byte{1}, nonce); m != mix || r != result {
				t.Fatalf("%d workers: nonce %d differs", workers, nonce)
			}
		}
	}
}

var errEnough = errors.New("enough")

func TestStops(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	c := pow.NewCache(small, 0)
	h := header(0)
	h.Bits.SetAllOne() // nobody finds this
	w := pow.Prepare(small, &h)
	go cancel(errEnough)
	if s, err := Search(ctx, c, w, 0, 2); !errors.Is(err, errEnough) {
		t.Errorf("%+v, %v", s, err)
	}
	if d, err := NewDataset(ctx, c, 2, nil); !errors.Is(err, errEnough) || d != nil {
		t.Errorf("a dataset although it was stopped: %v", err)
	}
}

// TestOneCacheForAll: many goroutines that want one epoch get one cache.
func TestOneCacheForAll(t *testing.T) {
	c := NewCaches(small)
	got := make([]*pow.Cache, 16)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() { got[i] = c.Cache(uint32(i % 2)) })
	}
	wg.Wait()
	for i := range got {
		if got[i] == nil || got[i] != got[i%2] {
			t.Fatalf("goroutine %d has a cache of its own", i)
		}
	}
	if got[0] == got[1] || len(c.making) != 0 {
		t.Error("two epochs share a cache, or one is still being made")
	}
}

// TestAhead makes the next cache in the last thirtieth of an epoch.
func TestAhead(t *testing.T) {
	c := NewCaches(small)
	for height, want := range map[uint32]bool{0: false, 28_999: false, 29_000: true, 29_999: true} {
		c.recent = pow.NewRecent(small, keptCaches)
		c.Ahead(height)
		if _, ok := c.recent.Held(1); ok != want {
			t.Errorf("at %d: next cache held is %v", height, ok)
		}
	}
}
