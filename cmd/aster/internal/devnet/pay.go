package devnet

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/wallet"
)

// lanes is how many payments of one user may be under way at once.
const lanes = 2

// A crowd is the ten users with their wallets, paying one another.
type crowd struct {
	watch   *watch
	network wallet.Network
	wallets []*wallet.Wallet
	started atomic.Int64 // payments begun
}

// newCrowd opens the users' wallets in memory.
func newCrowd(w *watch, network kernel.NetworkID) (*crowd, error) {
	c := &crowd{watch: w}
	c.network = wallet.Network{Source: w.feed, Submitter: timed{client.NewMulti(w.nodes, 2), w}}
	for _, u := range users {
		account, err := accountOf(u.words)
		if err != nil {
			return nil, err
		}
		c.wallets = append(c.wallets, wallet.New(wallet.AccountKeys(account), network, 0))
	}
	return c, nil
}

// timed notes the moment before a transaction is handed to the nodes.
type timed struct {
	*client.Multi
	watch *watch
}

func (t timed) SendRawTransaction(ctx context.Context, raw []byte) (kernel.TxHash, error) {
	tx := new(kernel.Transaction)
	if err := tx.UnmarshalBinary(raw); err != nil {
		return kernel.TxHash{}, err
	}
	t.watch.submitted(tx.Hash(), time.Now())
	return t.Multi.SendRawTransaction(ctx, raw)
}

// pay makes the given number of payments and returns when each is final for its payer, or has
// failed. Done counts them.
func (c *crowd) pay(ctx context.Context, payments int, seed uint64, done func()) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for i := range len(c.wallets) * lanes {
		wg.Go(func() {
			dice := rand.New(rand.NewPCG(seed, uint64(i)))
			for {
				number := c.started.Add(1)
				if number > int64(payments) || ctx.Err() != nil {
					return
				}
				if err := c.payOnce(ctx, i%len(c.wallets), number, dice); err != nil {
					cancel(fmt.Errorf("payment %d: %w", number, err))
					return
				}
				done()
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// payOnce pays a small amount from one user to another. A user whose money is all under way
// waits for change.
func (c *crowd) payOnce(ctx context.Context, from int, number int64, dice *rand.Rand) error {
	to := (from + 1 + dice.IntN(len(c.wallets)-1)) % len(c.wallets)
	assets := endowments()
	units := 1000 + dice.Uint64N(100_000) // at most 0.00101 of any asset
	request := wallet.Request{
		Asset: assets[int(number)%len(assets)].asset.ID,
		Pay:   []wallet.Pay{{To: wallet.To(c.wallets[to].Address()), Amount: kernel.NewAmount(units)}},
	}
	reference := fmt.Sprintf("devnet-%d", number)
	for {
		_, err := c.wallets[from].Send(ctx, c.network, reference, request)
		if !errors.Is(err, wallet.ErrInsufficient) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
		if _, err := c.wallets[from].Scan(ctx, c.network); err != nil {
			return err
		}
	}
}

// traffic makes payments at a steady rate until ctx ends; those that fail are counted.
func (c *crowd) traffic(ctx context.Context, perSecond float64, seed uint64) (made, failed int64) {
	var wg sync.WaitGroup
	var good, bad atomic.Int64
	dice := rand.New(rand.NewPCG(seed, seed))
	slots := make(chan struct{}, len(c.wallets)*lanes) // payments under way
	tick := time.NewTicker(time.Duration(float64(time.Second) / perSecond))
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
			select {
			case slots <- struct{}{}:
			default:
				continue // the network is slower than the rate asked for
			}
			number := c.started.Add(1)
			own := rand.New(rand.NewPCG(dice.Uint64(), dice.Uint64()))
			wg.Go(func() {
				defer func() { <-slots }()
				if c.payOnce(ctx, int(number)%len(c.wallets), number, own) == nil {
					good.Add(1)
				} else if ctx.Err() == nil {
					bad.Add(1)
				}
			})
		}
	}
	wg.Wait()
	return good.Load(), bad.Load()
}
