package pow

// A Dataset is the whole table of an epoch, for miners. Make it empty, fill every page, then use
// it: once filled it does not change.
type Dataset struct {
	pages []page
	cache *Cache
}

// A page is what one access of Ethash reads.
type page [2]item

// NewDataset makes an empty dataset: a gibibyte and more on public networks.
func (c *Cache) NewDataset() *Dataset {
	n := c.dataset / mixBytes
	return &Dataset{pages: make([]page, n), cache: c}
}

// Pages is how many pages of 128 bytes there are to fill.
func (d *Dataset) Pages() uint32 { return uint32(len(d.pages)) }

// Fill computes the pages from first up to, not including, end. Each page depends on the cache alone, so
// any number of goroutines may fill ranges that do not overlap.
func (d *Dataset) Fill(first, end uint32) {
	k := newSponge()
	for n := first; n < end; n++ {
		d.pages[n][0], d.pages[n][1] = d.cache.pair(k, n)
	}
}

// Hash is Ethash over the filled dataset.
func (d *Dataset) Hash(head [32]byte, nonce uint64) (mix, result [32]byte) {
	return hashimoto(newSponge(), head, nonce, uint64(len(d.pages))*mixBytes, func(n uint32) (item, item) {
		return d.pages[n][0], d.pages[n][1]
	})
}
