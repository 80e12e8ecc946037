package node

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/asterism-network/asterism/kernel/internal/p2p"
	"github.com/asterism-network/asterism/kernel/internal/replica"
)

// A delivery is an input on its way to the loop, and the bytes that it takes of the budget.
type delivery struct {
	replica.Input
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
func (n *Node) decode(frames []replica.Incoming) (in *replica.Input) {
	for i, d := range n.replica.DecodeAll(frames) {
		if d.Err != nil {
			name := n.nameOf(frames[i].From)
			n.metrics.misbehaved.WithLabelValues(name).Inc()
			n.log.Warn("bad message", "peer", name, "err", d.Err)
			n.mesh.Disconnect(frames[i].From, d.Err)
			continue
		}
		for _, v := range d.Votes {
			n.ballot(v.Author, v.CheckpointVote)
		}
		switch {
		case d.Checkpoint != nil:
			n.ballot(frames[i].From, d.Checkpoint)
		case d.Input == nil:
		case in == nil:
			in = d.Input
		default:
			in.Join(d.Input)
		}
	}
	return in
}
