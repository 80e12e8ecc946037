package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"sync"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/wallet"
)

// A crowd are users with wallets of their own who pay one another at a steady rate. Each payment
// goes to two nodes, drawn from all: a node in trouble gets its share, and is replaced when it
// does not answer. Nobody submits a second time.
type crowd struct {
	watch   *watch
	nodes   []*node
	wallets []*wallet.Wallet
	assets  []kernel.AssetID

	mu      sync.Mutex // guards all below
	number  int        // payments begun
	waiting int        // ticks at which the user's money was under way
}

// users is how many of the network's funded users take part.
const users = 4

func newCrowd(w *watch, nodes []*node, facts *facts) (*crowd, error) {
	c := &crowd{watch: w, nodes: nodes}
	for _, u := range facts.Users[:min(users, len(facts.Users))] {
		seed, err := wallet.Seed(u.Words, "")
		if err != nil {
			return nil, err
		}
		c.wallets = append(c.wallets, wallet.New(wallet.AccountKeys(kernel.AccountFromSeed(seed)), facts.Network, 0))
	}
	for _, a := range facts.Assets {
		c.assets = append(c.assets, a.ID)
	}
	return c, nil
}

// run pays until ctx ends, and returns when every submission that was begun is over.
func (c *crowd) run(ctx context.Context, perSecond int) error {
	var open sync.WaitGroup
	defer open.Wait()
	tick := time.NewTicker(time.Second / time.Duration(perSecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		p, err := c.sign(ctx)
		if err != nil {
			return err
		}
		if p != nil {
			open.Go(func() { c.submit(context.WithoutCancel(ctx), p) })
		}
	}
}

// sign makes the next payment; nil if its payer has to wait for change.
func (c *crowd) sign(ctx context.Context) (*payment, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	from := mathrand.IntN(len(c.wallets))
	to := (from + 1 + mathrand.IntN(len(c.wallets)-1)) % len(c.wallets)
	w := c.wallets[from]
	if _, err := w.Scan(ctx, c.watch); err != nil {
		return nil, fmt.Errorf("scan: %w", err)
	}
	plan, err := w.Plan(wallet.Request{
		Asset: c.assets[mathrand.IntN(len(c.assets))],
		Pay:   []wallet.Pay{{To: wallet.To(c.wallets[to].Address()), Amount: kernel.NewAmount(1000 + mathrand.Uint64N(100_000))}},
	}, rand.Reader)
	if errors.Is(err, wallet.ErrInsufficient) {
		c.waiting++
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("plan a payment: %w", err)
	}
	c.number++
	made, err := w.Accept(fmt.Sprintf("soak-%d", c.number), plan, kernel.Timestamp(time.Now().UnixMilli()))
	if err != nil {
		return nil, fmt.Errorf("sign a payment: %w", err)
	}
	attempt := made.Attempts[len(made.Attempts)-1]
	return c.watch.submitting(attempt.Transaction, attempt.Signed), nil
}

// holdersWanted is to how many nodes a client gives a transaction.
const holdersWanted = 2

// submit hands a payment to nodes in random order until two have taken it.
func (c *crowd) submit(ctx context.Context, p *payment) {
	taken := 0
	for _, i := range mathrand.Perm(len(c.nodes)) {
		n := c.nodes[i]
		generation := n.alive()
		if generation == 0 {
			continue
		}
		if c.hand(ctx, n, p) == nil {
			c.watch.acknowledged(p, holder{n, generation})
			if taken++; taken == holdersWanted {
				return
			}
		}
	}
}

func (c *crowd) hand(ctx context.Context, n *node, p *payment) error {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	hash, err := n.quick.SendRawTransaction(ctx, p.raw)
	if err == nil && hash != p.hash {
		c.watch.broken(fmt.Errorf("%s answers transaction %s with the hash %s", n.name, p.hash, hash))
	}
	return err
}
