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
