package sim

import (
	"fmt"
	"runtime"
	"slices"

	"github.com/asterism-network/asterism/pillars"
)

// Options say what to run. Equal options give equal reports.
type Options struct {
	Profile  string  // see Profiles; "" is all
	Blocks   int     // measured after the warm-up, of each seed; default 20,000
	Warmup   int     // blocks before: by default the profile's grace, in which runs are free
	Seeds    int     // default 5
	First    uint64  // first seed; default 1
	HashRate float64 // of all miners, hashes a second; default 10^8
	Stakers  int     // nodes that stake; default 3
	Cases    int     // of profile reorg; default 200
	Attack   string  // only this one, see Attacks
	Canary   string  // break this rule, see Canaries
	Workers  int     // runs at once; default one for each processor
	Trace    bool    // keep every block of a run, for Report.Trace

	brief bool // contests begin nearer to where they settle: for tests

	// Progress is told how far the work is, from one goroutine at a time.
	Progress func(line string)
}

// A Profile is a part of what the simulator can do.
type Profile struct{ Name, Help string }

// Profiles lists the parts, in the order in which they run.
func Profiles() []Profile {
	return []Profile{
		{"all", "steady, shock and attacks: what the report's ok is about"},
		{"steady", "miners and stakers without attackers: intervals and shares"},
		{"shock", "ten times the hash rate from one moment to the next, and a tenth of it"},
		{"attacks", "every attack, or --attack: what it gains against what it can gain"},
		{"reorg", "state after reorganisations against state built straight, on the chain with its store"},
	}
}

// has reports whether a part is to be run.
func (o *Options) has(part string) bool {
	return o.Profile == part || o.Profile == "all" && part != "reorg"
}

// maxBlocks bounds a run: it keeps its blocks in memory, some three kilobytes each.
const maxBlocks = 2_000_000

// filled puts defaults in, and says what makes no sense.
func (o Options) filled() (Options, error) {
	set := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	if o.Profile == "" {
		o.Profile = "all"
	}
	if o.Attack != "" {
		o.Profile = "attacks"
	}
	set(&o.Blocks, 20_000)
	set(&o.Warmup, int(pillars.MainnetLike().Runs.Grace))
	set(&o.Seeds, 5)
	set(&o.Stakers, 3)
	set(&o.Cases, 200)
	set(&o.Workers, runtime.GOMAXPROCS(0))
	if o.First == 0 {
		o.First = 1
	}
	if o.HashRate == 0 {
		o.HashRate = 1e8
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	return o, o.check()
}

func (o *Options) check() error {
	known := slices.ContainsFunc(Profiles(), func(p Profile) bool { return p.Name == o.Profile })
	attack := o.Attack == "" || slices.ContainsFunc(attacks, func(a attack) bool { return a.name == o.Attack })
	switch {
	case !known:
		return fmt.Errorf("no profile is called %.40q", o.Profile)
	case !attack:
		return fmt.Errorf("no attack is called %.40q", o.Attack)
	case o.Canary != "" && canaryOf(o.Canary) == nil:
		return fmt.Errorf("no canary is called %.40q", o.Canary)
	case o.Blocks < 1 || o.Warmup < 1 || o.Blocks+o.Warmup > maxBlocks:
		return fmt.Errorf("%d blocks after %d: want 1 to %d together", o.Blocks, o.Warmup, maxBlocks)
	case o.Seeds < 1 || o.Seeds > 10_000:
		return fmt.Errorf("%d seeds: want 1 to 10000", o.Seeds)
	case o.Stakers < 1 || o.Stakers > 20:
		return fmt.Errorf("%d stakers: want 1 to 20", o.Stakers)
	case !(o.HashRate >= leastHashRate && o.HashRate <= 1e15):
		return fmt.Errorf("a hash rate of %g: want %g to 1e15", o.HashRate, leastHashRate)
	case o.Workers < 1 || o.Cases < 1:
		return fmt.Errorf("%d workers, %d cases: want 1 or more", o.Workers, o.Cases)
	}
	return nil
}

// leastHashRate is above what finds a block of the least difficulty in 28 seconds: below, the difficulty could not follow.
const leastHashRate = 4e7

// rules are what nodes go by: the scene's, but for a canary's.
func (o *Options) rules(p *pillars.Params) *pillars.Params {
	rules := *p
	if c := canaryOf(o.Canary); c != nil {
		c.breaks(&rules)
	}
	return &rules
}
