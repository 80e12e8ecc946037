package mempool

import (
	"container/heap"
	"slices"

	"github.com/asterism-network/asterism/pillars/internal/state"
)

// Select returns what a block should take within so many bytes and signatures, best paid first: each
// entry stands behind what it builds on, and all together are valid in that order after our tip. An entry is
// taken with its ancestors, for what they pay together [PIL-MEM-13].
func (p *Pool) Select(maxSize, maxSigOps int) []*Entry {
	s := selection{taken: map[*Entry]bool{}, out: map[*Entry]bool{}, version: map[*Entry]int{}, written: map[state.Key][]*Entry{}}
	s.queue = make(offers, 0, len(p.worst))
	for _, e := range p.worst {
		s.queue = append(s.queue, offer{e, e.up, 0})
	}
	heap.Init(&s.queue)
	misses := 0
	for len(s.queue) > 0 && misses < maxMisses {
		o := heap.Pop(&s.queue).(offer)
		if s.taken[o.entry] || s.out[o.entry] || s.version[o.entry] != o.version {
			continue
		}
		switch {
		case o.size > maxSize || o.sigops > maxSigOps:
			misses++ // a smaller one may fit
			continue
		case !s.take(o.entry):
			continue
		}
		maxSize, maxSigOps = maxSize-o.size, maxSigOps-o.sigops
	}
	return s.chosen
}

// maxMisses is after how many packages that do not fit a block counts as full.
const maxMisses = 500

// A selection is a block in the making.
type selection struct {
	queue   offers
	chosen  []*Entry
	taken   map[*Entry]bool
	out     map[*Entry]bool // it cannot stand in this block any more
	version map[*Entry]int  // of its newest offer
	written map[state.Key][]*Entry
}

// take puts an entry into the block with what it builds on. It reports whether that was possible: not behind a
// transaction that changed a name which the entry was judged by.
func (s *selection) take(e *Entry) bool {
	var fresh []*Entry
	for _, a := range ancestors([]*Entry{e}) {
		if !s.taken[a] {
			fresh = append(fresh, a)
		}
	}
	for _, a := range fresh {
		if s.out[a] || s.overtaken(a) {
			for _, d := range descendants([]*Entry{a}) {
				s.out[d] = true
			}
			return false
		}
	}
	for _, a := range fresh {
		s.taken[a] = true
		s.chosen = append(s.chosen, a)
		for _, k := range a.names {
			s.written[k] = append(s.written[k], a)
		}
	}
	s.offerAgain(fresh)
	return true
}

// overtaken reports whether the block already changed a name that the entry was judged by, other than
// through what the entry builds on.
func (s *selection) overtaken(e *Entry) bool {
	for _, k := range e.reads {
		writers := s.written[k]
		if len(writers) == 0 {
			continue
		}
		above := ancestors([]*Entry{e})
		if slices.ContainsFunc(writers, func(w *Entry) bool { return !slices.Contains(above, w) }) {
			return true
		}
	}
	return false
}

// offerAgain offers what builds on entries that were taken for what it pays itself.
func (s *selection) offerAgain(fresh []*Entry) {
	for _, d := range descendants(fresh) {
		if s.taken[d] || s.out[d] {
			continue
		}
		left := totals{}
		for _, a := range ancestors([]*Entry{d}) {
			if !s.taken[a] {
				left.add(a.own())
			}
		}
		s.version[d]++
		heap.Push(&s.queue, offer{d, left, s.version[d]})
	}
}

// An offer is an entry with what it still builds on.
type offer struct {
	entry *Entry
	totals
	version int
}

// offers is a heap, the best paid on top. It implements heap.Interface.
type offers []offer

func (o offers) Len() int      { return len(o) }
func (o offers) Swap(i, j int) { o[i], o[j] = o[j], o[i] }

func (o offers) Less(i, j int) bool {
	if c := o[i].rate().compare(o[j].rate()); c != 0 {
		return c > 0
	}
	return o[i].entry.seq < o[j].entry.seq
}

// Push implements heap.Interface.
func (o *offers) Push(x any) { *o = append(*o, x.(offer)) }

// Pop implements heap.Interface.
func (o *offers) Pop() any {
	last := len(*o) - 1
	out := (*o)[last]
	*o = (*o)[:last]
	return out
}
