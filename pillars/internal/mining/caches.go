// Package mining turns the pure parts of proof of work into work on several processors: caches that
// verifiers share, the whole dataset for a miner, and the search for a nonce.
package mining

import (
	"sync"

	"github.com/asterism-network/asterism/pillars/internal/pow"
)

// keptCaches are those of this epoch, the next and the last one.
const keptCaches = 3

// aheadOf is the part of an epoch, one in so many, before whose end the next cache is made.
const aheadOf = 30

// Caches is a pow.View for any number of goroutines. Each cache is made once, by the first that needs it;
// the others wait for it.
type Caches struct {
	sizes pow.Sizes

	mu     sync.Mutex // never held while a cache is made
	recent *pow.Recent
	making map[uint32]*making
}

type making struct {
	done  chan struct{} // closed when cache is set
	cache *pow.Cache
}

// NewCaches holds no cache yet. The sizes must have passed their Check.
func NewCaches(s pow.Sizes) *Caches {
	return &Caches{sizes: s, recent: pow.NewRecent(s, keptCaches), making: map[uint32]*making{}}
}

// Sizes are those of the network.
func (c *Caches) Sizes() pow.Sizes { return c.sizes }

// Cache returns an epoch's cache. Making one takes half a second on a public network.
func (c *Caches) Cache(epoch uint32) *pow.Cache {
	c.mu.Lock()
	if held, ok := c.recent.Held(epoch); ok {
		c.mu.Unlock()
		return held
	}
	if m, ok := c.making[epoch]; ok {
		c.mu.Unlock()
		<-m.done
		return m.cache
	}
	m := &making{done: make(chan struct{})}
	c.making[epoch] = m
	c.mu.Unlock()

	m.cache = pow.NewCache(c.sizes, epoch)
	close(m.done)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.recent.Add(epoch, m.cache)
	delete(c.making, epoch)
	return m.cache
}

// Ahead makes the next epoch's cache if the height is near the end of its epoch, so that the first
// block of an epoch does not wait for it. Call it from a goroutine of its own after each new tip.
func (c *Caches) Ahead(height uint32) {
	if left := c.sizes.Epoch - height%c.sizes.Epoch; left <= c.sizes.Epoch/aheadOf {
		c.Cache(c.sizes.EpochOf(height) + 1)
	}
}
