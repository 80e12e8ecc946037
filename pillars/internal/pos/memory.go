package pos

import "github.com/asterism-network/asterism/pillars"

// A Use is one stake in one second: what a PoS block is made with.
type Use struct {
	Stake pillars.Outpoint
	Stamp uint32
}

// Memory remembers which block each use was first seen in. A staker may sign any number of blocks with
// one use at no cost; a node takes the first, and neither relays nor stores the others unless a
// chain with more weight stands on them [PIL-POS-8]. Two blocks with one use are evidence against their
// signer: nobody makes two by accident.
//
// It is a ring of heights, since what is final needs no memory, with at most so many uses of each height,
// since a flood must not push out what is remembered. Both are ample because a use is noted only for a
// block whose stake and signature were verified.
type Memory struct {
	each  int // most uses of one height
	ring  []noted
	first map[Use]pillars.BlockID
}

// noted are the uses of one height, in the ring at its height modulo the ring's size.
type noted struct {
	height uint32
	uses   []Use
}

// NewMemory keeps uses of as many heights as a reorganisation may reach, at most each of one height.
func NewMemory(heights uint32, each int) *Memory {
	return &Memory{each: each, ring: make([]noted, max(heights, 1)), first: map[Use]pillars.BlockID{}}
}

// Note remembers the use of a verified block, and returns the other block if the use was seen in one.
func (m *Memory) Note(height uint32, u Use, id pillars.BlockID) (other pillars.BlockID, twice bool) {
	if seen, ok := m.first[u]; ok {
		return seen, seen != id
	}
	place := &m.ring[height%uint32(len(m.ring))]
	if place.height < height {
		for _, old := range place.uses {
			delete(m.first, old)
		}
		*place = noted{height, place.uses[:0]}
	}
	if place.height == height && len(place.uses) < m.each {
		place.uses = append(place.uses, u)
		m.first[u] = id
	}
	return pillars.BlockID{}, false
}

// Seen returns the block that a use was first seen in.
func (m *Memory) Seen(u Use) (pillars.BlockID, bool) {
	id, ok := m.first[u]
	return id, ok
}

// Len is how many uses are remembered.
func (m *Memory) Len() int { return len(m.first) }
