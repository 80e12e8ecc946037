package node

import (
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

// BenchmarkSnapshotVerify measures all that a node does with a snapshot that arrives, before the
// engine sees it: decoding, body root, header signature, coin share, and the payments in it.
func BenchmarkSnapshotVerify(b *testing.B) {
	n := newNetwork(b, 7, 1000)
	n.start(0)
	node := n.nodes[0]
	share := signer{node}.Share(9)
	for _, bb := range []struct {
		name     string
		payments int
		share    *kernel.CoinShare
	}{{"empty", 0, nil}, {"share", 0, share}, {"share+100", 100, share}, {"share+1000", 1000, share}} {
		b.Run(bb.name, func(b *testing.B) {
			raw := n.snapshotOf(bb.payments, bb.share)
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			c := node.checker
			for b.Loop() {
				c.verified.Purge() // nothing is remembered
				c.parsed.mu.Lock()
				c.parsed.cache.Purge()
				c.parsed.mu.Unlock()
				a, err := c.inspect(0, raw, false)
				if err != nil || len(a.Claims) != bb.payments || a.HasShare != (bb.share != nil) {
					b.Fatalf("%d claims, share %v: %v", len(a.Claims), a.HasShare, err)
				}
			}
		})
	}
}

// snapshotOf is one of round 9 by node 0, its parents made up.
func (n *testNetwork) snapshotOf(payments int, share *kernel.CoinShare) []byte {
	n.t.Helper()
	body := new(kernel.Body)
	for i := range payments {
		body.Entries = append(body.Entries, kernel.Entry{Kind: kernel.EntryTransaction, Bytes: n.payment(i, "verify")})
	}
	sortBody(body)
	h := &kernel.Header{
		Network: n.genesis.NetworkID(), Round: 9, Timestamp: n.genesis.Timestamp + 1, Share: share,
		BodyRoot: body.Root(), BodyLength: uint32(len(body.AppendBinary(nil))),
	}
	for a := range n.genesis.Members {
		h.Parents = append(h.Parents, kernel.Parent{Author: kernel.Author(a), Round: 8, ID: kernel.SnapshotID{byte(a) + 1}})
	}
	h.SortParents()
	id := h.ID()
	h.Signature = n.nodes[0].key.Sign(id[:])
	raw, err := (&kernel.Snapshot{Header: h, Body: body}).AppendBinary(nil)
	if err != nil {
		n.t.Fatal(err)
	}
	return raw
}
