package node

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/light"
	"github.com/asterism-network/asterism/kernel/lightnode"
)

// frequent makes checkpoints frequent.
func frequent(g *kernel.Genesis) { g.Parameters.CheckpointPeriod = 500 }

// certified waits until a node has a certificate at or above a commit, while payments keep the
// network awake.
func (n *testNetwork) certified(node int, least kernel.CommitIndex) *kernel.CheckpointProof {
	n.t.Helper()
	var last *kernel.CheckpointProof
	for deadline := time.Now().Add(slow * 60 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		p, err := n.clients[node].Certificate(context.Background(), ^kernel.CommitIndex(0))
		if err != nil {
			n.t.Fatal(err)
		}
		if last = p; p != nil && p.Checkpoint.Index >= least {
			return p
		}
	}
	n.t.Fatalf("node %d has no certificate at or above commit %d: %+v", node, least, last)
	return nil
}

// TestCheckpoints runs seven nodes with frequent checkpoints: all certify the same, one that was away
// catches up, and a light node that has nothing but the genesis follows, proves and counts.
func TestCheckpoints(t *testing.T) {
	n := newNetwork(t, 7, coinsEach, frequent)
	for i := range 7 {
		n.configs[i].IdlePeriod = 100 * time.Millisecond // commits come though nobody pays
		n.start(i)
	}
	ctx, cancel := context.WithTimeout(context.Background(), slow*120*time.Second)
	defer cancel()
	hash := n.pay(ctx, 0)
	n.stop(6)
	first := n.certified(0, 10)
	for i := range 6 {
		n.certified(i, first.Checkpoint.Index)
		p, err := n.clients[i].Certificate(ctx, first.Checkpoint.Index)
		if err != nil || p == nil || p.Checkpoint != first.Checkpoint {
			t.Fatalf("node %d: certificate %+v, %v, want %+v", i, p, err, first.Checkpoint)
		}
	}
	n.start(6) // has certified perhaps nothing of its own yet
	n.certified(6, first.Checkpoint.Index+10)

	var proof *kernel.FinalityProof
	n.until("a proof", 60*time.Second, func() bool { // there is none for the moment between a checkpoint and its certificate
		p, raw, err := n.clients[6].FinalityProof(ctx, hash)
		proof = p
		return err == nil && p != nil && len(raw) > 0
	})
	chain := light.Start(n.genesis)
	if err := chain.Final(proof); err != nil {
		t.Fatal(err)
	}
	file, err := lightnode.ProveTransaction(ctx, n.genesis, n.clients, hash)
	if err != nil || file.Finality.Receipt.Transaction != hash {
		t.Fatalf("proof file: %v", err)
	}
	if gone, err := n.clients[0].OutputProof(ctx, n.coins[0].OutputRef); err != nil || gone == nil || gone.Output != nil {
		t.Fatalf("a spent output: %+v, %v", gone, err)
	}
	n.lightBalances(ctx)
}

// pay makes a payment final on all nodes that run.
func (n *testNetwork) pay(ctx context.Context, coin int) kernel.TxHash {
	n.t.Helper()
	hash, err := n.clients[0].SendRawTransaction(ctx, n.payment(coin, "checkpoint"))
	if err != nil {
		n.t.Fatal(err)
	}
	n.finalOn(hash, 0)
	return hash
}

// lightBalances opens light nodes in both ways of reading, stops them in between, and compares what
// they see with what the user has.
func (n *testNetwork) lightBalances(ctx context.Context) {
	t := n.t
	t.Helper()
	var want kernel.Amount
	paid := 0
	for _, c := range n.coins {
		want, _ = want.Add(c.Amount)
	}
	for _, history := range []bool{false, true} {
		config := lightnode.Config{
			Genesis: n.genesis, Nodes: n.clients, History: history,
			File: filepath.Join(t.(*testing.T).TempDir(), "light"),
			Keys: &lightnode.Keys{View: n.user.View, Spend: n.user.Address().Spend},
		}
		for range 2 {
			node, err := lightnode.Open(config)
			if err != nil {
				t.Fatal(err)
			}
			if err := node.Sync(ctx, nil); err != nil {
				t.Fatalf("history %t: %v, %v", history, err, node.Refused())
			}
			balances, ok := node.Account().Balances()
			if !ok || !node.Complete() || len(balances) != 1 || balances[0].Amount != want || balances[0].Outputs != len(n.coins) {
				t.Errorf("history %t: balances are %+v, want %s", history, balances, want)
			}
			entries, ok := node.Account().History()
			spends := slices.IndexFunc(entries, func(e light.Entry) bool { return !e.Spent.IsZero() && !e.Transaction.IsZero() })
			if history && (!ok || spends < 0) {
				t.Errorf("history %+v lacks the payment", entries)
			}
			paid++
			n.pay(ctx, paid)
		}
	}
}
