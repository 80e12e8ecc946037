package replica

import (
	"slices"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/asterism-network/asterism/kernel/internal/store"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// A tail is what is left to do about the epoch before: a snapshot whose cone decides its end is sent,
// again and again, to every member of both epochs that has not shown the new one. [EPO-8]
type tail struct {
	epoch   kernel.Epoch
	id      kernel.SnapshotID
	waiting []kernel.Key
}

func (t *tail) waits() bool { return len(t.waiting) > 0 }

// shown notes that a peer is in an epoch.
func (t *tail) shown(peer kernel.Key, epoch kernel.Epoch) {
	if epoch > t.epoch {
		t.waiting = slices.DeleteFunc(t.waiting, func(k kernel.Key) bool { return k == peer })
	}
}

// bring sends the deciding snapshot to those that wait and are there.
func (h *Host) bring() {
	var to []kernel.Key
	for _, key := range h.tail.waiting {
		if h.peers[key] {
			to = append(to, key)
		}
	}
	if len(to) == 0 {
		return
	}
	if rec, ok := h.replica.store.Snapshot(h.tail.id); ok {
		h.send(wire.Snapshot{Raw: joinRecord(rec)}, to...)
	}
}

// servePause is the least time between two answers to one peer, in ms.
const servePause = 10

// served answers are as long as an engine's.
const serveAtOnce = 256

// request answers what asks for something, or hands it to the engine that knows.
func (h *Host) request(r Request, current, before *engine.Input) {
	switch m := r.Message.(type) {
	case wire.Want: // ids are of one epoch only, whichever it is
		if h.current.Epoch == 0 && h.pass(r, 0, current, before) {
			return
		}
		ids := slices.DeleteFunc(slices.Clone(m.IDs), func(id kernel.SnapshotID) bool { return !h.replica.store.Has(id) })
		h.serve(r.From, ids, false, h.current.Epoch)
	case wire.Have:
		h.tail.shown(r.From, m.Epoch)
		h.ahead = max(h.ahead, m.Epoch)
		if !h.pass(r, m.Epoch, current, before) && !h.refuse(r.From, m.Epoch) {
			h.archiveHave(r.From, m)
		}
	case wire.Ask:
		if !h.pass(r, m.Epoch, current, before) && !h.refuse(r.From, m.Epoch) {
			h.archiveAsk(r.From, m)
		}
	case wire.More:
		h.pass(r, m.Epoch, current, before)
	case wire.StartQuery:
		h.ahead = max(h.ahead, m.Epoch)
		if !h.pass(r, m.Epoch, current, before) && !h.refuse(r.From, m.Epoch) { // who cannot know gives no answer that there is nothing
			h.answerStart(r.From, m.Epoch)
		}
	case wire.Kept:
		h.keeps(r.From, m)
	}
}

// pass hands a message of a member to the engine of an epoch.
func (h *Host) pass(r Request, epoch kernel.Epoch, current, before *engine.Input) bool {
	in, s := current, h.current.Seat
	if h.previous != nil && epoch == h.previous.Epoch {
		in, s = before, h.previous.Seat
	}
	a, ok := s.Place(r.From)
	if epoch != s.Epoch || !ok {
		return false
	}
	in.Messages = append(in.Messages, engine.Message{From: a, Message: r.Message})
	return true
}

func (h *Host) serve(to kernel.Key, ids []kernel.SnapshotID, more bool, epoch kernel.Epoch) {
	if len(ids) > 0 {
		h.out.Serve = append(h.out.Serve, Serving{to, ids, more, epoch})
	}
}

// archiveHave sends what a peer lacks of an epoch out of the log: one that is over, or the one in force to a
// node that is no member of it. Whoever lacks nothing of an epoch that is over gets a snapshot that
// decides its end: it may hold other variants of an equivocator.
func (h *Host) archiveHave(to kernel.Key, m wire.Have) {
	if m.Epoch > h.current.Epoch || h.now < h.served[to]+servePause || !h.peers[to] {
		return
	}
	seat, ok := h.seatOf(m.Epoch)
	if !ok || len(m.Clock) != len(seat.keys) {
		return
	}
	h.served[to] = h.now
	ids, more := h.replica.lacking(m.Epoch, m.Clock)
	if len(ids) == 0 && m.Epoch < h.current.Epoch {
		ids = h.decidingOf(m.Epoch, seat)
	}
	h.serve(to, ids, more, m.Epoch)
}

// seatOf is the seat of any epoch that has begun.
func (h *Host) seatOf(epoch kernel.Epoch) (*Seat, bool) {
	if epoch == h.current.Epoch {
		return h.current.Seat, true
	}
	view := h.replica.store.View()
	defer view.Close()
	return h.replica.seatOf(view, epoch)
}

// lacking lists the snapshots of an epoch above a clock, the lowest rounds first over all authors.
func (r *Replica) lacking(epoch kernel.Epoch, clock []kernel.Round) (ids []kernel.SnapshotID, more bool) {
	next, top := slices.Clone(clock), make([]kernel.Round, len(clock))
	for a := range top {
		top[a], _ = r.store.NewestIn(epoch, kernel.Author(a))
	}
	for len(ids) < serveAtOnce {
		low, found := kernel.MaxRound, false
		for a := range top {
			if next[a] < top[a] && next[a] < low {
				low, found = next[a], true
			}
		}
		if !found {
			return ids, false
		}
		for a := range top {
			if next[a] == low && next[a] < top[a] {
				next[a]++
				ids = append(ids, r.store.VariantsIn(epoch, kernel.Author(a), next[a])...)
			}
		}
	}
	return ids, true
}

// decidingOf finds a snapshot of an epoch that is over whose cone decides its end.
func (h *Host) decidingOf(epoch kernel.Epoch, s *Seat) []kernel.SnapshotID {
	if epoch == h.tail.epoch && !h.tail.id.IsZero() {
		return []kernel.SnapshotID{h.tail.id}
	}
	view := h.replica.store.View()
	defer view.Close()
	next, ok := ledger.FactsOf(view, epoch+1)
	if !ok {
		return nil
	}
	for a := range s.keys {
		newest, _ := h.replica.store.NewestIn(epoch, kernel.Author(a))
		for _, id := range h.replica.store.VariantsIn(epoch, kernel.Author(a), newest) {
			if v, ok := (graphHistory{h.replica.store, epoch}).Vertex(id); ok && v.Decided.Commits >= next.Genesis {
				return []kernel.SnapshotID{id}
			}
		}
	}
	return nil
}

// archiveAsk sends the snapshots of places out of the log.
func (h *Host) archiveAsk(to kernel.Key, m wire.Ask) {
	if m.Epoch > h.current.Epoch {
		return
	}
	var ids []kernel.SnapshotID
	for _, at := range m.Places {
		ids = append(ids, h.replica.store.VariantsIn(m.Epoch, at.Author, at.Round)...)
	}
	h.serve(to, ids[:min(len(ids), wire.MaxAsk)], false, m.Epoch)
}

// answerStart says what this node holds of a member that starts, and which epoch it is in itself.
func (h *Host) answerStart(to kernel.Key, epoch kernel.Epoch) {
	answer := wire.StartAnswer{Epoch: epoch, Current: h.current.Epoch}
	if seat, ok := h.seatOf(epoch); ok {
		if a, member := seat.Place(to); member {
			answer.Newest = h.replica.newestHeader(epoch, a)
		}
	}
	h.send(answer, to)
}

func (r *Replica) newestHeader(epoch kernel.Epoch, a kernel.Author) []byte {
	newest, ok := r.store.NewestIn(epoch, a)
	if !ok {
		return nil
	}
	for _, id := range r.store.VariantsIn(epoch, a, newest) {
		if rec, ok := r.store.Snapshot(id); ok {
			return rec.Header
		}
	}
	return nil
}

// A silence is what a node does not know about itself: its log is lost, or members hold what it should hold.
// It signs nothing up to the epoch after the newest one in which any of q members was when they were asked;
// an answer from further ahead does not count yet, for this node will get there and ask again. [DAG-30]
type silence struct {
	answers kernel.AuthorSet
	through kernel.Epoch
	known   bool
}

// answered takes a member's word on where it is.
func (s *silence) answered(h *Host, list []Shown) {
	if s.known || h.replica.store.LogState() != store.Doubtful {
		return
	}
	for _, answer := range list {
		if a, ok := h.current.Place(answer.Peer); ok && answer.Epoch <= h.current.Epoch && !h.current.Roster.Members[a].Flagged {
			s.answers = s.answers.With(a)
		}
	}
	if s.answers.Len() >= h.current.Roster.Quorum() {
		s.known, s.through = true, h.current.Epoch+1
	}
}

// turn says whether the log can be trusted in a new epoch, and whether this life alone can have signed there.
func (s *silence) turn(h *Host, epoch kernel.Epoch) (trusted, fresh bool) {
	s.answers = 0
	if h.previous.engine.Foreign() { // somebody else signs with this node's key, and may go on
		s.known, s.through = true, epoch
	}
	if h.replica.store.LogState() != store.Doubtful {
		// Where somebody is there already this node may have been too, before its folder was put back: it asks.
		return true, h.previous.engine.Phase() == engine.Active && h.ahead < epoch
	}
	if !s.known || epoch <= s.through {
		return false, false
	}
	*s = silence{}
	if err := h.replica.store.ClearDoubt(); err != nil {
		return false, false // the store has halted
	}
	return true, false
}

// asks reports whether this node does not know how long it must be silent, in a network whose epochs change.
func (h *Host) asks() bool {
	return !h.silence.known && h.renews && h.current.Self != engine.Nobody && h.replica.store.LogState() == store.Doubtful
}

// catchUp asks peers for what this node lacks of its epoch while somebody says that a later one is in force.
// Those that the engine asks may all have left since.
func (h *Host) catchUp() {
	if h.ahead <= h.current.Epoch {
		return
	}
	if there := h.Keepers(h.current.Epoch); len(there) > 0 {
		h.rotation++
		h.send(wire.Have{Epoch: h.current.Epoch, Clock: h.current.engine.Clock()}, there[h.rotation%len(there)])
	}
}

// askWhere asks members where they are.
func (h *Host) askWhere() {
	if !h.asks() {
		return
	}
	for a, key := range h.current.keys {
		if h.peers[key] && !h.silence.answers.Has(kernel.Author(a)) {
			h.send(wire.StartQuery{Epoch: h.current.Epoch}, key)
		}
	}
}
