package sim

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/sim"
)

// SuiteOptions say which runs to make. Equal options give equal reports, however many workers
// there are.
type SuiteOptions struct {
	Profile   string
	First     uint64 // seed; the others follow
	Seeds     int
	Nodes     int    // 0 leaves it to profile and seed
	Real      bool   // every run with signatures as in production
	RealEvery int    // runs whose seed is a multiple of it are real; 0 is none
	Canary    string // a rule to break; "" breaks none
	Traitor   string // what all traitors do; "" leaves it to profile and seed
	Faults    []int  // numbers of the faults that happen; nil is all of them
	Workers   int    // runs at once; 0 is one for each processor
	Stop      bool   // end with the first violation

	// Progress is called with the report so far after each run, on the caller's goroutine; it
	// must not keep it. nil is no call.
	Progress func(*Report)
}

// Run is the run of one seed.
func (o SuiteOptions) Run(seed uint64) Options {
	isReal := o.Real || o.RealEvery > 0 && seed%uint64(o.RealEvery) == 0
	return Options{Profile: o.Profile, Seed: seed, Nodes: o.Nodes, Real: isReal, Canary: o.Canary, Traitor: o.Traitor, Faults: o.Faults}
}

// A Report sums up many runs.
type Report struct {
	Profile      string      `json:"profile"`
	First        uint64      `json:"first"` // seed
	Seeds        int         `json:"seeds"` // that have run
	Violations   int         `json:"violations"`
	Rounds       int         `json:"rounds"`
	Commits      int         `json:"commits"`
	Transactions int         `json:"transactions"` // that a client made
	Final        int         `json:"final"`
	Rejected     int         `json:"rejected"`
	Hours        float64     `json:"simulated_hours"`
	Nodes        map[int]int `json:"nodes"` // how many runs had as many members
	Waits        Waits       `json:"rounds_to_finality"`
	Faults       sim.Counts  `json:"faults"`
	Reached      sim.Counts  `json:"reached"` // rare states, and how often runs came to them
	Missed       []string    `json:"missed"`  // rare states that the profile should come to and no run did
	Failures     []Failure   `json:"failures"`
	Digest       string      `json:"digest"` // of all runs, in the order of seeds

	options   SuiteOptions
	simulated sim.Time
	waits     map[int]int
	digest    [32]byte
}

// Waits is how many rounds passed from a transaction's submission to its finality.
type Waits struct {
	Count int `json:"count"`
	P50   int `json:"p50"`
	P90   int `json:"p90"`
	P99   int `json:"p99"`
	Max   int `json:"max"`
}

// A Failure is a violation with the command that shows it again.
type Failure struct {
	Seed   uint64 `json:"seed"`
	Replay string `json:"replay"`
	Violation
	Options Options `json:"-"`
	Shrunk  *Shrunk `json:"shrunk,omitempty"`
}

// maxFailures bounds the failures that a report lists; all are counted.
const maxFailures = 20

// RunMany makes the runs, several at once, and sums them up in the order of their seeds. When ctx
// ends it returns the report of what was done so far, without an error. The error is for options
// that make no sense.
func RunMany(ctx context.Context, o SuiteOptions) (*Report, error) {
	if err := checkSuite(o); err != nil {
		return nil, err
	}
	r := newReport(o)
	r.extend(ctx, o.Seeds)
	r.finish()
	return r, nil
}

// extend makes the next n runs; false when no more are to be made.
func (r *Report) extend(ctx context.Context, n int) bool {
	o, more := r.options, true
	workers := cmp.Or(max(o.Workers, 0), runtime.GOMAXPROCS(0))
	for end := r.Seeds + n; r.Seeds < end && more && ctx.Err() == nil; {
		next := o.First + uint64(r.Seeds)
		sim.Each(ctx, min(chunk, end-r.Seeds), workers, func(i int) *Result {
			return runSafely(o.Run(next + uint64(i)))
		}, func(_ int, run *Result) bool {
			r.add(run)
			if o.Progress != nil {
				o.Progress(r)
			}
			more = !o.Stop || run.Violation == nil
			return more
		})
	}
	return more && ctx.Err() == nil
}

// chunk bounds what is kept for runs that wait for their turn in the report.
const chunk = 4096

// checkSuite reports whether options make runs possible.
func checkSuite(o SuiteOptions) error {
	if o.Seeds < 1 {
		return fmt.Errorf("%d seeds: at least one", o.Seeds)
	}
	first := o.Run(o.First)
	first.Faults = []int{}
	_, err := newWorld(first)
	return err
}

// runSafely makes a run of which a report remembers little. A panic that no node's guard caught
// is a violation too: one bad seed must not hide the others.
func runSafely(o Options) (r *Result) {
	defer func() {
		if p := recover(); p != nil {
			r = panicked(o, p, string(debug.Stack()))
		}
	}()
	r, err := Run(o)
	if err != nil {
		panic(err)
	}
	if !o.Trace {
		r.Plan = nil
	}
	return r
}

// panicked is the result of a run that ended in a panic.
func panicked(o Options, p any, stack string) *Result {
	v := &Violation{Checker: "panic", Node: -1, Detail: fmt.Sprintf("%v in %s", p, origin(stack))}
	sum := crypto.Sum([]byte(v.String()))
	return &Result{Options: o, Nodes: o.Nodes, Violation: v, Faults: sim.Counts{}, Reached: sim.Counts{}, Digest: hex.EncodeToString(sum[:16])}
}

// origin finds the function that panicked. Addresses in it differ from run to run: they go.
func origin(stack string) string {
	_, rest, _ := strings.Cut(stack, "panic(")
	for line := range strings.Lines(rest) {
		line = strings.TrimSpace(line)
		if strings.Contains(line, "/asterism/") && strings.Contains(line, "(") && !strings.Contains(line, ".go:") {
			name := line[strings.LastIndex(line, "/")+1:]
			return name[:strings.LastIndex(name, "(")]
		}
	}
	return "an unknown place"
}

func newReport(o SuiteOptions) *Report {
	return &Report{options: o, Profile: o.Profile, First: o.First, Nodes: map[int]int{}, Faults: sim.Counts{}, Reached: sim.Counts{},
		Missed: []string{}, Failures: []Failure{}, waits: map[int]int{}}
}

// Planned is how many seeds were asked for.
func (r *Report) Planned() int { return r.options.Seeds }

// Broken reports whether a rule is broken on purpose.
func (r *Report) Broken() bool { return r.options.Canary != "" }

func (r *Report) add(run *Result) {
	r.Seeds++
	r.Rounds += run.Rounds
	r.Commits += run.Commits
	r.Transactions += run.Transactions
	r.Final += run.Final
	r.Rejected += run.Rejected
	r.Nodes[run.Nodes]++
	r.simulated += run.Simulated
	r.Hours = float64(r.simulated) / 3_600_000
	r.Faults.Add(run.Faults)
	r.Reached.Add(run.Reached)
	for rounds, n := range run.Waits {
		r.waits[rounds] += n
	}
	r.digest = crypto.Sum(r.digest[:], []byte(run.Digest))
	if run.Violation == nil {
		return
	}
	r.Violations++
	if len(r.Failures) < maxFailures {
		r.Failures = append(r.Failures, Failure{Seed: run.Options.Seed, Replay: run.Options.Replay(), Violation: *run.Violation, Options: run.Options})
	}
}

func (r *Report) finish() {
	r.Waits = percentiles(r.waits)
	r.Missed = append([]string{}, Missed(r.Profile, r.Reached)...)
	r.Digest = hex.EncodeToString(r.digest[:16])
}

// percentiles are by nearest rank.
func percentiles(counts map[int]int) (w Waits) {
	for _, n := range counts {
		w.Count += n
	}
	rank := func(percent int) int { return (w.Count*percent + 99) / 100 }
	seen := 0
	for _, rounds := range slices.Sorted(maps.Keys(counts)) {
		before := seen
		seen += counts[rounds]
		for percent, value := range map[int]*int{50: &w.P50, 90: &w.P90, 99: &w.P99} {
			if before < rank(percent) && rank(percent) <= seen {
				*value = rounds
			}
		}
		w.Max = rounds
	}
	return w
}
