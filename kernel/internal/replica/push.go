package replica

import (
	"fmt"
	"slices"
	"sync"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/wire"
	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// This file shortens the push of an own snapshot and makes whole what others push. A snapshot is put
// together from the ids of verified snapshots at the places that it names; the signature tells
// whether they are those that the author meant. [NET-PUSH]

// pushes knows which snapshots stand where, and keeps what names places that nobody filled yet.
type pushes struct {
	mu      sync.Mutex // nothing is called while holding it but the store
	ids     *simplelru.LRU[wire.Place, kernel.SnapshotID]
	queue   [kernel.MaxMembers][]*push // by sender, oldest first
	strange [kernel.MaxMembers]int     // pushes in a row whose signature did not verify, by sender
}

type push struct {
	wire.Push
	from  kernel.Author
	lacks []wire.Place
}

const (
	placesKept  = 16 << 10
	pushesKept  = 64      // of one sender that wait for places
	pushesBytes = 4 << 20 // and the bytes of their bodies
	strangest   = 16      // pushes in a row that may turn out to mean another snapshot
)

// several stands for the id of a place with more than one snapshot.
var several kernel.SnapshotID

func newPushes() pushes {
	ids, _ := simplelru.NewLRU[wire.Place, kernel.SnapshotID](placesKept, nil)
	return pushes{ids: ids}
}

// at is the snapshot of a place; several where there are more. mu is held.
func (r *Replica) at(s *Seat, p wire.Place) (kernel.SnapshotID, bool) {
	if id, ok := s.pushes.ids.Get(p); ok {
		return id, true
	}
	switch ids := r.store.VariantsIn(s.Epoch, p.Author, p.Round); len(ids) {
	case 0:
		return several, false
	case 1:
		s.pushes.ids.Add(p, ids[0])
		return ids[0], true
	default:
		return several, true
	}
}

// fill notes a verified snapshot and returns what it was the last to wait for.
func (r *Replica) fill(s *Seat, p wire.Place, id kernel.SnapshotID) (ready []*push) {
	s.pushes.mu.Lock()
	defer s.pushes.mu.Unlock()
	if known, ok := r.at(s, p); ok && known != id {
		id = several
	}
	s.pushes.ids.Add(p, id)
	for a, list := range s.pushes.queue {
		s.pushes.queue[a] = slices.DeleteFunc(list, func(w *push) bool {
			if w.from == p.Author && w.Round == p.Round {
				return true // it came whole
			}
			w.lacks = slices.DeleteFunc(w.lacks, func(l wire.Place) bool { return l == p })
			if len(w.lacks) == 0 {
				ready = append(ready, w)
			}
			return len(w.lacks) == 0
		})
	}
	return ready
}

// whole puts a push together. Where it cannot, missed says what to ask for; what may become possible is kept.
func (r *Replica) whole(s *Seat, p *push) (d *decoded, missed *engine.Missed, err error) {
	places := p.Places(p.from)
	ids := make([]kernel.SnapshotID, len(places))
	missed = &engine.Missed{From: p.from, At: wire.Place{Author: p.from, Round: p.Round}}
	s.pushes.mu.Lock()
	defer s.pushes.mu.Unlock()
	p.lacks = nil
	for i, at := range places {
		id, known := r.at(s, at)
		if known && id == several {
			return nil, missed, nil
		}
		if !known {
			p.lacks = append(p.lacks, at)
		}
		ids[i] = id
	}
	if len(p.lacks) == 0 {
		whole, raw, err := p.Snapshot(r.network, p.from, ids)
		if err != nil {
			return nil, nil, err
		}
		return &decoded{raw: raw, snapshot: *whole, id: whole.Header.ID()}, nil, nil
	}
	missed.Lacks = slices.Clone(p.lacks)
	list := append(s.pushes.queue[p.from], p)
	for bytes := bodyBytes(list); len(list) > pushesKept || bytes > pushesBytes && len(list) > 1; list = list[1:] {
		bytes -= len(list[0].Body)
	}
	s.pushes.queue[p.from] = list
	return nil, missed, nil
}

func bodyBytes(list []*push) (n int) {
	for _, p := range list {
		n += len(p.Body)
	}
	return n
}

// judged counts pushes whose signature does not verify: another snapshot of a named place than the
// one known here explains some, and nothing explains many in a row.
func (r *Replica) judged(s *Seat, from kernel.Author, good bool) error {
	s.pushes.mu.Lock()
	defer s.pushes.mu.Unlock()
	if good {
		s.pushes.strange[from] = 0
		return nil
	}
	if s.pushes.strange[from]++; s.pushes.strange[from] > strangest {
		return fmt.Errorf("%d pushes in a row whose signatures do not verify", strangest)
	}
	return nil
}

// Encode is the frame of what an engine sends to everybody: an own snapshot in its short form, if
// each place that it names has one snapshot here. All else is as wire.Append has it.
func (r *Replica) Encode(e Envelope) []byte {
	if s, ok := e.Message.(wire.Snapshot); ok && e.Own {
		if p, h, err := wire.PushOf(s.Raw); err == nil && r.unambiguous(h) {
			return wire.Append(make([]byte, 0, len(p.Body)+512), *p)
		}
	}
	return wire.Append(nil, e.Message)
}

func (r *Replica) unambiguous(h *kernel.Header) bool {
	s := r.seat(h.Epoch)
	if s == nil || s.Self != h.Author {
		return false
	}
	s.pushes.mu.Lock()
	defer s.pushes.mu.Unlock()
	for _, p := range h.Parents {
		if p.Round == 0 {
			return false
		}
		if id, known := r.at(s, wire.Place{Author: p.Author, Round: p.Round}); !known || id != p.ID {
			return false
		}
	}
	return true
}
