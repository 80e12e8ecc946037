package chain

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/pillars"
)

// BenchmarkJudge judges one block of 1,000 payments with a signature each, in full, on one worker and on as many as there are processors: the
// state on one goroutine, the scripts side by side.
func BenchmarkJudge(b *testing.B) {
	const payments = 1000
	d := newDesk(b, 1, kv.Memory())
	coin := d.Free()[0]
	values := make([]pillars.Amount, payments)
	for i := range values {
		values[i] = 10 * pillars.ETP
	}
	fan := d.Pay([]pillars.Outpoint{coin}, values...)
	first := d.MineWith(d.Genesis(), 2, fan)
	d.give(1, first)
	d.tipIs(first)
	var txs []*pillars.Transaction
	for i := range uint32(payments) {
		txs = append(txs, d.Pay([]pillars.Outpoint{{Tx: fan.ID(), Index: i}}, 5*pillars.ETP, 5*pillars.ETP-d.Params.Fees.Transaction))
	}
	block := d.MineWith(first, 2, txs...).Block
	for workers := 1; workers <= runtime.NumCPU(); workers *= 2 {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			d.c.workers = workers
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.c.judge(d.c.tree.Tip(), block); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(payments*b.N)/b.Elapsed().Seconds(), "tx/s")
		})
	}
}
