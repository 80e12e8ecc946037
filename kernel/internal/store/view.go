package store

import (
	"bytes"
	"slices"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// A View is the ledger after one commit, whatever is committed meanwhile. It is a number and reads
// the newest rows: each carries the commits that made and changed it, so a view passes over what
// came later, and rows never go. What is changed in place, the assets' totals and system rows, a commit leaves to
// the views that are open. All rows of a view's commit were there before the view was, so it does
// not matter how far a later commit is. Any number of goroutines may use a View; making one costs
// nothing.
type View struct {
	store *Store
	head  *ledger.Head
	old   map[kernel.AssetID]*ledger.Asset // that changed since; nil if there was none. Guarded by store.views

	oldSystem map[string][]byte // rows that changed since; nil if there was none. Guarded by store.views
}

var _ ledger.View = (*View)(nil)

// View returns the ledger at the newest commit. The caller closes it.
func (s *Store) View() *View {
	v := &View{store: s}
	s.views.Lock()
	defer s.views.Unlock()
	v.head = s.head.Load()
	s.views.open[v] = struct{}{}
	return v
}

// Close releases the view; closing it again does nothing.
func (v *View) Close() error {
	v.store.views.Lock()
	defer v.store.views.Unlock()
	delete(v.store.views.open, v)
	return nil
}

// keep remembers an asset that is about to change. The store's lock of views is held.
func (v *View) keep(id kernel.AssetID) {
	if _, known := v.old[id]; known {
		return
	}
	if v.old == nil {
		v.old = make(map[kernel.AssetID]*ledger.Asset)
	}
	v.old[id] = nil
	if a, ok := v.store.views.assets[id]; ok {
		v.old[id] = &a
	}
}

// Head implements ledger.View.
func (v *View) Head() ledger.Head { return *v.head }

// Output implements ledger.View.
func (v *View) Output(ref kernel.OutputRef) (ledger.Output, bool) {
	o, ok := v.store.findOutput(ref)
	if !ok || !v.asOf(&o) {
		return ledger.Output{}, false
	}
	return o, true
}

// asOf turns an output back to what it was at the view's commit; false if it was not there.
func (v *View) asOf(o *ledger.Output) bool {
	if o.SpentAt > v.head.Index {
		o.SpentBy, o.SpentAt = kernel.TxHash{}, 0
	}
	return o.Created <= v.head.Index
}

// GhostKey implements ledger.View.
func (v *View) GhostKey(k kernel.Key) (ledger.Owner, bool) { return v.owner(v.store.GhostKey(k)) }

// Identity implements ledger.View.
func (v *View) Identity(h kernel.Hash) (ledger.Owner, bool) { return v.owner(v.store.Identity(h)) }

func (v *View) owner(o ledger.Owner, ok bool) (ledger.Owner, bool) {
	if !ok || o.Commit > v.head.Index {
		return ledger.Owner{}, false
	}
	return o, true
}

// Receipt implements ledger.View.
func (v *View) Receipt(tx kernel.TxHash) (kernel.Receipt, bool) {
	r, ok := v.store.Receipt(tx)
	if !ok || r.Commit > v.head.Index {
		return kernel.Receipt{}, false
	}
	return r, true
}

// Asset implements ledger.View.
func (v *View) Asset(id kernel.AssetID) (ledger.Asset, bool) {
	v.store.views.Lock()
	defer v.store.views.Unlock()
	if old, changed := v.old[id]; changed {
		if old == nil {
			return ledger.Asset{}, false
		}
		return *old, true
	}
	a, ok := v.store.views.assets[id]
	return a, ok
}

// Faulted implements ledger.View.
func (v *View) Faulted(kind ledger.FaultKind, author kernel.Author, epoch kernel.Epoch, round kernel.Round) bool {
	number, ok := lookup(v.store, v.store.db, keyBlame(nil, kind, author, epoch, round), readNumber)
	if !ok {
		return false
	}
	f, ok := lookup(v.store, v.store.db, key64(tableFault, number), readFault)
	return ok && f.Commit <= v.head.Index
}

// Outputs calls fn for every output that is kept, spent ones included, in the order
// of creation.
func (v *View) Outputs(fn func(kernel.OutputRef, ledger.Output) error) error {
	return v.store.Outputs(func(ref kernel.OutputRef, o ledger.Output) error {
		if !v.asOf(&o) {
			return nil
		}
		return fn(ref, o)
	})
}

// Assets returns all assets, ordered by id.
func (v *View) Assets() (assets []ledger.ChangedAsset) {
	v.store.views.Lock()
	defer v.store.views.Unlock()
	for id, a := range v.store.views.assets {
		if old, changed := v.old[id]; changed {
			if old == nil {
				continue
			}
			a = *old
		}
		assets = append(assets, ledger.ChangedAsset{ID: id, Asset: a})
	}
	slices.SortFunc(assets, func(x, y ledger.ChangedAsset) int { return bytes.Compare(x.ID[:], y.ID[:]) })
	return assets
}
