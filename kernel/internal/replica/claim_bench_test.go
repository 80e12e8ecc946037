package replica

import (
	"testing"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// BenchmarkClaim lists what a payment of two inputs and three outputs takes.
func BenchmarkClaim(b *testing.B) {
	tx := &kernel.Transaction{Inputs: make([]kernel.Input, 2)}
	for range 3 {
		tx.Outputs = append(tx.Outputs, kernel.Output{Keys: make([]kernel.Key, 1)})
	}
	p := &ledger.Parsed{Transaction: tx}
	b.ReportAllocs()
	for b.Loop() {
		claimOf(p)
	}
}
