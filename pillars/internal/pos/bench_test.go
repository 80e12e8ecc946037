package pos

import (
	"testing"

	"github.com/asterism-network/asterism/internal/cputime"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
)

// perCPU reports the processor's time for each operation beside the wall's: on a busy machine only that
// can be compared.
func perCPU(b *testing.B, run func()) {
	before, n := cputime.Process(), 0
	for b.Loop() {
		run()
		n++
	}
	b.ReportMetric(float64((cputime.Process()-before).Nanoseconds())/float64(n), "cpu-ns/op")
}

// BenchmarkVerify is one PoS block's seal, its header's place on the branch included: two lookups and one signature.
func BenchmarkVerify(b *testing.B) {
	s := newScene(b)
	perCPU(b, func() {
		if err := s.parent.Check(&s.p, &s.block.Header); err != nil {
			b.Fatal(err)
		}
		if err := Verify(&s.p, s.block, &s.parent, s.view); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkRefuse is what a flood of made-up stakes costs: no signature is looked at.
func BenchmarkRefuse(b *testing.B) {
	s := newScene(b)
	s.block.Timestamp++
	perCPU(b, func() {
		if Verify(&s.p, s.block, &s.parent, s.view) == nil {
			b.Fatal("accepted")
		}
	})
}

// BenchmarkTry is one try of one stake for one second.
func BenchmarkTry(b *testing.B) {
	s := newScene(b)
	stake := s.view.stakes[s.coinstake().Inputs[0].Previous]
	stamp := uint32(0)
	perCPU(b, func() {
		stamp++
		Wins(Hash(s.parent.Modifier, &stake, stamp), stake.Value, &s.block.Bits)
	})
}

// FuzzVerify feeds any block under any stake: whatever it is, there is an answer, and only an untouched one passes.
func FuzzVerify(f *testing.F) {
	s := newScene(f)
	good := s.block.AppendBinary(nil)
	f.Add(good, uint64(s.p.Stake.Minimum), uint32(tip-1000))
	f.Fuzz(func(t *testing.T, raw []byte, value uint64, height uint32) {
		var b pillars.Block
		if b.UnmarshalBinary(raw) != nil || b.Seal() != pillars.PoS || b.Check(&s.p) != nil || consensus.CheckShape(&b) != nil {
			return
		}
		v := &memView{stakes: map[pillars.Outpoint]Stake{}, locks: s.view.locks}
		for _, in := range b.Transactions[1].Inputs {
			v.put(Stake{Outpoint: in.Previous, Value: pillars.Amount(value), Owner: addressOf(s.key), Plain: true, Height: height})
		}
		if Verify(&s.p, &b, &s.parent, v) == nil && b.VerifySignature() != nil {
			t.Fatal("accepted without a signature")
		}
	})
}
