package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"sync"
	"time"
)

// A step is one turn of the search: so many payments under way, so many final a second.
type Step struct {
	InFlight int     `json:"in_flight"`
	Rate     float64 `json:"tx_per_s"`
	CPU      float64 `json:"cpu_us_per_tx_node"`
}

// The search doubles the payments under way until that gains nothing three times, less may be what else
// the machine did, and goes the same way back: a network of some seconds has smaller tables and nothing to fold or
// compact yet, so steps that come early look better than they are. A step's figures are the mean of both.
const (
	firstInFlight = 1000
	firstSettle   = 6 * time.Second // the first payments of all meet empty tables
	stepSettle    = 2 * time.Second
	stepTime      = 6 * time.Second
	stepGain      = 1.05
	stepMisses    = 3
	stepNoise     = 1.10 // what equal steps differ by on a machine that others share
	firstGuess    = 8000 // payments a second that the first step is supplied for: more than settle here, whatever the payment
)

// search finds with how many payments under way the network settles most a second.
func (r *run) search(ctx context.Context) error {
	best, misses, s := 0.0, 0, &Saturation{}
	r.result.Saturation = s
	for inFlight := firstInFlight; inFlight <= r.load.Options().Lanes/2 && misses < stepMisses; inFlight *= 2 {
		settle := stepSettle
		if inFlight == firstInFlight {
			settle = firstSettle
		}
		step, err := r.step(ctx, inFlight, settle, best)
		if err != nil {
			return err
		}
		s.Steps = append(s.Steps, step)
		if misses++; step.Rate >= best*stepGain {
			misses = 0
		}
		best = max(best, step.Rate)
	}
	for i := len(s.Steps) - 2; i >= 0; i-- { // the last stands in the middle
		again, err := r.step(ctx, s.Steps[i].InFlight, stepSettle, best)
		if err != nil {
			return err
		}
		s.Steps[i].Rate, s.Steps[i].CPU = (s.Steps[i].Rate+again.Rate)/2, (s.Steps[i].CPU+again.CPU)/2
	}
	for i := range s.Steps {
		round(&s.Steps[i].Rate, &s.Steps[i].CPU)
	}
	return r.drain(ctx)
}

// step measures with so many payments under way; best is the highest rate so far.
func (r *run) step(ctx context.Context, inFlight int, settle time.Duration, best float64) (Step, error) {
	r.make(int(max(firstGuess, 2*best)*(settle+stepTime).Seconds()) + inFlight)
	if err := r.closed(ctx, inFlight, settle); err != nil {
		return Step{}, r.explain(err)
	}
	before, final, err := r.moment(ctx)
	if err != nil {
		return Step{}, r.explain(err)
	}
	if err := r.closed(ctx, inFlight, stepTime); err != nil {
		return Step{}, r.explain(err)
	}
	after, finalAfter, err := r.moment(ctx)
	if err != nil {
		return Step{}, r.explain(err)
	}
	step := stepOf(inFlight, between(before, after), finalAfter-final, r.Nodes)
	r.say("%d under way: %.0f tx/s, %.0f µs CPU per payment and node", inFlight, step.Rate, step.CPU)
	return step, nil
}

// stepOf divides what a step used by the payments that became final in it. A network that had no
// breath left settles none: then the figures are those of one, since there is no JSON of infinity.
func stepOf(inFlight int, u usage, final, nodes int) Step {
	return Step{InFlight: inFlight, Rate: float64(final) / u.seconds, CPU: micros(u.total()) / float64(max(final, 1)) / float64(nodes)}
}

// moment samples the nodes together with how many payments are final.
func (r *run) moment(ctx context.Context) (m moment, final int, err error) {
	m, err = r.sample(ctx)
	r.tracker.mu.Lock()
	defer r.tracker.mu.Unlock()
	return m, r.tracker.final, err
}

// window measures under a constant rate, or, after a search, with as many payments under way as were
// best.
func (r *run) window(ctx context.Context) (*Window, error) {
	if r.Rate != 0 {
		return r.atRate(ctx, r.Rate, r.Warmup, r.Seconds, r.Profile)
	}
	best := r.result.Saturation.best()
	seconds := float64(r.Warmup + r.Seconds)
	r.make(int(supplyShare*best.Rate*seconds) + best.InFlight)
	r.say("%d payments under way for %d s, after %d s of warm-up", best.InFlight, r.Seconds, r.Warmup)
	return r.measured(ctx, &Window{InFlight: best.InFlight, Warmup: r.Warmup, Seconds: r.Seconds}, r.Profile, func(d time.Duration) error {
		return r.closed(ctx, best.InFlight, d)
	})
}

// supplyShare is how many payments a closed loop is supplied with, in shares of what the search found.
const supplyShare = 1.5

// atRate measures under payments that come at a rate.
func (r *run) atRate(ctx context.Context, rate float64, warmup, seconds int, profiles string) (*Window, error) {
	r.make(int(rate*float64(warmup+seconds)) + 2)
	r.say("%.0f payments a second for %d s, after %d s of warm-up", rate, seconds, warmup)
	return r.measured(ctx, &Window{Rate: rate, Warmup: warmup, Seconds: seconds}, profiles, func(d time.Duration) error {
		return r.steady(ctx, rate, d)
	})
}

// measured fills in what is measured while load runs for w.Seconds, after the warm-up.
func (r *run) measured(ctx context.Context, w *Window, profiles string, load func(time.Duration) error) (*Window, error) {
	if err := load(time.Duration(w.Warmup) * time.Second); err != nil {
		return nil, r.explain(err)
	}
	before, final, err := r.moment(ctx)
	if err != nil {
		return nil, err
	}
	events, calls, number, stalled := r.events(), r.sender.now(), r.number, r.stalled
	finishProfiles := r.profile(ctx, w.Seconds, profiles)
	watching, stop := context.WithCancel(ctx)
	memory := make(chan []uint64, 1)
	go func() { memory <- r.watchMemory(watching) }()
	costed := r.costBeside(ctx)
	err = load(time.Duration(w.Seconds) * time.Second)
	cost, costErr := costed()
	w.Verify = micros(cost)
	stop()
	w.RSSMinutes = <-memory
	w.RSSPeak = slices.Max(w.RSSMinutes)
	if err := errors.Join(err, costErr); err != nil {
		return nil, errors.Join(r.explain(err), finishProfiles())
	}
	after, finalAfter, err := r.moment(ctx)
	if err := errors.Join(err, finishProfiles()); err != nil {
		return nil, err
	}
	u := between(before, after)
	w.fill(u, finalAfter-final, r.Nodes)
	w.Held = w.TxPerSecond >= heldShare*w.Rate
	w.Measuring = r.measuring(u, r.events()-events, r.sender.now().since(calls), finalAfter-final)
	w.Measuring.Stalled = (r.stalled - stalled).Seconds()
	r.say("%.0f tx/s final on all nodes, %.1f µs CPU per payment and node", w.TxPerSecond, w.CPU)
	if err := r.drain(ctx); err != nil {
		return nil, r.explain(err)
	}
	w.Finality, w.Taking = r.latencies(number, r.number)
	return w, nil
}

// heldShare of the payments that were due must have become final for a rate to be kept up with.
const heldShare = 0.97

// latencies lists how long the payments of a range took until they were taken and final. Those
// that are not final are left out; they are counted as lost.
func (r *run) latencies(from, to int) (final, taken Latency) {
	r.tracker.mu.Lock()
	defer r.tracker.mu.Unlock()
	var finals, takes []time.Duration
	for _, t := range r.tracker.when[from:to] {
		if !t.final.IsZero() {
			finals = append(finals, t.final.Sub(t.due))
		}
		if !t.taken.IsZero() {
			takes = append(takes, t.taken.Sub(t.due))
		}
	}
	return latencyOf(finals), latencyOf(takes)
}

// watchMemory returns the largest resident memory that any node had, minute by minute.
func (r *run) watchMemory(ctx context.Context) (minutes []uint64) {
	for began := time.Now(); ; {
		if time.Since(began) >= time.Duration(len(minutes))*time.Minute {
			minutes = append(minutes, 0)
		}
		peak := &minutes[len(minutes)-1]
		for _, pid := range r.pids {
			var s sample
			if s.process(pid) == nil {
				*peak = max(*peak, s.rss)
			}
		}
		if pause(ctx, time.Second) != nil {
			return minutes
		}
	}
}

func (r *run) events() int {
	r.tracker.mu.Lock()
	defer r.tracker.mu.Unlock()
	return r.tracker.events
}

// measuring says what the measurement itself costs.
func (r *run) measuring(u usage, events int, calls counts, final int) Measuring {
	cpu := slices.Clone(u.cpu)
	receipts := cpu[0]
	others := slices.Sorted(slices.Values(cpu[1:]))
	median := others[len(others)/2]
	return Measuring{
		Generator: micros(u.self) / float64(max(final, 1)), Events: float64(events) / u.seconds / float64(r.Nodes),
		Receipts: micros(receipts-median) / float64(max(final, 1)), CallSize: float64(calls.taken) / float64(max(calls.calls, 1)), Retried: calls.retried,
	}
}

// profilesOf is the folder for profiles of another part than the measured window, "" for none.
func (r *run) profilesOf(part string) string {
	if r.Profile == "" {
		return ""
	}
	return filepath.Join(r.Profile, part)
}

// profile collects CPU profiles of all nodes and of this process into a folder, and the nodes' heaps at the end.
func (r *run) profile(ctx context.Context, seconds int, folder string) (finish func() error) {
	if folder == "" {
		return func() error { return nil }
	}
	var group sync.WaitGroup
	errs := make([]error, r.Nodes+1)
	group.Go(func() {
		errs[r.Nodes] = profileSelf(ctx, time.Duration(seconds)*time.Second, folder, "generator.cpu.pprof")
	})
	for i := range r.Nodes {
		group.Go(func() {
			errs[i] = r.fetch(ctx, i, fmt.Sprintf("profile?seconds=%d", seconds), folder, fmt.Sprintf("node-%d.cpu.pprof", i+1))
		})
	}
	return func() error {
		group.Wait()
		for i := range r.Nodes {
			errs = append(errs, r.fetch(ctx, i, "heap", folder, fmt.Sprintf("node-%d.heap.pprof", i+1)))
		}
		return errors.Join(errs...)
	}
}

func (r *run) fetch(ctx context.Context, node int, what, folder, name string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.network.Nodes[node].Ops+"/debug/pprof/"+what, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("profile node %d: %w", node+1, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("profile node %d: %s", node+1, resp.Status)
	}
	f, err := create(folder, name)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, resp.Body)
	return errors.Join(err, f.Close())
}

// profileSelf collects a CPU profile of this process: the part of the machine that the nodes did not have.
func profileSelf(ctx context.Context, d time.Duration, folder, name string) error {
	f, err := create(folder, name)
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return errors.Join(err, f.Close())
	}
	err = pause(ctx, d)
	pprof.StopCPUProfile()
	return errors.Join(err, f.Close())
}

func create(folder, name string) (*os.File, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	return os.Create(filepath.Join(folder, name))
}
