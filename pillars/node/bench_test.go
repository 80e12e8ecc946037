package node

import (
	"context"
	"flag"
	"testing"
	"time"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/state"
	"github.com/asterism-network/asterism/pillars/internal/tree"
)

var syncBlocks = flag.Int("sync-blocks", 2000, "blocks that BenchmarkSync synchronises")

// mint makes blocks on a node's own tip, each with payments of earlier rewards: a long chain that needs no memory.
func (r *running) mint(n *network, blocks, payments int) {
	r.t.Helper()
	ctx := context.Background()
	var ripe []pillars.Outpoint
	for i := range blocks {
		tip := r.Tip()
		b := &pillars.Block{Extension: pillars.Extension{Modifier: tip.Modifier}}
		var err error
		if b.Header, err = tip.Prepare(&n.Params, pillars.PoW, tip.Stamps[0]+2); err != nil {
			r.t.Fatal(err)
		}
		reward := tip.Subsidy(&n.Params, pillars.PoW)
		coinbase := &pillars.Transaction{
			Version: pillars.VersionFirst,
			Inputs:  []pillars.Input{{Previous: pillars.NullOutpoint, Script: append(state.CoinbaseScript(b.Number), 1, 0)}},
		}
		for range max(payments, 1) {
			coinbase.Outputs = append(coinbase.Outputs, pillars.Output{
				Value: reward / pillars.Amount(max(payments, 1)), Script: n.Owner.Script(), Attachment: pillars.Attachment{Version: pillars.AttachmentPlain},
			})
		}
		b.Transactions = []*pillars.Transaction{coinbase}
		for range payments {
			if i > int(n.Params.Subsidy.Maturity)+1 {
				b.Transactions = append(b.Transactions, n.Pay(ripe[:1], reward/pillars.Amount(payments)-10_000))
				ripe = ripe[1:]
			}
		}
		b.Merkle, b.ExtensionRoot = b.MerkleRoot(), b.Extension.Root()
		n.Work(&b.Header)
		result, err := r.SubmitBlock(ctx, b)
		if err != nil || result.Fate == tree.Refused {
			r.t.Fatalf("block %d: %v, %v", b.Number, result.Rule, err)
		}
		for j := range coinbase.Outputs {
			ripe = append(ripe, pillars.Outpoint{Tx: coinbase.ID(), Index: uint32(j)})
		}
	}
}

// BenchmarkSync: a fresh node takes a chain of real seals and signatures from two peers on this machine, at the rate of
// blocks/s. Both peers and the fresh node share the processors.
func BenchmarkSync(b *testing.B) {
	const payments = 4
	n := newNetwork(b, 1, 120)
	source := n.start("source", b.TempDir())
	source.mint(n, *syncBlocks, payments)
	second := n.start("second", b.TempDir(), source)
	until(b, "the second source", func() bool { return second.Tip().ID == source.Tip().ID })
	for b.Loop() {
		began := time.Now()
		fresh := n.start("fresh", b.TempDir(), source, second)
		for fresh.Tip().ID != source.Tip().ID {
			time.Sleep(5 * time.Millisecond)
		}
		took := time.Since(began).Seconds()
		b.ReportMetric(float64(*syncBlocks)/took, "blocks/s")
		b.ReportMetric(float64(*syncBlocks*(payments+1))/took, "tx/s")
		if fresh.Store().StateRoot() != source.Store().StateRoot() {
			b.Fatal("another state")
		}
		fresh.stop()
	}
}
