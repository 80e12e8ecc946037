package sim

import (
	"os"
	"strconv"
	"testing"
	"time"
)

func TestMany(t *testing.T) {
	name := os.Getenv("P")
	if name == "" {
		t.Skip()
	}
	n, _ := strconv.Atoi(os.Getenv("N"))
	first, _ := strconv.Atoi(os.Getenv("F"))
	began := time.Now()
	last := began
	rounds, tx, bad := 0, 0, 0
	reach := map[string]int{}
	for seed := first; seed < first+n; seed++ {
		r, err := Run(Options{Profile: name, Nodes: nodesEnv(), Seed: uint64(seed), Real: os.Getenv("REAL") != "", Canary: os.Getenv("CANARY")})
		if err != nil {
			t.Fatal(err)
		}
		if os.Getenv("PER") != "" {
			t.Logf("seed %d K=%d rounds %d tx %d commits %d sim %d %v %v", seed, r.Nodes, r.Rounds, r.Transactions, r.Commits, r.Simulated, time.Since(last).Round(time.Millisecond), r.Plan)
			last = time.Now()
		}
		rounds += r.Rounds
		tx += r.Transactions
		for k, v := range r.Reached {
			reach[k] += v
		}
		if r.Violation != nil {
			bad++
			d := r.Violation.String()
			t.Errorf("%s\n%.900s", r.Options.Replay(), d)
		}
	}
	t.Logf("%s: %d seeds, %d bad, rounds %d tx %d, %v/seed\n%v", name, n, bad, rounds/n, tx/n, time.Since(began)/time.Duration(n), reach)
}

func nodesEnv() int { n, _ := strconv.Atoi(os.Getenv("K")); return n }
