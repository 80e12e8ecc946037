package engine

import (
	"cmp"
	"slices"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/dag"
	"github.com/asterism-network/asterism/kernel/internal/mempool"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

const (
	tickPeriod = 250 // ms between looks at what is missing
	askAgain   = 250 // ms until a missing parent is asked of the next peer
	servePause = 10  // ms between two answers to Have for one peer
	moreDelay  = 15  // ms to take in what came before More; above servePause
	relaySoon  = 3   // rounds until a node that signs nothing sends a transaction again
	havePeers  = 2   // peers that a node without progress tells what it holds
)

// peer notes a connection. On every connect both sides tell what they hold, and a starting
// node asks what the peer holds of it.
func (e *Engine) peer(p PeerChange) {
	if !p.Up {
		e.peers &^= 1 << p.Peer
		return
	}
	e.peers = e.peers.With(p.Peer)
	if e.phase == Observing {
		e.send(Audience{Peer: p.Peer}, wire.StartQuery{Epoch: e.config.Epoch})
	}
	e.sendHave(p.Peer)
}

func (e *Engine) sendHave(to kernel.Author) {
	e.send(Audience{Peer: to}, wire.Have{Epoch: e.config.Epoch, Clock: slices.Clone(e.graph.Top().Clock)})
}

func (e *Engine) message(m Message) {
	switch msg := m.Message.(type) {
	case wire.Want:
		e.serveWant(m.From, msg)
	case wire.Ask:
		e.serveAsk(m.From, msg)
	case wire.Have:
		e.serveHave(m.From, msg)
	case wire.More:
		e.more, e.moreAt = e.more.With(m.From), e.now+moreDelay
	case wire.StartQuery:
		e.answerStart(m.From)
	case wire.StartAnswer:
		e.startAnswered(m, msg)
	}
}

func (e *Engine) serveWant(to kernel.Author, m wire.Want) {
	var ids []kernel.SnapshotID
	for _, id := range m.IDs {
		if v, ok := e.graph.Get(id); ok && v.Round > 0 {
			ids = append(ids, id)
		}
	}
	if len(ids) > 0 {
		e.out.Serve = append(e.out.Serve, Serving{To: to, IDs: ids, Epoch: e.config.Epoch})
	}
}

// serveHave sends what the peer lacks: the own newest snapshot first, then by round, so that
// parents come before children.
func (e *Engine) serveHave(to kernel.Author, m wire.Have) {
	if m.Epoch != e.config.Epoch || len(m.Clock) != e.committee.Size || to > Nobody || e.now < e.served[to]+servePause {
		return
	}
	ids, more := e.lacking(m.Clock)
	if len(ids) == 0 {
		return
	}
	e.served[to] = e.now
	e.out.Serve = append(e.out.Serve, Serving{To: to, IDs: ids, More: more, Epoch: e.config.Epoch})
}

func (e *Engine) lacking(clock []kernel.Round) (ids []kernel.SnapshotID, more bool) {
	var lacks []*dag.Vertex
	limit := e.config.Limits.Serve
	top, next := e.graph.Top().Clock, slices.Clone(clock)
	for len(lacks) < limit { // the lowest missing round first, over all authors
		low, found := kernel.MaxRound, false
		for a := range top {
			if next[a] < top[a] && next[a] < low {
				low, found = next[a], true
			}
		}
		if !found {
			break
		}
		for a := range top {
			if next[a] == low && next[a] < top[a] {
				next[a]++
				lacks = append(lacks, e.graph.Variants(kernel.Author(a), next[a])...)
			}
		}
	}
	if e.own.Round > 0 && clock[e.config.Self] < e.own.Round {
		ids = append(ids, e.own.ID)
	}
	slices.SortStableFunc(lacks, func(x, y *dag.Vertex) int { return cmp.Compare(x.Round, y.Round) })
	for _, v := range lacks {
		if len(ids) == 0 || v.ID != ids[0] {
			ids = append(ids, v.ID)
		}
	}
	return ids, len(lacks) >= limit
}

func (e *Engine) answerStart(to kernel.Author) {
	answer := wire.StartAnswer{Epoch: e.config.Epoch, Current: e.config.Epoch}
	if int(to) >= e.committee.Size {
		return
	}
	if r := e.graph.Top().Clock[to]; r > 0 {
		if v := e.graph.First(to, r); v != nil && v.Header != nil {
			answer.Newest, _ = v.Header.AppendBinary(nil)
		}
	}
	e.send(Audience{Peer: to}, answer)
}

// startAnswered counts a member's answer; with those of q members, an intact log of its own
// counted as one, the node dares to sign. An answer newer than the log forbids it. [DAG-30]
func (e *Engine) startAnswered(m Message, answer wire.StartAnswer) {
	if e.phase != Observing || answer.Epoch != e.config.Epoch || !e.committee.Votes(m.From) {
		return
	}
	if h := m.Newest; h != nil {
		id := h.ID()
		if h.Author == e.config.Self && h.Epoch == e.config.Epoch && h.Network == e.config.Network && !e.graph.Has(id) {
			e.foreign = true
			e.phase, e.reason = Following, "members hold a newer snapshot of this node than its log: this node signs nothing in this epoch"
			return
		}
	}
	e.answers = e.answers.With(m.From)
	if (e.answers & e.committee.Voting).Len() >= e.committee.Q {
		e.phase, e.reason = Active, ""
	}
}

// tick asks for what is missing and, without progress, tells peers what is held.
func (e *Engine) tick() {
	e.askMissing()
	e.askMissed()
	e.askMore()
	if e.now < e.tickAt {
		e.wake(e.tickAt)
		return
	}
	e.tickAt = e.now + tickPeriod
	e.wake(e.tickAt)
	e.relayOverdue()
	e.askStart()
	var sum kernel.Round
	for _, r := range e.graph.Top().Clock {
		sum += r
	}
	if sum == e.lastTop {
		for range havePeers {
			if p, ok := e.nextPeer(); ok {
				e.sendHave(p)
			}
		}
	}
	e.lastTop = sum
}

// askMore goes on with answers that were cut short. What came may still be on its way through
// verification, and the peer answers no faster: so it waits a little, and then says what it holds.
func (e *Engine) askMore() {
	if e.more == 0 {
		return
	}
	if e.now < e.moreAt {
		e.wake(e.moreAt)
		return
	}
	asked := 0
	for range e.committee.Size { // a few in turn: they would all send the same
		if p, ok := e.nextPeer(); ok && e.more.Has(p) && asked < havePeers {
			e.sendHave(p)
			asked++
		}
	}
	e.more = 0
}

// askStart asks the members that did not answer yet, progress or not: an answer may be lost.
func (e *Engine) askStart() {
	for a := range e.committee.Size {
		if p := kernel.Author(a); e.phase == Observing && e.peers.Has(p) && !e.answers.Has(p) {
			e.send(Audience{Peer: p}, wire.StartQuery{Epoch: e.config.Epoch})
		}
	}
}

// nextPeer goes round the connected peers.
func (e *Engine) nextPeer() (kernel.Author, bool) {
	for range e.committee.Size {
		e.rotation = (e.rotation + 1) % e.committee.Size
		if a := kernel.Author(e.rotation); a != e.config.Self && e.peers.Has(a) {
			return a, true
		}
	}
	return 0, false
}

// askedPeer is whom to ask for something for the n-th time, from 0: first whoever spoke of it, then the
// other connected peers in turn. Each thing goes round by itself. A turn that all things share can
// keep step with them, so that one of them is always asked of the same few, who may be liars.
func (e *Engine) askedPeer(first kernel.Author, n int) kernel.Author {
	var turn []kernel.Author
	for i := range e.committee.Size {
		if a := kernel.Author((int(first) + i) % e.committee.Size); a != e.config.Self && e.peers.Has(a) {
			turn = append(turn, a)
		}
	}
	if len(turn) == 0 {
		return first
	}
	return turn[n%len(turn)]
}

// askMissing asks for parents that are neither accepted nor held: first of whoever sent the
// child, then of others in turn.
func (e *Engine) askMissing() {
	wants := make([][]kernel.SnapshotID, Nobody+1)
	var quota [kernel.MaxMembers]int // what the children of one author may ask for: a liar's ask for nothing that exists
	for _, h := range e.held.live() {
		if e.peers == 0 {
			break
		}
		if e.now < h.askAt {
			e.wake(h.askAt)
			continue
		}
		to := e.askedPeer(h.From, h.asked)
		h.asked++
		h.askAt = e.now + askAgain<<min(h.asked/2, 2) // what nobody has is asked for less often
		e.wake(h.askAt)
		for _, p := range h.Header.Parents {
			if quota[h.Header.Author] < wire.MaxWant/2 && len(wants[to]) < wire.MaxWant && !e.held.has(p.ID) && e.held.wanted(p.ID) && !slices.Contains(wants[to], p.ID) {
				wants[to] = append(wants[to], p.ID)
				quota[h.Header.Author]++
			}
		}
	}
	for to, ids := range wants {
		if len(ids) > 0 {
			e.send(Audience{Peer: kernel.Author(to)}, wire.Want{IDs: ids})
		}
	}
}

// relayOverdue sends transactions that wait for longer than G rounds to all members. A node
// that signs nothing sends them every few rounds: nobody else may know them, and what it sent
// when they came is lost where a connection was down. [DAG-22]
func (e *Engine) relayOverdue() {
	after, now := e.config.Parameters.Horizon, e.pace()
	if !e.speaks() {
		after = relaySoon
	}
	overdue := e.pool.Overdue(now, after, relayed)
	if len(overdue) == 0 {
		return
	}
	raw := make([][]byte, len(overdue))
	for i, c := range overdue {
		raw[i] = c.Raw
	}
	e.send(Audience{All: true}, wire.Transactions{Raw: raw})
}

// relayed is the room of one message with transactions: larger ones, and those with more signatures, everybody
// refuses. Any transaction fits. One message goes out at each look, since every member gets all of it. [LIM]
var relayed = mempool.Room{Count: wire.MaxTransactions, Bytes: kernel.MaxTransactionSize, Signatures: kernel.MaxBodySignatures}

// pace is the round that this node counts waiting by: its own, or where it signs nothing, the
// highest that q members have reached.
func (e *Engine) pace() kernel.Round {
	if e.speaks() {
		return e.own.Round
	}
	var rounds []kernel.Round
	for _, a := range e.committee.Authors() {
		rounds = append(rounds, e.graph.Top().Clock[a])
	}
	slices.Sort(rounds)
	return rounds[len(rounds)-e.committee.Q]
}

func claimOf(h kernel.TxHash) mempool.Claim { return mempool.Claim{Hash: h} }
