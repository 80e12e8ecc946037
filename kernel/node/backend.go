package node

import (
	"context"
	"fmt"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/rpc"
	"github.com/asterism-network/asterism/kernel/internal/store"
)

// backend is the node as the public interface sees it.
type backend struct{ n *Node }

// Submit implements rpc.Node.
func (b backend) Submit(ctx context.Context, raw []byte) (kernel.TxHash, error) {
	if s := b.n.status.Load(); s.Phase == engine.Halted {
		return kernel.TxHash{}, &rpc.NotReady{State: rpc.Halted, Reasons: []string{s.Reason}}
	}
	return b.n.submit(ctx, raw)
}

// SubmitAll implements rpc.Node.
func (b backend) SubmitAll(ctx context.Context, raws [][]byte) ([]rpc.Submission, error) {
	if s := b.n.status.Load(); s.Phase == engine.Halted {
		return nil, &rpc.NotReady{State: rpc.Halted, Reasons: []string{s.Reason}}
	}
	return b.n.submitAll(ctx, raws), nil
}

// Check implements rpc.Node.
func (b backend) Check(raw []byte) error {
	_, err := b.n.replica.Candidate(raw)
	return err
}

// Pending implements rpc.Node.
func (b backend) Pending(tx kernel.TxHash) (raw []byte, since kernel.Timestamp, ok bool) {
	var holders []engine.Holder
	b.n.ask(func(e *engine.Engine) {
		c, waiting := e.Waiting(tx)
		raw, since, ok = c.Raw, c.Since, waiting
		if !waiting && e.Carried(tx) {
			holders = e.Holders(tx)
		}
	})
	for _, h := range holders { // submitted elsewhere, on its way in somebody's snapshot
		if raw, ok = b.n.entry(h.ID, tx); ok {
			return raw, h.Timestamp, true
		}
	}
	return raw, since, ok
}

// entry finds the signed bytes of a transaction in an accepted snapshot's body.
func (n *Node) entry(id kernel.SnapshotID, tx kernel.TxHash) ([]byte, bool) {
	for _, e := range n.replica.Body(id).Entries {
		if e.Kind == kernel.EntryTransaction && n.replica.Parse(e.Bytes).Hash == tx {
			return e.Bytes, true
		}
	}
	return nil, false
}

// Excluded implements rpc.Node.
func (b backend) Excluded(tx kernel.TxHash) (kernel.Receipt, bool) {
	winner, ok := b.n.beaten.winner(tx)
	if !ok {
		return kernel.Receipt{}, false
	}
	won, ok := b.n.store.Receipt(winner)
	return kernel.Receipt{
		Transaction: tx, Status: kernel.Rejected, Commit: won.Commit, Snapshot: won.Snapshot,
		Rule: kernel.InputSpent, Winner: winner,
	}, ok
}

// Commits implements rpc.Node.
func (b backend) Commits() (kernel.CommitIndex, <-chan struct{}) { return b.n.head.get() }

// SignWitness implements rpc.Node.
func (b backend) SignWitness(msg []byte) kernel.Signature { return b.n.key.Sign(msg) }

// Link implements rpc.Node.
func (b backend) Link(from, to kernel.NodeID) (round kernel.Round, ok bool) {
	x, known := b.n.author(from)
	y, alsoKnown := b.n.author(to)
	if !known || !alsoKnown {
		return 0, false
	}
	ok = b.n.ask(func(e *engine.Engine) { round = e.Link(x, y) })
	return round, ok
}

func (n *Node) author(id kernel.NodeID) (kernel.Author, bool) {
	for i, m := range n.status.Load().seat.Roster.Members {
		if kernel.NodeIDOf(n.network, m.Key) == id {
			return kernel.Author(i), true
		}
	}
	return 0, false
}

// Peers implements rpc.Node.
func (b backend) Peers() (out []client.Peer) {
	now := b.n.status.Load()
	for _, p := range b.n.mesh.Peers() {
		peer := client.Peer{
			ID: kernel.NodeIDOf(b.n.network, p.Key), Address: p.Address, Name: b.n.nameOf(p.Key), Connected: p.Connected,
			RTT: p.RTT.Milliseconds(), Sent: p.SentBytes, Received: p.ReceivedBytes,
		}
		if a, ok := now.seat.Place(p.Key); ok {
			peer.Round = now.Top[a]
		}
		if p.LastError != nil && !p.Connected {
			peer.Error = p.LastError.Error()
		}
		out = append(out, peer)
	}
	return out
}

// Info implements rpc.Node.
func (b backend) Info() rpc.Info {
	n, s := b.n, b.n.status.Load()
	g := n.config.Genesis
	head := n.store.Head()
	i := rpc.Info{
		Network: n.network, Node: n.id, Name: n.nameOf(n.key.Public()), Epoch: s.seat.Epoch, Version: n.config.Version,
		Started: n.started, Genesis: g, Round: s.Round, Head: head,
		Mempool: client.Mempool{Transactions: s.Waiting, Bytes: int64(s.Bytes)},
	}
	i.Peers = n.connectedMembers(s)
	if c, ok := n.store.Ordered(head.Index); ok {
		i.Leader, i.Position = c.Leader.ID, c.Position+uint64(len(c.Snapshots))
	}
	for a, m := range s.seat.Roster.Members {
		i.Roster = append(i.Roster, rpc.Member{
			Member: m, ID: kernel.NodeIDOf(n.network, m.Key),
			Newest:    kernel.Parent{Author: kernel.Author(a), Round: s.Top[a], ID: s.Newest[a]},
			Committed: n.committedPlace(s.seat.Epoch, kernel.Author(a), s.Committed[a]),
		})
	}
	i.State, i.Reasons = n.state(s, i.Peers)
	i.Checks = n.health(s, i)
	i.SPS, i.TPS = n.rate.perSecond()
	return i
}

func (n *Node) committedPlace(epoch kernel.Epoch, a kernel.Author, r kernel.Round) kernel.Parent {
	p := kernel.Parent{Author: a, Round: r}
	if ids := n.store.VariantsIn(epoch, a, r); len(ids) > 0 {
		p.ID = ids[0]
	}
	return p
}

// state names the node's part in the network and why it is not active.
func (n *Node) state(s *standing, peers int) (rpc.State, []string) {
	quorum := s.quorum()
	if !s.isMember() {
		peers++ // it has no vote of its own, but needs no more than members do
	}
	switch {
	case s.Phase == engine.Halted:
		return rpc.Halted, []string{"state_mismatch", s.Reason}
	case s.stranded:
		return rpc.CatchingUp, []string{"history_pruned"}
	case s.Phase == engine.Observing && peers+1 < quorum:
		return rpc.Observing, []string{"peers_below_quorum"}
	case s.Phase == engine.Observing:
		return rpc.Observing, []string{"asking_members"}
	case s.Phase == engine.Following && !s.isMember():
		if s.Behind || s.Order.Commits > s.Executed.Index+64 {
			return rpc.CatchingUp, []string{"not_a_member"}
		}
		return rpc.Following, []string{"not_a_member"}
	case s.Phase == engine.Following:
		return rpc.Behind, []string{"signer_locked", s.Reason}
	case s.Behind:
		return rpc.CatchingUp, []string{"behind_by_rounds"}
	case peers+1 < quorum:
		return rpc.Behind, []string{"peers_below_quorum"}
	case s.Alarm:
		return rpc.Behind, []string{"state_mismatch"}
	case s.Order.Commits > s.Executed.Index+64:
		return rpc.CatchingUp, []string{"behind_by_commits"}
	}
	return rpc.Active, nil
}

func (n *Node) health(s *standing, i rpc.Info) []rpc.Check {
	quorum := s.quorum()
	check := func(name string, ok bool, format string, args ...any) rpc.Check {
		c := rpc.Check{Name: name, OK: ok}
		if !ok {
			c.Error = fmt.Sprintf(format, args...)
		}
		return c
	}
	log := n.store.LogState()
	return []rpc.Check{
		check("peers", i.Peers+1 >= quorum, "%d of %d peers connected, %d are needed", i.Peers, len(i.Roster)-1, quorum-1),
		check("signer", s.Phase == engine.Active, "%s %s", s.Phase, s.Reason),
		check("order", !s.Behind, "the node's round %d is behind", s.Round),
		check("execution", s.Order.Commits <= s.Executed.Index+64, "%d commits wait for execution", s.Order.Commits-s.Executed.Index),
		check("log", log != store.Doubtful, "%s", n.store.Doubt()),
		check("state", !s.Alarm && s.Phase != engine.Halted, "members name another state: %s", s.Reason),
	}
}

// history is what the node has stored, as the public interface reads it: up to the head that is
// reported, nothing beyond.
type history struct {
	*store.Store
	head *headSignal
}

// CommitAt implements rpc.History.
func (h history) CommitAt(i kernel.CommitIndex) (*kernel.Commit, []kernel.Receipt, bool) {
	if head, _ := h.head.get(); i > head || h.isGone(i) {
		return nil, nil, false
	}
	return h.Store.CommitAt(i)
}

// Ordered implements rpc.History.
func (h history) Ordered(i kernel.CommitIndex) (*kernel.Commit, bool) {
	if head, _ := h.head.get(); i > head || h.isGone(i) {
		return nil, false
	}
	return h.Store.Ordered(i)
}

// isGone reports whether a commit is before the folder's history. Ends of epochs are still there by name, without what came
// of them.
func (h history) isGone(i kernel.CommitIndex) bool { return i > 0 && i < h.Base() }

// Receipt implements rpc.History.
func (h history) Receipt(tx kernel.TxHash) (kernel.Receipt, bool) {
	r, ok := h.Store.Receipt(tx)
	if head, _ := h.head.get(); r.Commit > head {
		return kernel.Receipt{}, false
	}
	return r, ok
}

// Transaction implements rpc.History.
func (h history) Transaction(tx kernel.TxHash) (raw []byte, r kernel.Receipt, ok bool) {
	raw, r, ok = h.Store.Transaction(tx)
	if head, _ := h.head.get(); r.Commit > head {
		return nil, kernel.Receipt{}, false
	}
	return raw, r, ok
}

// Body implements rpc.History.
func (h history) Body(id kernel.SnapshotID) ([]byte, bool) {
	rec, ok := h.Snapshot(id)
	return rec.Body, ok
}

// View implements rpc.History.
func (h history) View() (rpc.View, func()) {
	v := h.Store.View()
	return v, func() { v.Close() }
}

// since is how long ago t was, in whole milliseconds, for sentences.
func since(t kernel.Timestamp) time.Duration { return time.Since(t.Time()).Truncate(time.Millisecond) }
