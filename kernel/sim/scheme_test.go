package sim

import (
	"context"
	"runtime"
	"testing"

	"github.com/asterism-network/asterism/internal/sim"
)

// TestScheme runs networks that an adversary owns, with f silent members, and shows how many
// rounds transactions take.
func TestScheme(t *testing.T) {
	seeds := 8
	switch {
	case full():
		seeds = 50
	case testing.Short():
		seeds = 2
	}
	for _, tt := range []struct{ profile, traitor string }{{"async", "silent"}, {"async", "minimal-parents"}, {"async", "withhold"}} {
		t.Run(tt.traitor, func(t *testing.T) {
			reached, waits, total, rounds := sim.Counts{}, map[int]int{}, 0, 0
			sim.Each(context.Background(), seeds, runtime.NumCPU(), func(i int) pastRun {
				return runTraitors(t, Options{Profile: tt.profile, Seed: uint64(i + 1), Traitor: tt.traitor})
			}, func(_ int, r pastRun) bool {
				if r.Violation != nil {
					t.Errorf("%s\n%v", r.Options.Replay(), r.Violation)
				}
				reached.Add(r.Reached)
				rounds += r.Rounds
				for n, c := range r.Waits {
					waits[n] += c
					total += c
				}
				return true
			})
			t.Logf("%d rounds;%s", rounds, summary(reached))
			t.Logf("of %d transactions, rounds: median %d, 90%% %d, 99%% %d, most %d", total, quantile(waits, total, 50), quantile(waits, total, 90), quantile(waits, total, 99), quantile(waits, total, 100))
		})
	}
}

// quantile is the number of rounds within which a percentage had their answer.
func quantile(waits map[int]int, total, percent int) int {
	seen := 0
	for n := range 100_000 {
		if seen += waits[n]; seen*100 >= total*percent {
			return n
		}
	}
	return -1
}
