package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asterism-network/asterism/internal/rpcclient"
	"github.com/asterism-network/asterism/kernel"
)

// waitTurn is how long the node holds one waiting call open.
const waitTurn = 4 * time.Second

// WaitFinal returns the receipt of a transaction once the node has executed it. A rejected one
// is returned with its receipt and an error that is ErrRejected and the rule. Until ctx ends it
// survives restarts of the node.
func (c *Client) WaitFinal(ctx context.Context, hash kernel.TxHash) (kernel.Receipt, error) {
	pause := c.Backoff()
	for {
		status, err := get[TransactionStatus](ctx, c, "gettransactionstatus", named{"hash": hash, "wait_ms": waitTurn.Milliseconds()})
		switch {
		case ctx.Err() != nil:
			return kernel.Receipt{}, fmt.Errorf("wait for transaction %s: %w", hash, ctx.Err())
		case err != nil && !rpcclient.WorthRepeating(err):
			return kernel.Receipt{}, err
		case err != nil:
			if rpcclient.Sleep(ctx, pause) == nil {
				pause = min(2*pause, 2*time.Second)
			}
		case status.State == Final && status.Receipt != nil:
			return *status.Receipt, nil
		case status.State == Rejected && status.Receipt != nil:
			return *status.Receipt, rejection(*status.Receipt)
		default:
			pause = c.Backoff()
		}
	}
}

func rejection(r kernel.Receipt) error {
	text := fmt.Sprintf("transaction %s was rejected at commit %d: %s", r.Transaction, r.Commit, r.Rule)
	if !r.Winner.IsZero() {
		text += fmt.Sprintf(", won by %s", r.Winner)
	}
	return errors.Join(&Error{Name: ErrRejected.Name, Message: text}, r.Rule)
}
