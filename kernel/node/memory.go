package node

import (
	"context"
	"sync"
)

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
