package kv

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"sync"
)

// A table holds the newest changes of keys in memory: their bytes in chunks, and a hash table of
// places in them. There is no pointer for each key, so a million of them cost the garbage
// collector nothing. Many may read while one writes; a frozen table is not written any more.
type table struct {
	mu     sync.RWMutex
	slots  []tableSlot // open addressing; the number is a power of two
	chunks [][]byte
	keys   int
	bytes  int // taken in chunks, overwritten values included
}

// A tableSlot is empty if its place is 0.
type tableSlot struct {
	hash  uint32 // of the key: its low bits say where the slot would best be
	place uint32 // chunk and offset in it
}

const (
	chunkBits  = 20
	firstChunk = 4 << 10
	lastChunk  = 1 << chunkBits
	firstSlots = 64

	// An entry is a head, the key and room for a value.
	entryHead = 4 + 4 + 4 // length of the key and kind, of the value, and of its room
	kindShift = 30
	maxKeyLen = 1<<kindShift - 1
)

// The kinds of entry. As a record of what an engine answered, they are "there" and "not there".
const (
	entrySet    = 1
	entryDelete = 2
)

var tableSeed = maphash.MakeSeed() // the order of slots shows nowhere

func hashKey(key []byte) uint64 { return maphash.Bytes(tableSeed, key) }

func newTable() *table {
	return &table{slots: make([]tableSlot, firstSlots)}
}

func (t *table) entry(place uint32) []byte {
	return t.chunks[place>>chunkBits][place&(lastChunk-1):]
}

func entryKey(e []byte) []byte {
	n := binary.LittleEndian.Uint32(e) & maxKeyLen
	return e[entryHead : entryHead+n]
}

func entryKind(e []byte) int { return int(binary.LittleEndian.Uint32(e) >> kindShift) }

func entryValue(e []byte) []byte {
	start := entryHead + binary.LittleEndian.Uint32(e)&maxKeyLen
	return e[start : start+binary.LittleEndian.Uint32(e[4:])]
}

// find returns the slot of a key, or the empty one where it would be. The lock is held.
func (t *table) find(key []byte, hash uint64) *tableSlot {
	mask := uint32(len(t.slots) - 1)
	short := uint32(hash)
	for i := short & mask; ; i = (i + 1) & mask {
		s := &t.slots[i]
		if s.place == 0 || s.hash == short && bytes.Equal(entryKey(t.entry(s.place)), key) {
			return s
		}
	}
}

// get appends the value of key to dst. The kind is 0 if the table knows nothing of it.
func (t *table) get(dst, key []byte, hash uint64) (value []byte, kind int) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.look(dst, key, hash)
}

// look is get for who holds the lock, or for a frozen table.
func (t *table) look(dst, key []byte, hash uint64) (value []byte, kind int) {
	s := t.find(key, hash)
	if s.place == 0 {
		return dst, 0
	}
	e := t.entry(s.place)
	return append(dst, entryValue(e)...), entryKind(e)
}

// knows reports whether the table has a change of key.
func (t *table) knows(key []byte, hash uint64) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.find(key, hash).place != 0
}

// put sets or deletes a key. The lock is held.
func (t *table) put(kind int, key, value []byte, hash uint64) {
	s := t.find(key, hash)
	room := len(value)
	if s.place != 0 {
		e := t.entry(s.place)
		start := entryHead + len(key)
		if int(binary.LittleEndian.Uint32(e[8:])) >= room {
			binary.LittleEndian.PutUint32(e, uint32(len(key))|uint32(kind)<<kindShift)
			binary.LittleEndian.PutUint32(e[4:], uint32(room))
			copy(e[start:], value)
			return
		}
		room += room / 4 // it changes often, perhaps
		s.place = t.add(kind, key, value, room)
		return
	}
	*s = tableSlot{uint32(hash), t.add(kind, key, value, room)}
	if t.keys++; t.keys > len(t.slots)/4*3 {
		t.grow()
	}
}

// extend appends to the value of a key; one that is deleted or unknown has none. The lock is held.
func (t *table) extend(key, tail []byte, hash uint64) {
	s := t.find(key, hash)
	if s.place == 0 {
		t.put(entrySet, key, tail, hash)
		return
	}
	joined := append(append([]byte(nil), entryValue(t.entry(s.place))...), tail...)
	t.put(entrySet, key, joined, hash)
}

func (t *table) add(kind int, key, value []byte, room int) (place uint32) {
	size := entryHead + len(key) + room
	chunk, at := t.reserve(size)
	e := t.chunks[chunk][at:]
	binary.LittleEndian.PutUint32(e, uint32(len(key))|uint32(kind)<<kindShift)
	binary.LittleEndian.PutUint32(e[4:], uint32(len(value)))
	binary.LittleEndian.PutUint32(e[8:], uint32(room))
	copy(e[entryHead:], key)
	copy(e[entryHead+len(key):], value)
	return uint32(chunk)<<chunkBits | uint32(at)
}

// reserve makes room for an entry at the end of the last chunk, or in a new one. Chunks double up
// to a megabyte; a larger entry has one of its own.
func (t *table) reserve(size int) (chunk, at int) {
	t.bytes += size
	last := len(t.chunks) - 1
	if last >= 0 && cap(t.chunks[last])-len(t.chunks[last]) >= size && len(t.chunks[last]) < lastChunk {
		at = len(t.chunks[last])
		t.chunks[last] = t.chunks[last][:at+size]
		return last, at
	}
	space := firstChunk
	if last >= 0 {
		space = min(max(2*cap(t.chunks[last]), firstChunk), lastChunk)
	} else {
		at = 1 // place 0 is nowhere
	}
	t.chunks = append(t.chunks, make([]byte, at+size, max(space, at+size)))
	return last + 1, at
}

func (t *table) grow() {
	old := t.slots
	t.slots = make([]tableSlot, 2*len(old))
	mask := uint32(len(t.slots) - 1)
	for _, s := range old {
		if s.place == 0 {
			continue
		}
		i := s.hash & mask
		for t.slots[i].place != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = s
	}
}

// mostChunks is how many places can tell apart.
const mostChunks = 1 << (32 - chunkBits)

// full reports whether the table should take no more before long.
func (t *table) full(limit int) bool { return t.bytes >= limit || len(t.chunks) >= mostChunks/2 }

// at returns a row of sorted; there is false if the key is deleted.
func (t *table) at(r row) (key, value []byte, there bool) {
	e := t.entry(r.place)
	return entryKey(e), entryValue(e), entryKind(e) == entrySet
}

// eachKey calls fn for every key of a table that is not written any more.
func (t *table) eachKey(fn func(key []byte)) {
	for _, s := range t.slots {
		if s.place != 0 {
			fn(entryKey(t.entry(s.place)))
		}
	}
}

// slotsFor is how many slots hold n keys without growing.
func slotsFor(n int) int {
	return max(firstSlots, 1<<bits.Len(uint(n+n/2)))
}
