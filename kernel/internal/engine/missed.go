package engine

import (
	"slices"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// A Missed is a pushed snapshot that the shell could not put together: it lacks snapshots of the
// named places, or, where Lacks is empty, knows others there than its author meant.
type Missed struct {
	From  kernel.Author // its author, who sent it
	At    wire.Place
	Lacks []wire.Place
}

type missed struct {
	Missed
	askAt kernel.Timestamp
	asked int
}

const (
	missedKept = 64 // of one author
	missedAsks = 6  // after which reconnects and ticks without progress must do
)

// miss notes what could not be put together. What is lacking may be on its way; what is ambiguous
// is asked for at once.
func (e *Engine) miss(m Missed) {
	if e.settledAt(m.At) {
		return
	}
	of, oldest := 0, -1
	for i, known := range e.missed {
		if known.At == m.At {
			known.Lacks = m.Lacks
			return
		}
		if known.From == m.From {
			if of++; oldest < 0 {
				oldest = i
			}
		}
	}
	if of >= missedKept {
		e.missed = slices.Delete(e.missed, oldest, oldest+1)
	}
	at := e.now
	for _, place := range m.Lacks {
		at = max(at, e.now+e.held.patience.with(place.Author))
	}
	e.missed = append(e.missed, &missed{Missed: m, askAt: at})
}

// came forgets what was missed: the whole snapshot is here.
func (e *Engine) came(at wire.Place) {
	e.missed = slices.DeleteFunc(e.missed, func(m *missed) bool { return m.At == at })
}

// settledAt reports whether a snapshot of a place is accepted.
func (e *Engine) settledAt(at wire.Place) bool {
	return int(at.Author) < e.committee.Size && e.graph.First(at.Author, at.Round) != nil
}

// askMissed asks for what missed snapshots lack, first of their author, then of others in turn.
func (e *Engine) askMissed() {
	places := make([][]wire.Place, Nobody+1)
	e.missed = slices.DeleteFunc(e.missed, func(m *missed) bool { return e.settledAt(m.At) || m.asked >= missedAsks })
	for _, m := range e.missed {
		if e.peers == 0 {
			break
		}
		if e.now < m.askAt {
			e.wake(m.askAt)
			continue
		}
		to := e.askedPeer(m.From, m.asked)
		m.asked++
		m.askAt = e.now + askAgain<<min(m.asked/2, 2)
		e.wake(m.askAt)
		lacks := slices.DeleteFunc(slices.Clone(m.Lacks), e.settledAt)
		if len(lacks) == 0 {
			lacks = []wire.Place{m.At}
		}
		for _, at := range lacks {
			if len(places[to]) < wire.MaxAsk && !slices.Contains(places[to], at) {
				places[to] = append(places[to], at)
			}
		}
	}
	for to, list := range places {
		if len(list) > 0 {
			e.send(Audience{Peer: kernel.Author(to)}, wire.Ask{Epoch: e.config.Epoch, Places: list})
		}
	}
}

// serveAsk sends the snapshots of places that a peer asks for.
func (e *Engine) serveAsk(to kernel.Author, m wire.Ask) {
	var ids []kernel.SnapshotID
	for _, at := range m.Places {
		if int(at.Author) >= e.committee.Size || at.Round > e.graph.Top().Clock[at.Author] {
			continue
		}
		for _, v := range e.graph.Variants(at.Author, at.Round) {
			ids = append(ids, v.ID)
		}
	}
	if ids = ids[:min(len(ids), wire.MaxAsk)]; len(ids) > 0 {
		e.out.Serve = append(e.out.Serve, Serving{To: to, IDs: ids, Epoch: e.config.Epoch})
	}
}
