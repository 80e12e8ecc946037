package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/asterism-network/asterism/bench/compare/internal/baseline"
	"github.com/asterism-network/asterism/bench/compare/internal/validator"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/workload"
)

const usage = `Compare the Kernel with CometBFT: the same payments, this machine, this run.

Usage: go run . [flags]          (in bench/compare)

Each pair runs CometBFT first and the Kernel second, both at saturation and at 40 % of their own
saturation. A pair with the default flags takes four and a half minutes. It needs Linux, and it wants
the machine for itself.

  --pairs N       how many pairs; the ratios are medians over them (default 1)
  --payment P     P1: one input, two outputs, one signature; P2: two, three, two (default P2)
  --nodes N       nodes of each network (default 7)
  --seconds N     length of each measured stretch (default 20)
  --json          print one JSON object
  --tuning T      how CometBFT's transactions travel: flood, two or quiet (default flood), see README.md
  --window N      payments in flight at each validator at saturation (default 300)
  --seed N        equal seeds make equal payments (default 1)
  --baseline      measure CometBFT only
  --profile FILE  CPU profile of CometBFT's first validator, for tuning it
  --aster FILE    a built aster (default: built from this repository)

Examples:
  go run . --pairs 5 --json
  go run . --payment P1 --seconds 30
  go run . --baseline --tuning quiet
`

// errUsage is said already.
var errUsage = errors.New("wrong usage")

// options are what the flags say.
type options struct {
	base         baseline.Options
	pairs        int
	json         bool
	baselineOnly bool
	aster        string
}

func readOptions(args []string, stderr io.Writer) (o options, err error) {
	f := flag.NewFlagSet("compare", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() { fmt.Fprint(stderr, usage) }
	f.IntVar(&o.pairs, "pairs", 1, "")
	payment := f.String("payment", "P2", "")
	f.IntVar(&o.base.Nodes, "nodes", 7, "")
	seconds := f.Int("seconds", 20, "")
	f.BoolVar(&o.json, "json", false, "")
	tuning := f.String("tuning", string(validator.Flood), "")
	f.IntVar(&o.base.Window, "window", 300, "")
	f.Uint64Var(&o.base.Seed, "seed", 1, "")
	f.BoolVar(&o.baselineOnly, "baseline", false, "")
	f.StringVar(&o.base.Profile, "profile", "", "")
	f.StringVar(&o.aster, "aster", "", "")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return o, err
		}
		return o, errUsage
	}
	o.base.Tuning = validator.Tuning(*tuning)
	o.base.Measure, o.base.Warm = time.Duration(*seconds)*time.Second, warmUp
	o.base.Kind, err = workload.ParseKind(*payment)
	if wrong := o.wrong(f.Args(), *seconds, err); wrong != "" {
		fmt.Fprintf(stderr, "%s\n\n%s", wrong, usage)
		return o, errUsage
	}
	return o, nil
}

// warmUp is how long each network is loaded before anything counts.
const warmUp = 5 * time.Second

// wrong says what is wrong with the flags, or nothing.
func (o *options) wrong(rest []string, seconds int, badPayment error) string {
	least := kernel.MinMembers
	if o.baselineOnly {
		least = 1
	}
	switch {
	case len(rest) > 0:
		return fmt.Sprintf("unexpected argument %q", rest[0])
	case badPayment != nil:
		return badPayment.Error()
	case o.pairs < 1 || o.pairs > 100:
		return fmt.Sprintf("--pairs %d: want 1 to 100", o.pairs)
	case o.base.Nodes < least || o.base.Nodes > kernel.MaxMembers:
		return fmt.Sprintf("--nodes %d: want %d to %d", o.base.Nodes, least, kernel.MaxMembers)
	case seconds < 1 || seconds > 60:
		return fmt.Sprintf("--seconds %d: want 1 to 60", seconds)
	case o.base.Window < 1 || o.base.Window > 2500:
		return fmt.Sprintf("--window %d: want 1 to 2500", o.base.Window)
	case !slices.Contains(validator.Tunings, o.base.Tuning):
		return fmt.Sprintf("--tuning %q: want one of %v", o.base.Tuning, validator.Tunings)
	case o.base.Seed == 0:
		return "--seed 0: want a number from 1 on"
	}
	return ""
}
