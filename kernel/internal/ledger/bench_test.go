package ledger

import (
	"slices"
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

// fan makes n outputs of one XIN each, in as many transactions as that takes.
func (w *world) fan(n int) (refs []kernel.OutputRef) {
	for len(refs) < n {
		tx := w.deposit(uint64(len(refs)), whole(200))
		tx.Outputs[0].Amount = whole(200)
		w.settle(w.sign(tx))
		var outputs []kernel.Output
		for range 200 {
			outputs = append(outputs, w.output(whole(1), 1, 1))
		}
		split := w.sign(w.spend(doge, []kernel.OutputRef{{Hash: tx.Hash()}}, outputs...))
		w.settle(split)
		for i := range uint16(200) {
			refs = append(refs, kernel.OutputRef{Hash: split.Hash(), Index: i})
		}
	}
	return refs[:n]
}

// payments: n of them, each with as many inputs and outputs as asked for.
func (w *world) payments(n, inputs, outputs int) (txs []*kernel.Transaction) {
	refs := w.fan(n * inputs)
	for i := range n {
		total := uint64(inputs) * 100_000_000
		var outs []kernel.Output
		for range outputs - 1 {
			outs = append(outs, w.output(kernel.NewAmount(1000), 1, 1))
			total -= 1000
		}
		outs = append(outs, w.output(kernel.NewAmount(total), 1, 1))
		txs = append(txs, w.sign(w.spend(doge, refs[i*inputs:(i+1)*inputs], outs...)))
	}
	return txs
}

// BenchmarkCheck: from signed bytes to admitted, one transaction at a time. P1 is the plain
// payment, P2 the one with the paper's three outputs.
func BenchmarkCheck(b *testing.B) {
	for _, shape := range []struct {
		name            string
		inputs, outputs int
	}{{"P1-1in2out", 1, 2}, {"P2-2in3out", 2, 3}} {
		b.Run(shape.name, func(b *testing.B) {
			w := newWorld(b)
			raw := w.raw(w.payments(1, shape.inputs, shape.outputs)[0])
			b.ReportAllocs()
			b.SetBytes(int64(len(raw)))
			for b.Loop() {
				if err := CheckParsed(w.view, Parse(raw), w.context); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkParse: from signed bytes to all that needs no state, keys and masks included.
func BenchmarkParse(b *testing.B) {
	w := newWorld(b)
	raw := w.raw(w.payments(1, 2, 3)[0])
	b.Run("P2", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if p := Parse(raw); p.Refusal != nil {
				b.Fatal(p.Refusal)
			}
		}
	})
	b.Run("P2 decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := new(kernel.Transaction).UnmarshalBinary(raw); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkTogether: the signatures of 512 payments in one batch.
func BenchmarkTogether(b *testing.B) {
	w := newWorld(b)
	var all []*Parsed
	for _, tx := range w.payments(512, 2, 3) {
		all = append(all, Parse(w.raw(tx)))
	}
	b.ReportAllocs()
	for b.Loop() {
		var together Together
		for _, p := range all {
			keys, _ := SigningKeys(w.view, p.Transaction, w.context)
			together.Add(p, keys)
		}
		if good := together.Verify(); slices.Contains(good, false) {
			b.Fatal("not all good")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(all)), "ns/tx")
}

// verified answers from memory, as a node does that checked everything on arrival.
type verified struct{}

func (verified) Verify(*kernel.Transaction, kernel.Hash, [][]kernel.Key) bool { return true }

// BenchmarkExecute: a commit of 1000 payments, with all signatures to do, with the signatures
// remembered, and with everything remembered that needs no state.
func BenchmarkExecute(b *testing.B) {
	for _, mode := range []string{"cold", "verified", "parsed"} {
		b.Run(mode+"/P2x1000", func(b *testing.B) {
			w := newWorld(b)
			s := snapshot(1, 1, 0, w.entries(w.payments(1000, 2, 3)...))
			c := &kernel.Commit{Index: w.view.Head().Index + 1, Timestamp: w.clock + 1}
			context := *w.context
			if mode != "cold" {
				context.Verifier = verified{}
			}
			if mode == "parsed" {
				parsed := map[string]*Parsed{}
				for _, e := range s.Body.Entries {
					parsed[string(e.Bytes)] = Parse(e.Bytes)
				}
				context.Parse = func(raw []byte) *Parsed { return parsed[string(raw)] }
			}
			b.ReportAllocs()
			for b.Loop() {
				if d := Execute(w.view, c, []Committed{s}, &context); len(d.Receipts) != 1000 {
					b.Fatal("not all final")
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "µs/tx")
		})
	}
}

// BenchmarkApply: the diff of 1000 payments onto a state in memory.
func BenchmarkApply(b *testing.B) {
	w := newWorld(b)
	s := snapshot(1, 1, 0, w.entries(w.payments(1000, 2, 3)...))
	diff := w.execute(s)
	for b.Loop() {
		b.StopTimer()
		fresh := NewMemView()
		fresh.head = w.view.head
		for ref, out := range w.view.outputs {
			kept := *out
			fresh.outputs[ref] = &kept
		}
		b.StartTimer()
		fresh.Apply(diff)
	}
}
