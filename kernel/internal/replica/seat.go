package replica

import (
	"fmt"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// Outsider is the place of a peer that is no member of an epoch, where a place is asked for.
const Outsider = engine.Nobody - 1

// A Seat is an epoch as one node sees it: who its members are, and which of them this node is.
// What stands in it does not change; it may be used by several goroutines.
type Seat struct {
	Epoch  kernel.Epoch
	Roster *kernel.Roster
	Self   kernel.Author // engine.Nobody: not a member

	genesis *kernel.Commit // that the epoch starts from, executed
	places  map[kernel.Key]kernel.Author
	keys    []kernel.Key // of members

	suspects *suspects // of payments under bad signatures
	pushes   *pushes
}

func newSeat(epoch kernel.Epoch, roster *kernel.Roster, self kernel.Key, genesis *kernel.Commit) *Seat {
	pushes := newPushes()
	s := &Seat{
		Epoch: epoch, Roster: roster, Self: engine.Nobody, genesis: genesis,
		places: make(map[kernel.Key]kernel.Author, len(roster.Members)), suspects: new(suspects), pushes: &pushes,
	}
	for i := range roster.Members {
		key := roster.Members[i].Key
		s.places[key] = kernel.Author(i)
		s.keys = append(s.keys, key)
	}
	if a, ok := s.places[self]; ok {
		s.Self = a
	}
	return s
}

// Place is a member's place; false for others.
func (s *Seat) Place(key kernel.Key) (kernel.Author, bool) {
	a, ok := s.places[key]
	return a, ok
}

// place is Place with Outsider for others.
func (s *Seat) place(key kernel.Key) kernel.Author {
	if a, ok := s.places[key]; ok {
		return a
	}
	return Outsider
}

// Key is the node key of an author; zero for no member.
func (s *Seat) Key(a kernel.Author) (key kernel.Key) {
	if int(a) < len(s.keys) {
		key = s.keys[a]
	}
	return key
}

// Name is an author's name, for people.
func (s *Seat) Name(a kernel.Author) string {
	if int(a) < len(s.Roster.Members) {
		return s.Roster.Members[a].Name
	}
	return fmt.Sprintf("author %d", a)
}

// Seats are the epochs whose snapshots are taken: the one in force, and the one before while this
// node is not done with it.
type seats struct{ current, previous *Seat }

// seat is the seat of an epoch, nil if its snapshots are not taken now.
func (r *Replica) seat(epoch kernel.Epoch) *Seat {
	s := r.seats.Load()
	switch {
	case s.current.Epoch == epoch:
		return s.current
	case s.previous != nil && s.previous.Epoch == epoch:
		return s.previous
	}
	return nil
}

// Seat is the epoch in force, as far as the engines know.
func (r *Replica) Seat() *Seat { return r.seats.Load().current }

// seatOf makes the seat of an epoch that has begun; false if there is none such.
func (r *Replica) seatOf(view ledger.View, epoch kernel.Epoch) (*Seat, bool) {
	if e, ok := ledger.FactsOf(view, epoch); ok {
		genesis, ok := r.store.Ordered(e.Genesis)
		if !ok {
			panic(fmt.Sprintf("replica: commit %d, which epoch %d starts from, is not there", e.Genesis, epoch))
		}
		return newSeat(epoch, e.Roster.Roster(), r.key, genesis), true
	}
	if epoch > 0 {
		return nil, false
	}
	return newSeat(0, r.genesis.Roster(), r.key, r.started), true
}
