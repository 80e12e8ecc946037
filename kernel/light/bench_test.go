package light

import (
	"testing"

	"github.com/asterism-network/asterism/internal/cputime"
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/merkle"
	"github.com/asterism-network/asterism/kernel"
)

// The benchmarks count the processor's time: on a machine that does other things too, the clock on the wall tells little.

// BenchmarkCertificate judges a proof of finality of 50 members: 34 signatures and a branch.
func BenchmarkCertificate(b *testing.B) {
	w := newWorld(b, kernel.MaxMembers, 1)
	w.pay(100)
	w.last = *signed(w.brought(), w.keys, func() (q []int) {
		for i := range w.roster.Roster().Quorum() {
			q = append(q, i)
		}
		return q
	}()...)
	c, p := Start(w.genesis), w.final()
	used := cputime.Process()
	for b.Loop() {
		if err := c.Final(p); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64((cputime.Process()-used).Microseconds())/float64(b.N), "cpu-µs/op")
	b.ReportMetric(float64(len(p.AppendBinary(nil))), "bytes")
}

// BenchmarkEpochs follows a hundred epochs of 50 members: one roster and 34 signatures each.
func BenchmarkEpochs(b *testing.B) {
	w := newWorld(b, kernel.MaxMembers, 1)
	w.pay(2)
	for range 100 {
		w.endEpoch(kernel.MaxMembers, 0)
	}
	used := cputime.Process()
	for b.Loop() {
		if _, err := Start(w.genesis).Changes(w.changes); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64((cputime.Process()-used).Microseconds())/float64(b.N)/100, "cpu-µs/epoch")
}

// BenchmarkScan looks through full ranges of outputs of others, one key each.
func BenchmarkScan(b *testing.B) {
	const n = 4096
	outputs, leaves := make([]*kernel.StateOutput, n), make([][32]byte, n)
	other := kernel.AccountFromSeed([64]byte{5}).Address()
	for i := range outputs {
		r := crypto.ScalarFromWide([64]byte{byte(i), byte(i >> 8), 1})
		key, err := crypto.GhostPublic(r, other.View, other.Spend, 0)
		if err != nil {
			b.Fatal(err)
		}
		out := kernel.Output{Amount: kernel.NewAmount(uint64(i + 1)), Keys: []kernel.Key{key}, Mask: crypto.Mask(r), Script: kernel.NewScript(1)}
		o := kernel.StateOutputOf(kernel.OutputRef{Hash: kernel.TxHash{byte(i)}}, &out, kernel.XIN, 1)
		outputs[i], leaves[i] = &o, o.Leaf()
	}
	tree := merkle.NewTree(0, new(merkle.Memory))
	tree.Update(leaves, nil)
	head := &kernel.Checkpoint{Index: 1, Outputs: kernel.TreeHead{Root: tree.Root(), Count: n}}
	r := kernel.OutputRangeOf(outputs, tree.ProveRange(0, n))
	mine := kernel.AccountFromSeed([64]byte{6})
	used := cputime.Process()
	for b.Loop() {
		a, err := NewAccount(mine.View, mine.Address().Spend)
		if err != nil {
			b.Fatal(err)
		}
		if err := a.Scan(head, r); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64((cputime.Process()-used).Nanoseconds())/float64(b.N)/n, "cpu-ns/output")
	b.ReportMetric(float64(len(r.AppendBinary(nil)))/n, "bytes/output")
	used = cputime.Process()
	for range 20 {
		if !r.Verify(head.Outputs) {
			b.Fatal("not complete")
		}
	}
	b.ReportMetric(float64((cputime.Process()-used).Nanoseconds())/20/n, "cpu-ns/verified")
}
