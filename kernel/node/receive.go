package node

import (
	"context"
	"runtime"

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

// What one goroutine of the pipeline verifies together: whatever waits, up to where more would
// gain nothing and other cores could begin with the rest.
const (
	togetherFrames = 64
	togetherBytes  = 256 << 10
)

// pipelineWidth is how many goroutines verify what arrives.
func pipelineWidth() int { return max(2, runtime.GOMAXPROCS(0)) }

// receive takes frames from peers, decodes and verifies them, and hands them to the engine.
// Several run at once; the engine does not mind the order.
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
