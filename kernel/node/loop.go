package node

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/replica"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// gather is how many inputs one step takes together, so that one sync serves them all.
const gather = 256

// loop owns the engine until ctx ends; no other goroutine may touch it. What a step accepts is
// written before anything else happens; what it sends goes to dispatch.
func (n *Node) loop(ctx context.Context) error {
	defer close(n.stopped)
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	var backlog []engine.Ordered // commits on their way to execution
	for {
		var in replica.Input // the zero Input is a tick
		var taken int        // of the budget
		var next engine.Ordered
		ordered := n.ordered
		if len(backlog) == 0 {
			ordered = nil
		} else {
			next = backlog[0]
		}
		select {
		case <-ctx.Done():
			return nil
		case d := <-n.inputs:
			in, taken = d.Input, d.bytes
			taken += n.gatherInputs(&in)
		case x := <-n.executed:
			in.Executed = append(in.Executed, x)
			taken = n.gatherInputs(&in)
		case query := <-n.queries:
			query(n.host.Current())
			continue
		case ordered <- next:
			backlog = backlog[1:]
			continue
		case <-alarm.C:
		}
		began := time.Now()
		in.Now, in.Pressed = n.clock.now(), n.door.pressed(began)
		out := n.host.Step(in)
		if out.Failed != nil {
			return storageError("read the log of the next epoch", out.Failed)
		}
		n.metrics.step.Observe(time.Since(began).Seconds())
		if err := n.note(&out); err != nil {
			return err
		}
		n.inFlight.give(taken)
		if len(out.Send) > 0 || len(out.Serve) > 0 || out.Sync {
			select {
			case n.outbound <- outbound{out.Sync, out.Send, out.Serve}:
			case <-ctx.Done():
				return nil
			}
		}
		backlog = append(backlog, out.Commits...)
		n.publish()
		if s := n.status.Load(); s.Phase == engine.Halted {
			return fmt.Errorf("%w: %s", ErrStateMismatch, s.Reason)
		}
		if out.Wake != 0 {
			alarm.Reset(n.clock.until(out.Wake))
		}
	}
}

// gatherInputs joins what else has arrived, without waiting, and says what that took of the
// budget.
func (n *Node) gatherInputs(in *replica.Input) (taken int) {
	for range gather {
		select {
		case more := <-n.inputs:
			taken += more.bytes
			in.Join(&more.Input)
		case x := <-n.executed:
			in.Executed = append(in.Executed, x)
		default:
			return taken
		}
	}
	return taken
}

// note writes what a step accepted to the log, without waiting for the disk, and tells everybody
// in this process what came of the step.
func (n *Node) note(out *replica.Output) error {
	for _, seat := range out.Entered { // before anything of the new epoch is written or sent
		if err := n.checkVersion(seat.Epoch); err != nil {
			return err
		}
	}
	at := n.clock.now()
	for _, r := range out.Persist {
		n.times.received(r.ID, at)
	}
	if err := n.replica.Write(out); err != nil {
		return storageError("append to log", err)
	}
	for _, c := range out.Commits {
		n.leisure.observe(n.times, c.Commit, at)
		n.metrics.observeCommit(c.Commit)
	}
	for _, r := range out.Refused {
		n.metrics.refused.Inc()
		if !errors.Is(r.Err, engine.ErrTwin) {
			n.log.Debug("snapshot refused", "peer", r.From, "id", r.ID.Short(), "err", r.Err)
		}
	}
	n.replica.Done(out)
	for _, proof := range out.Faulty {
		n.log.Warn("equivocation proved", "author", n.authorName(proof.Epoch, proof.Author), "round", proof.Round)
	}
	for _, b := range out.Beaten {
		n.beaten.add(b.Transaction, b.Winner)
	}
	n.admissions.answer(out.Admit)
	for _, seat := range out.Entered {
		n.log.Info("epoch begins", "epoch", seat.Epoch, "members", len(seat.Roster.Members), "voting", seat.Roster.Voting())
		n.regroup()
	}
	return nil
}

// An outbound is what leaves the machine after a step.
type outbound struct {
	sync  bool // something of it must be durable first
	send  []replica.Envelope
	serve []replica.Serving
}

// dispatch lets out what steps send, in their order, and durable before visible: while the disk
// is busy the loop goes on, and one sync serves all that waited for it.
func (n *Node) dispatch(ctx context.Context) error {
	var all []outbound
	for {
		select {
		case <-ctx.Done():
			return nil
		case first := <-n.outbound:
			all = append(all[:0], first)
		}
		sync := all[0].sync
		for more := true; more; {
			select {
			case next := <-n.outbound:
				all, sync = append(all, next), sync || next.sync
			default:
				more = false
			}
		}
		if sync {
			if err := n.replica.Sync(); err != nil {
				return storageError("sync log", err)
			}
		}
		for _, o := range all {
			for _, e := range o.send {
				n.send(e)
			}
			for _, s := range o.serve {
				n.queueServing(s)
			}
		}
		clear(all)
	}
}

func (n *Node) send(e replica.Envelope) {
	if want, ok := e.Message.(wire.Want); ok {
		// The engine does not know what is being verified. A busy node would ask for large snapshots
		// that it has, and get them from several peers.
		want.IDs = slices.DeleteFunc(slices.Clone(want.IDs), n.replica.OnTheWay)
		if len(want.IDs) == 0 {
			return
		}
		e.Message = want
	}
	if t, ok := e.Message.(wire.Transactions); ok && n.config.Misbehave != Behave {
		if t.Raw = n.innocent(t.Raw); len(t.Raw) == 0 {
			return
		}
		e.Message = t
	}
	frame := n.replica.Encode(e)
	to := e.To
	if e.Sample > 0 {
		to = nil
		for _, key := range n.connected() {
			if slices.Contains(e.To, key) {
				to = append(to, key)
			}
		}
		rand.Shuffle(len(to), func(i, j int) { to[i], to[j] = to[j], to[i] })
		to = to[:min(e.Sample, len(to))]
	}
	second := n.twinOf(e)
	for _, key := range to {
		n.mesh.Send(key, frame)
		if second != nil {
			n.mesh.Send(key, second)
		}
	}
}

// servingsEach bounds the answers that wait for one peer, so that none takes the others' places.
const servingsEach = 4

func (n *Node) queueServing(s replica.Serving) {
	if !n.servings.take(s.To, servingsEach) {
		return // the peer asks again
	}
	select {
	case n.serving <- s:
	default:
		n.servings.give(s.To)
	}
}

// serve sends snapshots out of the log to peers that lack them.
func (n *Node) serve(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case s := <-n.serving:
			for _, id := range s.IDs {
				if frame, ok := n.replica.Frame(id); ok {
					n.mesh.Send(s.To, frame)
				}
			}
			if s.More {
				n.mesh.Send(s.To, wire.Append(nil, wire.More{Epoch: s.Epoch}))
			}
			n.servings.give(s.To)
		}
	}
}

// watchPeers tells the engine about connections.
func (n *Node) watchPeers(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-n.mesh.Events():
			n.log.Debug("peer", "peer", n.nameOf(e.Peer), "up", e.Up)
			if !n.push(ctx, replica.Input{Peers: []replica.PeerChange{{Peer: e.Peer, Up: e.Up}}}) {
				return nil
			}
		}
	}
}

// push hands an input to the loop; it waits while the loop is busy.
func (n *Node) push(ctx context.Context, in replica.Input) bool {
	return n.deliver(ctx, delivery{Input: in})
}

// deliver is push for what took of the budget; waiting slows the sender down.
func (n *Node) deliver(ctx context.Context, d delivery) bool {
	select {
	case n.inputs <- d:
		return true
	case <-ctx.Done():
		return false
	}
}

// publish makes the engine's status readable for everyone.
func (n *Node) publish() {
	s := standing{n.host.Current().Status(), n.host.Seat(), n.host.Stranded()}
	old := n.status.Swap(&s)
	if s.stranded && (old == nil || !old.stranded) {
		n.log.Warn("no connected node keeps the history that this one needs next: connect to an archive, or begin again with a certified state", "epoch", s.seat.Epoch)
	}
	n.door.observe(time.Now(), s.Waiting, s.Left)
	if old == nil || old.Phase != s.Phase {
		n.log.Info("phase", "node", n.id.Short(), "phase", s.Phase.String(), "round", s.Round, "reason", s.Reason)
	}
}

// ask runs a question on the loop's goroutine; false when the node has stopped.
func (n *Node) ask(question func(*engine.Engine)) bool {
	done := make(chan struct{})
	select {
	case n.queries <- func(e *engine.Engine) { question(e); close(done) }:
		<-done
		return true
	case <-n.stopped:
		return false
	}
}
