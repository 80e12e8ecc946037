package wallet

import (
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

// What scanning costs for each output of a stranger: one core.
func BenchmarkMatchForeignOutput(b *testing.B) {
	own := AccountKeys(alice)
	out, _, err := scriptOutput(&dice{source: seeded(1)}, To(bob.Address()), coins(1), 0)
	if err != nil {
		b.Fatal(err)
	}
	tx := kernel.Transaction{Asset: kernel.BTC, Outputs: []kernel.Output{out}}
	for b.Loop() {
		if len(own.match(kernel.TxHash{}, &tx)) != 0 {
			b.Fatal("mine?")
		}
	}
}

// A payment in three outputs and three of change, planned and signed.
func BenchmarkPlanAndSign(b *testing.B) {
	w := walletWith(ownedOutputs([]uint64{1_000_000_000, 1_000_000_000}))
	req := btc(bob, coins(15))
	for i := uint64(0); b.Loop(); i++ {
		p, err := w.Plan(req, seeded(i))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := w.keys.sign(p, seeded(i)); err != nil {
			b.Fatal(err)
		}
	}
}
