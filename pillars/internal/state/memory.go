package state

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/asterism-network/asterism/internal/crypto"
)

// A Memory is a View in memory, for tests and the simulator. Its zero value is the empty state, which a
// genesis is applied to.
type Memory struct {
	records map[Key][]byte
	hash    crypto.SetHash
}

// Get returns a record.
func (m *Memory) Get(key Key) ([]byte, bool) {
	value, ok := m.records[key]
	return value, ok
}

// Under calls with the records whose keys start with the prefix, in order. It sorts all keys each time.
func (m *Memory) Under(prefix Key, each func(Key, []byte) bool) {
	for _, key := range m.Keys() {
		if strings.HasPrefix(string(key), string(prefix)) && !each(key, m.records[key]) {
			return
		}
	}
}

// Keys returns the keys of all records, rising.
func (m *Memory) Keys() []Key {
	return slices.Sorted(maps.Keys(m.records))
}

// Write makes the changes. It panics if a record is not what the changes say that it was.
func (m *Memory) Write(changes Changes) {
	if m.records == nil {
		m.records = map[Key][]byte{}
	}
	for _, c := range changes {
		if now := m.records[c.Key]; !same(now, c.Before) {
			panic(fmt.Sprintf("state: record %x is %x, expected %x", string(c.Key), now, c.Before))
		}
		if c.After == nil {
			delete(m.records, c.Key)
		} else {
			m.records[c.Key] = bytes.Clone(c.After)
		}
	}
	changes.Hash(&m.hash)
}

// Root is the hash over all records.
func (m *Memory) Root() [crypto.HashSize]byte { return m.hash.Sum() }

// Clone returns a copy that changes apart.
func (m *Memory) Clone() *Memory {
	c := &Memory{records: make(map[Key][]byte, len(m.records)), hash: m.hash}
	for _, key := range m.Keys() {
		c.records[key] = m.records[key]
	}
	return c
}
