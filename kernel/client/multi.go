package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/asterism-network/asterism/internal/rpcclient"
	"github.com/asterism-network/asterism/kernel"
)

// A Multi submits to several nodes, so that no single one can hold a payment back.
type Multi struct {
	nodes []*Client
	b     int
}

// NewMulti submits to b of the nodes, chosen at random for each transaction; b is raised to 2
// and lowered to the number of nodes. It panics without nodes.
func NewMulti(nodes []*Client, b int) *Multi {
	if len(nodes) == 0 {
		panic("client: multi without nodes")
	}
	return &Multi{nodes: nodes, b: min(max(b, 2), len(nodes))}
}

// Any returns a random node, for reads.
func (m *Multi) Any() *Client { return m.nodes[rand.IntN(len(m.nodes))] }

// Nodes returns the nodes.
func (m *Multi) Nodes() []*Client { return m.nodes }

// submitBudget bounds a submission that goes on after SendRawTransaction has returned.
const submitBudget = 30 * time.Second

// SendRawTransaction submits to b nodes at once and returns when one has taken the transaction;
// the other submissions go on, even if ctx ends, for submitBudget at most: the second holder is
// the point of Multi. Nodes that cannot take it, for example while they restart, are replaced by
// others. A refusal by rule is returned only if no node took the transaction.
func (m *Multi) SendRawTransaction(ctx context.Context, raw []byte) (kernel.TxHash, error) {
	order := rand.Perm(len(m.nodes))
	answers := make(chan answer, len(order)) // room for all: no sender waits for a reader that has left
	for _, i := range order[:m.b] {
		go m.nodes[i].submit(ctx, raw, answers)
	}
	spare := order[m.b:]
	var refusals []error
	for open := m.b; open > 0; open-- {
		select {
		case <-ctx.Done():
			return kernel.TxHash{}, ctx.Err()
		case a := <-answers:
			if a.err == nil {
				return a.hash, nil
			}
			refusals = append(refusals, a.err)
			if len(spare) > 0 && rpcclient.WorthRepeating(a.err) {
				go m.nodes[spare[0]].submit(ctx, raw, answers)
				spare = spare[1:]
				open++
			}
		}
	}
	return kernel.TxHash{}, mostTelling(refusals)
}

type answer struct {
	hash kernel.TxHash
	err  error
}

func (c *Client) submit(ctx context.Context, raw []byte, answers chan<- answer) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), submitBudget)
	defer cancel()
	hash, err := c.SendRawTransaction(ctx, raw)
	answers <- answer{hash, err}
}

// mostTelling prefers a node's named refusal over a connection that failed.
func mostTelling(errs []error) error {
	for _, err := range errs {
		var refusal *Error
		if errors.As(err, &refusal) && !refusal.Temporary() {
			return err
		}
	}
	return errs[len(errs)-1]
}
