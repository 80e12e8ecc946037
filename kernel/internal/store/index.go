package store

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
)

// An index finds records of the log by id and by slot. Its rows in the key-value store lag
// behind the log: newer entries stand in memory until the next fold, and are read from the
// log again after a crash. Only entries of durable records ever reach the disk, and with the state
// of a commit all of those that it rests on. [STO-8]
type index struct {
	db *kv.DB

	mu      sync.RWMutex // readers of slots hold it over both the store and the maps
	pending map[kernel.SnapshotID]pendingEntry
	order   []kernel.SnapshotID // of pending, by sequence
	slots   map[slot][]kernel.SnapshotID
	newest  map[chain]kernel.Round
	epoch   kernel.Epoch // the newest that a record belongs to
	used    bool         // there is a record
}

type pendingEntry struct {
	entry
	slot
	variant uint16
	again   bool // replaces a damaged record: it has its variant row
}

// A chain is an author's snapshots of one epoch.
type chain struct {
	epoch  kernel.Epoch
	author kernel.Author
}

func newIndex(db *kv.DB) (*index, error) {
	x := &index{
		db:      db,
		pending: make(map[kernel.SnapshotID]pendingEntry),
		slots:   make(map[slot][]kernel.SnapshotID),
		newest:  make(map[chain]kernel.Round),
	}
	all := []byte{tableVariant}
	err := db.Descend(all, kv.After(all), func(key, _ []byte) (bool, error) {
		s, _, ok := slotOf(key)
		if !ok {
			return false, fmt.Errorf("%w: key %x", ErrCorrupt, key)
		}
		x.epoch, x.used = s.epoch, true
		return false, nil
	})
	return x, err
}

func (x *index) empty() bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return !x.used
}

func (x *index) newestEpoch() kernel.Epoch {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.epoch
}

// find returns the place of a record.
func (x *index) find(id kernel.SnapshotID) (e entry, ok bool, err error) {
	x.mu.RLock()
	p, ok := x.pending[id]
	x.mu.RUnlock()
	if ok {
		return p.entry, true, nil
	}
	key := append(append(make([]byte, 0, 1+len(id)+entrySize), tableEntry), id[:]...)
	b, ok, err := x.db.Get(key[len(key):], key) // one buffer for both
	if err != nil || !ok {
		return e, false, err
	}
	if e, err = readEntry(b); err != nil {
		return e, false, fmt.Errorf("%w: entry of snapshot %s: %w", ErrCorrupt, id, err)
	}
	return e, true, nil
}

// variants returns the ids in a slot in order of acceptance.
func (x *index) variants(s slot) ([]kernel.SnapshotID, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.variantsLocked(s)
}

func (x *index) variantsLocked(s slot) ([]kernel.SnapshotID, error) {
	if x.aboveLocked(s) {
		return nil, nil
	}
	ids, err := x.stored(s)
	return append(ids, x.slots[s]...), err
}

// stored asks number by number, which have no gaps: a scan would cost a fold.
func (x *index) stored(s slot) (ids []kernel.SnapshotID, err error) {
	for number := range 1 << 16 {
		value, ok, err := x.db.Get(nil, keyVariant(s, uint16(number)))
		if err != nil || !ok {
			return ids, err
		}
		if len(value) != 32 {
			return nil, fmt.Errorf("%w: variant of %d@%d", ErrCorrupt, s.author, s.round)
		}
		ids = append(ids, kernel.SnapshotID(value))
	}
	return ids, nil
}

// above reports whether a slot is known to be above all records of its chain, without reading
// anything: most snapshots that arrive are.
func (x *index) above(s slot) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.aboveLocked(s)
}

func (x *index) aboveLocked(s slot) bool {
	newest, known := x.newest[chain{s.epoch, s.author}] // of all chains that have got a record since the opening
	return known && s.round > newest
}

// newestIn returns the newest round of a chain.
func (x *index) newestIn(c chain) (round kernel.Round, ok bool, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.newestLocked(c)
}

func (x *index) newestLocked(c chain) (round kernel.Round, ok bool, err error) {
	if round, ok = x.newest[c]; ok { // of all chains that have got a record since the opening
		return round, true, nil
	}
	lower := keySlot(slot{epoch: c.epoch, author: c.author})
	upper := kv.After(lower[:slotKey-8])
	err = x.db.DescendFolded(lower, upper, func(key, _ []byte) (bool, error) {
		s, _, known := slotOf(key)
		round, ok = s.round, known
		return false, nil
	})
	if err == nil && ok {
		x.newest[c] = round
	}
	return round, ok, err
}

// add takes up a record that stands in the log. A second entry for an id replaces the first.
func (x *index) add(e entry, r *Record) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	p := pendingEntry{entry: e, slot: slot{epoch: epochOf(r.Header), author: r.Author, round: r.Round}}
	c := chain{p.epoch, p.author}
	round, any, err := x.newestLocked(c)
	if err != nil {
		return err
	}
	if any && p.round <= round {
		ids, err := x.variantsLocked(p.slot)
		if err != nil {
			return err
		}
		p.again = slices.Contains(ids, r.ID)
		p.variant = uint16(min(len(ids), 0xffff))
	} else {
		x.newest[c] = p.round
	}
	if !p.again {
		x.slots[p.slot] = append(x.slots[p.slot], r.ID)
	}
	if old, ok := x.pending[r.ID]; ok {
		p.variant, p.again = old.variant, old.again
		x.order = slices.DeleteFunc(x.order, func(id kernel.SnapshotID) bool { return id == r.ID })
	}
	x.order = append(x.order, r.ID)
	x.pending[r.ID] = p
	x.epoch, x.used = max(x.epoch, p.epoch), true
	return nil
}

// flush writes the entries that are in memory, and how far the index reaches then, and forgets
// them. The caller sees to it that their records are durable before the rows are. [STO-8]
func (x *index) flush(set func(key, value []byte)) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.order) == 0 {
		return
	}
	var buf [32]byte
	var reached mark
	for _, id := range x.order {
		p := x.pending[id]
		set(key32(tableEntry, (*[32]byte)(&id)), appendEntry(buf[:0], p.entry))
		if !p.again {
			set(keyVariant(p.slot, p.variant), id[:])
		}
		end := place{p.segment, p.offset + uint32(prefixSize) + uint32(p.head) + p.rest}
		reached = mark{end, p.sequence + 1}
	}
	set(keyIndexed, appendMark(buf[:0], reached))
	clear(x.pending)
	clear(x.slots)
	x.order = x.order[:0]
}

// forget lets go of what is remembered of epochs before one, whose rows are gone.
func (x *index) forget(before kernel.Epoch) {
	x.mu.Lock()
	defer x.mu.Unlock()
	maps.DeleteFunc(x.newest, func(c chain, _ kernel.Round) bool { return c.epoch < before })
}

// size is the number of entries in memory.
func (x *index) size() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.order)
}
