package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/internal/sim"
	"github.com/asterism-network/asterism/kernel/internal/canary"
)

// TestReportsAreEqual: the same seeds give the same report byte for byte, whatever the number of
// workers; another seed gives another digest.
func TestReportsAreEqual(t *testing.T) {
	text := func(first uint64, workers int) (string, *Report) {
		r, err := RunMany(t.Context(), SuiteOptions{Profile: "chaos", First: first, Seeds: 3, Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return string(b), r
	}
	one, r := text(1, 1)
	three, _ := text(1, 3)
	if one != three {
		t.Errorf("one worker:\n%s\nthree workers:\n%s", one, three)
	}
	if r.Seeds != 3 || r.Rounds < 300 || r.Transactions < 150 || r.Final == 0 || r.Waits.Count == 0 || r.Waits.P50 > r.Waits.P99 || r.Waits.P99 > r.Waits.Max {
		t.Errorf("the report is thin: %s", one)
	}
	if _, other := text(2, 3); other.Digest == r.Digest {
		t.Error("other seeds have the same digest")
	}
	for _, field := range []string{"profile", "seeds", "violations", "rounds", "commits", "transactions", "simulated_hours", "faults", "reached", "missed", "digest"} {
		if !strings.Contains(one, fmt.Sprintf("%q:", field)) {
			t.Errorf("no field %s", field)
		}
	}
}

// TestRunManyInterrupted: a report of what was done so far, without an error.
func TestRunManyInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	r, err := RunMany(ctx, SuiteOptions{Profile: "loss", First: 1, Seeds: 10_000, Workers: 1, Progress: func(r *Report) {
		if calls++; r.Seeds != calls || r.Planned() != 10_000 {
			t.Errorf("call %d reports %d of %d seeds", calls, r.Seeds, r.Planned())
		}
		cancel()
	}})
	if err != nil || r.Seeds == 0 || r.Seeds > 10 || r.Digest == "" {
		t.Errorf("%+v %v", r, err)
	}
}

// TestRunManyRefuses what makes no sense.
func TestRunManyRefuses(t *testing.T) {
	for _, o := range []SuiteOptions{
		{Profile: "nowhere", Seeds: 1}, {Profile: "chaos"}, {Profile: "chaos", Seeds: -1}, {Profile: "chaos", Seeds: 1, Nodes: 6},
		{Profile: "chaos", Seeds: 1, Nodes: 51}, {Profile: "chaos", Seeds: 1, Canary: "nightingale"},
	} {
		if r, err := RunMany(t.Context(), o); err == nil {
			t.Errorf("%+v: %+v", o, r)
		}
	}
}

// TestRealEvery: which runs are real depends on the seed alone.
func TestRealEvery(t *testing.T) {
	o := SuiteOptions{RealEvery: 10}
	for seed := range uint64(40) {
		if got := o.Run(seed).Real; got != (seed%10 == 0) {
			t.Errorf("seed %d: real is %v", seed, got)
		}
	}
	o = SuiteOptions{Real: true}
	if !o.Run(3).Real {
		t.Error("not real")
	}
}

// TestPanicIsAViolation: a panic of the tool in one run is that seed's violation, and its text
// does not differ from run to run.
func TestPanicIsAViolation(t *testing.T) {
	run := func() *Result {
		return runSafely(Options{Profile: "no such profile", Seed: 7})
	}
	r := run()
	if r.Violation == nil || r.Violation.Checker != "panic" || r.Options.Seed != 7 || !strings.Contains(r.Violation.Detail, "sim.runSafely") {
		t.Fatalf("got %+v %v", r, r.Violation)
	}
	if again := run(); again.Digest != r.Digest || !reflect.DeepEqual(again.Violation, r.Violation) {
		t.Errorf("%v, then %v", r.Violation, again.Violation)
	}
	report := newReport(SuiteOptions{Profile: "chaos"})
	report.add(r)
	if report.Violations != 1 || report.Failures[0].Seed != 7 {
		t.Errorf("got %+v", report)
	}
}

// TestFailuresAreBounded: all violations are counted, the first are listed.
func TestFailuresAreBounded(t *testing.T) {
	r := newReport(SuiteOptions{})
	for seed := range uint64(3 * maxFailures) {
		r.add(&Result{Options: Options{Seed: seed}, Violation: &Violation{Checker: "C1"}, Faults: sim.Counts{}, Reached: sim.Counts{}})
	}
	if r.Violations != 3*maxFailures || len(r.Failures) != maxFailures || r.Failures[0].Seed != 0 {
		t.Errorf("%d violations, %d listed", r.Violations, len(r.Failures))
	}
}

// TestPercentiles are by nearest rank.
func TestPercentiles(t *testing.T) {
	for _, tt := range []struct {
		counts map[int]int
		want   Waits
	}{
		{nil, Waits{}},
		{map[int]int{4: 1}, Waits{1, 4, 4, 4, 4}},
		{map[int]int{3: 50, 5: 50}, Waits{100, 3, 5, 5, 5}},
		{map[int]int{2: 89, 6: 1, 7: 9, 40: 1}, Waits{100, 2, 6, 7, 40}},
	} {
		if got := percentiles(tt.counts); got != tt.want {
			t.Errorf("%v: got %+v, want %+v", tt.counts, got, tt.want)
		}
	}
}

// TestCanaryTable: every canary says where it shows, and in a profile that there is.
func TestCanaryTable(t *testing.T) {
	var profiles []string
	for _, p := range Profiles() {
		profiles = append(profiles, p.Name)
	}
	if len(canaryTable) != len(canary.All()) {
		t.Errorf("%d entries for %d canaries", len(canaryTable), len(canary.All()))
	}
	for _, c := range Canaries() {
		if c.Help == "" || c.Seeds < 1 || len(c.Checkers) == 0 || !slices.Contains(profiles, c.Profile) {
			t.Errorf("entry of %s: %+v", c.Name, c)
		}
		if _, err := CanaryOf(c.Name); err != nil {
			t.Error(err)
		}
	}
	if _, err := CanaryOf("nightingale"); err == nil {
		t.Error("any name is a canary")
	}
}

// TestHuntShrinkTrace follows one canary all the way: caught, replayed, shrunk, traced.
func TestHuntShrinkTrace(t *testing.T) {
	c, err := CanaryOf("duplicate-input")
	if err != nil {
		t.Fatal(err)
	}
	h, err := HuntCanary(t.Context(), c.Name, SuiteOptions{Profile: c.Profile, First: 1, Seeds: c.Seeds})
	if err != nil || h.Catch == nil || h.Clean.Violations != 0 {
		t.Fatalf("%+v %v", h, err)
	}
	if !slices.Contains(c.Checkers, h.Catch.Checker) || h.Broken.Violations != 1 || h.Clean.Seeds < h.Broken.Seeds {
		t.Errorf("caught %+v after %d clean runs", h.Catch, h.Clean.Seeds)
	}
	o := h.Catch.Failure.Options
	again, err := Run(o)
	if err != nil || again.Violation == nil || *again.Violation != h.Catch.Failure.Violation {
		t.Fatalf("replay: %v %v", again, err)
	}
	lowest := 1 << 30
	shrunk, ok := Shrink(t.Context(), o, 12, func(runs, left int) {
		if runs > 12 || left > lowest {
			t.Errorf("run %d: %d faults left, before %d", runs, left, lowest)
		}
		lowest = left
	})
	if !ok || shrunk.Checker != h.Catch.Checker || shrunk.Faults > shrunk.Of || len(shrunk.Plan) != shrunk.Faults {
		t.Fatalf("shrunk: %+v", shrunk)
	}
	o = shrunk.Options
	o.Trace = true
	last, err := Run(o)
	if err != nil || last.Violation == nil || *last.Violation != shrunk.Violation {
		t.Fatalf("shrunk run: %v %v", last.Violation, err)
	}
	checkTrace(t, last)
	if _, ok := Shrink(t.Context(), Options{Profile: c.Profile, Seed: 1, Faults: []int{}}, 5, nil); ok {
		t.Error("a run without a violation is shrunk")
	}
}

// checkTrace: a trace tells the story up to the violation and has a graph.
func checkTrace(t *testing.T, r *Result) {
	t.Helper()
	x := r.Trace
	if x.Kind != TraceKind || x.Replay != r.Options.Replay() || x.Violation == nil || x.Node < 0 {
		t.Errorf("trace %+v", x)
	}
	last := x.Events[len(x.Events)-1]
	if !strings.Contains(last.What, "violation "+r.Violation.Checker) || last.At != r.Violation.At {
		t.Errorf("the story ends with %+v", last)
	}
	if !slices.IsSortedFunc(x.Events, func(a, b TraceEvent) int { return int(a.At - b.At) }) {
		t.Error("events are not in the order of time")
	}
	if len(x.Graph.Names) != r.Nodes || x.Graph.Newest == 0 || len(x.Graph.Vertices) == 0 {
		t.Errorf("graph of %d names, %d rounds, %d vertices", len(x.Graph.Names), x.Graph.Newest, len(x.Graph.Vertices))
	}
}

// TestTraceChangesNothing: a run that is traced is the same run.
func TestTraceChangesNothing(t *testing.T) {
	o := Options{Profile: "chaos", Seed: 5}
	plain, err := Run(o)
	if err != nil {
		t.Fatal(err)
	}
	o.Trace = true
	traced, err := Run(o)
	if err != nil || traced.Digest != plain.Digest {
		t.Errorf("digest %s, traced %s, %v", plain.Digest, traced.Digest, err)
	}
	committed := 0
	for _, v := range traced.Trace.Graph.Vertices {
		if v.Commit > 0 && v.CommittedAt > 0 {
			committed++
		}
	}
	if committed < 100 || len(traced.Trace.Graph.Slots) < 50 || len(traced.Trace.Events) == 0 {
		t.Errorf("%d committed vertices, %d slots, %d events", committed, len(traced.Trace.Graph.Slots), len(traced.Trace.Events))
	}
}
