package sim

import (
	"context"
	"fmt"

	"github.com/asterism-network/asterism/internal/sim"
	"github.com/asterism-network/asterism/pillars"
)

// The figures that a report's ok asks for, from the paper: 28 and 252 seconds, nine blocks of ten by work.
const (
	wantPoW, wantPoS   = 28.0, 252.0
	wantShare          = 0.9
	intervalTolerance  = 0.03 // of the mean over all seeds
	shareTolerance     = 0.01
	oneSeedTolerance   = 0.06 // of a single seed of 20,000 blocks; four standard deviations
	tooShortToBeJudged = 2000 // blocks below which a seed's own mean says nothing
)

// A Report is what a suite showed.
type Report struct {
	Blocks      int                `json:"blocks"`
	Seeds       int                `json:"seeds"`
	PoW         float64            `json:"pow_mean_s"`
	PoS         float64            `json:"pos_mean_s"`
	PoWShare    float64            `json:"pow_share"`
	PoSShare    float64            `json:"pos_share"`
	Recovery    int                `json:"shock_recovery_blocks"` // the slower of both ways, mean of the seeds
	Attacks     map[string]float64 `json:"attacks"`
	Ok          bool               `json:"ok"`
	Profile     string             `json:"profile"`
	First       uint64             `json:"first"`
	Warmup      int                `json:"warmup_blocks"`
	Runs        []Steady           `json:"runs,omitempty"`
	Shocks      []Shock            `json:"shocks,omitempty"`
	Expected    *Expected          `json:"shock_expected,omitempty"`
	AttackRuns  []Gain             `json:"attack_runs,omitempty"`
	Reorg       *Reorg             `json:"reorg,omitempty"`
	Complaints  []string           `json:"complaints"` // why ok is false
	Interrupted bool               `json:"interrupted,omitempty"`
	BrokenRule  string             `json:"broken_rule,omitempty"` // a canary
	Noticed     string             `json:"noticed,omitempty"`     // by which check it was
	Replays     []string           `json:"replays,omitempty"`     // lines that show the complaints about single runs again
	Trace       *Trace             `json:"-"`                     // with Options.Trace: of the first run that broke a promise, else of the first

	traceBroken bool
}

// A Short is the figures of a report alone, and what a part of the simulator has besides.
type Short struct {
	Blocks     int                `json:"blocks"`
	Seeds      int                `json:"seeds"`
	PoW        float64            `json:"pow_mean_s"`
	PoS        float64            `json:"pos_mean_s"`
	PoWShare   float64            `json:"pow_share"`
	PoSShare   float64            `json:"pos_share"`
	Recovery   int                `json:"shock_recovery_blocks"`
	Attacks    map[string]float64 `json:"attacks"`
	Ok         bool               `json:"ok"`
	Reorg      *Reorg             `json:"reorg,omitempty"`       // profile reorg
	BrokenRule string             `json:"broken_rule,omitempty"` // a canary
	Noticed    string             `json:"noticed,omitempty"`
}

// Short leaves out the single runs.
func (r *Report) Short() Short {
	return Short{r.Blocks, r.Seeds, r.PoW, r.PoS, r.PoWShare, r.PoSShare, r.Recovery, r.Attacks, r.Ok, r.Reorg, r.BrokenRule, r.Noticed}
}

// Run makes what the options ask for. It returns an error only for options that make no sense; a report that was
// interrupted holds what was done.
func Run(ctx context.Context, o Options) (*Report, error) {
	o, err := o.filled()
	if err != nil {
		return nil, err
	}
	r := &Report{
		Blocks: o.Blocks, Seeds: o.Seeds, First: o.First, Warmup: o.Warmup, Profile: o.Profile, BrokenRule: o.Canary,
		Attacks: map[string]float64{}, Complaints: []string{},
	}
	p := pillars.MainnetLike()
	if o.has("steady") {
		r.steady(ctx, o, p)
	}
	if o.has("shock") && ctx.Err() == nil {
		r.shock(ctx, o, p)
	}
	if o.has("attacks") && ctx.Err() == nil {
		r.attacks(ctx, o)
	}
	if o.has("reorg") && ctx.Err() == nil {
		r.reorg(ctx, o)
	}
	r.Interrupted = ctx.Err() != nil
	if r.Interrupted {
		r.complain(interrupted)
	}
	r.Ok = len(r.Complaints) == 0
	return r, nil
}

func (r *Report) complain(format string, args ...any) {
	r.Complaints = append(r.Complaints, fmt.Sprintf(format, args...))
}

// violated is a complaint of a checker, not of a figure.
func (r *Report) violated(what, replay string) {
	r.complain("%s", what)
	r.Replays = append(r.Replays, replay)
	if r.BrokenRule != "" && r.Noticed == "" && what != interrupted {
		r.Noticed = what
	}
}

// interrupted is what a run says that was stopped.
const interrupted = "interrupted"

func stopOf(ctx context.Context) func() bool { return func() bool { return ctx.Err() != nil } }

func (r *Report) steady(ctx context.Context, o Options, p pillars.Params) {
	tell := newTeller(o, "steady", uint32(o.Warmup+o.Blocks))
	sim.Each(ctx, o.Seeds, o.Workers, func(i int) Steady {
		return steady(o, p, o.First+uint64(i), tell.of(i), stopOf(ctx))
	}, func(_ int, s Steady) bool {
		r.Runs = append(r.Runs, s)
		return true
	})
	for _, s := range r.Runs {
		r.PoW += s.PoW / float64(len(r.Runs))
		r.PoS += s.PoS / float64(len(r.Runs))
		r.PoWShare += s.PoWShare / float64(len(r.Runs))
		r.PoSShare += s.PoSShare / float64(len(r.Runs))
		r.keepTrace(s.trace, s.Error != "")
		if s.Error != "" {
			r.violated(s.Error, o.replay("steady", s.Seed))
		} else if o.Blocks >= tooShortToBeJudged && !(near(s.PoW, wantPoW, oneSeedTolerance) && near(s.PoS, wantPoS, oneSeedTolerance)) {
			r.complain("seed %d: %.2f and %.1f s", s.Seed, s.PoW, s.PoS)
		}
	}
	if !near(r.PoW, wantPoW, intervalTolerance) || !near(r.PoS, wantPoS, intervalTolerance) {
		r.complain("mean intervals of %.2f and %.1f s, want %g and %g within %g %%", r.PoW, r.PoS, wantPoW, wantPoS, 100*intervalTolerance)
	}
	if d := r.PoWShare - wantShare; d > shareTolerance || d < -shareTolerance {
		r.complain("shares of %.4f and %.4f, want %g within %g", r.PoWShare, r.PoSShare, wantShare, shareTolerance)
	}
}

func near(v, want, tolerance float64) bool {
	return v >= want*(1-tolerance) && v <= want*(1+tolerance)
}

func (r *Report) shock(ctx context.Context, o Options, p pillars.Params) {
	want := expect(&p, sim.Stream(o.First, "rules by themselves"))
	r.Expected = &want
	up, down := 0, 0
	sim.Each(ctx, o.Seeds, o.Workers, func(i int) Shock {
		return shock(o, p, o.First+uint64(i), func(s string) { o.Progress(fmt.Sprintf("shock, seed %d: %s", o.First+uint64(i), s)) }, stopOf(ctx))
	}, func(_ int, s Shock) bool {
		s.Ok = s.Ok && float64(s.Up) <= most(want.Up, want.UpSpread, 1) && float64(s.Down) <= most(want.Down, want.DownSpread, 1)
		r.Shocks = append(r.Shocks, s)
		up, down = up+s.Up, down+s.Down
		if s.Error != "" {
			r.violated(s.Error, o.replay("shock", s.Seed))
		} else if !s.Ok {
			r.complain("shock, seed %d: %d blocks up and %d down, expected %.0f and %.0f", s.Seed, s.Up, s.Down, want.Up, want.Down)
		}
		return true
	})
	n := len(r.Shocks)
	if n == 0 {
		return
	}
	r.Recovery = max(up, down) / n
	if float64(up/n) > most(want.Up, want.UpSpread, n) || float64(down/n) > most(want.Down, want.DownSpread, n) {
		r.complain("shocks: %d blocks up and %d down in the mean, expected %.0f and %.0f", up/n, down/n, want.Up, want.Down)
	}
}
