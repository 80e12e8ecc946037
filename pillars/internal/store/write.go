package store

import (
	"fmt"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/state"
)

// pruneAtOnce is how many blocks one batch prunes at most: an archive that becomes a pruned folder does so in
// steps.
const pruneAtOnce = 16

// Keep stores a judged block that is not of our chain.
func (s *Store) Keep(e Entry, block *pillars.Block) error {
	if err := s.writable(); err != nil {
		return err
	}
	b := s.db.NewBatchSize(int(e.Size) + 1024)
	s.putBlock(b, &e, block)
	b.Set(keySide(e.Branch.Number, e.ID()), nil)
	return s.commit(b, false)
}

// Forget removes stored blocks that are not of our chain.
func (s *Store) Forget(ids []pillars.BlockID) error {
	if len(ids) == 0 {
		return nil
	}
	b := s.db.NewBatch()
	for _, id := range ids {
		if e, ok := s.Entry(id); ok {
			b.Delete(keySide(e.Branch.Number, id))
		}
		b.Delete(keyID(tableEntry, id))
		b.Delete(keyID(tableBody, id))
	}
	return s.commit(b, false)
}

// Connect puts a block behind the tip: its body, what it does to the state, what undoes that, and its entries in the
// indexes, in one batch. With sync it is durable when Connect returns. [PIL-STO-3]
func (s *Store) Connect(e Entry, block *pillars.Block, diff *state.Diff, sync bool) error {
	if err := s.writable(); err != nil {
		return err
	}
	if tip := s.Tip(); block.Previous != tip.ID() || diff.Block != e.ID() {
		panic("store: connect to what is not the tip")
	}
	b := s.db.NewBatchSize(2*int(e.Size) + 4096)
	if has, err := s.db.Has(keyID(tableBody, e.ID())); err != nil {
		return s.fatal(err)
	} else if !has {
		s.putBlock(b, &e, block)
	}
	b.Delete(keySide(e.Branch.Number, e.ID()))
	hash := s.connect(b, &e, block, diff)
	from, err := s.prune(b, e.Branch.Number)
	if err != nil {
		return s.fatal(err)
	}
	if err := s.commit(b, sync); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tip, s.hash, s.from, s.high = e, hash, from, max(s.high, e.Branch.Number)
	return nil
}

func (s *Store) putBlock(b *kv.Batch, e *Entry, block *pillars.Block) {
	b.Set(keyID(tableEntry, e.ID()), e.append(nil))
	b.Set(keyID(tableBody, e.ID()), block.AppendBinary(make([]byte, 0, e.Size)))
}

// connect adds what makes a stored block the tip.
func (s *Store) connect(b *kv.Batch, e *Entry, block *pillars.Block, diff *state.Diff) crypto.SetHash {
	id := e.ID()
	undo := diff.Undo()
	b.Set(keyHeight(e.Branch.Number), id[:])
	b.Set(keyID(tableUndo, id), undo.AppendBinary(nil))
	s.putIndex(b, block, undo)
	b.Set(keyHigh, appendU32(nil, max(s.high, e.Branch.Number)))
	return s.move(b, id, diff.Changes)
}

// move adds what a step does to the state, and where that stands then.
func (s *Store) move(b *kv.Batch, to pillars.BlockID, changes state.Changes) crypto.SetHash {
	for _, c := range changes {
		if c.After == nil {
			b.Delete(keyState(c.Key))
		} else {
			b.Set(keyState(c.Key), c.After)
		}
	}
	hash := s.hash // only the writer changes it
	changes.Hash(&hash)
	b.Set(keyHash, hash[:])
	b.Set(keyTip, to[:])
	return hash
}

// Disconnect takes the tip off our chain, in one batch, and returns it. It stays stored. [PIL-STO-3]
func (s *Store) Disconnect() (*pillars.Block, error) {
	tip := s.Tip()
	id := tip.ID()
	parent, ok := s.Entry(tip.Head.Previous)
	block, err := s.Block(id)
	if !ok || err != nil {
		return nil, s.fatal(fmt.Errorf("%w: disconnect %d: parent %v, block %w", ErrCorrupt, tip.Branch.Number, ok, err))
	}
	undo, err := s.Undo(id)
	if err != nil {
		return nil, s.fatal(err)
	}
	changes, err := undo.Changes(s.View())
	if err != nil {
		return nil, s.fatal(fmt.Errorf("%w: %w", ErrCorrupt, err))
	}
	b := s.db.NewBatch()
	b.Delete(keyHeight(tip.Branch.Number))
	b.Delete(keyID(tableUndo, id))
	b.Set(keySide(tip.Branch.Number, id), nil)
	s.dropIndex(b, block, undo)
	hash := s.move(b, parent.ID(), changes)
	if err := s.commit(b, false); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tip, s.hash = parent, hash
	return block, nil
}

// prune adds the removal of bodies, undo data and index entries that a tip leaves behind, and returns the lowest height
// that keeps them. The genesis stays.
func (s *Store) prune(b *kv.Batch, tip uint32) (from uint32, err error) {
	from = s.from
	if s.options.Prune == 0 || tip < s.options.Prune {
		return from, nil
	}
	from = max(from, 1)
	for range pruneAtOnce {
		if from > tip-s.options.Prune {
			break
		}
		id, ok := s.IDAt(from)
		if !ok {
			return 0, fmt.Errorf("%w: no block at %d", ErrCorrupt, from)
		}
		block, err := s.Block(id)
		if err != nil {
			return 0, err
		}
		undo, err := s.Undo(id)
		if err != nil {
			return 0, err
		}
		s.dropIndex(b, block, undo)
		b.Delete(keyID(tableBody, id))
		b.Delete(keyID(tableUndo, id))
		from++
	}
	b.Set(keyFrom, appendU32(nil, from))
	return from, nil
}

func (s *Store) commit(b *kv.Batch, sync bool) error {
	if err := b.Commit(sync); err != nil {
		return s.fatal(err)
	}
	return nil
}

// fatal ends the process, or in a test panics: what memory holds and what the disk holds may differ now.
func (s *Store) fatal(err error) error {
	err = fmt.Errorf("chain in %s: %w", s.dir, err)
	s.options.Fatal(err)
	return err
}
