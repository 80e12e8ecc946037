package sim

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"testing"

	"github.com/asterism-network/asterism/internal/sim"
)

var traitorSeeds = flag.Int("traitor-seeds", 20, "seeds for each behaviour of traitors")

// TestBehaviours runs every behaviour on seeds of its own, as all f traitors of a network.
func TestBehaviours(t *testing.T) {
	seeds := *traitorSeeds
	if testing.Short() {
		seeds = 1
	}
	for _, name := range Behaviours() {
		t.Run(name, func(t *testing.T) {
			faults, reached, waits := sim.Counts{}, sim.Counts{}, 0
			sim.Each(context.Background(), seeds, runtime.NumCPU(), func(i int) *Result {
				return runTraitors(t, "byzantine", uint64(i+1), "", name)
			}, func(_ int, r *Result) bool {
				if r.Violation != nil {
					t.Errorf("%s\n%v", r.Options.Replay(), r.Violation)
				}
				faults.Add(r.Faults)
				reached.Add(r.Reached)
				waits += len(r.Waits)
				return true
			})
			t.Logf("%v", summary(reached))
		})
	}
}

// runTraitors makes a run whose traitors all have one behaviour.
func runTraitors(t *testing.T, profile string, seed uint64, canary, behaviour string) *Result {
	r, err := Run(Options{Profile: profile, Seed: seed, Canary: canary, Traitor: behaviour})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func summary(c sim.Counts) (s string) {
	for _, n := range c.Names() {
		s += fmt.Sprintf(" %s:%d", n, c[n])
	}
	return s
}
