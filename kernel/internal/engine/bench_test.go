package engine

import (
	"fmt"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// record runs a calm network and returns what one node received, in order.
func record(b *testing.B, k int) (*network, *testNode, []Arrival) {
	n := newNetwork(1, k, parameters(5, 3))
	for _, node := range n.nodes {
		node.start()
	}
	n.run(n.now+200, nil)
	for end := n.now + 7000/kernel.Timestamp(k); n.now < end; n.run(n.now+20, nil) {
		n.submit(n.nodes[int(n.now)%k], fmt.Appendf(nil, "tx %d", n.now))
	}
	node := n.nodes[0]
	var in []Arrival
	for _, r := range node.order {
		in = append(in, n.arrival(r.Author, r.Raw))
	}
	return n, node, in
}

// BenchmarkStep is the engine's work for one received snapshot: a node that follows. Coins are
// combined, nothing is signed.
func BenchmarkStep(b *testing.B) {
	for _, k := range []int{7, 50} {
		b.Run(fmt.Sprintf("K=%d", k), func(b *testing.B) {
			n, node, in := record(b, k)
			b.ReportAllocs()
			var e *Engine
			i := 0
			for b.Loop() {
				if i == 0 {
					b.StopTimer()
					node.wipe()
					e = New(node.config, node.restored())
					b.StartTimer()
				}
				out := e.Step(Input{Now: n.now, Arrived: in[i : i+1]})
				for _, r := range out.Persist {
					node.log[r.ID] = r
					p := kernel.Parent{Author: r.Author, Round: r.Round}
					node.places[p] = append(node.places[p], r.ID)
				}
				i = (i + 1) % len(in)
			}
		})
	}
}

// BenchmarkVerify is what a node spends on a received snapshot before the engine sees it:
// decoding, the author's signature, the coin share.
func BenchmarkVerify(b *testing.B) {
	for _, k := range []int{7, 50} {
		n, _, in := record(b, k)
		a := in[len(in)-1]
		key := n.genesis.Members[a.Header.Author].Key
		b.Run(fmt.Sprintf("decode/K=%d", k), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var s kernel.Snapshot
				if err := s.UnmarshalBinary(a.Raw); err != nil || s.Header.ID() != a.ID {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("signature/K=%d", k), func(b *testing.B) {
			for b.Loop() {
				if !crypto.Verify(key, a.ID[:], a.Header.Signature) {
					b.Fatal("refused")
				}
			}
		})
		b.Run(fmt.Sprintf("share/K=%d", k), func(b *testing.B) {
			for b.Loop() {
				if !n.key.Verify(a.Header.Author, a.Header.Round, a.Header.Share) {
					b.Fatal("refused")
				}
			}
		})
	}
}
