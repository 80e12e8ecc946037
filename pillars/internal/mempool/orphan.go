package mempool

import (
	"errors"
	"slices"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/tree"
)

// orphans are transactions whose inputs are missing: each peer may have so many held, all together so many, for
// some minutes [PIL-MEM-10].
type orphans struct {
	all     []*orphan // in the order of arrival
	byID    map[pillars.TxID]*orphan
	waiting map[pillars.TxID][]*orphan // for this one
	bytes   int
}

type orphan struct {
	tx      *pillars.Transaction
	id      pillars.TxID
	from    tree.Peer
	size    int
	until   uint32
	missing []pillars.TxID
}

func newOrphans() orphans {
	return orphans{byID: map[pillars.TxID]*orphan{}, waiting: map[pillars.TxID][]*orphan{}}
}

// hold keeps a transaction until its inputs come. When all room is taken, the peer that holds most gives way to those
// that hold less.
func (p *Pool) hold(e *Entry, missing []pillars.TxID, from tree.Peer, now uint32) error {
	o := &p.orphans
	if o.byID[e.ID] != nil {
		return reject(AlreadyKnown, "%s waits for %s", e.ID, missing[0])
	}
	count, bytes := o.of(from)
	if count+1 > p.limits.PeerOrphans || bytes+e.Size > p.limits.PeerOrphanBytes {
		return reject(OrphanNoRoom, "%d of %d bytes are held", count, bytes)
	}
	for len(o.all)+1 > p.limits.Orphans || o.bytes+e.Size > p.limits.OrphanBytes {
		victim := o.victim(from, bytes+e.Size)
		if victim == nil {
			return reject(OrphanNoRoom, "%d are held for all peers", len(o.all))
		}
		o.drop(victim)
	}
	o.add(&orphan{e.Tx, e.ID, from, e.Size, saturate(now, p.limits.OrphanWait), missing})
	return reject(InputsMissing, "%s", missing[0])
}

func saturate(now, more uint32) uint32 {
	if sum := now + more; sum >= now {
		return sum
	}
	return 1<<32 - 1
}

func (o *orphans) of(from tree.Peer) (count, bytes int) {
	for _, w := range o.all {
		if w.from == from {
			count, bytes = count+1, bytes+w.size
		}
	}
	return count, bytes
}

// victim is the newest orphan of the peer that holds most, if that is more than would be held then.
func (o *orphans) victim(from tree.Peer, would int) (victim *orphan) {
	most := would
	for _, w := range o.all {
		if w.from == from {
			continue
		}
		if _, bytes := o.of(w.from); bytes >= most {
			most, victim = bytes, w
		}
	}
	return victim
}

func (o *orphans) add(w *orphan) {
	o.all = append(o.all, w)
	o.byID[w.id] = w
	o.bytes += w.size
	for _, id := range w.missing {
		o.waiting[id] = append(o.waiting[id], w)
	}
}

func (o *orphans) drop(w *orphan) {
	if o.byID[w.id] != w {
		return
	}
	o.all = slices.DeleteFunc(o.all, func(other *orphan) bool { return other == w })
	delete(o.byID, w.id)
	o.bytes -= w.size
	for _, id := range w.missing {
		if rest := slices.DeleteFunc(o.waiting[id], func(other *orphan) bool { return other == w }); len(rest) > 0 {
			o.waiting[id] = rest
		} else {
			delete(o.waiting, id)
		}
	}
}

func (o *orphans) expire(now uint32) {
	for _, w := range slices.Clone(o.all) {
		if w.until <= now {
			o.drop(w)
		}
	}
}

// Gone drops the orphans of a peer that has left.
func (p *Pool) Gone(peer tree.Peer) {
	for _, w := range slices.Clone(p.orphans.all) {
		if w.from == peer && peer != 0 {
			p.orphans.drop(w)
		}
	}
}

// IsOrphan reports whether a transaction is held until its inputs come.
func (p *Pool) IsOrphan(id pillars.TxID) bool { return p.orphans.byID[id] != nil }

// adopt takes again what waited for transactions that are known now, and what waited for those.
func (p *Pool) adopt(come []pillars.TxID, t Tip, now uint32) {
	for ; len(come) > 0; come = come[1:] {
		for _, w := range slices.Clone(p.orphans.waiting[come[0]]) {
			p.orphans.drop(w)
			e, missing, err := p.admit(w.tx, t, now, false)
			switch {
			case err == nil:
				p.events[len(p.events)-1].Late = true
				p.trim()
				come = append(come, e.ID)
			case errors.Is(err, InputsMissing): // another one
				w.missing = missing
				p.orphans.add(w)
			}
		}
	}
}
