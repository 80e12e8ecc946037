package sim

import (
	"context"

	"github.com/asterism-network/asterism/internal/sim"
)

// A Shrunk is a violation with few faults before it.
type Shrunk struct {
	Replay  string `json:"replay"`
	Faults  int    `json:"faults"` // left
	Of      int    `json:"of"`     // at first
	Runs    int    `json:"runs"`   // that it took to find out
	Plan    []Step `json:"plan"`
	Options `json:"-"`
	Violation
}

// A Step is a fault that is left, in a line.
type Step struct {
	Number int    `json:"number"`
	Fault  string `json:"fault"`
}

// Shrink looks for few faults of a run's plan with which the same checker still complains, in at
// most tries runs and until ctx ends. Progress is told of each run: how many so far, and how many
// faults are left; nil is no call. Without the violation there is nothing to shrink: false.
//
// What is left may be another way to break the same promise: the first violation counts, and
// with fewer faults it may come earlier.
func Shrink(ctx context.Context, o Options, tries int, progress func(runs, left int)) (*Shrunk, bool) {
	o.Trace = false
	first := runKeeping(o)
	if first.Violation == nil {
		return nil, false
	}
	all := first.Plan.Numbers()
	runs, left, best := 0, all, first
	numbers := sim.Shrink(all, tries, func(numbers []int) bool {
		if ctx.Err() != nil {
			return false
		}
		try := o
		try.Faults = append([]int{}, numbers...)
		r := runKeeping(try)
		fails := r.Violation != nil && r.Violation.Checker == first.Violation.Checker
		if fails {
			left, best = numbers, r
		}
		if runs++; progress != nil {
			progress(runs, len(left))
		}
		return fails
	})
	s := &Shrunk{Faults: len(numbers), Of: len(all), Runs: runs, Plan: steps(best.Plan), Options: best.Options, Violation: *best.Violation}
	s.Replay = s.Options.Replay()
	return s, true
}

// runKeeping makes a run that keeps its plan, even one that ends in a panic.
func runKeeping(o Options) *Result {
	r := runSafely(o)
	if r.Plan == nil {
		if p, ok := profileOf(o); ok {
			if r.Plan = planOf(o, p); o.Faults != nil {
				r.Plan = r.Plan.Keep(o.Faults)
			}
		}
	}
	return r
}
