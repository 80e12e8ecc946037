package sim

import (
	"testing"
	"time"
)

func TestSmoke(t *testing.T) {
	for _, p := range Profiles() {
		for seed := uint64(1); seed <= 3; seed++ {
			began := time.Now()
			r, err := Run(Options{Profile: p.Name, Seed: seed})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%s %d: n=%d rounds %d commits %d tx %d final %d rejected %d sim %d ms took %v faults %v", p.Name, seed, r.Nodes, r.Rounds, r.Commits, r.Transactions, r.Final, r.Rejected, r.Simulated, time.Since(began).Round(time.Millisecond), r.Faults)
			if r.Violation != nil {
				t.Errorf("%s\n%v", r.Options.Replay(), r.Violation)
			}
		}
	}
}
