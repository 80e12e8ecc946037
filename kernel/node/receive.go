package node

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/p2p"
	"github.com/asterism-network/asterism/kernel/internal/replica"
)

// A delivery is an input on its way to the loop, and the bytes that it takes of the budget.
type delivery struct {
	engine.Input
	bytes int
}

const inFlightBytes = 64 << 20

// What is verified together: whatever came while the frames before were verified, up to where
// more would gain nothing.
const (
	togetherFrames = 256
	togetherBytes  = 1 << 20
)

// onAllCores is replica.Config.Each for a node. The caller does its part: a goroutine less to start, and it
// waits for others only if they are still at work, which for small parts they seldom are.
func onAllCores(n int, do func(i int)) {
	var next atomic.Int64
	work := func() {
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			do(i)
		}
	}
	var group sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) - 1 {
		group.Go(work)
	}
	work()
	group.Wait()
}

// receive takes frames from peers, decodes and verifies them, and hands them to the engine.
func (n *Node) receive(ctx context.Context) error {
	var frames []replica.Incoming
	for {
		select {
		case <-ctx.Done():
			return nil
		case f := <-n.mesh.Inbound():
			var taken int
			frames, taken = n.gatherFrames(frames[:0], f)
			if !n.inFlight.take(ctx, taken) {
				return nil
			}
			in := n.decode(frames)
			clear(frames)
			n.remind()
			if in == nil {
				n.inFlight.give(taken)
			} else if !n.deliver(ctx, delivery{*in, taken}) {
				return nil
			}
		}
	}
}

// Signatures of payments are verified when enough have come for a large batch, or after two rounds,
// before their commit, which is more than three away: of 32 each costs half more than of a thousand.
// A network that wakes up makes its first rounds in less time than the last ones took.
const (
	verifyWaitLeast = 20 * time.Millisecond
	verifyWaitMost  = 200 * time.Millisecond
	verifyEnough    = 512 // payments
)

// verifyWait is how long signatures may wait for others.
func (n *Node) verifyWait() time.Duration {
	wait := 2 * time.Duration(n.roundTime.Load())
	if wait > verifyWaitMost {
		return verifyWaitLeast // it slept
	}
	return max(wait, verifyWaitLeast)
}

// madeSnapshot notes how long this node's newest round took.
func (n *Node) madeSnapshot(at kernel.Timestamp) {
	if at > n.lastMade {
		n.roundTime.Store(int64(at-n.lastMade) * int64(time.Millisecond))
		n.lastMade = at
	}
}

// remind tells verify what was left for it.
func (n *Node) remind() {
	waiting := n.replica.Waiting()
	if waiting > 0 {
		leaveToken(n.left)
	}
	if waiting >= verifyEnough {
		leaveToken(n.enough)
	}
}

// leaveToken tells whoever waits for the channel; one token is enough for all news.
func leaveToken(token chan struct{}) {
	select {
	case token <- struct{}{}:
	default:
	}
}

// verify verifies the signatures of payments that arrived in snapshots.
func (n *Node) verify(ctx context.Context) error {
	timer := time.NewTimer(verifyWaitLeast)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-n.left:
		}
		select {
		case <-n.enough: // of the batch before
		default:
		}
		if timer.Reset(n.verifyWait()); n.replica.Waiting() < verifyEnough {
			select {
			case <-ctx.Done():
				return nil
			case <-n.enough:
			case <-timer.C:
			}
		}
		n.replica.VerifyWaiting()
	}
}

// gatherFrames takes what else waits, without waiting, and says how many bytes that is.
func (n *Node) gatherFrames(frames []replica.Incoming, first p2p.Inbound) (_ []replica.Incoming, bytes int) {
	for f, ok := first, true; ok; f, ok = n.mesh.More() {
		frames = append(frames, replica.Incoming(f))
		if bytes += len(f.Frame); len(frames) == togetherFrames || bytes >= togetherBytes {
			break
		}
	}
	return frames, bytes
}

// decode makes one input of frames; nil when there is nothing to do.
func (n *Node) decode(frames []replica.Incoming) (in *engine.Input) {
	for i, d := range n.replica.DecodeAll(frames) {
		if d.Err != nil {
			peer := frames[i].From
			name := n.config.Genesis.Members[peer].Name
			n.metrics.misbehaved.WithLabelValues(name).Inc()
			n.log.Warn("bad message", "peer", name, "err", d.Err)
			n.mesh.Disconnect(peer, d.Err)
			continue
		}
		switch {
		case d.Input == nil:
		case in == nil:
			in = d.Input
		default:
			in.Join(d.Input)
		}
	}
	return in
}
