package pow

import "math/bits"

// Seed is what an epoch's cache grows from: 32 zero bytes, hashed once for each epoch before.
func Seed(epoch uint32) [32]byte {
	var seed [32]byte
	k := newSponge()
	for range epoch {
		seed = k.sum256(seed[:])
	}
	return seed
}

// A Cache is what one epoch's light verification needs: any item of the dataset can be computed
// from it. It does not change once made; any number of goroutines may use it.
type Cache struct {
	items   []item
	dataset uint64 // size in bytes of the dataset that belongs to it
	reduce  reducer
}

// NewCache computes the cache of an epoch, tens of milliseconds of work on a public network and growing.
func NewCache(s Sizes, epoch uint32) *Cache {
	return newCache(s.Cache(epoch), s.Dataset(epoch), Seed(epoch))
}

// newCache is the memory-hard function of Sergio Lerner (2014) with Ethash's parameters. Sizes need not be
// prime here: published answers for tiny tables use others.
func newCache(size, dataset uint64, seed [32]byte) *Cache {
	k := newSponge()
	c := &Cache{items: make([]item, size/itemBytes), dataset: dataset, reduce: newReducer(uint32(size / itemBytes))}
	c.items[0] = k.start(seed[:])
	for i := 1; i < len(c.items); i++ {
		c.items[i] = c.items[i-1]
		k.hash(&c.items[i])
	}
	for range cacheRounds {
		c.stir(k)
	}
	return c
}

// stir is one round over the whole cache: each item becomes the hash of the one before it mixed with
// one that its first word picks.
func (c *Cache) stir(k *sponge) {
	n := len(c.items)
	for i := range c.items {
		picked := &c.items[c.items[i][0]%uint32(n)]
		mixed := c.items[(i+n-1)%n]
		for w := range mixed {
			mixed[w] ^= picked[w]
		}
		k.hash(&mixed)
		c.items[i] = mixed
	}
}

// Bytes is how much memory the cache takes.
func (c *Cache) Bytes() uint64 { return uint64(len(c.items)) * itemBytes }

// pair computes the items 2n and 2n+1 of the dataset. They are wanted together at every access; in
// step, the memory reads of one hide behind those of the other.
func (c *Cache) pair(k *sponge, n uint32) (a, b item) {
	i := 2 * n
	a, b = c.items[c.reduce.mod(i)], c.items[c.reduce.mod(i+1)]
	a[0] ^= i
	b[0] ^= i + 1
	k.hash(&a)
	k.hash(&b)
	for j := range uint32(datasetParents) {
		p := &c.items[c.reduce.mod(fnv(i^j, a[j%itemWords]))]
		q := &c.items[c.reduce.mod(fnv((i+1)^j, b[j%itemWords]))]
		for w := range a {
			a[w] = fnv(a[w], p[w])
		}
		for w := range b {
			b[w] = fnv(b[w], q[w])
		}
	}
	k.hash(&a)
	k.hash(&b)
	return a, b
}

// A reducer computes x mod n by two multiplications (Lemire, Kaser, Kurz 2019): exact for 32 bits.
type reducer struct{ magic, n uint64 }

func newReducer(n uint32) reducer { return reducer{^uint64(0)/uint64(n) + 1, uint64(n)} }

func (r reducer) mod(x uint32) uint32 {
	hi, _ := bits.Mul64(r.magic*uint64(x), r.n)
	return uint32(hi)
}
