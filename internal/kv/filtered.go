package kv

import (
	"sync"
	"sync/atomic"
)

// filters keep a filter over all keys with certain first bytes, in the engine and in the tables
// before it. A key is added before it can be read; so what the filter does not know is nowhere. After
// opening, and when it has become too small, another one is filled from what the engine has, in the
// background if folds are; until that is complete the old one is used, or none.
type filters struct {
	first [256]bool // the first bytes of keys that are filtered
	ready atomic.Pointer[filter]

	next    *filter // being filled; takes new keys too. Guarded by buffered.writing, as is what follows
	filling sync.WaitGroup
	stop    atomic.Bool
	filled  atomic.Bool // next is complete
}

func (x *filters) of(key []byte) bool { return len(key) > 0 && x.first[key[0]] }

// absent reports whether a key is certain to be nowhere.
func (b *buffered) absent(key []byte, hash uint64) bool {
	if !b.filters.of(key) {
		return false
	}
	f := b.filters.ready.Load()
	return f != nil && !f.mayHave(hash)
}

// note adds a key that will be written; b.writing is held.
func (x *filters) note(key []byte, hash uint64) {
	if !x.of(key) {
		return
	}
	if x.next != nil {
		x.next.add(hash)
	}
	if f := x.ready.Load(); f != nil && f != x.next {
		f.add(hash)
	}
}

// refill begins a filter if there is none, or if the one there is has become too small; b.writing is held,
// and the active table is empty. What was written before is in the frozen one or in the engine.
func (b *buffered) refill() {
	x := &b.filters
	if x.next != nil && x.filled.Load() {
		x.next = nil
	}
	old := x.ready.Load()
	if len(b.Filtered) == 0 || x.next != nil || x.stop.Load() || old != nil && !old.full() {
		return
	}
	keys := b.engine.diskBytes() / bytesPerEntry
	if old != nil {
		keys = max(keys, growthFactor*uint64(old.keys.Load()))
	}
	x.next = newFilter(keys, b.FilterBytes)
	x.filled.Store(false)
	frozen := b.layers.Load().frozen
	if !b.Background {
		b.fill(x.next, frozen)
		return
	}
	next := x.next
	x.filling.Go(func() { b.fill(next, frozen) })
}

// fill adds what a frozen table and the engine have, and puts the filter into use. If the engine
// cannot be read, it stays as it was: those who read its keys will be told.
func (b *buffered) fill(f *filter, frozen *table) {
	x := &b.filters
	if frozen != nil {
		frozen.eachKey(func(key []byte) {
			if x.of(key) {
				f.add(hashKey(key))
			}
		})
	}
	for _, first := range b.Filtered {
		lower := []byte{first}
		err := b.engine.scan(lower, After(lower), false, func(key, _ []byte) (bool, error) {
			f.add(hashKey(key))
			return !x.stop.Load(), nil
		})
		if err != nil || x.stop.Load() {
			return
		}
	}
	x.ready.Store(f)
	x.filled.Store(true)
}

// end stops filling; the engine can be closed then.
func (x *filters) end() {
	x.stop.Store(true)
	x.filling.Wait()
}
