package store

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// Reads of the newest state. Each sees whole commits only; two calls may see different ones.

// Head is where the ledger stands.
func (s *Store) Head() ledger.Head { return *s.head.Load() }

// Consensus returns the state of the commit rule that came with the newest commit. It must not be changed.
func (s *Store) Consensus() []byte { return *s.consensus.Load() }

// Ordered returns a commit without what came of it.
func (s *Store) Ordered(index kernel.CommitIndex) (*kernel.Commit, bool) {
	return lookup(s, s.db, key64(tableCommit, uint64(index)), func(b []byte) (*kernel.Commit, error) {
		c := new(kernel.Commit)
		return c, c.UnmarshalBinary(b)
	})
}

// CommitAt returns a commit and the receipts that it led to, in order of execution.
func (s *Store) CommitAt(index kernel.CommitIndex) (*kernel.Commit, []kernel.Receipt, bool) {
	c, ok := s.Ordered(index)
	if !ok {
		return nil, nil, false
	}
	judged, _ := lookup(s, s.db, key64(tableJudged, uint64(index)), readSpan)
	return c, s.receipts(c, judged), true
}

// receipts reads the receipts of a commit.
func (s *Store) receipts(c *kernel.Commit, judged span) []kernel.Receipt {
	scratch := scratches.Get().(*scratch)
	defer scratches.Put(scratch)
	receipts := make([]kernel.Receipt, 0, min(judged.count, 1<<16))
	for n := judged.first; n < judged.first+number(judged.count); {
		x, err := scratch.fetch(s.db, n)
		if err == nil && x.placed && (x.position < c.Position || x.position-c.Position >= uint64(len(c.Snapshots))) {
			err = fmt.Errorf("%w: transaction %d is of another commit", ErrCorrupt, n)
		}
		if err != nil {
			s.options.Fatal(fmt.Errorf("store: %w", err))
		}
		r := x.receipt()
		if x.placed {
			r.Snapshot = c.Snapshots[x.position-c.Position].ID
		}
		receipts = append(receipts, r)
		n += 1 + x.more
	}
	return receipts
}

// Receipt returns what became of a transaction.
func (s *Store) Receipt(tx kernel.TxHash) (kernel.Receipt, bool) { return s.newestReceipt(tx) }

// Transaction returns the receipt of a transaction and, if it is final, its signed bytes. They
// are read from the log, unless the ledger itself made it; raw is nil if the log lost them.
func (s *Store) Transaction(tx kernel.TxHash) (raw []byte, receipt kernel.Receipt, ok bool) {
	receipt, ok = s.Receipt(tx)
	if !ok || receipt.Status != kernel.Final {
		return nil, receipt, ok
	}
	if receipt.Snapshot.IsZero() {
		raw, _ = s.issued(s.db, tx)
		return raw, receipt, true
	}
	if r, held := s.Snapshot(receipt.Snapshot); held {
		raw = findTransaction(r.Body, tx)
	}
	return raw, receipt, true
}

// findTransaction returns the bytes of the first transaction in a body that has the given hash.
func findTransaction(body []byte, hash kernel.TxHash) []byte {
	r := codec.NewReader(body)
	for range r.Count16(kernel.MaxBodyEntries, 5, "body entries") {
		kind := kernel.EntryKind(r.U8("entry kind"))
		raw := r.View32(kernel.MaxTransactionSize, "entry")
		if r.Failed() {
			return nil
		}
		var tx kernel.Transaction
		if kind == kernel.EntryTransaction && tx.UnmarshalBinary(raw) == nil && tx.Hash() == hash {
			return raw
		}
	}
	return nil
}

// SnapshotPosition returns where a committed snapshot stands in the total order.
func (s *Store) SnapshotPosition(id kernel.SnapshotID) (commit kernel.CommitIndex, position uint64, ok bool) {
	at, ok := lookup(s, s.db, key32(tableSnapshot, (*[32]byte)(&id)), readCommittedAt)
	return at.commit, at.position, ok
}

// SnapshotAt returns the committed snapshot at a position of the total order.
func (s *Store) SnapshotAt(position uint64) (kernel.SnapshotID, bool) {
	return lookup(s, s.db, key64(tablePosition, position), readID[kernel.SnapshotID])
}

func readID[T ~[32]byte](b []byte) (id T, err error) {
	r := codec.NewReader(b)
	r.Fixed(id[:], "id")
	return id, r.Done()
}

// Identity returns who took a deposit's or mint's identity.
func (s *Store) Identity(h kernel.Hash) (ledger.Owner, bool) {
	return s.findIdentity(s.db, h)
}

// GhostKey returns who used a one-time key first.
func (s *Store) GhostKey(k kernel.Key) (ledger.Owner, bool) {
	return s.newestGhostKey(k)
}

// Outputs calls fn for every output that is kept, spent ones included, in the order of creation.
func (s *Store) Outputs(fn func(kernel.OutputRef, ledger.Output) error) error {
	snapshot := s.db.Snapshot()
	err := s.scanOutputs(snapshot, fn)
	return errors.Join(err, snapshot.Close())
}

// Assets returns all assets, ordered by id.
func (s *Store) Assets() []ledger.ChangedAsset {
	v := s.View()
	defer v.Close()
	return v.Assets()
}

func loadAssets(db *kv.DB) (map[kernel.AssetID]ledger.Asset, error) {
	assets := make(map[kernel.AssetID]ledger.Asset)
	return assets, scanTable(db, tableAsset, 32, readAsset, func(key []byte, a ledger.Asset) (bool, error) {
		assets[kernel.AssetID(key)] = a
		return true, nil
	})
}

// Faults returns at most limit of the faults found, in order, beginning with number from (the
// first is 0).
func (s *Store) Faults(from uint64, limit int) (faults []ledger.Fault) {
	for len(faults) < limit {
		f, ok := lookup(s, s.db, key64(tableFault, from+uint64(len(faults))), readFault)
		if !ok {
			break
		}
		faults = append(faults, f)
	}
	return faults
}

func countFaults(db *kv.DB) (n uint64, err error) {
	table := []byte{tableFault}
	err = db.Descend(table, kv.After(table), func(key, _ []byte) (bool, error) {
		if len(key) != 9 {
			return false, fmt.Errorf("%w: key %x", ErrCorrupt, key)
		}
		n = binary.BigEndian.Uint64(key[1:]) + 1
		return false, nil
	})
	return n, err
}

// scanTable decodes every row of a table whose keys have the given length behind the table's byte.
func scanTable[T any](r kv.Reader, table byte, length int, decode func([]byte) (T, error), fn func(key []byte, v T) (bool, error)) error {
	lower := []byte{table}
	return r.Ascend(lower, kv.After(lower), func(key, value []byte) (bool, error) {
		if len(key) != 1+length {
			return false, fmt.Errorf("%w: key %x", ErrCorrupt, key)
		}
		v, err := decode(value)
		if err != nil {
			return false, fmt.Errorf("%w: key %x: %w", ErrCorrupt, key, err)
		}
		return fn(key[1:], v)
	})
}
