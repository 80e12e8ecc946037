package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/asterism-network/asterism/kernel/internal/mempool"
	"github.com/asterism-network/asterism/kernel/internal/replica"
	"github.com/asterism-network/asterism/kernel/internal/rpc"
	lru "github.com/hashicorp/golang-lru/v2"
)

// inputPatience is how long a submission waits for inputs that this node has not executed yet:
// they may be final on the node that told the client.
const inputPatience = 2 * time.Second

// submit checks a transaction against the newest state and hands it to the mempool.
func (n *Node) submit(ctx context.Context, raw []byte) (kernel.TxHash, error) {
	out := n.submitAll(ctx, [][]byte{raw})[0]
	return out.Hash, out.Err
}

// submitAll is submit for many, as many at a time as the door lets in.
func (n *Node) submitAll(ctx context.Context, raws [][]byte) []rpc.Submission {
	out := make([]rpc.Submission, 0, len(raws))
	patience, cancel := context.WithTimeout(ctx, doorPatience)
	defer cancel()
	for len(out) < len(raws) {
		rest := raws[len(out):]
		some, err := n.door.enter(patience, len(rest), sizeOf(rest))
		if err != nil {
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			for len(out) < len(raws) {
				out = append(out, rpc.Submission{Err: err})
			}
			return out
		}
		out = append(out, n.submitTogether(ctx, rest[:some])...)
	}
	return out
}

func sizeOf(raws [][]byte) (bytes int) {
	for _, raw := range raws {
		bytes += len(raw)
	}
	return bytes
}

// submitTogether checks transactions that came through the door against the newest state, with their signatures together, and
// hands them to the mempool. Those with unknown inputs wait for them, and those that commits
// overtook are checked again; the others are in the mempool meanwhile.
func (n *Node) submitTogether(ctx context.Context, raws [][]byte) []rpc.Submission {
	out := make([]rpc.Submission, len(raws))
	open := make([]int, len(raws)) // places in raws that have no answer yet
	for i := range open {
		open[i] = i
	}
	deadline, places := time.Now().Add(inputPatience), len(raws)
	for {
		_, changed := n.head.get()
		checked, missing := n.check(ctx, raws, open, out, time.Now().Before(deadline))
		n.door.giveBack(places - len(checked)) // who waits for an input takes nobody's place
		stale := n.admit(ctx, checked, out)
		n.door.leave(len(checked))
		places = 0
		if open = append(stale, missing...); len(open) == 0 {
			return out
		}
		if len(stale) > 0 {
			continue
		}
		select {
		case <-changed:
		case <-time.After(time.Until(deadline)):
		case <-ctx.Done():
			for _, i := range open {
				out[i].Err = ctx.Err()
			}
			return out
		}
	}
}

// A checked is a candidate and its place in the submission.
type checked struct {
	mempool.Candidate
	place int
}

// check checks the open ones, together with those of other calls. It answers those that are refused
// and returns the others, those with unknown inputs apart if they may wait.
func (n *Node) check(ctx context.Context, raws [][]byte, open []int, out []rpc.Submission, mayWait bool) (good []checked, missing []int) {
	list := make([][]byte, len(open))
	for i, place := range open {
		list[i] = raws[place]
	}
	answers, err := n.desk.check(ctx, list)
	if err != nil {
		for _, place := range open {
			out[place].Err = err
		}
		return nil, nil
	}
	for i, j := range answers {
		place := open[i]
		out[place] = rpc.Submission{Hash: j.Candidate.Hash, Err: j.Err}
		switch {
		case j.Err == nil:
			good = append(good, checked{j.Candidate, place})
		case mayWait && errors.Is(j.Err, kernel.InputNotFound):
			missing = append(missing, place)
		}
	}
	return good, missing
}

// admit hands candidates to the mempool and answers them, but those that must be checked again.
func (n *Node) admit(ctx context.Context, list []checked, out []rpc.Submission) (stale []int) {
	if len(list) == 0 {
		return nil
	}
	candidates := make([]mempool.Candidate, len(list))
	for i, c := range list {
		candidates[i] = c.Candidate
	}
	for i, err := range n.admissions.admit(ctx, n, candidates) {
		if errors.Is(err, engine.ErrStale) {
			stale = append(stale, list[i].place)
			continue
		}
		out[list[i].place].Err = admissionError(err)
	}
	return stale
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
	waiting map[kernel.TxHash][]ticket
}

// A ticket stands for one transaction of a submission that waits for the engine.
type ticket struct {
	*admission
	place int
}

// An admission is a submission on its way through the engine; admissions.mu guards it.
type admission struct {
	errs     []error
	answered []bool
	left     int
	done     chan struct{} // closed when all are answered
}

// admit hands candidates to the engine together and returns its answers, in their order.
func (a *admissions) admit(ctx context.Context, n *Node, list []mempool.Candidate) []error {
	x := a.enter(list)
	defer a.forget(x, list)
	var err error
	select {
	case n.inputs <- delivery{Input: replica.Input{Admitted: list}}:
		select {
		case <-x.done:
			return x.errs
		case <-ctx.Done():
			err = ctx.Err()
		case <-n.stopped:
			err = errStopped
		}
	case <-ctx.Done():
		err = ctx.Err()
	case <-n.stopped:
		err = errStopped
	}
	return a.giveUp(x, err)
}

var errStopped = errors.New("node is stopping")

func (a *admissions) enter(list []mempool.Candidate) *admission {
	x := &admission{errs: make([]error, len(list)), answered: make([]bool, len(list)), left: len(list), done: make(chan struct{})}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting == nil {
		a.waiting = make(map[kernel.TxHash][]ticket)
	}
	for i := range list {
		a.waiting[list[i].Hash] = append(a.waiting[list[i].Hash], ticket{x, i})
	}
	return x
}

// giveUp answers what the engine has not answered.
func (a *admissions) giveUp(x *admission, err error) []error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range x.errs {
		if !x.answered[i] {
			x.answered[i], x.errs[i] = true, err
		}
	}
	x.left = 0
	return x.errs
}

// forget takes a submission's tickets off the list; usually none are left.
func (a *admissions) forget(x *admission, list []mempool.Candidate) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range list {
		h := list[i].Hash
		if kept := slices.DeleteFunc(a.waiting[h], func(t ticket) bool { return t.admission == x }); len(kept) == 0 {
			delete(a.waiting, h)
		} else {
			a.waiting[h] = kept
		}
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
		for _, t := range a.waiting[x.Transaction] {
			if !t.answered[t.place] {
				t.answered[t.place], t.errs[t.place] = true, x.Err
				if t.left--; t.left == 0 {
					close(t.done)
				}
			}
		}
		delete(a.waiting, x.Transaction)
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
