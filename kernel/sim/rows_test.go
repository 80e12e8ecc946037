package sim

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/asterism-network/asterism/kernel"
)

// A row is a row of the test matrix in docs/qa/reliability.md: so many seeds of a profile.
type row struct {
	name    string
	profile string
	nodes   int // 0 leaves it to the profile
	real    int // every so-many-th seed with signatures as in production; 0 is none
	first   uint64
	usual   int // seeds in `make test`: every kind, few of each
	full    int // in `make test-full`
}

var rows = []row{
	{"T01 agreement and finality", "chaos", 0, 3, 1, 18, 500},
	{"T01 16 nodes", "chaos", 16, 0, 1, 1, 20},
	{"T01 25 nodes", "chaos", 25, 0, 1, 1, 10},
	{"T01 31 nodes", "chaos", 31, 0, 1, 0, 10},
	{"T01 50 nodes", "chaos", 50, 0, 1, 0, 10},
	{"T02 T07 money", "clients", 0, 0, 1, 10, 500},
	{"T03 liars", "byzantine", 0, 10, 1, 20, 700},
	{"T04 full asynchrony", "async", 0, 0, 1, 9, 300},
	{"T05 storms", "storm", 0, 0, 1, 6, 200},
	{"T06 the horizon", "horizon", 0, 0, 1, 8, 300},
	{"T08 clocks", "clock", 0, 0, 1, 5, 150},
	{"T09 members", "members", 0, 10, 302, 5, 300},
	{"T09 an old folder at an epoch's edge", "members", 0, 0, 1015, 1, 10},
	{"T09 13 nodes", "members", 13, 0, 1, 1, 20},
	{"T09 between 49 and 50 nodes", "members", 49, 0, 1, 0, 4},
	{"T09 from 50 nodes down", "members", 50, 0, 1, 0, 3},
	{"T09 from 8 nodes to 7", "members", 8, 0, 1, 1, 40},
	{"T10 T12 restarts", "restart", 0, 0, 1, 8, 150},
	{"T12 T13 disks", "disk", 0, 0, 1, 5, 150},
	{"T14 lost nodes", "loss", 0, 0, 1, 3, 40},
	{"T65 the coin", "coin", 0, 5, 1, 5, 200},
	{"T65 renewed keys", "epochs", 0, 5, 301, 4, 200},
}

// edges are what rows at the limits of a committee's size must come to.
var edges = map[string]string{
	"T09 between 49 and 50 nodes": "fifty_members",
	"T09 from 50 nodes down":      "below_fifty",
	"T09 from 8 nodes to 7":       "down_to_seven",
}

// full reports whether the whole matrix is asked for: make test-full.
func full() bool { return os.Getenv("ASTERISM_FULL") != "" }

// TestRows runs the matrix: no promise is broken, and together the runs are as long and as busy
// as they were meant to be.
func TestRows(t *testing.T) {
	seeds, rounds, payments := 0, 0, 0
	for _, r := range rows {
		n := r.usual
		if full() {
			n = r.full
		} else if testing.Short() {
			n = (n + 19) / 20
		}
		if n == 0 {
			continue
		}
		t.Run(strings.ReplaceAll(r.name, " ", "_"), func(t *testing.T) {
			began := time.Now()
			report, err := RunMany(t.Context(), SuiteOptions{Profile: r.profile, Nodes: r.nodes, First: r.first, Seeds: n, RealEvery: r.real})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range report.Failures {
				t.Errorf("%s\n\t%s", f.Replay, f.Violation.String())
			}
			if len(report.Missed) > 0 && full() && r.nodes == 0 && n >= 40 {
				t.Errorf("never reached: %v", report.Missed)
			}
			if point := edges[r.name]; point != "" && full() && report.Reached[point] == 0 {
				t.Errorf("never reached: %s", point)
			}
			t.Logf("%d seeds, %d violations, %d rounds, %d commits, %d transactions, %.2f simulated hours, rounds to finality p50 %d p99 %d max %d, %v",
				report.Seeds, report.Violations, report.Rounds, report.Commits, report.Transactions, report.Hours,
				report.Waits.P50, report.Waits.P99, report.Waits.Max, time.Since(began).Round(time.Second))
			seeds, rounds, payments = seeds+report.Seeds, rounds+report.Rounds, payments+report.Transactions
		})
	}
	t.Logf("%d seeds, on average %d rounds and %d client transactions", seeds, rounds/max(seeds, 1), payments/max(seeds, 1))
	if testing.Short() || t.Failed() {
		return
	}
	if want := 100; seeds < want || full() && seeds < 2000 {
		t.Errorf("%d seeds are too few", seeds)
	}
	if rounds < 200*seeds || payments < 100*seeds {
		t.Errorf("runs are too short: %d rounds and %d transactions in %d seeds", rounds, payments, seeds)
	}
}

// TestEverySize has members join, leave and cheat in committees of every size: each has its own quorum, and its
// neighbours'.
func TestEverySize(t *testing.T) {
	if !full() {
		t.Skip("half an hour: make test-full")
	}
	for n := kernel.MinMembers; n <= kernel.MaxMembers; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			report, err := RunMany(t.Context(), SuiteOptions{Profile: "members", Nodes: n, First: uint64(1000 + n), Seeds: 1})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range report.Failures {
				t.Errorf("%s\n\t%s", f.Replay, f.Violation.String())
			}
		})
	}
}

// TestCanaries breaks each rule on purpose: within the seeds of its entry a checker notices.
func TestCanaries(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while")
	}
	for _, c := range Canaries() {
		t.Run(c.Name, func(t *testing.T) {
			report, err := RunMany(t.Context(), SuiteOptions{Profile: c.Profile, First: 1, Seeds: c.Seeds, Canary: c.Name, Stop: true})
			if err != nil {
				t.Fatal(err)
			}
			if report.Violations == 0 {
				t.Fatalf("%d runs and nobody noticed", report.Seeds)
			}
			f := report.Failures[0]
			t.Logf("after %d runs: %s\n\t%s", report.Seeds, f.Violation.String(), f.Replay)
			if !strings.Contains(strings.Join(c.Checkers, " "), f.Checker) {
				t.Errorf("noticed by %s, expected %v", f.Checker, c.Checkers)
			}
		})
	}
}
