package pow

import "slices"

// Recent keeps the caches of the epochs used last, at most a fixed number. It has no lock: one
// goroutine owns it, or whoever shares it guards it. The caches that it returns may be shared.
type Recent struct {
	sizes Sizes
	keep  int
	held  []held // the one used last stands last
}

type held struct {
	epoch uint32
	cache *Cache
}

// NewRecent keeps at most keep caches, at least one. Three are enough at a tip: this epoch, the next one
// made in advance, and the last one for branches that started in it.
func NewRecent(s Sizes, keep int) *Recent { return &Recent{sizes: s, keep: max(keep, 1)} }

// Sizes are those of the network.
func (r *Recent) Sizes() Sizes { return r.sizes }

// Cache returns the cache of an epoch, computing it if it is not held. The caller bounds the epoch;
// see Verify.
func (r *Recent) Cache(epoch uint32) *Cache {
	if c, ok := r.Held(epoch); ok {
		return c
	}
	c := NewCache(r.sizes, epoch)
	r.Add(epoch, c)
	return c
}

// Held returns a cache only if there is one, and counts as a use.
func (r *Recent) Held(epoch uint32) (*Cache, bool) {
	i := slices.IndexFunc(r.held, func(h held) bool { return h.epoch == epoch })
	if i < 0 {
		return nil, false
	}
	h := r.held[i]
	r.held = append(slices.Delete(r.held, i, i+1), h)
	return h.cache, true
}

// Add takes a cache that was computed elsewhere, and drops the one unused for longest if there are
// too many.
func (r *Recent) Add(epoch uint32, c *Cache) {
	if _, ok := r.Held(epoch); ok {
		return
	}
	if len(r.held) == r.keep {
		r.held = slices.Delete(r.held, 0, 1)
	}
	r.held = append(r.held, held{epoch, c})
}
