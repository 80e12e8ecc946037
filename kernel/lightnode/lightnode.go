// Package lightnode follows a network from its genesis file over the public interface of nodes that it
// does not trust: it takes certified checkpoints and the chain of rosters, looks through the outputs
// with a view key that never leaves it, and keeps both in one small file. What is believed, and why
// something is refused, is package light's; this is the shell around it. [CHK-10]
//
// It needs less than 100 MiB whatever the size of the ledger: what stands at the places of the trees
// passes through in ranges, and only what the view key opens is kept.
package lightnode

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/light"
)

// A Config says what is followed, and for whom.
type Config struct {
	Genesis *kernel.Genesis
	Nodes   []*client.Client // several, so that none can hide the newest checkpoint; at least one
	File    string           // keeps what was learnt; "" keeps nothing
	Keys    *Keys            // whose outputs are looked for; nil follows checkpoints only
	History bool             // read all transactions instead of what is unspent: slower, and says what came and went
	Log     *slog.Logger     // nil logs nothing
}

// Keys see payments and cannot spend.
type Keys struct {
	View  kernel.Scalar // private
	Spend kernel.Key    // public
}

// A Node is a light node. One goroutine owns it.
type Node struct {
	config  Config
	chain   *light.Chain
	account *light.Account // nil without keys
	refused map[string]error
	log     *slog.Logger
	cores   int
	saved   bool // the file holds what is in memory

	locked map[kernel.OutputRef]bool // as a node tells; nil where none has
}

// The reasons to stop or to try again later, beside those of package light.
var (
	// ErrNoNode says that no node answered with a checkpoint that could be believed.
	ErrNoNode = errors.New("no node shows a checkpoint that can be believed")

	// ErrUnfinished says that nodes answered, but not with all that the newest checkpoint covers.
	ErrUnfinished = errors.New("no node shows all that the newest checkpoint covers")

	// ErrFile says that the file of an earlier run cannot be gone on from.
	ErrFile = errors.New("light node's file")
)

// Open goes on from the file, or from the genesis if there is none.
func Open(c Config) (*Node, error) {
	if len(c.Nodes) == 0 {
		return nil, errors.New("light node: no node to ask")
	}
	n := &Node{config: c, chain: light.Start(c.Genesis), refused: map[string]error{}, log: c.Log, cores: runtime.GOMAXPROCS(0)}
	if n.log == nil {
		n.log = slog.New(slog.DiscardHandler)
	}
	if c.Keys != nil {
		var err error
		if n.account, err = light.NewAccount(c.Keys.View, c.Keys.Spend); err != nil {
			return nil, err
		}
	}
	return n, n.load()
}

// Head is the newest checkpoint that was believed; ok is false at the genesis.
func (n *Node) Head() (kernel.Checkpoint, bool) { return n.chain.Head() }

// Epoch is the newest whose roster is held.
func (n *Node) Epoch() kernel.Epoch { return n.chain.Epoch() }

// Account is what belongs to the keys; nil without any. It must not be changed.
func (n *Node) Account() *light.Account { return n.account }

// Refused says by URL why nodes were not believed in the last Sync.
func (n *Node) Refused() map[string]error { return n.refused }

// Complete reports whether the account's balance is that of the head.
func (n *Node) Complete() bool {
	head, ok := n.chain.Head()
	return ok && n.account != nil && n.account.Complete(&head)
}

// A Progress tells how far a Sync is.
type Progress struct {
	Checkpoint  kernel.CommitIndex
	Done, Total uint64 // places looked at
}

// Sync goes to the newest checkpoint that any node shows, and brings the account there. It fails
// with a *light.Alarm if members contradict themselves: then this network is not to be believed any
// more. progress may be nil.
func (n *Node) Sync(ctx context.Context, progress func(Progress)) error {
	if progress == nil {
		progress = func(Progress) {}
	}
	clear(n.refused)
	good, err := n.follow(ctx)
	if err == nil && n.account != nil {
		if err = n.read(ctx, good, progress); err == nil {
			n.readLocks(ctx, good)
		}
	}
	if ctx.Err() != nil && err != nil {
		err = ctx.Err()
	}
	return errors.Join(err, n.save())
}

// Every is how long Run pauses between two Syncs.
const Every = 5 * time.Second

// Run syncs until ctx ends. told is called after each Sync with its error; one that is no alarm is
// tried again.
func (n *Node) Run(ctx context.Context, progress func(Progress), told func(error)) error {
	for ctx.Err() == nil {
		err := n.Sync(ctx, progress)
		if ctx.Err() != nil {
			break
		}
		told(err)
		var alarm *light.Alarm
		if errors.As(err, &alarm) || errors.Is(err, ErrFile) {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(Every):
		}
	}
	return nil
}

// follow asks every node for its newest checkpoint and returns those that are at the head then.
func (n *Node) follow(ctx context.Context) (good []*client.Client, err error) {
	shown := make(map[*client.Client]kernel.CommitIndex)
	for _, node := range n.config.Nodes {
		index, err := n.take(ctx, node)
		var alarm *light.Alarm
		switch {
		case errors.As(err, &alarm):
			return nil, err
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			n.refuse(node, err)
		case index > 0:
			shown[node] = index
		}
	}
	head, ok := n.chain.Head()
	for _, node := range n.config.Nodes {
		if ok && shown[node] == head.Index {
			good = append(good, node)
		}
	}
	if len(good) == 0 {
		return nil, n.noNode()
	}
	return good, nil
}

func (n *Node) noNode() error {
	err := ErrNoNode
	for _, node := range n.config.Nodes {
		if why := n.refused[node.URL()]; why != nil {
			err = fmt.Errorf("%w; %s: %w", err, node.URL(), why)
		}
	}
	return err
}

func (n *Node) refuse(node *client.Client, why error) {
	n.refused[node.URL()] = why
	n.log.Warn("node is not believed", "node", node.URL(), "err", why)
}

// take asks one node for its newest checkpoint, and for the rosters that lead to it.
func (n *Node) take(ctx context.Context, node *client.Client) (kernel.CommitIndex, error) {
	p, err := node.Certificate(ctx, ^kernel.CommitIndex(0))
	if err != nil || p == nil {
		return 0, err
	}
	if err := n.accept(ctx, node, p); err != nil {
		return 0, err
	}
	return p.Checkpoint.Index, nil
}

// accept believes a certificate, or says why not. One that is older than the head is no reason
// against a node.
func (n *Node) accept(ctx context.Context, node *client.Client, p *kernel.CheckpointProof) error {
	if p.Checkpoint.Network == n.chain.Network() && p.Checkpoint.Epoch > n.chain.Epoch() {
		if err := n.rosters(ctx, node, p.Checkpoint.Epoch); err != nil {
			return err
		}
	}
	err := n.chain.Accept(p)
	switch {
	case errors.Is(err, light.Older), errors.Is(err, light.WrongEpoch) && p.Checkpoint.Epoch < n.chain.Epoch():
		return nil
	case err == nil:
		n.saved = false
	}
	return err
}

// rostersAtOnce is how many changes of rosters one call asks for.
const rostersAtOnce = 64

// rosters follows the changes of rosters to an epoch.
func (n *Node) rosters(ctx context.Context, node *client.Client, to kernel.Epoch) error {
	for n.chain.Epoch() < to {
		changes, err := node.RosterChanges(ctx, n.chain.Epoch(), rostersAtOnce)
		if err != nil {
			return err
		}
		if len(changes) == 0 {
			return fmt.Errorf("%w: the node does not show how epoch %d came about", light.WrongEpoch, to)
		}
		if _, err := n.chain.Changes(changes); err != nil {
			return err
		}
		n.saved = false
	}
	return nil
}

// History reports whether the account reads all transactions.
func (n *Node) History() bool { return n.config.History }
