package node

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/asterism-network/asterism/kernel"
)

// TestRestart stops two of seven nodes, settles payments without them, and starts them again:
// they catch up, sign again, and everybody has the same state.
func TestRestart(t *testing.T) {
	n := startNetwork(t, 7)
	n.settle(0, 2)
	n.stop(5)
	n.stop(6)
	n.settleOn(2, 4, 0, 1, 2, 3, 4)
	n.start(5)
	n.start(6)
	n.settle(4, 6)
	n.sameState(all(7)...)
	n.waitState(5, "active")
	n.waitState(6, "active")
}

// TestWiped gives a node an empty folder: it must follow and serve, but sign nothing.
func TestWiped(t *testing.T) {
	n := startNetwork(t, 7)
	n.settle(0, 2)
	n.stop(3)
	if err := os.RemoveAll(n.configs[3].Home + "/log"); err != nil {
		t.Fatal(err)
	}
	n.start(3)
	n.settle(2, 4)
	n.sameState(all(7)...)
	n.waitState(3, "behind")
	n.stop(3)
	n.start(3) // its log is whole again, but the doubt stays
	n.settle(4, 6)
	n.waitState(3, "behind")
}

// TestAllRestart stops every node at once: the network goes on where it was.
func TestAllRestart(t *testing.T) {
	n := startNetwork(t, 7)
	n.settle(0, 2)
	for i := range n.nodes {
		n.stop(i)
	}
	for i := range n.nodes {
		n.start(i)
	}
	n.settle(2, 4)
	n.sameState(all(7)...)
}

func (n *testNetwork) settle(from, to int) { n.t.Helper(); n.settleOn(from, to, all(len(n.nodes))...) }

func (n *testNetwork) settleOn(from, to int, nodes ...int) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), slow*30*time.Second)
	defer cancel()
	var hashes []kernel.TxHash
	for i := from; i < to; i++ {
		hash, err := n.clients[nodes[i%len(nodes)]].SendRawTransaction(ctx, n.payment(i, "settle"))
		if err != nil {
			n.t.Fatal(err)
		}
		hashes = append(hashes, hash)
	}
	for _, h := range hashes {
		n.finalOn(h, nodes...)
	}
}

// sameState compares the digests of the newest commit that all nodes have executed.
func (n *testNetwork) sameState(nodes ...int) {
	n.t.Helper()
	low := ^kernel.CommitIndex(0)
	for _, i := range nodes {
		low = min(low, n.nodes[i].store.Head().Index)
	}
	want, _, _ := n.nodes[nodes[0]].store.CommitAt(low)
	for _, i := range nodes {
		got, _, ok := n.nodes[i].store.CommitAt(low)
		if !ok || got.Digest != want.Digest {
			n.t.Errorf("commit %d: node %d has state %s, node %d has %s", low, i, got.Digest, nodes[0], want.Digest)
		}
	}
}

func (n *testNetwork) waitState(i int, want string) {
	n.t.Helper()
	n.until(fmt.Sprintf("node %d is %s", i, want), 20*time.Second, func() bool { return string(backend{n.nodes[i]}.Info().State) == want })
}

// TestSubmitToFollower submits to a node that signs nothing before it is connected: the others
// hear of the transaction as soon as they can.
func TestSubmitToFollower(t *testing.T) {
	n := startNetwork(t, 7)
	n.settle(0, 2)
	n.stop(3)
	if err := os.RemoveAll(n.configs[3].Home + "/log"); err != nil {
		t.Fatal(err)
	}
	n.start(3)
	n.waitState(3, "behind")
	n.stop(3)
	for i := range n.nodes {
		n.stop(i)
	}
	n.start(3)
	ctx, cancel := context.WithTimeout(context.Background(), slow*30*time.Second)
	defer cancel()
	hash, err := n.clients[3].SendRawTransaction(ctx, n.payment(2, "alone"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range n.nodes {
		if i != 3 {
			n.start(i)
		}
	}
	n.finalOn(hash, all(7)...)
}
