package explorer

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
)

const (
	cacheEntries = 512
	briefly      = time.Second      // what may change
	longer       = 10 * time.Minute // what cannot
	maxFetches   = 8                // questions to the nodes at once, from all visitors
	maxInputs    = 16               // whose amounts a page looks up
	largeHex     = 64 << 10         // a longer transaction is not kept for longer
	maxAsked     = 7                // nodes asked for a transaction that nobody knows
)

// errBusy tells a visitor to try again.
var errBusy = errors.New("too many look-ups at once: try again in a moment")

// A cache keeps answers for visitors. The same question asked twice at once is asked once.
type cache struct {
	slots chan struct{} // one for each question under way

	mu      sync.Mutex // never call out while holding it
	entries map[string]*entry
}

type entry struct {
	done  chan struct{} // closed when value and err are set
	value any
	err   error
	until time.Time
}

func newCache() *cache {
	return &cache{slots: make(chan struct{}, maxFetches), entries: map[string]*entry{}}
}

// get returns the kept answer to key or asks; ask says how long its answer may be kept. ask
// outlives the visitor, so that one who leaves does not spoil the answer for others.
func get[T any](ctx context.Context, c *cache, key string, ask func(context.Context) (T, time.Duration, error)) (T, error) {
	var none T
	c.mu.Lock()
	e := c.entries[key]
	if e == nil || e.expired() {
		select {
		case c.slots <- struct{}{}:
		default:
			c.mu.Unlock()
			return none, errBusy
		}
		e = &entry{done: make(chan struct{})}
		c.makeRoom()
		c.entries[key] = e
		go func() {
			defer func() { <-c.slots }()
			ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
			defer cancel()
			value, keep, err := ask(ctx)
			c.mu.Lock()
			e.value, e.err, e.until = value, err, time.Now().Add(keep)
			c.mu.Unlock()
			close(e.done)
		}()
	}
	c.mu.Unlock()
	select {
	case <-ctx.Done():
		return none, ctx.Err()
	case <-e.done:
	}
	if e.err != nil {
		return none, e.err
	}
	return e.value.(T), nil
}

// expired reports whether the answer is there and too old. The caller holds the cache's mu.
func (e *entry) expired() bool {
	select {
	case <-e.done:
		return time.Now().After(e.until)
	default:
		return false
	}
}

// makeRoom removes what is too old, and when that is not enough any answers. The caller holds mu.
func (c *cache) makeRoom() {
	for key, e := range c.entries {
		if e.expired() {
			delete(c.entries, key)
		}
	}
	for key := range c.entries {
		if len(c.entries) < cacheEntries {
			return
		}
		delete(c.entries, key)
	}
}

// errNoNode is shown when not one node answers.
var errNoNode = errors.New("no node answers")

// each asks node after node until one gives an answer that done accepts; the last answer counts.
func each[T any](ctx context.Context, e *Explorer, ask func(context.Context, *client.Client) (T, error), done func(T) bool) (answer T, err error) {
	if e.trace != nil {
		return answer, errRecorded
	}
	err = errNoNode
	order := e.state.order()
	for _, i := range order[:min(len(order), maxAsked)] {
		call, cancel := context.WithTimeout(ctx, callTimeout/2)
		got, failed := ask(call, e.clients[i])
		cancel()
		if failed != nil {
			if err != nil {
				err = errors.Join(errNoNode, failed)
			}
			continue
		}
		answer, err = got, nil
		if done(got) {
			break
		}
	}
	return answer, err
}

// A txAnswer is all that is known of a transaction.
type txAnswer struct {
	Status      client.TransactionStatus  `json:"status"`
	Transaction *client.Transaction       `json:"transaction"`
	Explanation *client.Explanation       `json:"explanation,omitempty"`
	Source      string                    `json:"source"` // whose word it is
	spent       map[uint16]*client.Output // by input
}

func (e *Explorer) transaction(ctx context.Context, hash kernel.TxHash) (txAnswer, error) {
	return get(ctx, e.fetched, "tx "+hash.String(), func(ctx context.Context) (txAnswer, time.Duration, error) {
		answer, err := each(ctx, e, func(ctx context.Context, c *client.Client) (txAnswer, error) {
			return askTransaction(ctx, c, hash)
		}, func(a txAnswer) bool { return a.Status.State != client.Unknown })
		settled := err == nil && (answer.Status.State == client.Final || answer.Status.State == client.Rejected)
		small := answer.Transaction == nil || len(answer.Transaction.Hex) <= largeHex
		if settled && small {
			return answer, longer, nil
		}
		return answer, briefly, err
	})
}

func askTransaction(ctx context.Context, c *client.Client, hash kernel.TxHash) (a txAnswer, err error) {
	a.Source = c.URL()
	if a.Status, err = c.TransactionStatus(ctx, hash); err != nil || a.Status.State == client.Unknown {
		return a, err
	}
	if a.Transaction, err = c.Transaction(ctx, hash); err != nil {
		return a, err
	}
	if story, err := c.ExplainTransaction(ctx, hash); err == nil {
		a.Explanation = &story
	}
	if a.Transaction != nil {
		a.spent = askSpent(ctx, c, a.Transaction.Inputs)
	}
	return a, nil
}

// askSpent looks the first inputs' outputs up. What is not found is left out.
func askSpent(ctx context.Context, c *client.Client, inputs []kernel.InputView) map[uint16]*client.Output {
	spent := map[uint16]*client.Output{}
	for i, in := range inputs[:min(len(inputs), maxInputs)] {
		if in.Hash == nil || in.Index == nil {
			continue
		}
		out, err := c.Output(ctx, kernel.OutputRef{Hash: *in.Hash, Index: *in.Index})
		if err == nil && out != nil {
			spent[uint16(i)] = out
		}
	}
	return spent
}

// snapshot returns a committed snapshot, nil if the nodes asked know of none.
func (e *Explorer) snapshot(ctx context.Context, id kernel.SnapshotID) (*client.Snapshot, error) {
	return get(ctx, e.fetched, "snapshot "+id.String(), func(ctx context.Context) (*client.Snapshot, time.Duration, error) {
		found, err := each(ctx, e, func(ctx context.Context, c *client.Client) (*client.Snapshot, error) {
			return c.Snapshot(ctx, id)
		}, func(s *client.Snapshot) bool { return true })
		if found != nil {
			return found, longer, err
		}
		return nil, briefly, err
	})
}

// commit returns a step of the total order, nil if it has not happened.
func (e *Explorer) commit(ctx context.Context, index kernel.CommitIndex) (*client.Commit, error) {
	return get(ctx, e.fetched, "commit "+formatUint(uint64(index)), func(ctx context.Context) (*client.Commit, time.Duration, error) {
		found, err := each(ctx, e, func(ctx context.Context, c *client.Client) (*client.Commit, error) {
			return c.Commit(ctx, index)
		}, func(c *client.Commit) bool { return c != nil })
		if found != nil {
			for i := range found.Transactions { // they may be large, and have pages of their own
				found.Transactions[i].Hex, found.Truncated = "", true
			}
			return found, longer, err
		}
		return nil, briefly, err
	})
}
