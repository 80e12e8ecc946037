// Package node is the shell of a Pillars node: it owns time, goroutines, sockets and disk. One goroutine owns the chain
// and the transactions that wait; everybody else asks it, or reads what is stored.
package node

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/chain"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
	"github.com/asterism-network/asterism/pillars/internal/gossip"
	"github.com/asterism-network/asterism/pillars/internal/mempool"
	"github.com/asterism-network/asterism/pillars/internal/mining"
	"github.com/asterism-network/asterism/pillars/internal/p2p"
	"github.com/asterism-network/asterism/pillars/internal/pow"
	"github.com/asterism-network/asterism/pillars/internal/state"
	"github.com/asterism-network/asterism/pillars/internal/store"
	"github.com/asterism-network/asterism/pillars/internal/wire"
)

// Options say how a node runs. The zero value is an archive that neither listens nor dials.
type Options struct {
	Params      *pillars.Params // of the network; default what Init wrote
	Prune       uint32          // newest blocks that keep their bodies; 0 keeps all, else above the finality depth
	CacheBytes  int64           // of the key-value store; default 32 MiB
	PoolBytes   int             // for transactions that wait; default 128 MiB
	MinRelayFee pillars.Amount  // for 1,000 bytes; default 1,000 satoshis
	Workers     int             // that check scripts and seals side by side; default all processors

	Listen      string       // host:port for other nodes; "" does not listen
	Listener    net.Listener // instead of Listen, already open
	Peers       []string     // host:port of nodes that are dialled for ever
	MaxInbound  int          // connections that others open; default 32
	MaxOutbound int          // connections of our own choice; default 8, below 0 none

	Log     *slog.Logger // nil logs nothing
	Version string       // of the program, for peers and people

	// Services run beside the node, from Run until its context ends: interfaces, miners, stakers. One that
	// returns ends the node.
	Services []Service

	storage store.Options // tests put a failing disk below
	gossip  gossip.Limits // tests are in a hurry
	p2p     p2p.Limits
}

// A Service runs with a node until the context ends.
type Service func(context.Context, *Node) error

// A Node is an opened node. Run it once.
type Node struct {
	home    string
	options Options
	params  *pillars.Params
	log     *slog.Logger
	breaker *breaker
	caches  *mining.Caches
	chain   *chain.Chain  // owned by the loop while running
	pool    *mempool.Pool // the same
	core    *gossip.Core  // the same
	mesh    *p2p.Mesh
	nonce   uint64 // of this process
	feed    feed

	asks    chan ask
	stopped chan struct{} // closed when the loop has ended
	ahead   chan uint32   // heights for which a cache may have to be made

	// The loop owns these.
	stalled           error // why the disk takes no blocks
	evidence          []*wire.Twins
	reorgs, connected uint64

	stats   atomic.Pointer[Stats]
	tip     atomic.Pointer[consensus.Branch]
	started time.Time
}

// Open opens a node's folder. Nothing runs before Run, which closes it.
func Open(home string, o Options) (*Node, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Params == nil {
		p, err := readProfile(home)
		if err != nil {
			return nil, err
		}
		o.Params = p
	}
	n := &Node{
		home: home, options: o, params: o.Params, log: o.Log, breaker: newBreaker(),
		caches: mining.NewCaches(pow.Sizes(o.Params.Ethash)),
		asks:   make(chan ask), stopped: make(chan struct{}), ahead: make(chan uint32, 1), started: time.Now(),
	}
	n.pool = mempool.New(n.params, nil, mempool.Limits{RelayFee: o.MinRelayFee, Bytes: o.PoolBytes})
	if err := n.breaker.guard(n.openChain); err != nil {
		return nil, err
	}
	if err := n.openNetwork(); err != nil {
		return nil, errors.Join(err, n.close())
	}
	n.publishTip()
	n.publishStats()
	return n, nil
}

func (n *Node) openChain() (err error) {
	s := n.options.storage
	s.Prune, s.Fatal = n.options.Prune, n.breaker.fail
	if n.options.CacheBytes > 0 {
		s.CacheBytes = n.options.CacheBytes
	}
	n.chain, err = chain.Open(chainDir(n.home), n.params, n.caches, chain.Options{Store: s, Workers: n.options.Workers})
	return err
}

// Run runs the node until ctx ends or something fails, and closes it.
func (n *Node) Run(ctx context.Context) error {
	services := []func(context.Context) error{n.loop, n.makeCaches, n.mesh.Run, n.seed, n.keepBook}
	for _, s := range n.options.Services {
		services = append(services, func(ctx context.Context) error { return s(ctx, n) })
	}
	tip := n.Tip()
	n.log.Info("node starts", "network", n.params.Name, "height", tip.Number, "tip", tip.ID.Short(), "listen", n.Address())
	err := n.breaker.watch(ctx, services)
	if closed := n.close(); err == nil {
		err = closed
	}
	tip = n.Tip()
	n.log.Info("node stopped", "height", tip.Number, "tip", tip.ID.Short(), "err", err)
	return err
}

// Close lets go of the folder of a node that never ran.
func (n *Node) Close() error {
	if l := n.mesh.Listener(); l != nil {
		_ = l.Close()
	}
	return n.close()
}

func (n *Node) close() error {
	if n.breaker.isBroken() {
		return n.breaker.err
	}
	if err := n.breaker.guard(n.chain.Close); err != nil {
		return storageError("close chain", err)
	}
	return nil
}

// Params are those of the network.
func (n *Node) Params() *pillars.Params { return n.params }

// Home is the node's folder.
func (n *Node) Home() string { return n.home }

// Version is the program's.
func (n *Node) Version() string { return n.options.Version }

// Started is when the node was opened.
func (n *Node) Started() time.Time { return n.started }

// Store is what is kept of the chain. Anybody may read at any time while the node runs; a Fixed view is a
// state that stays the same.
func (n *Node) Store() *store.Store { return n.chain.Store() }

// Caches are Ethash's, shared by all that verify and mine.
func (n *Node) Caches() *mining.Caches { return n.caches }

// Tip is the branch that ends in our last block.
func (n *Node) Tip() consensus.Branch { return *n.tip.Load() }

// View is the state after our last block, which stays as it is until release is called.
func (n *Node) View() (v state.View, release func()) { return n.Store().Fixed() }

func (n *Node) publishTip() {
	tip := n.chain.Tip()
	n.tip.Store(&tip)
}

// makeCaches makes the cache of the next epoch before its first block comes.
func (n *Node) makeCaches(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case height := <-n.ahead:
			n.caches.Ahead(height)
		}
	}
}

// runAll runs the services until ctx ends or any of them returns, then waits for all.
func runAll(ctx context.Context, services ...func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	for _, run := range services {
		group.Go(func() { cancel(run(ctx)) })
	}
	group.Wait()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// now is the local clock as blocks have it.
func now() uint32 { return uint32(time.Now().Unix()) }
