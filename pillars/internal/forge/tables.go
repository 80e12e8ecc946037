package forge

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/mining"
	"github.com/asterism-network/asterism/pillars/internal/pow"
)

const workSeal = pillars.PoW

// smallDataset is up to how many bytes a dataset is filled without being asked for: at once on a development network.
const smallDataset = 64 << 20

// tables keep at most one whole dataset, which is filled beside the work with the cache.
type tables struct {
	caches *mining.Caches
	log    *slog.Logger
	want   chan uint32 // an epoch to fill

	mu          sync.Mutex
	data        *pow.Dataset
	epoch       uint32 // of data, or of what is being filled
	filling     bool
	done, pages uint32
	ready       chan struct{} // closed when what is being filled is there
}

func newTables(c *mining.Caches, log *slog.Logger) *tables {
	return &tables{caches: c, log: log, want: make(chan uint32, 1), ready: make(chan struct{})}
}

// hasher returns what to search an epoch with: the whole dataset if there is one, else the cache. Ready is closed when there is
// better than that.
func (t *tables) hasher(epoch uint32, full bool) (with pow.Hasher, ready <-chan struct{}) {
	small := t.caches.Sizes().Dataset(epoch) <= smallDataset
	t.mu.Lock()
	if t.data != nil && t.epoch == epoch {
		defer t.mu.Unlock()
		return t.data, nil
	}
	if full || small {
		select {
		case t.want <- epoch:
		default: // it is asked again with the next job
		}
		ready = t.ready
	}
	t.mu.Unlock()
	return t.caches.Cache(epoch), ready
}

// run fills what is asked for, one dataset at a time.
func (t *tables) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case epoch := <-t.want:
			t.fill(ctx, epoch)
		}
	}
}

func (t *tables) fill(ctx context.Context, epoch uint32) {
	t.mu.Lock()
	if t.data != nil && t.epoch == epoch {
		t.mu.Unlock()
		return
	}
	t.data, t.epoch, t.filling, t.done, t.pages = nil, epoch, true, 0, 0 // the old one goes first: there is room for one
	t.mu.Unlock()
	start := time.Now()
	last := time.Now()
	data, err := mining.NewDataset(ctx, t.caches.Cache(epoch), 1, func(done, pages uint32) {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.done, t.pages = done, pages
		if time.Since(last) > 10*time.Second {
			last = time.Now()
			t.log.Info("dataset", "epoch", epoch, "percent", uint64(done)*100/uint64(pages))
		}
	})
	t.mu.Lock()
	defer t.mu.Unlock()
	t.filling = false
	if err != nil {
		return // stopped
	}
	t.data = data
	close(t.ready)
	t.ready = make(chan struct{})
	if took := time.Since(start); took > time.Second {
		t.log.Info("dataset is ready", "epoch", epoch, "bytes", t.caches.Sizes().Dataset(epoch), "seconds", int(took.Seconds()))
	}
}

// progress says how far the dataset is.
func (t *tables) progress() (epoch uint32, done, pages uint32, ready bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.epoch, t.done, t.pages, t.data != nil
}
