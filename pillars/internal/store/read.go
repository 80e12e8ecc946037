package store

import (
	"fmt"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/state"
)

// Tip is the last block of our chain.
func (s *Store) Tip() Entry {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.tip
}

// High is the highest height that our chain ever had: what was final then is final for ever.
func (s *Store) High() uint32 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.high
}

// StateRoot is the hash over all records of the state after the tip; equal states have equal ones. [PIL-STO-7]
func (s *Store) StateRoot() [crypto.HashSize]byte {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.hash.Sum()
}

// From is the lowest height whose block is here, the genesis apart; 0 in an archive.
func (s *Store) From() uint32 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.from
}

// IDAt returns the block of our chain at a height.
func (s *Store) IDAt(height uint32) (id pillars.BlockID, ok bool) {
	raw, ok := s.get(keyHeight(height), 32)
	copy(id[:], raw)
	return id, ok
}

// Entry returns what is kept of a block besides its body.
func (s *Store) Entry(id pillars.BlockID) (e Entry, ok bool) {
	raw, ok := s.get(keyID(tableEntry, id), 0)
	if !ok {
		return e, false
	}
	s.must(e.decode(raw), "header", id)
	return e, true
}

// Ours reports whether a block is on our chain.
func (s *Store) Ours(e *Entry) bool {
	id, ok := s.IDAt(e.Branch.Number)
	return ok && id == e.ID()
}

// Block returns a stored block. The error is ErrNotFound, or ErrPruned if it was here once.
func (s *Store) Block(id pillars.BlockID) (*pillars.Block, error) {
	raw, err := s.BlockBytes(id)
	if err != nil {
		return nil, err
	}
	b := new(pillars.Block)
	s.must(b.UnmarshalBinary(raw), "block", id)
	return b, nil
}

// BlockBytes returns a stored block as it goes over the wire.
func (s *Store) BlockBytes(id pillars.BlockID) ([]byte, error) {
	if raw, ok := s.get(keyID(tableBody, id), 0); ok {
		return raw, nil
	}
	if _, ok := s.Entry(id); ok {
		return nil, fmt.Errorf("block %s: %w", id.Short(), ErrPruned)
	}
	return nil, fmt.Errorf("block %s: %w", id.Short(), ErrNotFound)
}

// Undo returns what undoes a block of our chain, and so what it spent.
func (s *Store) Undo(id pillars.BlockID) (*state.Undo, error) {
	raw, ok := s.get(keyID(tableUndo, id), 0)
	if !ok {
		return nil, fmt.Errorf("undo of block %s: %w", id.Short(), ErrNotFound)
	}
	u := new(state.Undo)
	s.must(u.UnmarshalBinary(raw), "undo", id)
	return u, nil
}

// Transaction returns where a transaction stands on our chain. In a pruned folder only newer ones are found.
func (s *Store) Transaction(id pillars.TxID) (at Place, ok bool) {
	raw, ok := s.get(keyID(tableTransaction, id), 8)
	if !ok {
		return at, false
	}
	return Place{u32(raw), u32(raw[4:])}, true
}

// History calls with the transactions that touch an address, from a place on, oldest first, until the call returns
// false. In a pruned folder it starts where the bodies do.
func (s *Store) History(a pillars.Address, from Place, each func(at Place, does byte) bool) {
	prefix := keyAddress(a)
	s.scan(keyPlace(a, from), kv.After(prefix), func(key, value []byte) bool {
		at := key[len(prefix):]
		return each(Place{u32(at), u32(at[4:])}, value[0])
	})
}

// Side calls with the stored blocks that are not of our chain, by rising height.
func (s *Store) Side(each func(Entry)) {
	var ids []pillars.BlockID
	s.scan([]byte{tableSide}, []byte{tableSide + 1}, func(key, _ []byte) bool {
		ids = append(ids, pillars.BlockID(key[5:]))
		return true
	})
	for _, id := range ids {
		if e, ok := s.Entry(id); ok {
			each(e)
		}
	}
}

// get reads a value; a size other than 0 is what it must have.
func (s *Store) get(key []byte, size int) ([]byte, bool) {
	raw, ok, err := s.db.Get(nil, key)
	if err == nil && ok && size != 0 && len(raw) != size {
		err = fmt.Errorf("%w: %d bytes under %x", ErrCorrupt, len(raw), key)
	}
	if err != nil {
		_ = s.fatal(err)
	}
	return raw, ok
}

func (s *Store) must(err error, what string, id pillars.BlockID) {
	if err != nil {
		_ = s.fatal(fmt.Errorf("%w: %s of %s: %w", ErrCorrupt, what, id.Short(), err))
	}
}

func (s *Store) scan(lower, upper []byte, each func(key, value []byte) bool) {
	err := s.db.Ascend(lower, upper, func(key, value []byte) (bool, error) { return each(key, value), nil })
	if err != nil {
		_ = s.fatal(err)
	}
}

// A View is the state after the tip. It implements state.View.
type View struct {
	store *Store
	from  kv.Reader
}

var _ state.View = View{}

// View reads the newest state: only for the writer, between two writes.
func (s *Store) View() View { return View{s, s.db} }

// Fixed returns the state as it is now, whatever is written later, until release is called.
func (s *Store) Fixed() (v View, release func()) {
	fixed := s.db.Snapshot()
	return View{s, fixed}, func() {
		if err := fixed.Close(); err != nil {
			_ = s.fatal(err)
		}
	}
}

// Get returns a record.
func (v View) Get(key state.Key) ([]byte, bool) {
	value, ok, err := v.from.Get(nil, keyState(key))
	if err != nil {
		_ = v.store.fatal(err)
	}
	if ok && value == nil {
		value = []byte{}
	}
	return value, ok
}

// Under calls with the records whose keys start with the prefix, in order.
func (v View) Under(prefix state.Key, each func(state.Key, []byte) bool) {
	lower := keyState(prefix)
	err := v.from.Ascend(lower, kv.After(lower), func(key, value []byte) (bool, error) {
		return each(state.Key(key[1:]), append([]byte{}, value...)), nil
	})
	if err != nil {
		_ = v.store.fatal(err)
	}
}
