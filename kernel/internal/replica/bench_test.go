package replica

import (
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

// BenchmarkSnapshotVerify measures all that a node does with a snapshot that arrives, before the
// engine sees it: decoding, body root, header signature, coin share, and the payments in it.
func BenchmarkSnapshotVerify(b *testing.B) {
	w := newWorld(b, 1000)
	r := w.replica()
	share := w.share(0, 9)
	for _, bb := range []struct {
		name     string
		payments int
		share    *kernel.CoinShare
	}{{"empty", 0, nil}, {"share", 0, share}, {"share+100", 100, share}, {"share+1000", 1000, share}} {
		b.Run(bb.name, func(b *testing.B) {
			var payments [][]byte
			for i := range bb.payments {
				payments = append(payments, w.payment(i, "verify"))
			}
			raw := w.snapshot(0, bodyOf(payments...), func(h *kernel.Header) { h.Share = bb.share })
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer() // nothing is remembered
				clear(r.memory.verified.places[:])
				r.memory.parsed.cache.Purge()
				b.StartTimer()
				a, err := r.Inspect(0, raw, false)
				if err != nil || len(a.Claims) != bb.payments {
					b.Fatalf("%d claims: %v", len(a.Claims), err)
				}
			}
		})
	}
}
