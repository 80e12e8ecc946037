package node

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/asterism-network/asterism/kernel/internal/store"
)

// execute runs commits through the ledger, one after the other, and tells the engine.
func (n *Node) execute(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case o := <-n.ordered:
			x, err := n.executeOne(o)
			if err != nil {
				return err
			}
			select {
			case n.executed <- x:
			case <-ctx.Done():
				return nil
			}
		}
	}
}

func (n *Node) executeOne(o engine.Ordered) (engine.Execution, error) {
	began := time.Now()
	c := o.Commit
	view := n.store.View()
	defer view.Close()
	snapshots := n.committed(c)
	n.verifyAhead(view, snapshots)
	diff := ledger.Execute(view, c, snapshots, n.checker.context)
	c.Digest = diff.Head.Digest
	if err := n.store.Commit(c, diff, o.Order); err != nil {
		return engine.Execution{}, storageError(fmt.Sprintf("write commit %d", c.Index), err)
	}
	if !n.status.Load().Alarm {
		n.head.set(c.Index) // while f+1 members contradict this node, it reports nothing as final
	}
	n.metrics.observeExecution(diff, time.Since(began))
	n.rate.add(len(c.Snapshots), len(diff.Receipts))
	for _, f := range diff.Faults {
		n.log.Warn("fault recorded", "author", n.config.Genesis.Members[f.Author].Name, "kind", fmt.Sprintf("E%d", f.Kind), "round", f.Round, "commit", c.Index)
	}
	for _, s := range c.Snapshots {
		n.dropBody(s.ID)
	}
	return n.executionOf(c, diff, snapshots), nil
}

// committed finds the bodies of a commit's snapshots, in memory if they just arrived.
func (n *Node) committed(c *kernel.Commit) []ledger.Committed {
	out := make([]ledger.Committed, len(c.Snapshots))
	for i, s := range c.Snapshots {
		out[i] = ledger.Committed{Author: s.Author, Round: s.Round, ID: s.ID, Claim: s.Claim, Body: n.body(s.ID)}
	}
	return out
}

// verifyAhead checks in one batch the signatures that were not checked on arrival.
func (n *Node) verifyAhead(view *store.View, snapshots []ledger.Committed) {
	var all []*ledger.Parsed
	for _, s := range snapshots {
		for _, e := range s.Body.Entries {
			if e.Kind == kernel.EntryTransaction {
				all = append(all, n.checker.parse(e.Bytes))
			}
		}
	}
	n.checker.verifyTogether(view, all)
}

// executionOf tells the engine what a commit settled. A transaction counts as void for the
// mempool only if its signatures are good: what stands in a body under the same hash with bad
// ones says nothing about the bytes that wait here.
func (n *Node) executionOf(c *kernel.Commit, diff *ledger.Diff, snapshots []ledger.Committed) engine.Execution {
	x := engine.Execution{Commit: c}
	final := make(map[kernel.TxHash]bool, len(diff.Receipts))
	judged := make(map[kernel.TxHash]bool, len(diff.Receipts))
	for _, r := range diff.Receipts {
		judged[r.Transaction] = true
		if r.Status == kernel.Final {
			final[r.Transaction] = true
		} else {
			x.Rejected = append(x.Rejected, r.Transaction)
		}
	}
	for _, s := range snapshots {
		for _, e := range s.Body.Entries {
			if e.Kind != kernel.EntryTransaction {
				continue
			}
			switch p := n.checker.parse(e.Bytes); {
			case p.Refusal != nil:
			case final[p.Hash]:
				x.Final = append(x.Final, claimOf(p))
				delete(final, p.Hash)
			case !judged[p.Hash] && n.checker.knownGood(p.Signed):
				x.Void = append(x.Void, p.Hash)
			}
		}
	}
	for _, f := range diff.Faults {
		if f.Kind == ledger.FaultEquivocation {
			x.Faults = append(x.Faults, f.Author)
		}
	}
	return x
}

// Bodies are kept in memory between arrival and execution; large ones, and those beyond the
// limit, are read from the log.
const (
	bodiesKept  = 4096
	bodiesBytes = 32 << 20
)

func (n *Node) keepBody(h *kernel.Header, id kernel.SnapshotID, b *kernel.Body) {
	n.bodies.add(id, b, int(h.BodyLength)+48*len(b.Entries)+128)
}

func (n *Node) dropBody(id kernel.SnapshotID) { n.bodies.remove(id) }

func (n *Node) body(id kernel.SnapshotID) *kernel.Body {
	if b, ok := n.bodies.get(id); ok {
		return b
	}
	rec, ok := n.store.Snapshot(id)
	if !ok {
		panic(fmt.Sprintf("node: committed snapshot %s is not in the log", id))
	}
	b := new(kernel.Body)
	if err := b.UnmarshalBinary(rec.Body); err != nil {
		panic(fmt.Sprintf("node: body of snapshot %s: %v", id, err)) // checksums passed
	}
	return b
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
