package sim

import (
	"context"
	"fmt"
	"strings"

	"github.com/asterism-network/asterism/kernel/internal/canary"
)

// A Canary is a rule that a run can break on purpose, to see that a checker notices. A canary
// that nobody notices is a hole in the checkers, or in what runs go through.
type Canary struct {
	Name     string
	Help     string
	Profile  string   // in which it shows
	Seeds    int      // within which it must be caught
	Checkers []string // one of which catches it
}

// Canaries lists every rule that can be broken.
func Canaries() (list []Canary) {
	for _, c := range canary.All() {
		entry := canaryTable[c]
		entry.Name = c.String()
		list = append(list, entry)
	}
	return list
}

// canaryTable is filled for every canary; a test says so.
var canaryTable = map[canary.Canary]Canary{
	canary.QuorumMinusOne: {Profile: "async", Seeds: 60, Checkers: []string{"C1", "C2"},
		Help: "q-1 authors count as a quorum"},
	canary.DuplicateInput: {Profile: "clients", Seeds: 20, Checkers: []string{"C2", "C3"},
		Help: "a transaction may spend one output twice"},
	canary.NoSync: {Profile: "restart", Seeds: 40, Checkers: []string{"C6"},
		Help: "a snapshot leaves the machine before it is durable"},
	canary.ForgottenJournal: {Profile: "restart", Seeds: 40, Checkers: []string{"C6", "panic"},
		Help: "a restart forgets the newest own snapshots"},
	canary.IgnoredParent: {Profile: "byzantine", Seeds: 40, Checkers: []string{"C1", "C2", "C5", "C6"},
		Help: "the cone of a snapshot's last parent is not seen"},
	canary.WrongSkip: {Profile: "async", Seeds: 120, Checkers: []string{"C1", "C2"},
		Help: "f+1 blames skip a slot, where q are needed"},
	canary.OwnHorizon: {Profile: "horizon", Seeds: 60, Checkers: []string{"C1", "C2"},
		Help: "the horizon is taken from the node's own newest round, not from the leader's"},
	canary.EarlySlot: {Profile: "async", Seeds: 60, Checkers: []string{"C1", "C2"},
		Help: "a slot is decided before snapshots of its coin round are held from q authors"},
	canary.Cofactorless: {Profile: "clients", Seeds: 20, Checkers: []string{"C1", "C2", "C5", "C6"},
		Help: "one node verifies signatures by the equation without the cofactor"},
}

// CanaryOf finds a canary by its name.
func CanaryOf(name string) (Canary, error) {
	var names []string
	for _, c := range Canaries() {
		if c.Name == name {
			return c, nil
		}
		names = append(names, c.Name)
	}
	return Canary{}, fmt.Errorf("no canary is called %q; there are %s", name, strings.Join(names, ", "))
}

// A Catch is a canary that a checker noticed.
type Catch struct {
	Canary  string  `json:"canary"`
	Checker string  `json:"checker"`
	Seed    uint64  `json:"seed"`
	Replay  string  `json:"replay"`
	Detail  string  `json:"detail"`
	Runs    int     `json:"runs"` // broken ones until then
	Failure Failure `json:"-"`
}

// A Hunt is what became of a canary: nothing is caught when Catch is nil. Clean is the report of
// the same seeds with no rule broken; if that has violations, they say nothing about the canary
// and the hunt ends.
type Hunt struct {
	Clean, Broken *Report
	Catch         *Catch
}

// HuntCanary runs each seed clean, then with the rule broken, until a checker notices: a few
// seeds at a time, so that a canary that is caught early costs little. When ctx ends before, the
// reports are of what was done so far.
func HuntCanary(ctx context.Context, name string, o SuiteOptions) (*Hunt, error) {
	if _, err := CanaryOf(name); err != nil {
		return nil, err
	}
	o.Canary, o.Stop = "", true
	if err := checkSuite(o); err != nil {
		return nil, err
	}
	h := &Hunt{Clean: newReport(o)}
	o.Canary = name
	h.Broken = newReport(o)
	for left := o.Seeds; left > 0; left -= block {
		n := min(left, block)
		if !h.Clean.extend(ctx, n) || !h.Broken.extend(ctx, n) {
			break
		}
	}
	h.Clean.finish()
	h.Broken.finish()
	if h.Broken.Violations > 0 {
		f := h.Broken.Failures[0]
		h.Catch = &Catch{Canary: name, Checker: f.Checker, Seed: f.Seed, Replay: f.Replay, Detail: f.Detail, Runs: h.Broken.Seeds, Failure: f}
	}
	return h, nil
}

// block is how many seeds of a hunt run clean before they run broken.
const block = 4
