package node

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/ceremony"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/internal/p2p"
)

// A testNetwork is seven real nodes in this process: real connections, real folders.
type testNetwork struct {
	t         testing.TB
	genesis   *kernel.Genesis
	configs   []Config
	addresses []string
	nodes     []*Node
	clients   []*client.Client
	cancel    []context.CancelFunc
	done      []chan error
	user      kernel.Account
	coins     []note
}

// A note is an unspent output of the user.
type note struct {
	kernel.OutputRef
	kernel.Output
	asset kernel.AssetID
}

const coinsEach = 64

func startNetwork(t testing.TB, k int) *testNetwork {
	t.Helper()
	n := newNetwork(t, k, coinsEach)
	for i := range k {
		n.start(i)
	}
	return n
}

// newNetwork makes the folders of k members and a genesis with a number of coins and changes.
func newNetwork(t testing.TB, k, coins int, changes ...func(*kernel.Genesis)) *testNetwork {
	t.Helper()
	n := &testNetwork{t: t, user: kernel.AccountFromSeed([64]byte{1, 2, 3})}
	g := &kernel.Genesis{Name: "test", Timestamp: kernel.Timestamp(time.Now().UnixMilli()), Parameters: kernel.DefaultParameters()}
	g.Parameters.Horizon, g.Parameters.Depth = 40, 20
	g.Assets = []kernel.GenesisAsset{{ID: kernel.XIN, Symbol: "XIN", Chain: kernel.ETH, Key: "0xa974c709cfb4566686553a20790685a47aceaa33"}}
	for range coins {
		g.Balances = append(g.Balances, kernel.GenesisOutput{Asset: kernel.XIN, Address: n.user.Address(), Amount: kernel.NewAmount(100_00000000)})
	}
	seeds := make([][32]byte, k)
	for i := range k {
		seeds[i] = [32]byte{byte(i), 9}
		g.Members = append(g.Members, kernel.Member{Name: fmt.Sprintf("node-%d", i+1), Key: crypto.NodeKeyFromSeed(seeds[i]).Public(), Payee: n.user.Address()})
	}
	for _, change := range changes {
		change(g)
	}
	shares, err := ceremony.DealTrusted(g, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	n.genesis = g
	for i := range k {
		l := listenFixed(t)
		n.addresses = append(n.addresses, l.Addr().String())
		home := filepath.Join(t.TempDir(), "data")
		if err := Init(home, InitConfig{Genesis: g, Key: g.Members[i].Key}); err != nil {
			t.Fatal(err)
		}
		n.configs = append(n.configs, Config{
			Home: home, Genesis: g, Identity: Identity{Key: seeds[i], CoinShare: shares[i]}, Listener: l,
			RPC: RPCConfig{Listen: "127.0.0.1:0"}, Ops: "127.0.0.1:0",
		})
	}
	n.nodes, n.clients = make([]*Node, k), make([]*client.Client, k)
	n.cancel, n.done = make([]context.CancelFunc, k), make([]chan error, k)
	for i := range k {
		n.configs[i].Addresses = n.addresses
	}
	n.coins = genesisCoins(t, g)
	t.Cleanup(func() {
		for i := range n.nodes {
			n.stop(i)
		}
	})
	return n
}

// listenFixed opens a port that a restart can open again: one that the system gives to nobody who
// dials, as it does with those of port 0.
func listenFixed(t testing.TB) net.Listener {
	t.Helper()
	for range 200 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10_000+mathrand.IntN(20_000)))
		if err == nil {
			return l
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			t.Fatal(err)
		}
	}
	t.Fatal("no free port from 10000 to 29999")
	return nil
}

func (n *testNetwork) start(i int) {
	n.t.Helper()
	c := n.configs[i]
	if n.done[i] != nil { // a restart: listen on the same address again
		c.Listener, c.Listen = nil, n.addresses[i]
	}
	node, err := Open(c)
	if err != nil {
		n.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	n.nodes[i], n.cancel[i], n.done[i] = node, cancel, make(chan error, 1)
	go func(done chan error) { done <- node.Run(ctx) }(n.done[i])
	n.clients[i] = client.New(node.RPCURL())
}

func (n *testNetwork) stop(i int) {
	if n.cancel[i] == nil {
		return
	}
	n.cancel[i]()
	n.cancel[i] = nil
	select {
	case err := <-n.done[i]:
		if err != nil {
			n.t.Errorf("node %d: %v", i, err)
		}
	case <-time.After(slow * 30 * time.Second):
		n.t.Errorf("node %d does not stop", i)
	}
}

func genesisCoins(t testing.TB, g *kernel.Genesis) (coins []note) {
	t.Helper()
	txs, err := kernel.GenesisTransactions(g)
	if err != nil {
		t.Fatal(err)
	}
	for _, tx := range txs {
		coins = append(coins, coinsOf(tx)...)
	}
	return coins
}

// coinsOf lists the outputs of a transaction, all of which are the user's.
func coinsOf(tx *kernel.Transaction) (coins []note) {
	for i, out := range tx.Outputs {
		coins = append(coins, note{kernel.OutputRef{Hash: tx.Hash(), Index: uint16(i)}, out, tx.Asset})
	}
	return coins
}

// payment spends the i-th genesis balance back to the user.
func (n *testNetwork) payment(i int, memo string) []byte {
	n.t.Helper()
	raw, err := n.spend(n.coins[i], memo).AppendBinary(nil)
	if err != nil {
		n.t.Fatal(err)
	}
	return raw
}

// spend pays a coin back to the user.
func (n *testNetwork) spend(c note, memo string) *kernel.Transaction {
	n.t.Helper()
	var wide [64]byte
	rand.Read(wide[:])
	r := crypto.ScalarFromWide(wide)
	to := n.user.Address()
	key, err := crypto.GhostPublic(r, to.View, to.Spend, 0)
	if err != nil {
		n.t.Fatal(err)
	}
	tx := &kernel.Transaction{Asset: c.asset, Extra: []byte(memo), Inputs: []kernel.Input{{OutputRef: c.OutputRef}}}
	tx.Outputs = []kernel.Output{{Amount: c.Amount, Keys: []kernel.Key{key}, Mask: r.Public(), Script: kernel.NewScript(1)}}
	private, err := crypto.GhostPrivate(n.user.View, n.user.Spend, c.Mask, uint64(c.Index))
	if err != nil {
		n.t.Fatal(err)
	}
	hash := tx.Hash()
	tx.Signatures = []kernel.SignatureMap{{{Index: 0, Signature: private.Sign(hash[:])}}}
	return tx
}

// finalOn waits until a transaction is final on the given nodes.
func (n *testNetwork) finalOn(hash kernel.TxHash, nodes ...int) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), slow*30*time.Second)
	defer cancel()
	var group sync.WaitGroup
	for _, i := range nodes {
		group.Go(func() {
			if _, err := n.clients[i].WaitFinal(ctx, hash); err != nil {
				n.t.Errorf("node %d: %v", i, err)
				e, _ := n.clients[i].ExplainTransaction(context.Background(), hash)
				n.t.Logf("node %d: %+v", i, e)
				n.tell()
			}
		})
	}
	group.Wait()
}

func all(k int) (list []int) {
	for i := range k {
		list = append(list, i)
	}
	return list
}

// meshMembers are the members of the genesis with their addresses.
func (n *testNetwork) meshMembers() (list []p2p.Member) {
	for i, m := range n.genesis.Members {
		list = append(list, p2p.Member{Key: m.Key, Address: n.addresses[i]})
	}
	return list
}
