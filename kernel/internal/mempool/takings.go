package mempool

import "hash/maphash"

// A taking is a touch that is taken, and by whom.
type taking struct {
	touch    Touch
	standing uint32 // how often transactions in unsettled snapshots take it
	owner    *entry // the waiting transaction that takes it; they never conflict with each other
}

// takings finds them by touch. Under load it holds the touches of a second's payments of the whole network,
// and what an access costs is the memory that it reads before it finds: a map with such keys reads two or
// three distant lines, this one a slot of eight bytes, and the taking beside those of the same snapshot.
//
// Whoever makes a key chooses its bytes, so slots are chosen by a hash under a seed that never leaves the
// process. A hash only says where to look and what need not be looked at: a touch is found when all its bytes
// are equal, so that no answer depends on the seed.
type takings struct {
	seed  maphash.Seed
	slots []uint64 // half of the hash, then the index in cells; 0 is empty; a power of two of them, a quarter of them empty at least
	cells []taking // the first one stands for none
	free  []uint32 // cells to use again
}

func newTakings() takings {
	return takings{seed: maphash.MakeSeed(), slots: make([]uint64, 8), cells: make([]taking, 1)}
}

// slot is where a touch is or would be: at the first place that its hash names, or behind it without a gap.
func (x *takings) slot(t *Touch) (i int, hash uint64) {
	hash = maphash.Bytes(x.seed, t[:]) >> 32
	for i = x.home(hash); x.slots[i] != 0; i = x.after(i) {
		if s := x.slots[i]; s>>32 == hash && x.cells[uint32(s)].touch == *t {
			break
		}
	}
	return i, hash
}

func (x *takings) home(hash uint64) int { return int(hash) & (len(x.slots) - 1) }

func (x *takings) after(slot int) int { return (slot + 1) & (len(x.slots) - 1) }

// find returns the taking of a touch and its slot, or nil if nobody takes it. It is good until the next take.
func (x *takings) find(t *Touch) (at *taking, slot int) {
	i, _ := x.slot(t)
	if x.slots[i] == 0 {
		return nil, i
	}
	return &x.cells[uint32(x.slots[i])], i
}

// take is find that makes what is not there.
func (x *takings) take(t *Touch) *taking {
	i, hash := x.slot(t)
	if s := x.slots[i]; s != 0 {
		return &x.cells[uint32(s)]
	}
	if 4*(len(x.cells)-len(x.free)) > 3*len(x.slots) {
		x.grow()
		i, _ = x.slot(t)
	}
	c := uint32(len(x.cells))
	if last := len(x.free) - 1; last >= 0 {
		c, x.free = x.free[last], x.free[:last]
	} else {
		x.cells = append(x.cells, taking{})
	}
	x.slots[i] = hash<<32 | uint64(c)
	x.cells[c].touch = *t
	return &x.cells[c]
}

// drop forgets the taking in a slot. Those behind it move up, as far as each is not before its home.
func (x *takings) drop(slot int) {
	c := uint32(x.slots[slot])
	x.cells[c] = taking{}
	x.free = append(x.free, c)
	for i := x.after(slot); x.slots[i] != 0; i = x.after(i) {
		if home := x.home(x.slots[i] >> 32); x.distance(home, i) >= x.distance(slot, i) {
			x.slots[slot] = x.slots[i]
			slot = i
		}
	}
	x.slots[slot] = 0
}

// distance is how many slots lie from one to another.
func (x *takings) distance(from, to int) int { return (to - from) & (len(x.slots) - 1) }

// grow doubles the slots.
func (x *takings) grow() {
	old := x.slots
	x.slots = make([]uint64, 2*len(old))
	for _, s := range old {
		if s == 0 {
			continue
		}
		i := x.home(s >> 32)
		for x.slots[i] != 0 {
			i = x.after(i)
		}
		x.slots[i] = s
	}
}
