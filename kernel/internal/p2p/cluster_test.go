package p2p

import (
	"bytes"
	"context"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var testNetwork = kernel.NetworkID{1, 2, 3}

// seeds are in the order of their public keys, so that of two nodes the first decides.
var seeds = func() (list []crypto.NodeKey) {
	for i := range 200 {
		list = append(list, crypto.NodeKeyFromSeed([32]byte{byte(i), 77}))
	}
	slices.SortFunc(list, func(a, b crypto.NodeKey) int { return keyCompare(a.Public(), b.Public()) })
	return list
}()

func keyCompare(a, b crypto.Key) int { return bytes.Compare(a[:], b[:]) }

func seedOf(i int) crypto.NodeKey { return seeds[i] }

func keyOf(i int) crypto.Key { return seeds[i].Public() }

// indexOf is the node that has a key.
func indexOf(k crypto.Key) int {
	return slices.IndexFunc(seeds, func(s crypto.NodeKey) bool { return s.Public() == k })
}

// knows is a list of members, as identities ask for it.
func knows(members []crypto.Key) func(crypto.Key) bool {
	return func(k crypto.Key) bool { return slices.Contains(members, k) }
}

// among are members with their addresses.
func among(keys []crypto.Key, addresses []string) (list []Member) {
	for i, k := range keys {
		m := Member{Key: k}
		if i < len(addresses) {
			m.Address = addresses[i]
		}
		list = append(list, m)
	}
	return list
}

// A cluster is a roster with real sockets on loopback. Nodes are started one by one, so tests
// can put something else in the place of one.
type cluster struct {
	t         *testing.T
	members   []crypto.Key
	listeners []net.Listener
	addresses []string
	nodes     []*testNode
}

type testNode struct {
	*Mesh
	stop func()
}

func newCluster(t *testing.T, n int) *cluster {
	t.Helper()
	c := &cluster{t: t, nodes: make([]*testNode, n)}
	for i := range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		c.members = append(c.members, seedOf(i).Public())
		c.listeners = append(c.listeners, l)
		c.addresses = append(c.addresses, l.Addr().String())
	}
	t.Cleanup(func() {
		for i := range n {
			if c.nodes[i] != nil {
				c.nodes[i].stop()
			}
			c.listeners[i].Close()
		}
	})
	return c
}

func (c *cluster) config(i int) Config {
	return Config{
		Network: testNetwork, Seed: seedOf(i), Members: among(c.members, c.addresses), Listener: c.listeners[i],
	}
}

// start runs node i, after the changes to configuration and clockwork.
func (c *cluster) start(i int, change func(*Config), hurry func(*timing)) *testNode {
	c.t.Helper()
	config := c.config(i)
	if change != nil {
		change(&config)
	}
	m, err := New(config)
	if err != nil {
		c.t.Fatal(err)
	}
	m.timing.handshake, m.timing.dead = patience, patience // nobody is given up because the machine is crowded
	if hurry != nil {
		hurry(&m.timing)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx) }()
	n := &testNode{Mesh: m}
	n.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				c.t.Errorf("node %d: Run: %v", i, err)
			}
		case <-time.After(patience):
			c.t.Errorf("node %d: Run does not end", i)
		}
	})
	c.nodes[i] = n
	return n
}

func (c *cluster) startAll() {
	for i := range c.nodes {
		c.start(i, nil, nil)
	}
}

func (n *testNode) peer(a int) PeerStatus {
	for _, s := range n.Peers() {
		if s.Key == keyOf(a) {
			return s
		}
	}
	panic("p2p test: no such peer")
}

func (n *testNode) connections() (up int) {
	for _, s := range n.Peers() {
		if s.Connected {
			up++
		}
	}
	return up
}

// patience is how long anything may take on a crowded machine.
const patience = 2 * time.Minute

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// settled waits until nodes i and j have the same one connection, and for a while no other.
func (c *cluster) settled(i, j int) {
	c.t.Helper()
	a, b := c.nodes[i], c.nodes[j]
	eventually(c.t, "one connection that stays", func() bool {
		before := [2]*link{linkOf(a, j), linkOf(b, i)}
		if before[0] == nil || before[1] == nil || before[0].raw.LocalAddr().String() != before[1].raw.RemoteAddr().String() {
			return false
		}
		time.Sleep(50 * time.Millisecond)
		return before == [2]*link{linkOf(a, j), linkOf(b, i)}
	})
}

func receive(t *testing.T, n *testNode) Inbound {
	t.Helper()
	select {
	case in := <-n.Inbound():
		return in
	case <-time.After(patience):
		t.Fatal("nothing arrives")
		panic("unreachable")
	}
}

// A relay stands between two nodes and can stop passing bytes without closing anything.
type relay struct {
	listener net.Listener
	mu       sync.Mutex
	open     *sync.Cond
	frozen   bool
}

func newRelay(t *testing.T, target string) *relay {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{listener: l}
	r.open = sync.NewCond(&r.mu)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", target)
			if err != nil {
				in.Close()
				continue
			}
			context.AfterFunc(ctx, func() { in.Close(); out.Close() })
			wg.Go(func() { r.pass(in, out) })
			wg.Go(func() { r.pass(out, in) })
		}
	})
	t.Cleanup(func() { l.Close(); r.freeze(false); cancel(); wg.Wait() })
	return r
}

func (r *relay) addr() string { return r.listener.Addr().String() }

func (r *relay) freeze(on bool) {
	r.mu.Lock()
	r.frozen = on
	r.mu.Unlock()
	r.open.Broadcast()
}

func (r *relay) pass(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		r.mu.Lock()
		for r.frozen {
			r.open.Wait()
		}
		r.mu.Unlock()
		if _, werr := to.Write(b[:n]); err != nil || werr != nil {
			return
		}
	}
}
