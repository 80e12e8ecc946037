package node

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/forge"
	"github.com/asterism-network/asterism/pillars/internal/store"
	"github.com/asterism-network/asterism/pillars/internal/stratum"
	"github.com/asterism-network/asterism/pillars/internal/tree"
)

// What is set of a Miner, by its usual names.
type (
	Mining         = forge.Mining
	Staking        = forge.Staking
	Signer         = forge.Signer
	MiningInfo     = forge.MiningInfo
	StakingInfo    = forge.StakingInfo
	WhyReport      = forge.WhyReport
	Job            = forge.Job
	Solution       = forge.Solution
	StratumOptions = stratum.Options
	StratumMiner   = stratum.Miner
)

// MinerOptions say how a node makes blocks. The zero value hands out no work until SetMining says who is paid.
type MinerOptions struct {
	Mining  Mining
	Staking Staking
	Stratum *StratumOptions // nil: no miners over TCP
}

// A Miner makes blocks on a node: by work that others bring back (getwork, stratum), on this machine's processors, and by stake. All
// of it goes on as long as the node runs. Its methods may be called from any goroutine.
type Miner struct {
	*forge.Forge
	node    *Node
	guard   *forge.Guard
	stratum *stratum.Server

	mu    sync.Mutex // guards what follows
	tip   pillars.BlockID
	since time.Time // when it became the tip
}

// usedFile is the record of used stakes in a node's folder.
const usedFile = "stakes-used"

// NewMiner makes the miner of an opened node, before it runs. The node runs it.
func (n *Node) NewMiner(o MinerOptions) (*Miner, error) {
	fs := n.options.storage.FS
	if fs == nil {
		fs = kv.Disk()
	}
	guard, err := forge.OpenGuard(fs, fs.PathJoin(n.home, usedFile))
	if err != nil {
		return nil, err
	}
	m := &Miner{node: n, guard: guard}
	m.Forge = forge.New(forge.Options{Params: n.params, Caches: n.caches, Node: m, Guard: guard, Log: n.log})
	m.SetMining(o.Mining)
	if err := m.SetStaking(o.Staking); err != nil {
		return nil, errors.Join(err, guard.Close())
	}
	if o.Stratum != nil {
		so := *o.Stratum
		if so.Log == nil {
			so.Log = n.log
		}
		if m.stratum, err = stratum.Listen(m.Forge, so); err != nil {
			return nil, errors.Join(fmt.Errorf("stratum: %w", err), guard.Close())
		}
	}
	n.options.Services = append(n.options.Services, func(ctx context.Context, _ *Node) error { return m.run(ctx) })
	return m, nil
}

// StratumAddress is where miners connect; empty if none can.
func (m *Miner) StratumAddress() string {
	if m.stratum == nil {
		return ""
	}
	return m.stratum.Address()
}

// StratumMiners lists who is connected.
func (m *Miner) StratumMiners() []StratumMiner {
	if m.stratum == nil {
		return nil
	}
	return m.stratum.Miners()
}

func (m *Miner) run(ctx context.Context) error {
	defer func() { _ = m.guard.Close() }()
	services := []func(context.Context) error{m.Run, m.follow}
	if m.stratum != nil {
		services = append(services, m.stratum.Run)
	}
	return runAll(ctx, services...)
}

// followed is how many events may wait for the miner, which only takes notes of them.
const followed = 4096

// follow tells the forge what happens.
func (m *Miner) follow(ctx context.Context) error {
	for {
		sub := m.node.Subscribe(followed)
		m.Lost() // whatever came before
		if done := m.events(ctx, sub); done {
			sub.Close()
			return nil
		}
		if !pauseFor(ctx, 100*time.Millisecond) { // it fell behind, or the node stops
			return nil
		}
	}
}

func (m *Miner) events(ctx context.Context, sub *Subscription) (done bool) {
	for {
		select {
		case <-ctx.Done():
			return true
		case e, ok := <-sub.C:
			if !ok {
				return false
			}
			switch e.Kind {
			case Connected, Disconnected:
				m.Observe(e.Block, e.Kind == Connected)
			case Arrived, Left:
				m.PoolChanged()
			}
		}
	}
}

// Store implements forge.Node.
func (m *Miner) Store() *store.Store { return m.node.Store() }

// Waiting implements forge.Node.
func (m *Miner) Waiting(ctx context.Context, size int) (all []*pillars.Transaction, err error) {
	_, entries, err := m.node.Candidates(ctx, size, int(m.node.params.Limits.SigOps))
	for _, e := range entries {
		all = append(all, e.Tx)
	}
	return all, err
}

// Give implements forge.Node.
func (m *Miner) Give(ctx context.Context, b *pillars.Block) error {
	r, err := m.node.SubmitBlock(ctx, b)
	switch {
	case err != nil:
		return err
	case r.Rule != nil:
		return r.Rule
	case r.Fate != tree.Ready:
		return fmt.Errorf("the block is %s", r.Fate)
	}
	return nil
}

// headersPatience is how long a node that is behind waits for the blocks of headers that it knows. Headers under stake cost nothing to
// make up, so whoever sends some must not keep a miner from working for longer.
const headersPatience = 2 * time.Minute

// Standing implements forge.Node.
func (m *Miner) Standing() forge.Standing {
	s := m.node.Stats()
	m.mu.Lock()
	defer m.mu.Unlock()
	if s.Tip.ID != m.tip {
		m.tip, m.since = s.Tip.ID, time.Now()
	}
	coming := s.Behind && time.Since(m.since) < headersPatience
	return forge.Standing{Synced: !coming && !s.DiskFull, Inbound: s.Inbound, Outbound: s.Outbound}
}

// pauseFor waits; false when ctx ended.
func pauseFor(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
