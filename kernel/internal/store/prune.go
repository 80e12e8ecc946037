package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
)

// Pruning lets go of history for good: of the log, its index, and what the state says about commits and
// snapshots before a base, which is the certified end of an epoch. What stays is what a folder has that was
// imported at the base, and all that came after it. The order of the steps makes it safe to die between any
// two: what is gone from the disk is never looked for, and what is left of a step is done again. [PRU-4]

// ErrNotPrunable refuses a commit that history must not begin behind.
var ErrNotPrunable = errors.New("history cannot begin behind this commit")

// pruneBatch is how many rows one batch deletes: commits wait for no more.
const pruneBatch = 4096

// Base is the commit that the folder's history begins behind: of those before it only commit 0 and the ends of
// epochs are there, and of their snapshots those that brought receipts, by name. 0 for a folder that has everything.
func (s *Store) Base() kernel.CommitIndex {
	base, _ := lookup(s, s.db, keyBase, readNumber)
	return kernel.CommitIndex(base)
}

// FirstEpoch is the oldest epoch of which the folder has everything.
func (s *Store) FirstEpoch() kernel.Epoch {
	base := s.Base()
	if base == 0 {
		return 0
	}
	c, ok := s.Ordered(base)
	if !ok {
		s.options.Fatal(fmt.Errorf("store: %w: commit %d, which history begins behind, is missing", ErrCorrupt, base))
	}
	return c.Epoch + 1
}

// Prunable says why history cannot begin behind a commit, nil if it can: it ended an epoch, which is certified, its
// state was kept, and the trees and the proofs of both checkpoints that they show need nothing before it. [PRU-2]
func (s *Store) Prunable(to kernel.CommitIndex) error {
	c, ok := s.Ordered(to)
	if !ok || to == 0 {
		return fmt.Errorf("%w: commit %d is not here", ErrNotPrunable, to)
	}
	if change, ok := s.RosterChange(c.Epoch + 1); !ok || change.End.Checkpoint.Index != to || change.End.Checkpoint.Digest != c.Digest {
		return fmt.Errorf("%w: commit %d is no certified end of an epoch", ErrNotPrunable, to)
	}
	if has, err := s.db.Has(key64(tableFormer, uint64(to))); err != nil || !has {
		return errors.Join(fmt.Errorf("%w: the state after commit %d was not kept: the folder was an archive then", ErrNotPrunable, to), err)
	}
	s.trees.mu.Lock()
	defer s.trees.mu.Unlock()
	if mark := &s.trees.mark; mark.before.Index < to && (mark.before.Index > 0 || mark.now.Index < to) {
		return fmt.Errorf("%w: the trees stand at commit %d and %d", ErrNotPrunable, mark.before.Index, mark.now.Index)
	}
	return nil
}

// Prune makes history begin behind the commit to, which must be Prunable, and removes from the disk what that makes
// useless. At the base that the folder has, it finishes what a crash cut short; below it does nothing. It runs beside
// everything else; stop, which may be nil, is asked between steps. The caller answers that nobody needs what goes. [PRU-4]
func (s *Store) Prune(to kernel.CommitIndex, stop func() bool) error {
	s.pruning.Lock()
	defer s.pruning.Unlock()
	base := s.Base()
	if to < base || to == 0 {
		return nil
	}
	if to > base {
		if err := s.moveBase(to); err != nil {
			return err
		}
	} else if swept, _ := lookup(s, s.db, keySwept, readNumber); kernel.CommitIndex(swept) == to {
		return nil
	}
	p := pruner{store: s, base: to, stop: stop}
	return p.run()
}

// moveBase notes, durably, that history begins behind a commit. From here on nothing before it is promised.
func (s *Store) moveBase(to kernel.CommitIndex) error {
	if err := s.Prunable(to); err != nil {
		return err
	}
	before, ok := s.digestBefore(to)
	if !ok {
		return fmt.Errorf("%w: commit %d is missing", ErrCorrupt, to-1)
	}
	return s.write(true, func(b *kv.Batch) {
		b.Set(keyPrevious, before[:])
		b.Set(keyBase, binary.BigEndian.AppendUint64(nil, uint64(to)))
	})
}

// digestBefore is the digest of the commit before one, which at the base is kept apart.
func (s *Store) digestBefore(index kernel.CommitIndex) (kernel.Digest, bool) {
	if index == s.Base() {
		if d, ok := lookup(s, s.db, keyPrevious, readID[kernel.Digest]); ok {
			return d, true
		}
	}
	c, ok := s.Ordered(index - 1)
	if !ok {
		return kernel.Digest{}, false
	}
	return c.Digest, true
}

// write makes one batch between commits.
func (s *Store) write(sync bool, fill func(*kv.Batch)) error {
	s.committing.Lock()
	defer s.committing.Unlock()
	if err := s.failed.Load(); err != nil {
		return *err
	}
	b := s.db.NewBatch()
	fill(b)
	if err := b.Commit(sync); err != nil {
		return s.fail(err)
	}
	return nil
}

// A pruner removes what a base makes useless.
type pruner struct {
	store  *Store
	base   kernel.CommitIndex
	stop   func() bool
	reader *kv.Snapshot
	last   uint32   // segment of the log that was being written then: what is not in reader is there or behind
	gone   [][]byte // keys to delete
}

func (p *pruner) run() (err error) {
	p.look()
	defer func() { err = errors.Join(err, p.reader.Close()) }()
	end, ok := lookup(p.store, p.reader, key64(tableCommit, uint64(p.base)), readCommit)
	if !ok {
		return fmt.Errorf("%w: commit %d, which history begins behind, is missing", ErrCorrupt, p.base)
	}
	first := end.Epoch + 1 // that is kept
	if err := p.commits(); err != nil {
		return err
	}
	if err := p.certificates(); err != nil {
		return err
	}
	for _, table := range []byte{tableFormer, tableEmptied} {
		if err := p.below(table, uint64(p.base)); err != nil {
			return err
		}
	}
	oldest, err := p.snapshots(first)
	if err != nil {
		return err
	}
	p.store.index.forget(first)
	if err := p.store.write(true, func(b *kv.Batch) { // durable before a file goes
		p.delete(b)
		b.Set(keyOldest, binary.BigEndian.AppendUint64(nil, uint64(oldest)))
	}); err != nil {
		return err
	}
	if err := p.store.log.drop(oldest); err != nil {
		return err
	}
	return p.store.write(false, func(b *kv.Batch) {
		b.Set(keySwept, binary.BigEndian.AppendUint64(nil, uint64(p.base)))
	})
}

// look takes the state as it is now, with the index of all that was appended.
func (p *pruner) look() {
	p.store.appending.Lock()
	defer p.store.appending.Unlock()
	p.last = p.store.log.current()
	p.reader = p.store.db.Snapshot()
}

// remove takes a key to delete; many go together.
func (p *pruner) remove(key []byte) error {
	if p.gone = append(p.gone, slices.Clone(key)); len(p.gone) < pruneBatch {
		return nil
	}
	if p.stop != nil && p.stop() {
		return ErrStopped
	}
	return p.store.write(false, p.delete)
}

func (p *pruner) delete(b *kv.Batch) {
	for _, key := range p.gone {
		b.Delete(key)
	}
	p.gone = p.gone[:0]
}

// below removes all rows of a table whose number is below a bound.
func (p *pruner) below(table byte, bound uint64) error {
	return p.reader.Ascend([]byte{table}, key64(table, bound), func(key, _ []byte) (bool, error) {
		return true, p.remove(key)
	})
}

// commits removes commits before the base, the ends of epochs apart, and the places of their snapshots in the order, those
// of snapshots apart that brought a receipt: a receipt names its snapshot for ever.
func (p *pruner) commits() error {
	return p.reader.Ascend(key64(tableCommit, 1), key64(tableCommit, uint64(p.base)), func(key, value []byte) (bool, error) {
		c, err := readCommit(value)
		if err != nil {
			return false, corrupt(key, err)
		}
		judgedKey := key64(tableJudged, uint64(c.Index))
		judged, ok := lookup(p.store, p.reader, judgedKey, readSpan)
		if !ok {
			return true, nil // an end of an epoch, of which the rest is gone
		}
		if err := p.places(&c, judged); err != nil {
			return false, err
		}
		if change, ends := p.store.RosterChange(c.Epoch + 1); !ends || change.End.Checkpoint.Index != c.Index {
			if err := p.remove(key); err != nil {
				return false, err
			}
		}
		return true, p.remove(judgedKey) // last: until it is gone the commit is looked at again
	})
}

func (p *pruner) places(c *kernel.Commit, judged span) error {
	used := make([]bool, len(c.Snapshots))
	scratch := new(scratch)
	for n := judged.first; n < judged.end(); {
		x, err := scratch.fetch(p.reader, n)
		if err != nil {
			return err
		}
		if x.placed && x.position >= c.Position && x.position-c.Position < uint64(len(used)) {
			used[x.position-c.Position] = true
		}
		n += 1 + x.more
	}
	for i := range c.Snapshots {
		if used[i] {
			continue
		}
		if err := p.remove(key64(tablePosition, c.Position+uint64(i))); err != nil {
			return err
		}
		if err := p.remove(key32(tableSnapshot, (*[32]byte)(&c.Snapshots[i].ID))); err != nil {
			return err
		}
	}
	return nil
}

// certificates removes those before the base that end no epoch: the others lead from the genesis to now.
func (p *pruner) certificates() error {
	var gone []kernel.CommitIndex
	err := p.reader.Ascend([]byte{tableCertificate}, key64(tableCertificate, uint64(p.base)), func(key, value []byte) (bool, error) {
		c, err := readCertificate(value)
		if err != nil {
			return false, corrupt(key, err)
		}
		if c.Checkpoint.EndsEpoch() {
			return true, nil
		}
		gone = append(gone, c.Checkpoint.Index)
		return true, p.remove(key)
	})
	t := &p.store.trees
	t.mu.Lock()
	defer t.mu.Unlock()
	t.certified = slices.DeleteFunc(t.certified, func(i kernel.CommitIndex) bool {
		_, found := slices.BinarySearch(gone, i)
		return found
	})
	return err
}

// snapshots removes the index of epochs before one, and returns the oldest segment that holds a record of those that stay.
func (p *pruner) snapshots(first kernel.Epoch) (oldest uint32, err error) {
	oldest = p.last
	var entry [1 + 32]byte
	entry[0] = tableEntry
	table := []byte{tableVariant}
	err = p.reader.Ascend(table, kv.After(table), func(key, value []byte) (bool, error) {
		at, _, ok := slotOf(key)
		if !ok || len(value) != 32 {
			return false, fmt.Errorf("%w: key %x", ErrCorrupt, key)
		}
		copy(entry[1:], value)
		if at.epoch < first {
			return true, errors.Join(p.remove(entry[:]), p.remove(key))
		}
		e, ok := lookup(p.store, p.reader, entry[:], readEntry)
		if !ok {
			return false, fmt.Errorf("%w: snapshot %x has no place in the log", ErrCorrupt, value)
		}
		oldest = min(oldest, e.segment)
		return true, nil
	})
	return oldest, err
}
