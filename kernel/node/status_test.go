package node

import (
	"context"
	"testing"
	"time"

	"github.com/asterism-network/asterism/kernel/client"
)

// TestEverybodyKnowsWhatIsOnItsWay submits to one node and asks another: as soon as a snapshot
// brings the payment, it is pending there too, with its bytes, until it is final.
func TestEverybodyKnowsWhatIsOnItsWay(t *testing.T) {
	n := startNetwork(t, 7)
	ctx, cancel := context.WithTimeout(context.Background(), slow*30*time.Second)
	defer cancel()
	pending := 0
	for i := 0; i < 20 && pending == 0; i++ {
		raw := n.payment(i, "watched")
		hash, err := n.clients[0].SendRawTransaction(ctx, raw)
		if err != nil {
			t.Fatal(err)
		}
		for {
			status, err := n.clients[3].TransactionStatus(ctx, hash)
			if err != nil {
				t.Fatal(err)
			}
			if status.State == client.Final {
				break
			}
			if status.State == client.Pending {
				if status.Since == 0 {
					t.Error("pending since never")
				}
				pending++
			}
		}
	}
	if pending == 0 {
		t.Error("twenty payments were never seen on their way by a node they were not submitted to")
	}
}
