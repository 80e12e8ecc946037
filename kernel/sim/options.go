// Package sim runs whole networks in virtual time, on one goroutine each: the same engines,
// ledgers and stores as in production, over a network and disks that fail by a seed, with
// members that do anything, and checkers that look after every step.
//
// A run is a function of its Options. What it proves is only as good as what it can notice, so
// the package also breaks rules on purpose (canaries) and counts the rare states that runs went
// through (reach points).
package sim

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/asterism-network/asterism/internal/sim"
)

// Options say what a run is. Equal options give equal runs.
type Options struct {
	Profile string
	Seed    uint64
	Nodes   int    // members, 7 to 50; 0 leaves it to profile and seed
	Real    bool   // signatures of nodes and coin shares as in production, instead of the fast stand-in
	Canary  string // a rule to break, see Canaries; "" breaks none
	Traitor string // what all traitors do, see Behaviours; "" leaves it to profile and seed
	Faults  []int  // numbers of the faults that happen; nil is all of them
	Trace   bool   // keep what happened, for Result.Trace
}

// Replay is the command that repeats a run.
func (o Options) Replay() string {
	b := new(strings.Builder)
	fmt.Fprintf(b, "aster sim --profile %s --first %d --seeds 1", o.Profile, o.Seed)
	if o.Nodes != 0 {
		fmt.Fprintf(b, " --nodes %d", o.Nodes)
	}
	if o.Real {
		b.WriteString(" --real")
	}
	if o.Canary != "" {
		fmt.Fprintf(b, " --broken %s", o.Canary)
	}
	if o.Traitor != "" {
		fmt.Fprintf(b, " --traitor %s", o.Traitor)
	}
	if o.Faults != nil {
		list := make([]string, len(o.Faults))
		for i, n := range o.Faults {
			list[i] = strconv.Itoa(n)
		}
		if len(list) == 0 {
			list = []string{"none"}
		}
		fmt.Fprintf(b, " --faults %s", strings.Join(list, ","))
	}
	return b.String()
}

// A Result is what a run showed.
type Result struct {
	Options      Options     `json:"-"`
	Nodes        int         `json:"nodes"`
	Violation    *Violation  `json:"violation,omitempty"`
	Rounds       int         `json:"rounds"`  // the highest that an honest node made
	Commits      int         `json:"commits"` // of the total order
	Transactions int         `json:"transactions"`
	Final        int         `json:"final"`
	Rejected     int         `json:"rejected"`
	Simulated    sim.Time    `json:"simulated_ms"`
	Faults       sim.Counts  `json:"faults"`
	Reached      sim.Counts  `json:"reached"`
	Waits        map[int]int `json:"-"` // rounds from a transaction's submission to its finality: how many took as many
	Digest       string      `json:"digest"`
	Plan         sim.Plan    `json:"-"`
	Trace        *Trace      `json:"-"`
}

// A Violation is a promise that did not hold.
type Violation struct {
	Checker string   `json:"checker"` // C1 to C9 of docs/qa/reliability.md, or "panic"
	Node    int      `json:"node"`
	At      sim.Time `json:"at_ms"`
	Detail  string   `json:"detail"`
}

// String is the violation in a line.
func (v *Violation) String() string {
	return fmt.Sprintf("%s at %d ms, node %d: %s", v.Checker, v.At, v.Node, v.Detail)
}
