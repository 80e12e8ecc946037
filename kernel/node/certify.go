package node

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/checkpoint"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/replica"
	"github.com/asterism-network/asterism/kernel/internal/store"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// A ballot is a message about checkpoints on its way to certify.
type ballot struct {
	from    kernel.Key
	message wire.Message
}

const (
	ballotsKept    = 1024            // what is beyond is told again
	certifyAgain   = 2 * time.Second // between two times that the same is told
	certifyAtFirst = 200 * time.Millisecond
)

// ballot hands a message about checkpoints over, or drops it: its sender repeats it.
func (n *Node) ballot(from kernel.Key, m wire.Message) {
	select {
	case n.ballots <- ballot{from, m}:
	default:
	}
}

// certify makes checkpoints of executed commits and collects their certificates, until ctx ends.
func (n *Node) certify(ctx context.Context) error {
	if err := n.certifier.Resume(); err != nil {
		return n.certifyError(err)
	}
	timer := time.NewTimer(certifyAtFirst)
	defer timer.Stop()
	g := growing{node: n, done: make(chan error, 1)}
	defer g.end()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // before end waits: whoever must stop does not finish the trees first
	for {
		_, changed := n.head.get()
		g.begin(ctx)
		select {
		case <-ctx.Done():
			return nil
		case err := <-g.done:
			if err := g.take(err); err != nil {
				return n.certifyError(err)
			}
		case <-changed:
		case b := <-n.ballots:
			if err := n.count(b); err != nil {
				return n.certifyError(err)
			}
		case <-timer.C:
			if err := n.tellAgain(); err != nil {
				return n.certifyError(err)
			}
			timer.Reset(certifyAgain)
		}
	}
}

func (n *Node) certifyError(err error) error {
	if errors.Is(err, replica.ErrOutvoted) {
		return fmt.Errorf("%w: %w", ErrStateMismatch, err)
	}
	return storageError("checkpoint", err)
}

// A growing brings the trees to the checkpoint that is due, beside whoever owns the certifier.
type growing struct {
	node  *Node
	under bool // way
	began time.Time
	hurry atomic.Bool
	done  chan error
}

// begin grows the trees if a checkpoint is due and none is under way.
func (g *growing) begin(ctx context.Context) {
	c := g.node.certifier
	if g.under {
		g.hurry.Store(c.Hurries())
		return
	}
	index, due := c.Due()
	if !due {
		return
	}
	g.under, g.began = true, time.Now()
	g.hurry.Store(c.Hurries())
	period := time.Duration(g.node.config.Genesis.Parameters.CheckpointPeriod) * time.Millisecond
	go func() {
		_, _, err := g.node.store.GrowTrees(index, spread(ctx, period/2, &g.hurry))
		g.done <- err
	}()
}

// take takes up the checkpoint that has been reached and tells everyone this node's signature.
func (g *growing) take(err error) error {
	g.under = false
	n := g.node
	if errors.Is(err, store.ErrStopped) {
		return nil
	}
	if err != nil {
		return err
	}
	n.metrics.checkpointSeconds.Observe(time.Since(g.began).Seconds())
	messages, err := n.certifier.Made(n.maySign())
	if err != nil {
		return err
	}
	n.broadcast(messages)
	return nil
}

// end waits for the growth under way.
func (g *growing) end() {
	if g.under {
		<-g.done
	}
}

// maySign reports whether this node signs checkpoints now: not while more members than can all lie
// name another state, and not while it cannot know what it has signed.
func (n *Node) maySign() bool {
	s := n.status.Load()
	return s.Phase == engine.Active && !s.Alarm && n.store.LogState() != store.Doubtful
}

func (n *Node) broadcast(messages []wire.Message) {
	for _, m := range messages {
		n.mesh.Broadcast(wire.Append(nil, m))
	}
}

// count takes a message about checkpoints.
func (n *Node) count(b ballot) error {
	answer, err := n.certifier.Take(b.from, b.message)
	if errors.Is(err, checkpoint.ErrInvalid) {
		n.metrics.misbehaved.WithLabelValues(n.nameOf(b.from)).Inc()
		n.mesh.Disconnect(b.from, err)
		return nil
	}
	for _, m := range answer {
		n.mesh.Send(b.from, wire.Append(nil, m))
	}
	return err
}

// tellAgain repeats this node's signatures while they are needed, and asks somebody for certificates
// that this node may have missed.
func (n *Node) tellAgain() error {
	messages, err := n.certifier.Again(n.maySign())
	if err != nil {
		return err
	}
	n.broadcast(messages)
	if oldest := n.certifier.Oldest(); oldest > 1 { // of the epoch before, whose tail others may want, it is kept
		if err := n.keyring.erase(oldest - 1); err != nil {
			n.log.Warn("old keys for checkpoints are still there", "err", err)
		}
	}
	if peers := n.connected(); len(peers) > 0 {
		n.mesh.Send(peers[rand.IntN(len(peers))], wire.Append(nil, n.certifier.Query()))
	}
	return nil
}
