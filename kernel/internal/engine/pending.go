package engine

import (
	"slices"

	"github.com/asterism-network/asterism/kernel"
)

// A pending set holds snapshots that miss a parent.
type pending struct {
	limits   Limits
	byID     map[kernel.SnapshotID]*held
	waiting  map[kernel.SnapshotID][]*held // by missing parent
	queue    []*held                       // by arrival
	ofAuthor [kernel.MaxMembers]int
	bytes    [kernel.MaxMembers]int
	patience patience
}

type held struct {
	Arrival
	missing int
	since   kernel.Timestamp
	asked   int
	askAt   kernel.Timestamp
	gone    bool
}

func newPending(l Limits) pending {
	return pending{limits: l, byID: make(map[kernel.SnapshotID]*held), waiting: make(map[kernel.SnapshotID][]*held)}
}

func (p *pending) has(id kernel.SnapshotID) bool { _, ok := p.byID[id]; return ok }

// wanted reports whether a held snapshot names id as parent.
func (p *pending) wanted(id kernel.SnapshotID) bool { return len(p.waiting[id]) > 0 }

// add holds a snapshot. Where its author has too many, those with higher rounds are let go of.
func (p *pending) add(a Arrival, missing []kernel.Parent, now kernel.Timestamp) (evicted []Arrival, ok bool) {
	author := a.Header.Author
	for p.ofAuthor[author] >= p.limits.Pending || p.bytes[author]+len(a.Raw) > p.limits.PendingBytes {
		highest := p.highest(author)
		if highest == nil || highest.Header.Round <= a.Header.Round {
			return evicted, false
		}
		p.remove(highest.ID)
		evicted = append(evicted, highest.Arrival)
	}
	h := &held{Arrival: a, missing: len(missing), since: now, askAt: now + askDelay}
	for _, m := range missing {
		h.askAt = max(h.askAt, now+p.patience.with(m.Author))
	}
	p.byID[a.ID] = h
	p.queue = append(p.queue, h)
	p.ofAuthor[author]++
	p.bytes[author] += len(a.Raw)
	for _, m := range missing {
		p.waiting[m.ID] = append(p.waiting[m.ID], h)
	}
	return evicted, true
}

// highest is the held snapshot of an author with the highest round: the one to let go of when
// there are too many, because the lowest missing snapshot of all is accepted without waiting.
func (p *pending) highest(a kernel.Author) (out *held) {
	for _, h := range p.queue {
		if !h.gone && h.Header.Author == a && (out == nil || h.Header.Round > out.Header.Round) {
			out = h
		}
	}
	return out
}

// arrived learns from a snapshot that others waited for whether it came by itself, and how late,
// or because somebody asked.
func (p *pending) arrived(a Arrival, now kernel.Timestamp) {
	children := p.waiting[a.ID]
	if len(children) == 0 {
		return
	}
	since, asked := children[0].since, false
	for _, h := range children {
		since, asked = min(since, h.since), asked || h.asked > 0
	}
	switch {
	case a.From == a.Header.Author:
		p.patience.late(a.From, now-since)
	case asked:
		p.patience.lost(a.Header.Author)
	}
}

// resolve tells that id is accepted and returns the snapshots that now miss nothing.
func (p *pending) resolve(id kernel.SnapshotID) (ready []Arrival) {
	p.remove(id)
	children := p.waiting[id]
	delete(p.waiting, id)
	for _, h := range children {
		if h.missing--; h.missing == 0 {
			ready = append(ready, h.Arrival)
		}
	}
	return ready
}

// drop forgets an invalid snapshot and all that wait for it: they can never be valid.
func (p *pending) drop(id kernel.SnapshotID) {
	doomed := []kernel.SnapshotID{id}
	for len(doomed) > 0 {
		id, doomed = doomed[0], doomed[1:]
		p.remove(id)
		for _, h := range p.waiting[id] {
			doomed = append(doomed, h.ID)
		}
		delete(p.waiting, id)
	}
}

func (p *pending) remove(id kernel.SnapshotID) {
	if h, ok := p.byID[id]; ok {
		h.gone = true
		p.ofAuthor[h.Header.Author]--
		p.bytes[h.Header.Author] -= len(h.Raw)
		delete(p.byID, id)
		for _, parent := range h.Header.Parents {
			p.unwait(parent.ID, h)
		}
	}
}

// unwait takes h off the list of those that wait for a parent, so that nothing stays behind for
// a parent that never comes.
func (p *pending) unwait(parent kernel.SnapshotID, h *held) {
	children := slices.DeleteFunc(p.waiting[parent], func(o *held) bool { return o == h })
	if len(children) == 0 {
		delete(p.waiting, parent)
		return
	}
	p.waiting[parent] = children
}

// live returns the held snapshots by arrival, forgetting the others.
func (p *pending) live() []*held {
	kept := p.queue[:0]
	for _, h := range p.queue {
		if !h.gone {
			kept = append(kept, h)
		}
	}
	clear(p.queue[len(kept):])
	p.queue = kept
	return kept
}
