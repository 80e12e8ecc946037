package node

import (
	"fmt"
	"sync"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/internal/consensus"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/replica"
)

// pictureRounds is how many rounds Graph shows when none are asked for.
const pictureRounds = 40

// Graph implements rpc.Node.
func (b backend) Graph(from, to kernel.Round) client.Graph {
	n := b.n
	var seen []engine.Seen
	var slots []consensus.Slot
	var newest kernel.Round
	n.ask(func(e *engine.Engine) {
		newest = e.Newest()
		if from == 0 && to == 0 {
			to = newest
			from = max(to, pictureRounds) - pictureRounds + 1
		}
		seen, slots = e.Vertices(from, to), e.Slots(from, to)
	})
	out := n.replica.Picture(seen, slots, n.times.of)
	out.From, out.To, out.Newest = max(from, 1), to, newest
	return out
}

// Explain implements rpc.Node.
func (b backend) Explain(tx kernel.TxHash) client.Explanation {
	n := b.n
	out := client.Explanation{Transaction: tx, State: client.Unknown}
	say := func(format string, args ...any) { out.Story = append(out.Story, fmt.Sprintf(format, args...)) }
	if r, ok := n.store.Receipt(tx); ok {
		out.State, out.Receipt = client.State(r.Status.String()), &r
		if r.Status == kernel.Final {
			say("Final since commit %d. It can never be undone.", r.Commit)
		} else {
			say("Rejected at commit %d: %s. Transaction %s came first.", r.Commit, r.Rule, r.Winner)
		}
		return out
	}
	if r, ok := b.Excluded(tx); ok {
		out.State, out.Receipt = client.Rejected, &r
		say("It cannot become final: transaction %s took the same input and is final since commit %d.", r.Winner, r.Commit)
		return out
	}
	var holders []engine.Holder
	now := n.status.Load()
	quorum, top := now.quorum(), kernel.Round(0)
	waiting, order := false, kernel.Round(0)
	var held kernel.Timestamp
	n.ask(func(e *engine.Engine) {
		holders, top, order = e.Holders(tx), e.Newest(), e.Status().Order.Round
		c, ok := e.Waiting(tx)
		waiting, held = ok, c.Since
	})
	if waiting {
		out.State = client.Pending
		say("This node holds it for %v.", since(held))
	}
	for _, h := range holders {
		out.State = client.Pending
		v := client.Vertex{Author: h.Author, Round: h.Round, ID: h.ID}
		out.Holders = append(out.Holders, client.Holder{Vertex: v, Status: replica.StatusOf(h.Standing), Supported: h.Supported})
		say("%s carries it in its snapshot of round %d; the newest snapshots of %d of %d members have it in their cone, %d are needed.",
			now.seat.Name(h.Author), h.Round, h.Supported, now.seat.Roster.Voting(), quorum)
	}
	wave := kernel.Round(n.config.Genesis.Parameters.Wave)
	switch {
	case len(holders) > 0:
		say("The order is decided up to round %d; newest round %d. A snapshot of round r settles when a leader above it commits, about %d rounds later.", max(order, 1)-1, top, wave)
	case waiting:
		say("No snapshot carries it yet: it goes into this node's next one, unless a snapshot on its way to commit takes the same input.")
	default:
		say("This node does not know it. It was never submitted here, or another node holds it: submit it again, that is harmless.")
	}
	if s := n.status.Load(); s.Phase != engine.Active {
		say("This node is %s and proposes nothing itself; it has passed the transaction on. %s", s.Phase, s.Reason)
	}
	return out
}

// A timeline remembers when this node received and committed recent snapshots, for pictures.
type timeline struct {
	mu    sync.Mutex
	times map[kernel.SnapshotID]moments
	ring  [8192]kernel.SnapshotID
	next  int
}

type moments struct{ received, committed kernel.Timestamp }

func newTimeline() *timeline { return &timeline{times: make(map[kernel.SnapshotID]moments)} }

func (t *timeline) received(id kernel.SnapshotID, at kernel.Timestamp) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.times, t.ring[t.next])
	t.ring[t.next] = id
	t.next = (t.next + 1) % len(t.ring)
	t.times[id] = moments{received: at}
}

// committed returns when the youngest snapshot of the commit was received, 0 if that is not known.
func (t *timeline) committed(c *kernel.Commit, at kernel.Timestamp) (youngest kernel.Timestamp) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range c.Snapshots {
		if m, ok := t.times[s.ID]; ok {
			m.committed, youngest = at, max(youngest, m.received)
			t.times[s.ID] = m
		}
	}
	return youngest
}

func (t *timeline) of(id kernel.SnapshotID) (received, committed kernel.Timestamp) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m := t.times[id]
	return m.received, m.committed
}
