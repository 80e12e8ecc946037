package sim

import "testing"

// BenchmarkRun is one run of seven members, seed after seed: what a suite costs.
func BenchmarkRun(b *testing.B) {
	for _, profile := range []string{"chaos", "byzantine", "async"} {
		b.Run(profile, func(b *testing.B) {
			rounds, seed := 0, uint64(0)
			for b.Loop() {
				seed++
				r, err := Run(Options{Profile: profile, Nodes: 7, Seed: seed})
				if err != nil || r.Violation != nil {
					b.Fatal(err, r)
				}
				rounds += r.Rounds
			}
			b.ReportMetric(float64(rounds)/float64(seed), "rounds/op")
		})
	}
}
