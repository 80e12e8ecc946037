package sim

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"slices"
	"testing"

	"github.com/asterism-network/asterism/internal/sim"
	"github.com/asterism-network/asterism/kernel"
)

var traitorSeeds = flag.Int("traitor-seeds", 2, "seeds for each behaviour of traitors, and one more where it must leave a mark")

// marks are what some behaviours must leave behind over several seeds: they work, and the
// network notices what it can.
var marks = map[string][]string{
	"equivocate":          {"traitor_forks", "equivocation_proved", "fault_E1"},
	"equivocate-many":     {"traitor_forks", "equivocation_proved", "fault_E1"},
	"fork-late":           {"traitor_forks", "equivocation_proved", "fault_E1"},
	"split-votes":         {"traitor_votes_twice", "equivocation_proved"},
	"garbage":             {"bad_message"},
	"history-lies":        {"bad_message"},
	"invalid-parents":     {"bad_message", "refused_invalid"},
	"bad-transactions":    {"fault_E2", "fault_E3"},
	"double-spend-author": {"fault_E1"},
}

// absent are behaviours whose chain is not expected to grow with the network's to the end. Who
// withholds is left behind: what it does not serve comes by detours, and no more waits than may.
var absent = []string{"silent", "withhold", "fall-silent", "garbage", "equivocate", "equivocate-many", "fork-late", "split-votes",
	"double-spend-author", "invalid-parents", "history-lies", "false-evidence"}

// TestBehaviours runs every behaviour as that of all f traitors of a network.
func TestBehaviours(t *testing.T) {
	seeds := *traitorSeeds
	if full() {
		seeds = max(seeds, 20)
	}
	if testing.Short() {
		seeds = 1
	}
	for _, name := range Behaviours() {
		t.Run(name, func(t *testing.T) {
			seeds := seeds
			if len(marks[name]) > 0 {
				seeds++
			}
			reached, alive, digest := sim.Counts{}, 0, ""
			sim.Each(context.Background(), seeds, runtime.NumCPU(), func(i int) pastRun {
				return runTraitors(t, Options{Profile: "byzantine", Seed: uint64(i + 1), Traitor: name})
			}, func(_ int, r pastRun) bool {
				if r.Violation != nil {
					t.Errorf("%s\n%v", r.Options.Replay(), r.Violation)
				}
				digest = r.Digest
				reached.Add(r.Reached)
				if 2*int(r.traitors) > r.Rounds {
					alive++
				}
				return true
			})
			if testing.Short() {
				return
			}
			t.Logf("%d of %d alive;%s", alive, seeds, summary(reached))
			for _, mark := range marks[name] {
				if reached[mark] == 0 {
					t.Errorf("no run reached %s", mark)
				}
			}
			if !full() {
				return
			}
			if again := runTraitors(t, Options{Profile: "byzantine", Seed: uint64(seeds), Traitor: name}); again.Digest != digest {
				t.Errorf("seed %d has digest %s, and %s when run again", seeds, digest, again.Digest)
			}
			if 2*alive <= seeds && !slices.Contains(absent, name) {
				t.Errorf("the traitors' chains kept pace in %d of %d runs only", alive, seeds)
			}
		})
	}
}

// A pastRun is a result and how far the traitors' chains came with some honest node.
type pastRun struct {
	*Result
	traitors kernel.Round
}

func runTraitors(t *testing.T, o Options) pastRun {
	w, err := newWorld(o)
	if err != nil {
		t.Fatal(err)
	}
	w.run()
	p := pastRun{Result: w.result()}
	for _, n := range w.nodes {
		if !n.up {
			continue
		}
		for a, top := range n.engine().Status().Top {
			if w.evil.Has(kernel.Author(a)) {
				p.traitors = max(p.traitors, top)
			}
		}
		break
	}
	return p
}

// TestBrokenRulesAreNoticed: what traitors and the adversary do is enough to see a quorum that is
// one too small, and a slot skipped too early.
func TestBrokenRulesAreNoticed(t *testing.T) {
	for _, o := range []Options{
		{Profile: "byzantine", Canary: "quorum-minus-one"},
		{Profile: "byzantine", Canary: "wrong-skip", Traitor: "split-votes"},
	} {
		t.Run(o.Canary, func(t *testing.T) {
			for o.Seed = 1; o.Seed <= 10; o.Seed++ {
				if r := runTraitors(t, o); r.Violation != nil {
					t.Logf("seed %d: %v", o.Seed, r.Violation)
					return
				}
			}
			t.Error("not noticed in 10 seeds")
		})
	}
}

func summary(c sim.Counts) (s string) {
	for _, n := range c.Names() {
		s += fmt.Sprintf(" %s:%d", n, c[n])
	}
	return s
}
