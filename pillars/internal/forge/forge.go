// Package forge makes blocks on a running node: it keeps the block that is worked on fresh, hands out work and takes it
// back, searches on this machine's processors, stakes, and records what it tried, so that package why can explain it.
//
// It is a shell around the pure packages template, pow, pos and why. It owns no rule: everything that it makes is judged as
// anybody else's block before it leaves, by package template and then by the node.
package forge

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
	"github.com/asterism-network/asterism/pillars/internal/mining"
	"github.com/asterism-network/asterism/pillars/internal/state"
	"github.com/asterism-network/asterism/pillars/internal/store"
)

// A Node is what making blocks needs of the node around it. Its methods may be called from any goroutine.
type Node interface {
	// Store is the chain's, which others read while it goes on.
	Store() *store.Store
	// Waiting returns transactions worth so many bytes of a block, or some more, in an order in which a block may hold them.
	// Their scripts were run when they came.
	Waiting(ctx context.Context, bytes int) ([]*pillars.Transaction, error)
	// Give hands over a block of our own. An error wraps the rule that it breaks, or what kept the chain from taking it.
	Give(ctx context.Context, b *pillars.Block) error
	// Standing says how the node stands to the network.
	Standing() Standing
}

// A Standing is how a node stands to its network.
type Standing struct {
	Synced   bool // it knows of no headers that are ahead of its blocks
	Inbound  int  // peers that connected to us
	Outbound int  // peers that we connected to
}

// Options are what a Forge is made of.
type Options struct {
	Params *pillars.Params
	Caches *mining.Caches
	Node   Node
	Guard  *Guard // remembers stakes that were used; without one there is no staking
	Log    *slog.Logger
}

// Mining says what this node works on. The zero value mines nothing on this machine, and hands out no work, since nobody would be paid.
type Mining struct {
	Pay      pillars.Address // gets the rewards
	Asset    string          // is mined beside them; empty: none
	Text     string          // in coinbases
	Workers  int             // goroutines on this machine's processors; 0: others do the work
	Rate     uint64          // hashes a second that they do together at most; 0: all they can
	Full     bool            // with the whole dataset, a gibibyte and more on public networks
	MinPeers int             // fewer, and no work is handed out
}

// Staking says with whose stakes this node stakes, and when.
type Staking struct {
	Signer     Signer
	MinPeers   int // fewer, and it waits
	MinInbound int // the same for peers that connected to us, as the paper asks
}

// The ways in which no work can be had.
var (
	ErrNotSynced = errors.New("the node has not caught up with the network: try again when it has")
	ErrNoPeers   = errors.New("too few peers: a block would reach nobody")
	ErrNoAddress = errors.New("no address for the reward: set one first")
	ErrNoGuard   = errors.New("staking needs its record of used stakes")
)

// A Forge makes blocks for one node.
type Forge struct {
	o       Options
	board   *board
	tables  *tables
	record  *record
	holding *holdings
	stats   stats

	mu      sync.Mutex // guards what follows; never held while calling out
	mining  Mining
	staking Staking
	changed chan struct{} // closed and replaced when mining or staking is set
	queue   *queue        // what may stake, as of the last look; nil: never looked
}

// New makes a forge that does nothing until Run, SetMining and SetStaking.
func New(o Options) *Forge {
	f := &Forge{o: o, record: newRecord(), holding: newHoldings(), changed: make(chan struct{})}
	f.board = newBoard(f)
	f.tables = newTables(o.Caches, o.Log)
	return f
}

// Run makes blocks until ctx ends. It returns when everything has stopped.
func (f *Forge) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for _, service := range []func(context.Context){f.board.refresh, f.mine, f.stake, f.tables.run} {
		all.Go(func() { service(ctx) })
	}
	all.Wait()
	return nil
}

// Observe is told of each block that was connected to the chain or disconnected from it, in order. It returns at once.
func (f *Forge) Observe(b *pillars.Block, connected bool) {
	f.holding.touch(b, connected)
	f.board.tipMoved()
}

// Lost is told that calls of Observe are missing. It returns at once.
func (f *Forge) Lost() {
	f.holding.lost()
	f.board.tipMoved()
}

// PoolChanged is told that other transactions wait than before. It returns at once.
func (f *Forge) PoolChanged() { f.board.poolChanged() }

// SetMining changes what is worked on, and starts or stops the workers of this machine.
func (f *Forge) SetMining(m Mining) {
	f.mu.Lock()
	f.mining = m
	f.announce()
	f.mu.Unlock()
	f.board.tipMoved() // jobs that pay to somebody else end
}

// Mining returns what is set.
func (f *Forge) Mining() Mining {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mining
}

// SetStaking changes with what is staked; a zero value stops it.
func (f *Forge) SetStaking(s Staking) error {
	if s.Signer != nil && f.o.Guard == nil {
		return ErrNoGuard
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.staking = s
	f.queue = nil
	if s.Signer != nil {
		f.holding.follow(s.Signer.Owners())
	} else {
		f.holding.follow(nil)
	}
	f.announce()
	return nil
}

// announce wakes who waits for settings. The caller holds mu.
func (f *Forge) announce() {
	close(f.changed)
	f.changed = make(chan struct{})
}

// settings returns what is set, and a channel that is closed when that changes.
func (f *Forge) settings() (Mining, Staking, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mining, f.staking, f.changed
}

// stateOf returns the branch that ends in the tip of a chain, and the state after it until release.
func stateOf(s *store.Store, p *pillars.Params) (parent consensus.Branch, v store.View, release func()) {
	for {
		v, release = s.Fixed()
		head, ok := state.At(v, p).Head()
		if !ok {
			panic("forge: a chain without a genesis")
		}
		if e, ok := s.Entry(head.Block); ok {
			return e.Branch, v, release
		}
		release() // it went with a reorganisation, just now
	}
}

// now is the clock as blocks have it.
func now() uint32 { return uint32(time.Now().Unix()) }

// pause waits for a time, or until one of the channels says something; false when ctx ended.
func pause(ctx context.Context, d time.Duration, wake ...<-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	var one, two <-chan struct{}
	if len(wake) > 0 {
		one = wake[0]
	}
	if len(wake) > 1 {
		two = wake[1]
	}
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	case <-one:
	case <-two:
	}
	return true
}
