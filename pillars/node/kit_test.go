package node

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/chain"
	"github.com/asterism-network/asterism/pillars/internal/chaintest"
	"github.com/asterism-network/asterism/pillars/internal/gossip"
	"github.com/asterism-network/asterism/pillars/internal/p2p"
	"github.com/asterism-network/asterism/pillars/internal/tree"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A running node is one in this process, on its own folder and port.
type running struct {
	*Node
	t    testing.TB
	name string
	stop func()
}

// A network is nodes of one maker's network.
type network struct {
	*chaintest.Maker
	t    testing.TB
	find bool // nodes dial others by themselves
}

func newNetwork(t testing.TB, seed uint64, finality uint32) *network {
	m := chaintest.New(seed)
	m.Params.Finality = finality
	m.RealWork()
	return &network{Maker: m, t: t}
}

var hurry = gossip.Limits{Trickle: 50, BodyTimeout: 5000, Refresh: 2000, Steal: 500}

// start starts a node on a folder, which it makes if there is none.
func (n *network) start(name, home string, peers ...*running) *running {
	n.t.Helper()
	o := Options{Listen: "127.0.0.1:0", gossip: hurry, p2p: p2p.Limits{Retry: 50 * time.Millisecond}, Version: "test"}
	if !n.find {
		o.MaxOutbound = -1
	}
	if testing.Verbose() && os.Getenv("NODE_LOG") != "" {
		o.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With("node", name)
	}
	for _, p := range peers {
		o.Peers = append(o.Peers, p.Address())
	}
	if _, err := os.Stat(home + "/" + profileFile); err != nil {
		if err := Init(home, &n.Params); err != nil {
			n.t.Fatal(err)
		}
	}
	node, err := Open(home, o)
	if err != nil {
		n.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- node.Run(ctx) }()
	r := &running{Node: node, t: n.t, name: name}
	stopped := false
	r.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			n.t.Errorf("%s: %v", name, err)
		}
	}
	n.t.Cleanup(r.stop)
	return r
}

// peers counts those whom a node is connected to.
func (r *running) peers() int {
	r.t.Helper()
	all, err := r.Peers(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	return len(all)
}

// give submits a block of our own.
func (r *running) give(l *chaintest.Link) chain.Result {
	r.t.Helper()
	result, err := r.SubmitBlock(context.Background(), l.Block)
	if err != nil {
		r.t.Fatal(err)
	}
	if result.Fate == tree.Refused {
		r.t.Fatalf("%s: block %d is refused: %v", r.name, l.Block.Number, result.Rule)
	}
	return result
}

// pay submits a transaction.
func (r *running) pay(tx *pillars.Transaction) {
	r.t.Helper()
	if err := r.SubmitTransaction(context.Background(), tx); err != nil {
		r.t.Fatal(err)
	}
}

// until waits until something holds.
func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not within two minutes: " + what)
		}
	}
}

// at waits until all nodes stand after a block, in the state that straight application gives.
func (n *network) at(l *chaintest.Link, nodes ...*running) {
	n.t.Helper()
	for _, r := range nodes {
		until(n.t, fmt.Sprintf("%s after block %d", r.name, l.Branch.Number), func() bool { return r.Tip().ID == l.Branch.ID })
		if r.Store().StateRoot() != l.State.Root() {
			n.t.Fatalf("%s is in another state", r.name)
		}
	}
}

// waits waits until a transaction waits with all nodes.
func (n *network) waits(tx *pillars.Transaction, nodes ...*running) {
	n.t.Helper()
	for _, r := range nodes {
		until(n.t, r.name+" has a transaction", func() bool {
			_, ok, err := r.Waiting(context.Background(), tx.ID())
			if err != nil {
				n.t.Fatal(err)
			}
			return ok
		})
	}
}
