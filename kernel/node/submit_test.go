package node

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/internal/mempool"
	"github.com/asterism-network/asterism/kernel/internal/rpc"
)

// TestResubmission submits a final transaction again, to every node: the answer is its hash,
// the node itself says already_final, and nothing changes.
func TestResubmission(t *testing.T) {
	n := startNetwork(t, 7)
	ctx, cancel := context.WithTimeout(context.Background(), slow*30*time.Second)
	defer cancel()
	raw := n.payment(0, "again")
	hash, err := n.clients[0].SendRawTransaction(ctx, raw)
	if err != nil {
		t.Fatal(err)
	}
	n.finalOn(hash, all(7)...)
	first, err := n.clients[0].TransactionStatus(ctx, hash)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for i, c := range n.clients {
		for range 20 { // a storm
			group.Go(func() {
				if again, err := c.SendRawTransaction(ctx, raw); err != nil || again != hash {
					t.Errorf("node %d: %v, %v", i, again, err)
				}
			})
		}
	}
	group.Wait()
	for i, node := range n.nodes {
		if _, err := (backend{node}).Submit(ctx, raw); !errors.Is(err, kernel.AlreadyFinal) {
			t.Errorf("node %d: %v, want already_final", i, err)
		}
		if node.status.Load().Waiting > 0 {
			t.Errorf("node %d holds it again", i)
		}
	}
	n.settle(1, 2)
	for i, c := range n.clients {
		status, err := c.TransactionStatus(ctx, hash)
		if err != nil || status.State != client.Final || *status.Receipt != *first.Receipt {
			t.Errorf("node %d: %+v, %v, want %+v", i, status, err, first)
		}
	}
}

// TestDoubleSpend submits two spends of one output to different nodes at once: one becomes
// final everywhere, and the nodes that took the other name the winner.
func TestDoubleSpend(t *testing.T) {
	n := startNetwork(t, 7)
	ctx, cancel := context.WithTimeout(context.Background(), slow*30*time.Second)
	defer cancel()
	for round := range 5 {
		raws := [2][]byte{n.payment(round, "one"), n.payment(round, "two")}
		var errs [2]error
		var group sync.WaitGroup
		for i, raw := range raws {
			group.Go(func() { _, errs[i] = n.clients[i].SendRawTransaction(ctx, raw) })
		}
		group.Wait()
		hashes := [2]kernel.TxHash{txHash(t, raws[0]), txHash(t, raws[1])}
		winner := n.winnerOf(ctx, hashes)
		loser := 0
		if winner == hashes[0] {
			loser = 1
		}
		n.finalOn(winner, all(7)...)
		for i, c := range n.clients {
			status, err := c.TransactionStatus(ctx, hashes[loser])
			if err != nil {
				t.Fatal(err)
			}
			if status.State == client.Final {
				t.Errorf("node %d: both are final", i)
			}
			if i == loser && errs[loser] == nil && (status.State != client.Rejected || status.Receipt.Winner != winner) {
				t.Errorf("node %d took the loser and says %+v, want rejected by %s", i, status, winner)
			}
		}
		_, err := n.clients[6].SendRawTransaction(ctx, raws[loser])
		if !errors.Is(err, kernel.InputSpent) {
			t.Errorf("the loser again: %v, want %v", err, kernel.InputSpent)
		}
	}
	n.sameState(all(7)...)
	n.noFaults()
}

func (n *testNetwork) winnerOf(ctx context.Context, hashes [2]kernel.TxHash) kernel.TxHash {
	n.t.Helper()
	for ctx.Err() == nil {
		for _, h := range hashes {
			if status, err := n.clients[3].TransactionStatus(ctx, h); err == nil && status.State == client.Final {
				return h
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	n.t.Fatal("neither spend becomes final")
	return kernel.TxHash{}
}

// TestChain submits a transaction, its child and its grandchild one right after the other, each
// to another node.
func TestChain(t *testing.T) {
	n := startNetwork(t, 7)
	ctx, cancel := context.WithTimeout(context.Background(), slow*30*time.Second)
	defer cancel()
	from, last := n.coins[0], kernel.TxHash{}
	for i := range 4 {
		tx := n.spend(from, "chain")
		raw, err := tx.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		if last, err = n.clients[i].SendRawTransaction(ctx, raw); err != nil {
			t.Fatalf("link %d: %v", i, err)
		}
		from = coinsOf(tx)[0]
	}
	n.finalOn(last, all(7)...)
}

// TestRefusalsBecomeNames tells clients of a full pool when to come back, and of a conflict
// with whom.
func TestRefusalsBecomeNames(t *testing.T) {
	var busy *rpc.Overloaded
	if err := admissionError(mempool.ErrFull); !errors.As(err, &busy) || busy.RetryAfter <= 0 {
		t.Errorf("full pool: %v", err)
	}
	if err := admissionError(&mempool.Conflict{With: kernel.TxHash{1}}); !errors.Is(err, kernel.ConflictsWith) {
		t.Errorf("conflict: %v", err)
	}
	if err := admissionError(nil); err != nil {
		t.Error(err)
	}
}

// TestSubmitTogether submits many at once to one node: good ones become final, a double spend is
// refused by name, a child waits for its parent, and a bad signature spoils nobody else's.
func TestSubmitTogether(t *testing.T) {
	n := startNetwork(t, 7)
	ctx, cancel := context.WithTimeout(context.Background(), slow*30*time.Second)
	defer cancel()
	parent := n.spend(n.coins[0], "parent")
	child := n.spend(coinsOf(parent)[0], "child")
	spoiled := n.payment(1, "spoiled")
	spoiled[len(spoiled)-1] ^= 1
	raws := [][]byte{encoded(t, parent), encoded(t, child), spoiled, n.payment(2, "one"), n.payment(2, "two"), n.payment(3, "good")}
	answers, err := n.clients[0].SendRawTransactions(ctx, raws)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []error{nil, nil, kernel.SignatureInvalid, nil, kernel.ConflictsWith, nil} {
		if err := answers[i].Err(); !errors.Is(err, want) {
			t.Errorf("number %d: %v, want %v", i, err, want)
		}
	}
	for _, i := range []int{0, 1, 3, 5} {
		n.finalOn(answers[i].Hash, all(7)...)
	}
	if again, err := n.clients[1].SendRawTransactions(ctx, raws[:2]); err != nil || again[0].Err() != nil || again[1].Hash != answers[1].Hash {
		t.Errorf("final ones again: %+v, %v", again, err)
	}
	node := n.nodes[0]
	node.admissions.mu.Lock()
	defer node.admissions.mu.Unlock()
	if len(node.admissions.waiting) > 0 {
		t.Errorf("%d submissions are remembered", len(node.admissions.waiting))
	}
}

func encoded(t *testing.T, tx *kernel.Transaction) []byte {
	t.Helper()
	raw, err := tx.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestFullNodeRefusesByName: a node in which too many wait lets nobody in, says when to come back,
// and has let in nothing of what it refused; nobody's place stays taken.
func TestFullNodeRefusesByName(t *testing.T) {
	n := startNetwork(t, 7)
	ctx, cancel := context.WithTimeout(context.Background(), slow*30*time.Second)
	defer cancel()
	door := &n.nodes[0].door
	door.push(doorFree)
	var busy *client.Error
	if _, err := n.clients[0].SendRawTransaction(ctx, n.payment(0, "outside")); !errors.As(err, &busy) || !errors.Is(err, client.ErrRateLimited) || busy.RetryAfter() <= 0 {
		t.Errorf("a full node: %v", err)
	}
	door.giveBack(doorFree - 1)
	answers, err := n.clients[0].SendRawTransactions(ctx, [][]byte{n.payment(0, "outside"), n.payment(1, "too"), {1}})
	if err != nil || answers[0].Err() != nil || answers[1].Err() != nil || !errors.Is(answers[2].Err(), kernel.Malformed) {
		t.Errorf("with room again: %+v, %v", answers, err)
	}
	n.finalOn(answers[0].Hash, all(7)...)
	n.finalOn(answers[1].Hash, all(7)...)
	door.mu.Lock()
	defer door.mu.Unlock()
	if door.entering != 1 {
		t.Errorf("%d places are taken, want the one of this test", door.entering)
	}
}
