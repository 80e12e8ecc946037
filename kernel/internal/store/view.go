package store

import (
	"fmt"
	"sync"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// A View is the ledger after one commit, whatever is committed meanwhile. It reads a snapshot
// of the key-value store: making one costs microseconds and copies nothing, and as a commit is
// one atomic batch it cannot see half of one. Any number of goroutines may use a View. It keeps
// old values on disk until it is closed.
type View struct {
	store    *Store
	snapshot *kv.Snapshot

	once sync.Once
	head *ledger.Head // once somebody asks: it is large, and most views are closed before
}

var _ ledger.View = (*View)(nil)

// View returns the ledger at the newest commit. The caller closes it.
func (s *Store) View() *View {
	v := &View{store: s, snapshot: s.db.Snapshot()}
	s.views.Lock()
	s.views.open[v] = struct{}{}
	s.views.Unlock()
	return v
}

// Close releases the view; closing it again does nothing.
func (v *View) Close() error {
	v.store.views.Lock()
	_, open := v.store.views.open[v]
	delete(v.store.views.open, v)
	v.store.views.Unlock()
	if !open {
		return nil
	}
	return v.snapshot.Close()
}

func (v *View) loadHead() {
	h, ok := lookup(v.store, v.snapshot, keyHead, readHead)
	if !ok {
		v.store.options.Fatal(fmt.Errorf("%w: no head", ErrCorrupt))
	}
	v.head = &h
}

// Head implements ledger.View.
func (v *View) Head() ledger.Head {
	v.once.Do(v.loadHead)
	return *v.head
}

// Output implements ledger.View.
func (v *View) Output(ref kernel.OutputRef) (ledger.Output, bool) {
	return lookup(v.store, v.snapshot, keyOutput(&ref), readOutput)
}

// GhostKey implements ledger.View.
func (v *View) GhostKey(k kernel.Key) (ledger.Owner, bool) {
	return lookup(v.store, v.snapshot, key32(tableGhost, (*[32]byte)(&k)), readOwner)
}

// Identity implements ledger.View.
func (v *View) Identity(h kernel.Hash) (ledger.Owner, bool) {
	return lookup(v.store, v.snapshot, key32(tableIdentity, (*[32]byte)(&h)), readOwner)
}

// Receipt implements ledger.View.
func (v *View) Receipt(tx kernel.TxHash) (kernel.Receipt, bool) {
	return lookupReceipt(v.store, v.snapshot, tx)
}

// Asset implements ledger.View.
func (v *View) Asset(id kernel.AssetID) (ledger.Asset, bool) {
	return lookup(v.store, v.snapshot, key32(tableAsset, (*[32]byte)(&id)), readAsset)
}

// Faulted implements ledger.View.
func (v *View) Faulted(kind ledger.FaultKind, author kernel.Author, epoch kernel.Epoch, round kernel.Round) bool {
	ok, err := v.snapshot.Has(keyBlame(nil, kind, author, epoch, round))
	if err != nil {
		v.store.options.Fatal(fmt.Errorf("store: %w", err))
	}
	return ok
}

// lookup reads and decodes one value. Failing to read state ends the process.
func lookup[T any](s *Store, r kv.Reader, key []byte, decode func([]byte) (T, error)) (v T, ok bool) {
	b, ok, err := r.Get(nil, key)
	if err == nil && ok {
		if v, err = decode(b); err != nil {
			err = fmt.Errorf("%w: key %x: %w", ErrCorrupt, key, err)
		}
	}
	if err != nil {
		s.options.Fatal(fmt.Errorf("store: %w", err))
	}
	return v, ok
}

func lookupReceipt(s *Store, r kv.Reader, tx kernel.TxHash) (kernel.Receipt, bool) {
	return lookup(s, r, key32(tableReceipt, (*[32]byte)(&tx)), func(b []byte) (kernel.Receipt, error) {
		return readReceipt(tx, b)
	})
}

// Outputs calls fn for every output that is kept, spent ones included, by transaction and index.
func (v *View) Outputs(fn func(kernel.OutputRef, ledger.Output) error) error {
	return scanOutputs(v.snapshot, fn)
}

// Assets returns all assets, ordered by id.
func (v *View) Assets() []ledger.ChangedAsset { return listAssets(v.store, v.snapshot) }
