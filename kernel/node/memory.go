package node

import (
	"context"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// A weighed cache is bounded by the bytes of what it holds, not only by how many they are:
// peers choose the sizes.
type weighed[K comparable, V any] struct {
	room int

	mu    sync.Mutex
	bytes int
	cache *simplelru.LRU[K, item[V]]
}

type item[V any] struct {
	value V
	bytes int
}

// newWeighed makes a cache for at most count values of together room bytes.
func newWeighed[K comparable, V any](count, room int) *weighed[K, V] {
	w := &weighed[K, V]{room: room}
	w.cache, _ = simplelru.NewLRU(count, func(_ K, i item[V]) { w.bytes -= i.bytes })
	return w
}

// add keeps a value, unless it alone would push out a large part of the others.
func (w *weighed[K, V]) add(key K, value V, bytes int) {
	if bytes > w.room/8 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cache.Remove(key)
	w.bytes += bytes
	w.cache.Add(key, item[V]{value, bytes})
	for w.bytes > w.room {
		w.cache.RemoveOldest()
	}
}

func (w *weighed[K, V]) get(key K) (V, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	i, ok := w.cache.Get(key)
	return i.value, ok
}

func (w *weighed[K, V]) remove(key K) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cache.Remove(key)
}

// A budget bounds the bytes between the pipeline and the engine: whoever brings more waits,
// and with it the peer that sends.
type budget struct {
	mu      sync.Mutex
	free    int
	full    int
	changed chan struct{} // closed at the next give; nil while nobody waits
}

func newBudget(bytes int) *budget { return &budget{free: bytes, full: bytes} }

// take waits for room; more than the whole budget has it alone. False when ctx ended first.
func (b *budget) take(ctx context.Context, bytes int) bool {
	bytes = min(bytes, b.full)
	for {
		b.mu.Lock()
		if b.free >= bytes {
			b.free -= bytes
			b.mu.Unlock()
			return true
		}
		if b.changed == nil {
			b.changed = make(chan struct{})
		}
		changed := b.changed
		b.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

func (b *budget) give(bytes int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free += min(bytes, b.full)
	if b.changed != nil {
		close(b.changed)
		b.changed = nil
	}
}
