package store

import (
	"errors"
	"fmt"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// A BaseState is the ledger after the commit that a folder's history begins behind.
type BaseState struct {
	State    *ledger.Diff // everything, as if one commit had made it; outputs that were spent by then say so
	Commit   *kernel.Commit
	Receipts []kernel.Receipt // of that commit alone
	Previous kernel.Digest    // of the commit before
}

// BaseState rebuilds the ledger at the base from rows that name the commits that made them, and from what was
// kept of those that change in place: history is executed again from there. It takes nothing for granted but that. [PRU-8]
func (s *Store) BaseState() (*BaseState, error) {
	base := s.Base()
	former, ok := lookup(s, s.db, key64(tableFormer, uint64(base)), readFrozen)
	if !ok {
		return nil, fmt.Errorf("%w: the state after commit %d was not kept", ErrCorrupt, base)
	}
	out := &BaseState{State: &ledger.Diff{Head: former.head, Assets: former.assets, System: former.system}}
	if out.Commit, out.Receipts, ok = s.CommitAt(base); !ok || former.head.Index != base {
		return nil, fmt.Errorf("%w: commit %d, which history begins behind, is missing", ErrCorrupt, base)
	}
	if out.Previous, ok = s.digestBefore(base); !ok {
		return nil, fmt.Errorf("%w: the digest before commit %d is missing", ErrCorrupt, base)
	}
	for _, f := range s.Faults(0, 1<<30) {
		if f.Commit <= base {
			out.State.Faults = append(out.State.Faults, f)
		}
	}
	snapshot := s.db.Snapshot()
	err := scanTable(snapshot, tableIdentity, 32, readSingleNumber, func(key []byte, n number) (bool, error) {
		if by := s.ownerOf(snapshot, n); by.Commit <= base {
			out.State.Taken = append(out.State.Taken, ledger.TakenIdentity{Identity: kernel.Hash(key), By: by})
		}
		return true, nil
	})
	if err == nil {
		err = s.scanRows(snapshot, func(x *scanned) error { return out.row(s, x, base) })
	}
	if errors.Is(err, errBehindBase) {
		err = nil
	}
	return out, errors.Join(err, snapshot.Close())
}

// errBehindBase ends a scan of rows, which are in the order of commits.
var errBehindBase = errors.New("row is of a later commit")

// row adds a transaction's row as it was at the base.
func (b *BaseState) row(s *Store, x *scanned, base kernel.CommitIndex) error {
	if x.commit > base {
		return errBehindBase
	}
	d := b.State
	if x.part == 0 {
		r := x.receipt()
		if x.placed {
			r.Snapshot = s.snapshotAt(s.db, x.position)
		} else if raw, ok := s.issued(s.db, x.hash); ok && x.commit > 0 {
			d.Issued = append(d.Issued, raw)
		}
		d.Receipts = append(d.Receipts, r)
	}
	by := ledger.Owner{Transaction: x.hash, Commit: x.commit}
	for i := range x.outputs {
		o := x.outputs[i]
		for _, key := range o.Output.Keys {
			d.Keys = append(d.Keys, ledger.TakenKey{Key: key, By: by})
		}
		if o.Output.SpentAt > base {
			o.Output.SpentBy, o.Output.SpentAt = kernel.TxHash{}, 0
		}
		d.Created = append(d.Created, o)
	}
	return nil
}
