package node

import (
	"context"
	"errors"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/internal/replica"
	"github.com/asterism-network/asterism/kernel/internal/store"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// LeastEpochs is how many whole epochs a pruned node keeps at least before the one in force.
const LeastEpochs = replica.LeastEpochs

// pruneEvery is how often a pruned node looks whether an epoch can go. It goes in the background: nothing waits for it.
const pruneEvery = 2 * time.Second

// prune lets history go as far as the rules allow, until ctx ends. What a crash cut short it finishes first, also in a folder
// that is no longer to be pruned.
func (n *Node) prune(ctx context.Context) error {
	if err := n.pruneTo(ctx, n.store.Base()); err != nil {
		return err
	}
	if !n.config.Pruned {
		<-ctx.Done()
		return nil
	}
	timer := time.NewTicker(pruneEvery)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		to, ok := n.replica.PruneTo(n.config.KeepEpochs)
		if !ok {
			continue
		}
		if err := n.pruneTo(ctx, to); err != nil {
			return err
		}
	}
}

func (n *Node) pruneTo(ctx context.Context, to kernel.CommitIndex) error {
	began, before := time.Now(), n.store.Base()
	switch err := n.store.Prune(to, restful(ctx)); {
	case errors.Is(err, store.ErrStopped):
		return nil // the next start goes on
	case err != nil:
		return storageError("prune", err)
	}
	if to == before {
		return nil
	}
	n.metrics.pruneSeconds.Observe(time.Since(began).Seconds())
	stats := n.store.Stats()
	n.log.Info("history goes", "begins_behind", to, "first_epoch", n.store.FirstEpoch(), "log_bytes", stats.KeptBytes, "state_bytes", stats.StateBytes)
	if kept, some := n.replica.Kept(); some {
		n.mesh.Broadcast(wire.Append(nil, kept))
	}
	return nil
}

// Storage implements rpc.Node.
func (b backend) Storage() *client.StorageInfo {
	n := b.n
	stats := n.store.Stats()
	i := &client.StorageInfo{
		Mode: "archive", Base: n.store.Base(), FirstEpoch: n.store.FirstEpoch(), LogBytes: stats.KeptBytes, StateBytes: stats.StateBytes, Archives: []kernel.NodeID{},
	}
	if n.config.Pruned {
		i.Mode = "pruned"
	}
	for _, key := range n.host.Archives() {
		i.Archives = append(i.Archives, kernel.NodeIDOf(n.network, key))
	}
	return i
}
