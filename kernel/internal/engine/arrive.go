package engine

import (
	"errors"

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
	e.out.Refused = append(e.out.Refused, Refused{e.config.Epoch, a.From, a.ID, err})
}

// arrive takes a verified snapshot: accepts it if its cone is here, else holds it.
func (e *Engine) arrive(a Arrival) {
	if a.Header.Network != e.config.Network || a.Header.Epoch != e.config.Epoch || int(a.Header.Author) >= e.committee.Size {
		e.refuse(a, ErrOtherEpoch)
		return
	}
	e.came(wire.Place{Author: a.Header.Author, Round: a.Header.Round})
	e.held.arrived(a, e.now)
	if e.held.has(a.ID) || e.known(a.Header.Round, a.ID) {
		return
	}
	if e.twin(a) && !e.held.wanted(a.ID) {
		e.refuse(a, ErrTwin)
		return
	}
	if missing := e.graph.Missing(a.Header); len(missing) > 0 {
		evicted, held := e.held.add(a, missing, e.now)
		if !held {
			evicted = append(evicted, a)
		}
		for _, a := range evicted {
			e.refuse(a, ErrPendingFull) // so that it is taken when it comes again
		}
		return
	}
	e.accept(a)
}

// known reports whether a snapshot is accepted. One that a restart left below the window, where
// nobody named it yet, counts as held again.
func (e *Engine) known(r kernel.Round, id kernel.SnapshotID) bool {
	v, ok := e.graph.Accepted(r, id)
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
	v.HasShare, v.Entries = a.Header.Share != nil, a.Entries
	e.graph.Insert(v)
	e.committer.Annotate(v)
	e.stats.Accepted++
	e.out.Persist = append(e.out.Persist, Record{e.config.Epoch, v.ID, v.Author, v.Round, a.Raw, v.AppendNotes(nil)})
	e.openBody(a)
	e.compareDigest(v)
	e.mistrust(v)
	e.decides(v)
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
	e.foreign = true
	if e.phase != Halted && e.phase != Following {
		e.phase, e.reason = Following, "members hold snapshots of this node that its log does not: this node signs nothing in this epoch"
	}
}

func (e *Engine) openBody(a Arrival) {
	if a.Entries == 0 {
		return
	}
	e.open = append(e.open, openBody{id: a.ID, round: a.Header.Round, records: a.Records})
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
