package node

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
)

// execute runs commits through the ledger, one after the other, and tells the engine.
func (n *Node) execute(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case o := <-n.ordered:
			x, done, err := n.executeOne(o)
			if err != nil {
				return err
			}
			if !done {
				continue
			}
			select {
			case n.executed <- x:
			case <-ctx.Done():
				return nil
			}
		}
	}
}

// executeOne executes a commit, unless it comes behind the end of its epoch.
func (n *Node) executeOne(o engine.Ordered) (_ engine.Execution, done bool, _ error) {
	began := time.Now()
	c := o.Commit
	x, diff, err := n.replica.Execute(o)
	if err != nil {
		return x, false, storageError(fmt.Sprintf("write commit %d", c.Index), err)
	}
	if diff == nil {
		return x, false, nil
	}
	if !n.status.Load().Alarm {
		n.head.set(c.Index) // while f+1 members contradict this node, it reports nothing as final
	}
	if len(diff.System) > 0 {
		n.regroup()
	}
	n.metrics.observeExecution(diff, time.Since(began))
	n.rate.add(len(c.Snapshots), len(diff.Receipts))
	for _, f := range diff.Faults {
		n.log.Warn("fault recorded", "author", n.authorName(f.Epoch, f.Author), "kind", fmt.Sprintf("E%d", f.Kind), "round", f.Round, "commit", c.Index)
	}
	return x, true, nil
}

// A headSignal tells readers that a newer commit can be read.
type headSignal struct {
	mu      sync.Mutex
	head    kernel.CommitIndex
	changed chan struct{}
}

func (h *headSignal) set(head kernel.CommitIndex) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.head = head
	if h.changed != nil {
		close(h.changed)
	}
	h.changed = make(chan struct{})
}

func (h *headSignal) get() (kernel.CommitIndex, <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.head, h.changed
}
