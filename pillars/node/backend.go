package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/asterism-network/asterism/internal/rpcserver"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/client"
	"github.com/asterism-network/asterism/pillars/internal/mempool"
	"github.com/asterism-network/asterism/pillars/internal/rpc"
	"github.com/asterism-network/asterism/pillars/internal/store"
)

// A backend is the node as its public interface sees it. Its run keeps up with what happens.
type backend struct {
	node  *Node
	offer InterfaceOptions

	reading sync.Mutex // one reads what waits, and others who ask wait for the answer; taken before mu

	mu      sync.Mutex // guards what follows; never held while the node is asked
	changed chan struct{}
	stale   bool // waiting is older than what happened
	waiting []rpc.Waiting
	peers   []client.Peer
	seals   [4]uint64 // blocks connected since the start, by seal
	reorgs  uint64
	deepest uint32
	depth   uint32 // of the reorganisation under way
	since   time.Time
	state   rpc.State // at since
}

var _ rpc.Backend = (*backend)(nil)

func newBackend(n *Node, o InterfaceOptions) *backend {
	return &backend{node: n, offer: o, changed: make(chan struct{}), stale: true, since: time.Now(), state: rpc.Starting}
}

const (
	eventBuffer = 1024
	refresh     = 500 * time.Millisecond
	askTimeout  = 2 * time.Second
)

// run follows the node until ctx ends.
func (b *backend) run(ctx context.Context) error {
	sub := b.node.Subscribe(eventBuffer)
	defer func() { sub.Close() }()
	tick := time.NewTicker(refresh)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e, open := <-sub.C:
			if !open {
				if ctx.Err() != nil {
					return nil
				}
				sub = b.node.Subscribe(eventBuffer) // fell behind; what is read is read anew
				select {
				case <-ctx.Done(): // a node that ends closes every new one at once
				case <-b.node.stopped:
					<-ctx.Done()
				default:
				}
			}
			b.note(e)
		case <-tick.C:
			b.look(ctx)
		}
	}
}

// note takes one event in.
func (b *backend) note(e Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e.Kind {
	case Connected:
		b.seals[e.Block.Seal()&3]++
		if b.depth > 0 {
			b.reorgs, b.deepest, b.depth = b.reorgs+1, max(b.deepest, b.depth), 0
		}
	case Disconnected:
		b.depth++
	}
	b.stale = true
	close(b.changed)
	b.changed = make(chan struct{})
}

// look asks the owner of the chain for what changes without an event.
func (b *backend) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	all, err := b.node.Peers(ctx)
	if err != nil {
		return // busy or ended: the last answer stands
	}
	list := make([]client.Peer, 0, len(all))
	for i := range all {
		p := &all[i]
		if p.Ready {
			list = append(list, client.Peer{
				Address: p.Addr, Inbound: p.Inbound, Agent: p.Agent, Height: p.Height, Since: p.Since.Unix(),
				RTTMS: p.Latency.Milliseconds(), Score: p.Points,
			})
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.peers = list
}

// Params is the network's profile.
func (b *backend) Params() *pillars.Params { return b.node.Params() }

// Chain is what the node has stored.
func (b *backend) Chain() *store.Store { return b.node.Store() }

// Submit gives a transaction to the node. What waits is read anew after it, so that who asks next finds it.
func (b *backend) Submit(ctx context.Context, tx *pillars.Transaction) error {
	err := b.node.SubmitTransaction(ctx, tx)
	b.mu.Lock()
	b.stale = true
	b.mu.Unlock()
	if errors.Is(err, mempool.AlreadyKnown) {
		return nil
	}
	return b.translate(err)
}

// Check judges a transaction and keeps nothing.
func (b *backend) Check(ctx context.Context, tx *pillars.Transaction) (pillars.Amount, error) {
	verdict, err := b.node.CheckTransaction(ctx, tx)
	return verdict.Fee, b.translate(err)
}

func (b *backend) translate(err error) error {
	if errors.Is(err, ErrStopped) {
		return &rpc.NotReady{State: rpc.Halted}
	}
	return err
}

// Waiting lists what waits.
func (b *backend) Waiting() []rpc.Waiting {
	b.reading.Lock()
	defer b.reading.Unlock()
	b.mu.Lock()
	stale, list := b.stale, b.waiting
	b.stale = false // before the node is asked: what comes meanwhile makes it stale again
	b.mu.Unlock()
	if !stale {
		return list
	}
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	snapshot, err := b.node.Mempool(ctx)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		b.stale = true
		return b.waiting
	}
	b.waiting = make([]rpc.Waiting, len(snapshot.Entries))
	for i, e := range snapshot.Entries {
		b.waiting[i] = rpc.Waiting{ID: e.ID, Tx: e.Tx, Fee: e.Fee, Size: e.Size, Since: time.Unix(int64(e.Since), 0), After: e.Depends}
	}
	return b.waiting
}

// Peers lists the connections, as of the last look.
func (b *backend) Peers() []client.Peer {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.peers)
}

// Connect dials a node again and again, or ends that.
func (b *backend) Connect(address string, drop bool) error {
	if !drop {
		b.node.Connect(address)
		return nil
	}
	if !b.node.Disconnect(address) {
		return fmt.Errorf("nothing is called at %.100s", address)
	}
	return nil
}

// Changed is closed when something is another than now.
func (b *backend) Changed() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}

// Miner is what mines here.
func (b *backend) Miner() rpc.Miner {
	if b.offer.Miner == nil {
		return nil // not a typed nil
	}
	return workDesk{b.offer.Miner}
}

// Status is how the node is now.
func (b *backend) Status() rpc.Status {
	stats, height := b.node.Stats(), b.node.Tip().Number
	peers := stats.Inbound + stats.Outbound
	b.mu.Lock()
	defer b.mu.Unlock()
	s := rpc.Status{
		Name: b.offer.Name, Version: b.node.Version(), Started: b.node.Started(), Best: max(stats.Headers, height), Peers: peers,
		MinFeeRate: uint64(stats.Pool.MinFee), Reorgs: b.reorgs, Deepest: b.deepest, State: rpc.Active,
	}
	alone := peers == 0 && !b.offer.Alone
	switch {
	case stats.DiskFull:
		s.State, s.Reasons = rpc.Halted, []string{"disk_reserve"}
	case stats.Behind:
		s.State, s.Reasons = rpc.CatchingUp, []string{"behind_by_blocks"}
	case alone:
		s.State, s.Reasons = rpc.Alone, []string{"no_peers"}
	}
	if s.State != b.state {
		b.state, b.since = s.State, time.Now()
	}
	check := func(name string, ok bool, why string) {
		c := rpcserver.Check{Name: name, OK: ok, Since: b.since}
		if !ok {
			c.Error = why
		}
		s.Checks = append(s.Checks, c)
	}
	check("disk", !stats.DiskFull, "blocks are refused until there is room on the disk")
	check("synced", !stats.Behind, "the heaviest headers are ahead of our blocks")
	check("peers", !alone, "no other node is connected")
	return s
}
