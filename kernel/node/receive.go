package node

import (
	"context"
	"runtime"

	"github.com/asterism-network/asterism/kernel/internal/engine"
)

// A delivery is an input on its way to the loop, and the bytes that it takes of the budget.
type delivery struct {
	engine.Input
	bytes int
}

const inFlightBytes = 64 << 20

// pipelineWidth is how many goroutines verify what arrives.
func pipelineWidth() int { return max(2, runtime.GOMAXPROCS(0)) }

// receive takes frames from peers, decodes and verifies them, and hands them to the engine.
// Several run at once; the engine does not mind the order.
func (n *Node) receive(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case f := <-n.mesh.Inbound():
			if !n.inFlight.take(ctx, len(f.Frame)) {
				return nil
			}
			in, err := n.replica.Decode(f.From, f.Frame)
			if err != nil {
				n.metrics.misbehaved.WithLabelValues(n.config.Genesis.Members[f.From].Name).Inc()
				n.log.Warn("bad message", "peer", n.config.Genesis.Members[f.From].Name, "err", err)
				n.mesh.Disconnect(f.From, err)
			}
			if in == nil || err != nil {
				n.inFlight.give(len(f.Frame))
				continue
			}
			if !n.deliver(ctx, delivery{*in, len(f.Frame)}) {
				return nil
			}
		}
	}
}
