package node

import (
	"context"
	"testing"
	"time"
)

func TestPaymentBecomesFinalEverywhere(t *testing.T) {
	n := startNetwork(t, 7)
	ctx, cancel := context.WithTimeout(context.Background(), slow*30*time.Second)
	defer cancel()
	for i := range 5 {
		began := time.Now()
		hash, err := n.clients[i].SendRawTransaction(ctx, n.payment(i, "first"))
		if err != nil {
			t.Fatal(err)
		}
		n.finalOn(hash, all(7)...)
		t.Logf("final on all nodes after %v", time.Since(began))
	}
}

// TestAfterStop asks a node that has stopped: no answer, and no waiting either.
func TestAfterStop(t *testing.T) {
	n := startNetwork(t, 7)
	n.stop(0)
	done := make(chan bool)
	go func() {
		_, _, ok := backend{n.nodes[0]}.Pending([32]byte{1})
		_, linked := backend{n.nodes[0]}.Link(n.nodes[0].id, n.nodes[1].id)
		done <- ok || linked
	}()
	select {
	case answered := <-done:
		if answered {
			t.Error("a stopped node answers")
		}
	case <-time.After(slow * 10 * time.Second):
		t.Fatal("a question to a stopped node waits for ever")
	}
}

// TestQuietNetworkWakesAtOnce submits to a node that is a round ahead of the others, which would
// sleep for an hour: it can say something only when they keep up with it.
func TestQuietNetworkWakesAtOnce(t *testing.T) {
	n := newNetwork(t, 7, coinsEach)
	for i := range 7 {
		n.configs[i].IdlePeriod = time.Hour
		if i == 0 {
			n.configs[i].IdlePeriod = 50 * time.Millisecond
		}
		n.start(i)
	}
	ctx, cancel := context.WithTimeout(context.Background(), slow*20*time.Second)
	defer cancel()
	for i := range 4 {
		time.Sleep(200 * time.Millisecond)
		hash, err := n.clients[0].SendRawTransaction(ctx, n.payment(i, "wake"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.clients[0].WaitFinal(ctx, hash); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFanout lets every node push its snapshots to two others only: the rest comes by relaying
// and by asking.
func TestFanout(t *testing.T) {
	n := newNetwork(t, 10, 8)
	for i := range n.configs {
		n.configs[i].Fanout = 2
		n.start(i)
	}
	n.settle(0, 6)
	n.sameState(all(10)...)
}
