package store

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// What changes in place cannot be read as it was at an earlier commit. So that the state at the end of
// an epoch can be given to others, the commit that ends it keeps a copy of that part. [STO-23]

// A frozen is what the rows of the present do not say of a commit: everything else does.
type frozen struct {
	head   ledger.Head
	assets []ledger.ChangedAsset // by id
	system []ledger.SystemRow    // by key
}

// epochRows begin with this: what is fixed about an epoch is written by the commit that ends the one
// before, and stays.
const epochRows = "epoch/"

// endsEpoch reports whether a commit ends an epoch. Commit 0 ends none.
func endsEpoch(d *ledger.Diff) bool {
	return d.Head.Index > 0 && slices.ContainsFunc(d.System, func(r ledger.SystemRow) bool { return strings.HasPrefix(r.Key, epochRows) && r.Value != nil })
}

// freeze returns what is frozen after a diff. The lock of commits is held.
func (s *Store) freeze(d *ledger.Diff) []byte {
	s.views.Lock()
	assets, system := maps.Clone(s.views.assets), maps.Clone(s.views.system)
	s.views.Unlock()
	for i := range d.Assets {
		assets[d.Assets[i].ID] = d.Assets[i].Asset
	}
	for i := range d.System {
		if row := &d.System[i]; row.Value == nil {
			delete(system, row.Key)
		} else {
			system[row.Key] = row.Value
		}
	}
	f := frozen{head: d.Head}
	for id, a := range assets {
		f.assets = append(f.assets, ledger.ChangedAsset{ID: id, Asset: a})
	}
	slices.SortFunc(f.assets, func(x, y ledger.ChangedAsset) int { return bytes.Compare(x.ID[:], y.ID[:]) })
	for _, key := range slices.Sorted(maps.Keys(system)) {
		f.system = append(f.system, ledger.SystemRow{Key: key, Value: system[key]})
	}
	return f.append(nil)
}

func (f *frozen) append(b []byte) []byte {
	b = appendHead(b, &f.head)
	b = codec.AppendU32(b, uint32(len(f.assets)))
	for i := range f.assets {
		b = append(b, f.assets[i].ID[:]...)
		b = codec.AppendBytes16(b, appendAsset(nil, &f.assets[i].Asset))
	}
	b = codec.AppendU32(b, uint32(len(f.system)))
	for i := range f.system {
		b = codec.AppendBytes16(b, []byte(f.system[i].Key))
		b = codec.AppendBytes32(b, f.system[i].Value)
	}
	return b
}

const (
	headSize      = 8 + 8 + 32 + 2048
	maxSystemRows = 1 << 20
	maxAssetRow   = 1 << 12
)

func readFrozen(b []byte) (*frozen, error) {
	r := codec.NewReader(b)
	f := new(frozen)
	var err error
	if f.head, err = readHead(r.View(headSize, "head")); err != nil {
		r.Fail(codec.BadValue, "head")
	}
	f.assets = make([]ledger.ChangedAsset, r.Count32(mostAssets, 32+2, "assets"))
	for i := range f.assets {
		a := &f.assets[i]
		r.Fixed(a.ID[:], "asset")
		if a.Asset, err = readAsset(r.View16(maxAssetRow, "asset")); err != nil || i > 0 && bytes.Compare(f.assets[i-1].ID[:], a.ID[:]) >= 0 {
			r.Fail(codec.BadValue, "asset")
		}
	}
	f.system = make([]ledger.SystemRow, r.Count32(maxSystemRows, 2+4, "system rows"))
	for i := range f.system {
		row := &f.system[i]
		row.Key = string(r.View16(ledger.MaxSystemKey, "system row"))
		if row.Value, err = readSystem(r.View32(ledger.MaxSystemValue, "system row")); err != nil || row.Key == "" || i > 0 && f.system[i-1].Key >= row.Key {
			r.Fail(codec.BadValue, "system row")
		}
	}
	return f, r.Done()
}

// Frozen is the commit of the newest end of an epoch whose state can be exported; 0 for none.
func (s *Store) Frozen() kernel.CommitIndex {
	f, ok := lookup(s, s.db, keyFrozen, readFrozen)
	if !ok {
		return 0
	}
	return f.head.Index
}
