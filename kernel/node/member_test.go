package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/internal/replica"
	"github.com/asterism-network/asterism/kernel/lightnode"
	"github.com/asterism-network/asterism/kernel/wallet"
)

// staked gives a network stakes, short epochs and frequent checkpoints.
func staked(g *kernel.Genesis) {
	frequent(g)
	g.Parameters.EpochLength = 80
	g.Parameters.Pledge = kernel.NewAmount(50_00000000)
	g.Stake = kernel.DefaultStake()
	g.Stake.Total = g.Stake.Pool
	for range g.Members {
		g.Stake.Total, _ = g.Stake.Total.Add(g.Parameters.Pledge)
	}
	for i := range g.Balances {
		g.Stake.Total, _ = g.Stake.Total.Add(g.Balances[i].Amount)
	}
}

// addNode makes the folder of a node that is no member, and returns its place among the test's nodes.
func (n *testNetwork) addNode(seed byte) int {
	n.t.Helper()
	i := len(n.nodes)
	key := [32]byte{seed, 9}
	l := listenFixed(n.t)
	home := filepath.Join(n.t.(*testing.T).TempDir(), "data")
	if err := Init(home, InitConfig{Genesis: n.genesis, Key: crypto.NodeKeyFromSeed(key).Public()}); err != nil {
		n.t.Fatal(err)
	}
	n.addresses = append(n.addresses, l.Addr().String())
	n.configs = append(n.configs, Config{
		Home: home, Genesis: n.genesis, Identity: Identity{Key: key}, Listener: l, Addresses: n.addresses[:len(n.genesis.Members)],
		RPC: RPCConfig{Listen: "127.0.0.1:0"}, Ops: "127.0.0.1:0", IdlePeriod: n.configs[0].IdlePeriod,
	})
	n.nodes, n.clients = append(n.nodes, nil), append(n.clients, nil)
	n.cancel, n.done = append(n.cancel, nil), append(n.done, nil)
	return i
}

// pledge makes a node a candidate: the user pledges a coin, and the node's key accepts.
func (n *testNetwork) pledge(ctx context.Context, coin int, node crypto.NodeKey) {
	n.t.Helper()
	c := n.coins[coin]
	back := n.spend(c, "").Outputs[0]
	rest, _ := c.Amount.Sub(n.genesis.Parameters.Pledge)
	var wide [64]byte
	wide[0], wide[1] = byte(coin), 77
	r := crypto.ScalarFromWide(wide)
	to := n.user.Address()
	key, err := crypto.GhostPublic(r, to.View, to.Spend, 1)
	if err != nil {
		n.t.Fatal(err)
	}
	back.Amount, back.Keys, back.Mask = rest, []kernel.Key{key}, r.Public()
	tx := &kernel.Transaction{Asset: kernel.XIN, Inputs: []kernel.Input{{OutputRef: c.OutputRef}}, Extra: kernel.MemberExtra(node.Public(), to)}
	tx.Outputs = []kernel.Output{{Type: kernel.OutputNodePledge, Amount: n.genesis.Parameters.Pledge}, back}
	private, err := crypto.GhostPrivate(n.user.View, n.user.Spend, c.Mask, uint64(c.Index))
	if err != nil {
		n.t.Fatal(err)
	}
	hash := tx.Hash()
	tx.Signatures = []kernel.SignatureMap{{{Index: 0, Signature: private.Sign(hash[:])}}}
	raw, err := tx.AppendBinary(nil)
	if err != nil {
		n.t.Fatal(err)
	}
	accept, err := wallet.AcceptPledge(tx, node)
	if err != nil {
		n.t.Fatal(err)
	}
	for _, b := range [][]byte{raw, accept} {
		final, err := n.clients[0].SendRawTransaction(ctx, b)
		if err != nil {
			n.t.Fatal(err)
		}
		n.finalOn(final, 0)
	}
}

// until waits for something about a node, with payments in between if there are coins for them.
func (n *testNetwork) until(what string, within time.Duration, ok func() bool) {
	n.t.Helper()
	for deadline := time.Now().Add(slow * within); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			n.tell()
			n.t.Fatalf("not within %v: %s", within, what)
		}
	}
}

// tell logs where every node is.
func (n *testNetwork) tell() {
	for i, node := range n.nodes {
		if node != nil && n.cancel[i] != nil {
			s := node.status.Load()
			n.t.Logf("node %d: epoch %d, member %t, peers %d, head %d, %+v", i, s.seat.Epoch, s.isMember(), len(node.connected()), node.store.Head().Index, s.Status)
		}
	}
}

// isActive reports whether a node signs in an epoch of so many members.
func (n *testNetwork) isActive(i, members int) bool {
	s := n.nodes[i].status.Load()
	state, _ := n.nodes[i].state(s, n.nodes[i].connectedMembers(s))
	return s.isMember() && len(s.seat.Roster.Members) == members && state == "active"
}

// TestJoinAndLeave lets an eighth node join a running network and another one leave it, restarts the
// new one, and leads a light node through all rosters.
func TestJoinAndLeave(t *testing.T) {
	n := newNetwork(t, 7, coinsEach, staked)
	for i := range 7 {
		n.configs[i].IdlePeriod = 100 * time.Millisecond
		n.start(i)
	}
	ctx, cancel := context.WithTimeout(context.Background(), slow*120*time.Second)
	defer cancel()
	joiner := n.addNode(7)
	n.start(joiner) // a stranger yet: nobody lets it in
	n.pledge(ctx, 0, crypto.NodeKeyFromSeed(n.configs[joiner].Identity.Key))
	n.until("the eighth node signs", 60*time.Second, func() bool { return n.isActive(joiner, 8) && n.isActive(0, 8) })
	hash, err := n.clients[joiner].SendRawTransaction(ctx, n.payment(1, "by the new member"))
	if err != nil {
		t.Fatal(err)
	}
	n.finalOn(hash, 0, 3, joiner)

	record := kernel.Resignation(n.genesis.NetworkID(), n.nodes[0].status.Load().seat.Epoch, crypto.NodeKeyFromSeed(n.configs[2].Identity.Key))
	n.nodes[2].push(ctx, replica.Input{Records: [][]byte{record.AppendBinary(nil)}})
	n.stop(joiner)
	n.start(joiner)
	n.until("the third node has left", 90*time.Second, func() bool {
		return n.isActive(0, 7) && n.isActive(joiner, 7) && !n.nodes[2].status.Load().isMember()
	})
	n.stop(2) // nobody tells it anything any more
	if hash, err = n.clients[joiner].SendRawTransaction(ctx, n.payment(2, "without the third")); err != nil {
		t.Fatal(err)
	}
	n.finalOn(hash, 0, joiner)
	n.follow(ctx, n.nodes[0].status.Load().seat.Epoch)
}

// TestJoinFromState waits for the second epoch and lets a node join that has not seen the first.
func TestJoinFromState(t *testing.T) {
	n := newNetwork(t, 7, coinsEach, staked)
	for i := range 7 {
		n.configs[i].IdlePeriod = 100 * time.Millisecond
		n.start(i)
	}
	ctx, cancel := context.WithTimeout(context.Background(), slow*120*time.Second)
	defer cancel()
	n.until("a certified end of an epoch", 60*time.Second, func() bool {
		_, ok := n.nodes[0].store.RosterChange(1)
		return ok && n.isActive(0, 7)
	})
	n.joinFromState(ctx)
}

// joinFromState lets an eighth node join that begins with a certified state instead of the genesis. A state
// of which one byte differs makes no folder.
func (n *testNetwork) joinFromState(ctx context.Context) {
	t := n.t
	t.Helper()
	var file bytes.Buffer
	at, err := n.nodes[0].store.ExportState(&file)
	if err != nil {
		t.Fatal(err)
	}
	i := n.addNode(8)
	c := &n.configs[i]
	if err := os.RemoveAll(c.Home); err != nil {
		t.Fatal(err)
	}
	who := InitConfig{Genesis: n.genesis, Key: crypto.NodeKeyFromSeed(c.Identity.Key).Public()}
	tried, harmless := 0, 0
	for place := 20; place < file.Len(); place += 1 + file.Len()/60 {
		broken := bytes.Clone(file.Bytes())
		broken[place] ^= 4
		cp, err := InitFrom(c.Home, who, bytes.NewReader(broken))
		tried++
		switch {
		case err == nil && cp.Index == at: // where the last commit's snapshots stand in the order
			harmless++
			if err := os.RemoveAll(c.Home); err != nil {
				t.Fatal(err)
			}
		case !errors.Is(err, ErrState) || HasFolder(c.Home):
			t.Fatalf("byte %d of %d differs: %v", place, file.Len(), err)
		}
	}
	t.Logf("%d bytes changed, %d of them harmless", tried, harmless)
	if harmless > tried/4 {
		t.Errorf("%d of %d changed bytes make no difference", harmless, tried)
	}
	n.importCrashes(who, file.Bytes(), at)
	var cp *kernel.Checkpoint
	n.until("a state from nodes", 60*time.Second, func() bool { // the first of them is none
		cp, err = InitFromNodes(ctx, c.Home, who, append([]*client.Client{client.New("http://127.0.0.1:1")}, n.clients[:3]...), func(int64) {})
		return err == nil
	})
	if cp.Index < at {
		t.Errorf("state of commit %d, one of %d was to be had", cp.Index, at)
	}
	at = cp.Index
	n.pledge(ctx, 3, crypto.NodeKeyFromSeed(c.Identity.Key))
	n.start(i)
	n.until("the node from a state signs", 60*time.Second, func() bool { return n.isActive(i, 8) && n.isActive(0, 8) })
	hash, err := n.clients[i].SendRawTransaction(ctx, n.payment(4, "from a state"))
	if err != nil {
		t.Fatal(err)
	}
	n.finalOn(hash, 0, i)
	n.follow(ctx, n.nodes[0].status.Load().seat.Epoch)
	n.stop(i)
	found, err := Verify(c.Home, n.genesis, who.Key, func(string, uint64, uint64) {})
	if err != nil || found.Base != at || found.Commit <= at {
		t.Errorf("verify says %+v, %v", found, err)
	}
	n.start(i)
	n.until("it signs again", 60*time.Second, func() bool { return n.isActive(i, 8) })
}

// follow leads a light node to an epoch from the genesis alone, over each node.
func (n *testNetwork) follow(ctx context.Context, epoch kernel.Epoch) {
	n.t.Helper()
	for i, c := range n.clients {
		if n.cancel[i] == nil {
			continue
		}
		n.until(fmt.Sprintf("node %d leads a light node to epoch %d", i, epoch), 40*time.Second, func() bool {
			node, err := lightnode.Open(lightnode.Config{
				Genesis: n.genesis, Nodes: []*client.Client{c}, Keys: &lightnode.Keys{View: n.user.View, Spend: n.user.Address().Spend},
			})
			if err != nil {
				n.t.Fatal(err)
			}
			if err = node.Sync(ctx, nil); err != nil || !node.Complete() {
				head, _ := node.Head()
				at, _, _ := n.nodes[i].store.TreesAt()
				n.t.Logf("node %d: epoch %d, head %d, trees %d, complete %t: %v", i, node.Epoch(), head.Index, at, node.Complete(), err)
			}
			return err == nil && node.Epoch() >= epoch && node.Complete()
		})
	}
}
