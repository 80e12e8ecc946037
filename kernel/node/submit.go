package node

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/asterism-network/asterism/kernel/internal/mempool"
	"github.com/asterism-network/asterism/kernel/internal/rpc"
	lru "github.com/hashicorp/golang-lru/v2"
)

// inputPatience is how long a submission waits for inputs that this node has not executed yet:
// they may be final on the node that told the client.
const inputPatience = 2 * time.Second

// submit checks a transaction against the newest state and hands it to the mempool. It waits
// for unknown inputs, and checks again when commits overtook the check.
func (n *Node) submit(ctx context.Context, raw []byte) (kernel.TxHash, error) {
	deadline := time.Now().Add(inputPatience)
	for {
		_, changed := n.head.get()
		c, err := n.replica.Candidate(raw)
		if errors.Is(err, kernel.InputNotFound) && time.Now().Before(deadline) {
			select {
			case <-changed:
				continue
			case <-time.After(time.Until(deadline)):
			case <-ctx.Done():
				return c.Hash, ctx.Err()
			}
			continue
		}
		if err != nil {
			return c.Hash, err
		}
		err = n.admissions.admit(ctx, n, c)
		if errors.Is(err, engine.ErrStale) {
			continue
		}
		return c.Hash, admissionError(err)
	}
}

// admissionError names a pool's refusal in the words of the public interface.
func admissionError(err error) error {
	var conflict *mempool.Conflict
	switch {
	case err == nil:
		return nil
	case errors.Is(err, mempool.ErrFull):
		return &rpc.Overloaded{RetryAfter: time.Second}
	case errors.As(err, &conflict):
		return &ledger.Refusal{Rule: kernel.ConflictsWith, Winner: conflict.With, Detail: fmt.Sprintf("input locked for transaction %s, which waits on this node", conflict.With)}
	}
	return err
}

// admissions connects submissions with the engine's answers.
type admissions struct {
	mu      sync.Mutex
	waiting map[kernel.TxHash][]chan error
}

func (a *admissions) admit(ctx context.Context, n *Node, c mempool.Candidate) error {
	answer := make(chan error, 1)
	a.mu.Lock()
	if a.waiting == nil {
		a.waiting = make(map[kernel.TxHash][]chan error)
	}
	a.waiting[c.Hash] = append(a.waiting[c.Hash], answer)
	a.mu.Unlock()
	defer a.forget(c.Hash, answer)
	select {
	case n.inputs <- delivery{Input: engine.Input{Admitted: []mempool.Candidate{c}}}:
	case <-ctx.Done():
		return ctx.Err()
	case <-n.stopped:
		return errStopped
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-n.stopped:
		return errStopped
	}
}

var errStopped = errors.New("node is stopping")

func (a *admissions) forget(h kernel.TxHash, answer chan error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	kept := a.waiting[h][:0]
	for _, w := range a.waiting[h] {
		if w != answer {
			kept = append(kept, w)
		}
	}
	if len(kept) == 0 {
		delete(a.waiting, h)
	} else {
		a.waiting[h] = kept
	}
}

// answer tells everybody who waits for an admitted transaction.
func (a *admissions) answer(list []engine.Admission) {
	if len(list) == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, x := range list {
		for _, w := range a.waiting[x.Transaction] {
			select {
			case w <- x.Err:
			default: // it has its answer
			}
		}
	}
}

// A beatenList remembers waiting transactions that a final one excludes, for who asks about them.
type beatenList struct {
	winners *lru.Cache[kernel.TxHash, kernel.TxHash]
}

func newBeatenList() *beatenList {
	c, _ := lru.New[kernel.TxHash, kernel.TxHash](16 << 10)
	return &beatenList{c}
}

func (b *beatenList) add(loser, winner kernel.TxHash) { b.winners.Add(loser, winner) }

func (b *beatenList) winner(loser kernel.TxHash) (kernel.TxHash, bool) { return b.winners.Get(loser) }
