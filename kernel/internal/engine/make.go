package engine

import (
	"bytes"
	"slices"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/committee"
	"github.com/asterism-network/asterism/kernel/internal/dag"
	"github.com/asterism-network/asterism/kernel/internal/mempool"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// make makes own snapshots: one when its time has come, many at once while behind. [DAG-20]
func (e *Engine) make() {
	for n := 0; e.mayMake(); n++ {
		behind := e.authorsAt(e.own.Round+1) >= e.committee.Q
		if due := e.due(); !behind && (n > 0 || e.now < due) {
			e.wake(max(due, e.now+1))
			return
		}
		if n >= e.config.Limits.MakeAtOnce {
			e.wake(e.now)
			return
		}
		e.makeOne(behind)
		e.extend()
	}
}

// mayMake reports whether this node signs and holds snapshots of its newest round by q authors
// that it may name as parents.
func (e *Engine) mayMake() bool {
	if e.phase != Active || e.own.Round >= kernel.MaxRound || e.deciding != nil {
		return false
	}
	n := 0
	if e.committee.Votes(e.config.Self) {
		n = 1
	}
	for _, a := range e.eligible() {
		if e.graph.Top().Clock[a] >= e.own.Round {
			n++
		}
	}
	return n >= e.committee.Q
}

// authorsAt counts the voting authors of whom a snapshot of round r is accepted.
func (e *Engine) authorsAt(r kernel.Round) (n int) {
	for a, top := range e.graph.Top().Clock {
		if top >= r && e.committee.Votes(kernel.Author(a)) {
			n++
		}
	}
	return n
}

// due is the time of the next own snapshot: soon when there is something to say, once in the
// idle period otherwise.
func (e *Engine) due() kernel.Timestamp {
	switch {
	case !e.busy() && !e.trails():
		return e.lastMade + e.config.IdlePeriod
	case e.pressed:
		return e.lastMade + max(e.config.BatchWindow, pressedWindow)
	}
	return e.lastMade + e.config.BatchWindow
}

// pressedWindow is the batch window of a node whose clients stand in line, in ms. A round costs every node
// about 2 ms of CPU whatever is in it, and those in line wait for that too. Six and a half rounds of it are 0.4 s, less
// than half of what the door lets a transaction wait: with 100 ms that bound the throughput, and not the CPU. Who
// is behind the others does not wait for it.
const pressedWindow = 60

// trails reports whether somebody is a round ahead. A node with nothing to say keeps up with
// it: whoever is ahead can say something only when q others have reached its round.
func (e *Engine) trails() bool {
	return slices.ContainsFunc(e.eligible(), func(a kernel.Author) bool {
		return e.graph.Top().Clock[a] > e.own.Round
	})
}

// busy reports whether there is something to say: an accepted snapshot above the horizon holds
// entries that are not executed, the epoch is about to change, or something of this node's own waits.
func (e *Engine) busy() bool {
	return len(e.open) > 0 || e.turn.Hurry || e.turn.Ended > 0 || len(e.records) > 0 || e.pool.Waiting()
}

// makeOne makes the snapshot of the next round.
func (e *Engine) makeOne(behind bool) {
	h := &kernel.Header{
		Network: e.config.Network, Epoch: e.config.Epoch, Author: e.config.Self, Round: e.own.Round + 1,
		Timestamp: max(min(e.now, kernel.MaxTimestamp-1), e.own.Timestamp), Parents: e.chooseParents(),
	}
	h.SortParents()
	draft, err := e.graph.Check(kernel.SnapshotID{}, h)
	if err != nil {
		// Only this node's own equivocation can bring it here: its cone exposes itself.
		e.phase, e.reason = Following, "own snapshot would not be valid: "+err.Error()
		return
	}
	e.committer.Annotate(draft)
	h.Claim = e.claim(draft)
	h.Closing = e.turn.Decided > 0 && h.Claim.Index >= e.turn.Decided
	body, claims := e.body(h, behind)
	h.BodyRoot = body.Root()
	encoded := body.AppendBinary(nil)
	h.BodyLength = uint32(len(encoded))
	if h.Round >= e.order.Progress.Round+kernel.Round(e.config.Parameters.Wave)-1 {
		h.Share = e.config.Signer.Share(h.Round) // shares of decided rounds are of no use
	}
	id := h.ID()
	h.Signature = e.config.Signer.Sign(id)
	s := kernel.Snapshot{Header: h, Body: body}
	raw, err := s.AppendBinary(make([]byte, 0, len(encoded)+kernel.MaxHeaderSize))
	if err != nil {
		panic("engine: own snapshot does not encode: " + err.Error())
	}
	own := Arrival{
		From: e.config.Self, ID: id, Header: h, Raw: raw, Entries: len(body.Entries),
		Claims: claims, Records: body.Records(),
	}
	if err := e.acceptOne(own); err != nil {
		panic("engine: own snapshot is not valid: " + err.Error())
	}
	e.own, _ = e.graph.Get(id)
	e.lastMade = e.now
	e.stats.Made++
	e.out.Sync = true
	to := Audience{All: true}
	if b := e.config.Fanout; b > 0 && b < e.committee.Size-1 {
		to = Audience{Sample: b, Except: committee.Set(0).With(e.config.Self)}
	}
	e.send(to, wire.Snapshot{Raw: raw})
}

// chooseParents names the own previous snapshot, every accepted one of its round, and the
// newest one of each slower author that nothing named reaches. Known equivocators are left to
// their own devices: the honest ones are a quorum without them.
func (e *Engine) chooseParents() []kernel.Parent {
	self, below := e.config.Self, e.own.Round
	parents := []kernel.Parent{{Author: self, Round: below, ID: e.own.ID}}
	cone := e.own.Cut.Clone()
	for _, a := range e.eligible() {
		if v := e.graph.First(a, below); v != nil {
			parents = append(parents, kernel.Parent{Author: a, Round: below, ID: v.ID})
			e.graph.Join(&cone, &v.Cut)
		}
	}
	slow := e.slowAuthors(below, &cone)
	for _, v := range slow {
		if !e.graph.Holds(&cone, v) {
			parents = append(parents, kernel.Parent{Author: v.Author, Round: v.Round, ID: v.ID})
			e.graph.Join(&cone, &v.Cut)
		}
	}
	return parents
}

// eligible lists the other authors that may be named as parents.
func (e *Engine) eligible() []kernel.Author {
	return slices.DeleteFunc(e.committee.Authors(), func(a kernel.Author) bool {
		return a == e.config.Self || e.graph.Forked().Has(a)
	})
}

// slowAuthors lists the newest snapshots of authors that have none of the round below, newest
// first, as far back as parents may lie.
func (e *Engine) slowAuthors(below kernel.Round, cone *dag.Cut) (slow []*dag.Vertex) {
	for _, a := range e.eligible() {
		top := e.graph.Top().Clock[a]
		if top >= below || top == 0 || top+e.config.Parameters.Depth < below+1 || cone.Clock[a] >= top {
			continue
		}
		slow = append(slow, e.graph.First(a, top))
	}
	slices.SortStableFunc(slow, func(x, y *dag.Vertex) int { return int(y.Round) - int(x.Round) })
	return slow
}

// claim is the newest commit that is executed here and that the draft's cone decides.
func (e *Engine) claim(draft *dag.Vertex) kernel.CommitClaim {
	k := min(e.executed.Index, draft.Decided.Commits)
	digest, known := e.digests.at(k)
	if !known || k < e.own.Counted {
		return e.own.Claim // what a restart no longer knows was named before, or falls and does not count
	}
	return kernel.CommitClaim{Index: k, Digest: digest}
}

// recordsAtOnce bounds the system records of a body: 4 MiB of the longest.
const recordsAtOnce = 64

// body fills a snapshot: system records always; client transactions only while this node keeps
// up, so that no conflict it could have known of is held against it, and none once the epoch closes:
// they would come too late. [EXE-6] [EPO-7]
func (e *Engine) body(h *kernel.Header, behind bool) (*kernel.Body, []mempool.Claim) {
	body := new(kernel.Body)
	for len(e.records) > 0 && len(body.Entries) < recordsAtOnce {
		r := e.records[0]
		e.records = slices.DeleteFunc(e.records, func(other []byte) bool { return bytes.Equal(r, other) }) // each stands in a body once
		body.Entries = append(body.Entries, kernel.Entry{Kind: kernel.EntryRecord, Bytes: r})
	}
	var claims []mempool.Claim
	if !behind && e.turn.Decided == 0 && e.keepsUp(h) {
		for _, c := range e.pool.Pick(h.Claim.Index, e.config.Limits.body()) {
			body.Entries = append(body.Entries, kernel.Entry{Kind: kernel.EntryTransaction, Bytes: c.Raw})
			claims = append(claims, c.Claim)
		}
	}
	body.Sort()
	return body, claims
}

// keepsUp reports whether a snapshot may carry client transactions: its claim counts, and the
// total order is not far behind the rounds.
func (e *Engine) keepsUp(h *kernel.Header) bool {
	counts := max(e.own.Counted, e.committer.FloorClaim(e.own, h.Round))
	return h.Claim.Index >= counts && h.Round <= e.order.Progress.Round+e.config.Limits.Lead
}
