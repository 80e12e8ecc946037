package app

import (
	"testing"
	"time"

	"github.com/asterism-network/asterism/internal/cputime"
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/workload"
)

// BenchmarkVerify compares the two ways to verify the two signatures of a payment.
func BenchmarkVerify(b *testing.B) {
	var checks []crypto.Check
	for i := range 2 {
		key := crypto.NodeKeyFromSeed([32]byte{byte(i)})
		checks = append(checks, crypto.Check{Key: key.Public(), Message: make([]byte, 32), Signature: key.Sign(make([]byte, 32))})
	}
	b.Run("single", func(b *testing.B) {
		for b.Loop() {
			for _, c := range checks {
				crypto.Verify(c.Key, c.Message, c.Signature)
			}
		}
	})
	b.Run("batch", func(b *testing.B) {
		for b.Loop() {
			crypto.VerifyBatch(checks)
		}
	})
}

// BenchmarkLedger says what the application costs for each payment (P2), apart from CometBFT: the
// mempool's check, judging a block of known payments, and making it part of the state.
func BenchmarkLedger(b *testing.B) {
	const block = 1000
	w, err := workload.New(workload.Options{Seed: 7, Kind: workload.P2, Lanes: block})
	if err != nil {
		b.Fatal(err)
	}
	funding, err := w.Fund(&kernel.Genesis{Name: "bench", Timestamp: 1, Assets: []kernel.GenesisAsset{workload.Asset()}, Balances: w.Balances()})
	if err != nil {
		b.Fatal(err)
	}
	genesis := make([]*kernel.Transaction, len(funding))
	for i := range funding {
		genesis[i] = new(kernel.Transaction)
		if err := genesis[i].UnmarshalBinary(funding[i].Raw); err != nil {
			b.Fatal(err)
		}
	}
	l, err := Open(kv.Disk(), b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	if err := l.Begin(genesis); err != nil {
		b.Fatal(err)
	}
	var check, judge, unknown, commit time.Duration
	height := int64(0)
	for b.Loop() {
		payments := w.Make(block)
		raw := make([][]byte, block)
		for i := range payments {
			raw[i] = payments[i].Raw
		}
		began := cputime.Process()
		l.Judge(raw)
		unknown, began = unknown+cputime.Process()-began, cputime.Process()
		clear(l.known)
		for _, r := range raw {
			if err := l.Check(r); err != nil {
				b.Fatal(err)
			}
		}
		check, began = check+cputime.Process()-began, cputime.Process()
		done := l.Judge(raw)
		judge, began = judge+cputime.Process()-began, cputime.Process()
		height++
		if err := l.Commit(done, height); err != nil || done.Good != block {
			b.Fatal(done.Good, err)
		}
		commit += cputime.Process() - began
	}
	for name, total := range map[string]time.Duration{"check": check, "judge-known": judge, "judge-unknown": unknown, "commit": commit} {
		b.ReportMetric(float64(total.Microseconds())/float64(block*height), name+"-cpu-µs/payment")
	}
}
