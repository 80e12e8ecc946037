package interop_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/ceremony"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/node"
	"github.com/asterism-network/asterism/kernel/wallet"
)

const members = 7

// A network is seven real nodes with storage and connections of their own, and a payer with
// our wallet.
type network struct {
	genesis   *kernel.Genesis
	urls      []string
	clients   []*client.Client
	custodian kernel.Account
	payer     *wallet.Wallet
}

// account is a fresh one.
func account() kernel.Account {
	var seed [64]byte
	rand.Read(seed[:])
	return kernel.AccountFromSeed(seed)
}

func startNetwork(t *testing.T) *network {
	t.Helper()
	payer := account()
	n := &network{custodian: account()}
	n.genesis = &kernel.Genesis{Name: "interop", Timestamp: kernel.Timestamp(time.Now().UnixMilli()), Parameters: kernel.DefaultParameters()}
	custodian := n.custodian.Address()
	n.genesis.Custodian = &custodian
	n.genesis.Assets = []kernel.GenesisAsset{
		{ID: kernel.XIN, Symbol: "XIN", Chain: kernel.ETH, Key: kernel.XINAssetKey},
		{ID: kernel.BTC, Symbol: "BTC", Chain: kernel.BTC, Key: "c6d0c728-2624-429b-8e0d-d9d19b6592fa"},
	}
	for range 8 {
		n.genesis.Balances = append(n.genesis.Balances, kernel.GenesisOutput{Asset: kernel.XIN, Address: payer.Address(), Amount: kernel.NewAmount(100_00000000)})
	}
	n.runMembers(t)
	n.payer = wallet.New(wallet.AccountKeys(payer), n.genesis.NetworkID(), 0)
	n.waitActive(t)
	return n
}

// runMembers deals the keys and starts the nodes; they stop with the test.
func (n *network) runMembers(t *testing.T) {
	t.Helper()
	configs := make([]node.Config, members)
	for i := range configs {
		c := &configs[i]
		rand.Read(c.Identity.Key[:])
		key := crypto.NodeKeyFromSeed(c.Identity.Key).Public()
		n.genesis.Members = append(n.genesis.Members, kernel.Member{Name: fmt.Sprintf("node-%d", i+1), Key: key, Payee: account().Address()})
	}
	shares, err := ceremony.DealTrusted(n.genesis, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	addresses := make([]string, members)
	for i := range configs {
		c := &configs[i]
		if c.Listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		addresses[i] = c.Listener.Addr().String()
		c.Genesis, c.Addresses, c.Identity.CoinShare = n.genesis, addresses, shares[i]
		c.Home, c.RPC.Listen, c.Version = filepath.Join(t.TempDir(), "data"), "127.0.0.1:0", "interop"
		if err := node.Init(c.Home, node.InitConfig{Genesis: n.genesis, Key: n.genesis.Members[i].Key}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	t.Cleanup(func() { cancel(); running.Wait() })
	for i, c := range configs {
		opened, err := node.Open(c)
		if err != nil {
			t.Fatal(err)
		}
		running.Go(func() {
			if err := opened.Run(ctx); err != nil {
				t.Errorf("node %d: %v", i, err)
			}
		})
		n.urls = append(n.urls, opened.RPCURL())
		n.clients = append(n.clients, client.New(opened.RPCURL()))
	}
}

func (n *network) waitActive(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for i, c := range n.clients {
		for {
			info, err := c.Info(ctx)
			if err == nil && info.State == "active" {
				break
			}
			if ctx.Err() != nil {
				t.Fatalf("node %d is %q and not active: %v", i, info.State, err)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}

// pay sends with our wallet and waits until the payment is final on every node.
func (n *network) pay(t *testing.T, request wallet.Request) wallet.Payment {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	net := wallet.Network{Source: n.clients[0], Submitter: client.NewMulti(n.clients, 2)}
	payment, err := n.payer.Send(ctx, net, wallet.NewReference(), request)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range n.clients {
		if _, err := c.WaitFinal(ctx, payment.Transaction); err != nil {
			t.Fatalf("node %d: %v", i, err)
		}
	}
	return payment
}

// balance is what our wallet finds for an account by scanning everything.
func (n *network) balance(t *testing.T, a kernel.Account, asset kernel.AssetID, node int) kernel.Amount {
	t.Helper()
	w := wallet.New(wallet.AccountKeys(a), n.genesis.NetworkID(), 0)
	if _, err := w.Scan(t.Context(), n.clients[node]); err != nil {
		t.Fatal(err)
	}
	for _, b := range w.Balances() {
		if b.Asset == asset {
			return b.Final
		}
	}
	return kernel.Amount{}
}
