package node

import (
	"context"
	"testing"
	"time"
)

func TestPaymentBecomesFinalEverywhere(t *testing.T) {
	n := startNetwork(t, 7)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
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
	case <-time.After(10 * time.Second):
		t.Fatal("a question to a stopped node waits for ever")
	}
}
