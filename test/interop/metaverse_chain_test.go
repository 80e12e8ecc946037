package interop_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/node"
)

// TestMetaverseOnOurChain shows that a wallet of the running network needs nothing but our RPC to live on a chain of
// ours: it finds what it has, pays, registers an avatar and issues an asset [PIL-RPC-1].
func TestMetaverseOnOurChain(t *testing.T) {
	needSDK(t)
	if _, err := os.Stat("node_modules/metaversejs/package.json"); err != nil {
		t.Fatal("metaversejs is not installed: run test/setup.sh")
	}
	p := pillars.Devnet()
	p.PoW.Minimum.SetUint64(uint64(p.PoW.Scale))
	owner := addressOf(metaverseKeys(1)[0])
	p.Genesis = pillars.GenesisParams{Timestamp: uint32(time.Now().Unix()), Text: "interop", Outputs: []pillars.GenesisOutput{
		{Address: owner.Text(p.Address), Value: 1000 * pillars.ETP}}}
	home := t.TempDir()
	if err := node.Init(home, &p); err != nil {
		t.Fatal(err)
	}
	n, err := node.Open(home, node.Options{})
	if err != nil {
		t.Fatal(err)
	}
	miner, err := n.NewMiner(node.MinerOptions{Mining: node.Mining{Pay: addressOf(metaverseKeys(3)[2]), Workers: 1}})
	if err != nil {
		t.Fatal(err)
	}
	ready := make(chan string, 1)
	n.Offer(node.InterfaceOptions{Listen: "127.0.0.1:0", Alone: true, Miner: miner, Ready: func(rpc, _ string) { ready <- rpc }})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	select {
	case at := <-ready:
		runScript(t, "metaverse_chain.test.mjs", map[string]any{"url": "http://" + at, "keyHash": hexBytes(owner.Hash())}, nil)
	case err := <-done:
		t.Fatal(err)
	}
}
