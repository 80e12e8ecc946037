package store

import (
	"errors"
	"fmt"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// Verify reads everything again: the checksums of every record, that ids are the hashes of
// headers and bodies match their roots; that the commits are a chain without gaps that ends at
// the head; that the state adds up to the head's set hash, and unspent outputs to each asset's
// total. It may run beside everything else, on the state and the log at its call. progress,
// which may be nil, is told bytes of the log done and to do. The error is ErrCorrupt and names
// all that is wrong with the log, or the first thing that is with the state. [STO-12]
func (s *Store) Verify(progress func(done, total uint64)) error {
	if progress == nil {
		progress = func(uint64, uint64) {}
	}
	snapshot := s.db.Snapshot()
	err := errors.Join(s.verifyLog(progress), s.verifyOrder(snapshot), verifyState(snapshot))
	return errors.Join(err, snapshot.Close())
}

func (s *Store) verifyLog(progress func(done, total uint64)) error {
	segments := s.log.extent()
	var done, total uint64
	for _, seg := range segments {
		total += uint64(seg.end)
	}
	var damage error
	for _, seg := range segments {
		bad, err := s.scanSegment(seg, 0, func(sequence uint64, r Record) error {
			if err := s.verifyRecord(&r); err != nil {
				damage = errors.Join(damage, fmt.Errorf("record %d: %w", sequence, err))
			}
			progress(min(done+uint64(recordSize(&r)), total), total)
			done += uint64(recordSize(&r))
			return nil
		})
		damage = errors.Join(damage, bad, err)
	}
	progress(total, total)
	if damage == nil {
		return nil
	}
	s.distrust(damage)
	return fmt.Errorf("%w: log: %w", ErrCorrupt, damage)
}

// verifyRecord checks a record against the hashes inside it.
func (s *Store) verifyRecord(r *Record) error {
	var h kernel.Header
	if err := h.UnmarshalBinary(r.Header); err != nil {
		return fmt.Errorf("header of %s: %w", r.ID, err)
	}
	if h.ID() != r.ID || h.Author != r.Author || h.Round != r.Round || h.Network != s.log.origin.network {
		return fmt.Errorf("%w: header of %s is that of %s", errDamaged, r.ID, h.String())
	}
	if len(r.Body) == 0 {
		return nil // dropped below a checkpoint: headers are kept for ever, bodies are not
	}
	var body kernel.Body
	if err := body.UnmarshalBinary(r.Body); err != nil {
		return fmt.Errorf("body of %s: %w", r.ID, err)
	}
	if uint32(len(r.Body)) != h.BodyLength || body.Root() != h.BodyRoot {
		return fmt.Errorf("%w: body of %s is another one", errDamaged, r.ID)
	}
	return nil
}

// verifyOrder checks that commits and positions have no gaps, that every committed snapshot is
// in the log, and that the last commit is the head.
func (s *Store) verifyOrder(r kv.Reader) error {
	var next, position uint64
	var last kernel.Commit
	err := scanTable(r, tableCommit, 8, readCommit, func(_ []byte, c kernel.Commit) (bool, error) {
		if uint64(c.Index) != next || c.Position != position {
			return false, fmt.Errorf("%w: commit %d at position %d follows %d at %d", ErrCorrupt, c.Index, c.Position, next, position)
		}
		for i := range c.Snapshots {
			if err := s.verifyPlace(r, &c, uint64(i)); err != nil {
				return false, err
			}
		}
		next++
		position += uint64(len(c.Snapshots))
		last = c
		return true, nil
	})
	if err != nil {
		return err
	}
	head, ok := lookup(s, r, keyHead, readHead)
	if !ok || head.Index != last.Index || head.Digest != last.Digest || next == 0 {
		return fmt.Errorf("%w: head %d is not the last commit %d", ErrCorrupt, head.Index, last.Index)
	}
	return nil
}

func readCommit(b []byte) (c kernel.Commit, err error) {
	err = c.UnmarshalBinary(b)
	return c, err
}

// verifyPlace checks the rows of the i-th snapshot of a commit.
func (s *Store) verifyPlace(r kv.Reader, c *kernel.Commit, i uint64) error {
	id, position := c.Snapshots[i].ID, c.Position+i
	at, _ := lookup(s, r, key32(tableSnapshot, (*[32]byte)(&id)), readCommittedAt)
	back, _ := lookup(s, r, key64(tablePosition, position), readID[kernel.SnapshotID])
	if at != (committedAt{c.Index, position}) || back != id {
		return fmt.Errorf("%w: snapshot %s of commit %d is listed at commit %d position %d", ErrCorrupt, id, c.Index, at.commit, at.position)
	}
	if c.Snapshots[i].Round > 0 && !s.Has(id) && s.LogState() != Doubtful {
		return fmt.Errorf("%w: snapshot %s of commit %d is not in the log", ErrCorrupt, id, c.Index)
	}
	return nil
}

// verifyState counts the state again.
func verifyState(r kv.Reader) error {
	var e ledger.Elements
	sums := make(map[kernel.AssetID]kernel.Amount)
	err := scanOutputs(r, func(ref kernel.OutputRef, o ledger.Output) error {
		e.Output(ref, &o)
		if !o.SpentBy.IsZero() {
			return nil
		}
		sum, ok := sums[o.Asset].Add(o.Amount)
		if !ok {
			return fmt.Errorf("%w: unspent outputs of asset %s exceed 2^128 units", ErrCorrupt, o.Asset)
		}
		sums[o.Asset] = sum
		return nil
	})
	if err != nil {
		return err
	}
	if err := countElements(r, &e); err != nil {
		return err
	}
	err = scanTable(r, tableAsset, 32, readAsset, func(key []byte, a ledger.Asset) (bool, error) {
		id := kernel.AssetID(key)
		e.Asset(id, &a)
		if sum := sums[id]; sum != a.Unspent {
			return false, fmt.Errorf("%w: unspent outputs of asset %s are %s, its total says %s", ErrCorrupt, id, sum, a.Unspent)
		}
		delete(sums, id)
		return true, nil
	})
	if err != nil {
		return err
	}
	if len(sums) > 0 {
		return fmt.Errorf("%w: outputs of %d unknown assets", ErrCorrupt, len(sums))
	}
	return compareHead(r, &e)
}

// countElements adds what needs no sums.
func countElements(r kv.Reader, e *ledger.Elements) error {
	err := scanTable(r, tableIdentity, 32, readOwner, func(key []byte, by ledger.Owner) (bool, error) {
		e.Identity(kernel.Hash(key), by)
		return true, nil
	})
	if err != nil {
		return err
	}
	err = scanTable(r, tableFault, 8, readFault, func(_ []byte, f ledger.Fault) (bool, error) {
		e.Fault(&f)
		return true, nil
	})
	if err != nil {
		return err
	}
	bytes := func(b []byte) ([]byte, error) { return b, nil }
	return scanTable(r, tableReceipt, 32, bytes, func(key, value []byte) (bool, error) {
		receipt, err := readReceipt(kernel.TxHash(key), value)
		if err != nil {
			return false, fmt.Errorf("%w: receipt %x: %w", ErrCorrupt, key, err)
		}
		e.Receipt(receipt)
		return true, nil
	})
}

func compareHead(r kv.Reader, e *ledger.Elements) error {
	b, ok, err := r.Get(nil, keyHead)
	if err != nil {
		return err
	}
	head, err := readHead(b)
	if !ok || err != nil {
		return fmt.Errorf("%w: head: %w", ErrCorrupt, err)
	}
	sum := e.Sum()
	if sum != head.State {
		return fmt.Errorf("%w: the state of commit %d does not add up to its hash", ErrCorrupt, head.Index)
	}
	return nil
}
