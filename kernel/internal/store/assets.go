package store

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
)

// assetNumbers give assets small numbers, in the order in which outputs of them first came. All
// are in memory: they are few. The numbers are used by whoever commits; ids are read by anyone.
type assetNumbers struct {
	numbers map[kernel.AssetID]uint32
	fresh   []kernel.AssetID // numbered since the last row was written
	ids     atomic.Pointer[[]kernel.AssetID]
}

func newAssetNumbers() *assetNumbers {
	a := &assetNumbers{numbers: make(map[kernel.AssetID]uint32)}
	a.ids.Store(new([]kernel.AssetID))
	return a
}

func loadAssetNumbers(db *kv.DB) (*assetNumbers, error) {
	a := newAssetNumbers()
	err := scanTable(db, tableNumber, 4, readID[kernel.AssetID], func(key []byte, id kernel.AssetID) (bool, error) {
		if n := a.number(id); n != binary.BigEndian.Uint32(key) {
			return false, fmt.Errorf("%w: asset %s has number %x, not %d", ErrCorrupt, id, key, n)
		}
		return true, nil
	})
	a.fresh = nil
	return a, err
}

// number returns an asset's number, a new one if it has none.
func (a *assetNumbers) number(id kernel.AssetID) uint32 {
	if n, ok := a.numbers[id]; ok {
		return n
	}
	old := *a.ids.Load()
	n := uint32(len(old))
	if n == mostAssets {
		panic("store: too many assets")
	}
	ids := append(old, id) // whoever reads the old list does not look behind its end
	a.ids.Store(&ids)
	a.numbers[id] = n
	a.fresh = append(a.fresh, id)
	return n
}

// id returns the asset of a number that was read, zero if nobody has it.
func (a *assetNumbers) id(n uint32) kernel.AssetID {
	if ids := *a.ids.Load(); n < uint32(len(ids)) {
		return ids[n]
	}
	return kernel.AssetID{}
}
