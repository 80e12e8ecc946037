package engine

import (
	"errors"
	"slices"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/committee"
	"github.com/asterism-network/asterism/kernel/internal/dag"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// Reasons not to take a snapshot now. They are local: the snapshot may be taken later.
var (
	ErrTwin        = errors.New("twin_not_needed") // a second variant that no accepted cone needs
	ErrPendingFull = errors.New("pending_full")    // too many snapshots wait for parents
	ErrOtherEpoch  = errors.New("other_epoch")     // of another network or epoch
)

func (e *Engine) refuse(a Arrival, err error) {
	e.out.Refused = append(e.out.Refused, Refused{a.From, a.ID, err})
}

// arrive takes a verified snapshot: accepts it if its cone is here, else holds it.
func (e *Engine) arrive(a Arrival) {
	if a.Header.Network != e.config.Network || a.Header.Epoch != e.config.Epoch || int(a.Header.Author) >= e.committee.Size {
		e.refuse(a, ErrOtherEpoch)
		return
	}
	if e.held.has(a.ID) || e.known(a.ID) {
		return
	}
	if e.twin(a) && !e.held.wanted(a.ID) {
		e.refuse(a, ErrTwin)
		return
	}
	if missing := e.graph.Missing(a.Header); len(missing) > 0 {
		if !e.held.add(a, missing, e.now) {
			e.refuse(a, ErrPendingFull)
		}
		return
	}
	e.accept(a)
}

// known reports whether a snapshot is accepted. One that a restart left below the window, where
// nobody named it yet, counts as held again.
func (e *Engine) known(id kernel.SnapshotID) bool {
	v, ok := e.graph.Get(id)
	if ok && !e.graph.Holds(e.graph.Top(), v) {
		e.graph.Join(e.graph.Top(), &v.Cut)
	}
	return ok
}

// twin reports whether another snapshot of the same place is accepted, and reports the author.
func (e *Engine) twin(a Arrival) bool {
	first := e.graph.First(a.Header.Author, a.Header.Round)
	if first == nil || first.ID == a.ID {
		return false
	}
	if a.Header.Author == e.config.Self {
		e.stopSigning()
		return true
	}
	e.accuse(kernel.EquivocationOf(first.Header, a.Header))
	return true
}

// accuse keeps the first proof against each author and puts it into the next own snapshot.
func (e *Engine) accuse(proof kernel.Equivocation) {
	if e.accused.Has(proof.Author) {
		return
	}
	e.accused = e.accused.With(proof.Author)
	e.stats.Equivocations++
	e.out.Faulty = append(e.out.Faulty, proof)
	record := kernel.Record{
		Kind: kernel.RecordEvidence, Network: e.config.Network, Epoch: e.config.Epoch,
		Signer: e.config.Roster.Members[e.config.Self].Key, Payload: proof.AppendBinary(nil),
	}
	record.Signature = e.config.Signer.SignRecord(record.SigningHash())
	e.records = append(e.records, record.AppendBinary(nil))
}

// accept puts a snapshot whose parents are accepted into the graph, and then those that waited
// for it.
func (e *Engine) accept(first Arrival) {
	ready := []Arrival{first}
	for len(ready) > 0 {
		a := ready[0]
		ready = ready[1:]
		e.twin(a) // it may have become one while it waited
		if err := e.acceptOne(a); err != nil {
			e.refuse(a, err)
			e.held.drop(a.ID)
			continue
		}
		ready = append(ready, e.held.resolve(a.ID)...)
	}
}

func (e *Engine) acceptOne(a Arrival) error {
	v, err := e.graph.Check(a.ID, a.Header)
	if err != nil {
		return err
	}
	v.HasShare, v.Entries = a.HasShare, a.Entries
	e.graph.Insert(v)
	e.coins.learn(v)
	e.committer.Annotate(v)
	e.stats.Accepted++
	e.out.Persist = append(e.out.Persist, Record{v.ID, v.Author, v.Round, a.Raw, v.AppendNotes(nil)})
	e.openBody(a)
	e.compareDigest(v)
	if a.Header.Author == e.config.Self && a.From != e.config.Self {
		e.foreignOwn(v)
	}
	e.relay(a)
	return nil
}

// foreignOwn meets a snapshot of this node that its log does not know: a backup was restored or
// a second copy runs. Signing on could contradict what is out there.
func (e *Engine) foreignOwn(v *dag.Vertex) {
	if v.Round > e.own.Round {
		e.own = v
	}
	e.stopSigning()
}

func (e *Engine) stopSigning() {
	if e.phase != Halted && e.phase != Following {
		e.phase, e.reason = Following, "members hold snapshots of this node that its log does not: this node signs nothing in this epoch"
	}
}

func (e *Engine) openBody(a Arrival) {
	if a.Entries == 0 {
		return
	}
	e.open = append(e.open, openBody{a.ID, a.Header.Round})
	e.pool.Hold(a.ID, a.Claims)
}

// relay passes a snapshot seen for the first time on, when nodes do not push to everybody.
func (e *Engine) relay(a Arrival) {
	b := e.config.Fanout
	if b == 0 || b >= e.committee.Size-1 || a.From == e.config.Self {
		return
	}
	var except committee.Set
	except = except.With(a.From).With(a.Header.Author).With(e.config.Self)
	e.send(Audience{Sample: b, Except: except}, wire.Snapshot{Raw: a.Raw})
}

// A pending set holds snapshots that miss a parent.
type pending struct {
	limits   Limits
	byID     map[kernel.SnapshotID]*held
	waiting  map[kernel.SnapshotID][]*held // by missing parent
	queue    []*held                       // by arrival
	ofAuthor [kernel.MaxMembers]int
	bytes    [kernel.MaxMembers]int
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

// askDelay is how long a missing parent may take to arrive by itself, ms.
const askDelay = 20

func (p *pending) add(a Arrival, missing []kernel.Parent, now kernel.Timestamp) bool {
	author := a.Header.Author
	for p.ofAuthor[author] >= p.limits.Pending || p.bytes[author]+len(a.Raw) > p.limits.PendingBytes {
		highest := p.highest(author)
		if highest == nil || highest.Header.Round <= a.Header.Round {
			return false
		}
		p.remove(highest.ID)
	}
	h := &held{Arrival: a, missing: len(missing), since: now, askAt: now + askDelay}
	p.byID[a.ID] = h
	p.queue = append(p.queue, h)
	p.ofAuthor[author]++
	p.bytes[author] += len(a.Raw)
	for _, m := range missing {
		p.waiting[m.ID] = append(p.waiting[m.ID], h)
	}
	return true
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
