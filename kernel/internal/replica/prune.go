package replica

import (
	"fmt"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// This file says how much history a pruned node must keep, and what nodes tell each other about what they keep.

// LeastEpochs is how many whole epochs before the one in force a pruned node keeps at least: members are served the
// last one until they show the next, evidence of it counts, and nobody signs in it who might have before. [PRU-1]
const LeastEpochs = 1

// PruneTo is the commit that history may begin behind, if keep whole epochs before the one in force stay; false while
// all must stay. It never falls. It is the newest end of an epoch that all of these rules allow. [PRU-1]
func (r *Replica) PruneTo(keep int) (kernel.CommitIndex, bool) {
	view := r.store.View()
	defer view.Close()
	e, ok := ledger.EpochOf(view)
	if !ok {
		return 0, false // one epoch for ever: inside an epoch nobody prunes headers
	}
	first, ok := firstKept(e.Number, keep)
	if s := r.seats.Load(); s.previous != nil { // engines that still order an epoch read all of it
		first = min(first, s.previous.Epoch)
	} else {
		first = min(first, s.current.Epoch)
	}
	if !ok || first <= r.store.FirstEpoch() {
		return 0, false
	}
	if _, certified := r.store.RosterChange(e.Number); !certified {
		return 0, false // newcomers begin there
	}
	if first = min(first, r.contested(view)); first <= r.store.FirstEpoch() {
		return 0, false
	}
	facts, ok := ledger.FactsOf(view, first)
	if !ok {
		panic(fmt.Sprintf("replica: epoch %d is over and has no row", first))
	}
	return facts.Genesis, r.store.Prunable(facts.Genesis) == nil
}

// firstKept is the oldest of keep whole epochs before one.
func firstKept(current kernel.Epoch, keep int) (kernel.Epoch, bool) {
	whole := kernel.Epoch(max(keep, LeastEpochs))
	if current <= whole {
		return 0, false
	}
	return current - whole, true
}

// contested is the oldest epoch whose snapshots may still be evidence before the voters: of a fault that was found less
// than an appeal window ago, or that an appeal is being judged about. [PRU-1]
func (r *Replica) contested(view ledger.View) kernel.Epoch {
	oldest := ^kernel.Epoch(0)
	stake, _ := ledger.StakeOf(view)
	const page = 256
	for from := uint64(0); ; from += page {
		list := r.store.Faults(from, page)
		held := oldestContested(list, view.Head().Index, kernel.CommitIndex(stake.AppealWindow), func(f *ledger.Fault) bool { return r.appealed(view, f) })
		oldest = min(oldest, held)
		if len(list) < page {
			return oldest
		}
	}
}

// oldestContested is contested for a list of faults, after the commit head; the highest epoch for none.
func oldestContested(faults []ledger.Fault, head, window kernel.CommitIndex, appealed func(*ledger.Fault) bool) kernel.Epoch {
	oldest := ^kernel.Epoch(0)
	for i := range faults {
		if f := &faults[i]; f.Commit+window >= head || appealed(f) {
			oldest = min(oldest, f.Epoch)
		}
	}
	return oldest
}

// appealed reports whether an appeal for the author of a fault is being judged.
func (r *Replica) appealed(view ledger.View, f *ledger.Fault) bool {
	roster := r.genesis.Roster()
	if facts, ok := ledger.FactsOf(view, f.Epoch); ok {
		roster = facts.Roster.Roster()
	}
	if int(f.Author) >= len(roster.Members) {
		return false
	}
	m, ok := ledger.AppealOf(view, kernel.NodeIDOf(r.network, roster.Members[f.Author].Key))
	return ok && m.Due >= view.Head().Index
}

// Kept is what this node tells others when it does not have everything.
func (r *Replica) Kept() (m wire.Kept, some bool) {
	first := r.store.FirstEpoch()
	return wire.Kept{First: first, Current: r.Seat().Epoch}, first > 0
}

// refuse answers whoever asks for what is gone here, so that it asks others. [PRU-6]
func (h *Host) refuse(to kernel.Key, epoch kernel.Epoch) bool {
	m, some := h.replica.Kept()
	if !some || epoch >= m.First {
		return false
	}
	h.send(m, to)
	return true
}

// greet tells peers that have just connected what is gone here.
func (h *Host) greet(list []PeerChange) {
	if len(list) == 0 {
		return // as in most steps; what is kept is read from the store
	}
	m, some := h.replica.Kept()
	for _, p := range list {
		if p.Up && some {
			h.send(m, p.Peer)
		}
	}
}

// keeps notes what a peer says it keeps. It may lie: then it is asked for nothing, or in vain.
func (h *Host) keeps(from kernel.Key, m wire.Kept) {
	h.tail.shown(from, m.Current)
	h.ahead = max(h.ahead, m.Current)
	if h.peers[from] {
		h.kept[from] = m.First
		h.countArchives()
	}
}

func (h *Host) countArchives() {
	keys := h.Keepers(0)
	h.archives.Store(&keys)
}

// Archives are connected peers that have not told of anything that is gone. Anyone may ask at any time.
func (h *Host) Archives() []kernel.Key {
	if keys := h.archives.Load(); keys != nil {
		return *keys
	}
	return nil
}

// Keepers are connected peers that have all of an epoch and of those after it, as far as they have told.
func (h *Host) Keepers(epoch kernel.Epoch) (keys []kernel.Key) {
	for _, key := range h.known {
		if h.peers[key] && h.kept[key] <= epoch {
			keys = append(keys, key)
		}
	}
	return keys
}

// Stranded reports whether this node is in an epoch that nobody who is connected keeps any more. It can
// go on from a certified state only. [PRU-7]
func (h *Host) Stranded() bool {
	return h.ahead > h.current.Epoch && len(h.peers) > 0 && len(h.Keepers(h.current.Epoch)) == 0
}
