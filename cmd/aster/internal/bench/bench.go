// Package bench measures a whole Kernel network on one machine: nodes as processes of their own,
// as in production, under a load of payments that were signed beforehand. It measures from
// outside: CPU, memory and disk by what the system says of the processes, the wire by the nodes'
// own counters, finality by the commit streams.
package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/asterism-network/asterism/cmd/aster/internal/devnet"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/workload"
)

// Options say what to measure.
type Options struct {
	Nodes   int
	Kind    workload.Kind
	Rate    float64 // payments a second; 0 searches for the most that the network settles
	Seconds int     // of the measured window
	Warmup  int     // seconds under the same load before it
	Lanes   int     // 0 is workload.DefaultLanes
	Copies  int     // nodes that each payment is sent to
	Light   int     // seconds of a second window at 40 % of the capacity; 0 is none
	Burst   int     // seconds of three times the capacity after the window; 0 is none
	Idle    int     // seconds of watching the network with nothing to do, before the load; 0 is none
	Seed    uint64
	Home    string // an empty folder
	Profile string // folder for profiles of the nodes; "" collects none
}

// A run is a measurement under way.
type run struct {
	Options
	say     func(format string, args ...any)
	network *devnet.Network
	held    *devnet.Held
	clients []*client.Client
	pids    []int
	load    *workload.Workload
	tracker *tracker
	sender  *sender // the usual clients
	rush    *sender // those of a burst
	result  *Result

	stock    []workload.Payment // made, not sent yet
	number   int                // the tracker's number of the first of stock
	sent     int                // given to the sender, the funding included
	stalled  time.Duration      // that the dispatcher waited for a lane
	examples []workload.Payment // for the verify cost
}

// Run makes a network, measures it and stops it. With an error the result, if there is one, is
// what was measured until then.
func Run(ctx context.Context, o Options, say func(format string, args ...any)) (*Result, error) {
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // hundreds of megabytes of payments, on the machine that is measured
	r := &run{Options: o, say: say, result: &Result{}}
	if err := r.start(ctx); err != nil {
		return nil, err
	}
	defer r.held.Stop()
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	var background sync.WaitGroup
	defer background.Wait()
	defer stop()
	background.Go(func() { r.tracker.follow(following, r.clients) })
	background.Go(func() { r.sender.run(following) })
	background.Go(func() { r.rush.run(following) })
	guarded, unhealthy := context.WithCancelCause(ctx)
	defer unhealthy(nil)
	background.Go(func() { unhealthy(r.guard(following)) })
	err := r.measure(guarded)
	if err != nil && ctx.Err() == nil && errors.Is(err, context.Canceled) {
		err = context.Cause(guarded)
	}
	return r.result, err
}

// start makes the network with the balances of the load and starts its nodes.
func (r *run) start(ctx context.Context) (err error) {
	r.load, err = workload.New(workload.Options{Seed: r.Seed, Kind: r.Kind, Lanes: r.Lanes})
	if err != nil {
		return err
	}
	r.say("making %d nodes below %s", r.Nodes, r.Home)
	r.network, _, err = devnet.Make(devnet.Options{Nodes: r.Nodes, Home: r.Home, Seed: r.Seed, Balances: r.load.Balances()})
	if err != nil {
		return err
	}
	if r.held, err = r.network.Hold(ctx, r.say); err != nil {
		return err
	}
	r.pids = r.held.PIDs()
	for _, n := range r.network.Nodes {
		r.clients = append(r.clients, client.New(n.RPC))
	}
	r.tracker = newTracker(r.Nodes)
	r.sender = newSender(r.clients, r.Copies, r.Seed, r.taken)
	r.rush = newSender(r.clients, r.Copies, r.Seed+1, r.taken)
	return nil
}

func (r *run) taken(numbers []int, now time.Time) {
	r.tracker.mu.Lock()
	defer r.tracker.mu.Unlock()
	for _, number := range numbers {
		if w := &r.tracker.when[number]; w.taken.IsZero() {
			w.taken = now
		}
	}
}

// guard returns the first thing that goes wrong with the nodes or the sender.
func (r *run) guard(ctx context.Context) error {
	for {
		if err := errors.Join(r.sender.failed(), r.rush.failed(), r.held.Failed()); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// measure is the whole story.
func (r *run) measure(ctx context.Context) error {
	r.describe()
	if err := r.fund(ctx); err != nil {
		return err
	}
	if err := r.idle(ctx); err != nil {
		return err
	}
	if err := r.costAlone(); err != nil {
		return err
	}
	if r.Rate == 0 {
		if err := r.search(ctx); err != nil {
			return err
		}
	}
	w, err := r.window(ctx)
	if err != nil {
		return err
	}
	r.result.Window = *w
	capacity := r.Rate
	if capacity == 0 {
		capacity = w.TxPerSecond
	}
	if r.Light > 0 {
		if r.result.Light, err = r.atRate(ctx, workload.LightShare*capacity, workload.LightWarmup*r.Warmup, r.Light, r.profilesOf("light")); err != nil {
			return err
		}
	}
	if r.Burst > 0 {
		if err := r.burst(ctx, capacity); err != nil {
			return err
		}
	}
	return r.finish(ctx)
}

// fund gives every lane its coins.
func (r *run) fund(ctx context.Context) error {
	funding, err := r.load.Fund(r.network.Genesis)
	if err != nil {
		return err
	}
	r.say("funding %d lanes with %d transactions", r.load.Options().Lanes, len(funding))
	first := r.tracker.watch(funding)
	for i := range funding {
		r.sender.give(&funding[i], first+i)
	}
	limit, cancel := context.WithTimeoutCause(ctx, fundingLimit, errors.New("the funding is not final"))
	defer cancel()
	if err := r.tracker.wait(limit, func() bool { return r.tracker.final >= len(funding) || r.tracker.rejected > 0 }); err != nil {
		return r.explain(err)
	}
	if r.tracker.rejected > 0 || len(r.sender.refused) > 0 {
		return fmt.Errorf("the network refuses the funding: %v", r.sender.refused)
	}
	r.stock, r.sent = nil, len(funding)
	r.result.Load.Funding = len(funding)
	return nil
}

// How long to wait for what takes seconds when nothing is wrong.
const (
	fundingLimit = 3 * time.Minute
	drainLimit   = 2 * time.Minute
	growLimit    = 3 * time.Minute
	settleTime   = 2 * time.Second // from the last payment until the network has nothing to do
)

// idle watches the network with nothing to do, once a checkpoint has taken up the funding: the trees' growth is
// the load's, and as much as a minute of idleness.
func (r *run) idle(ctx context.Context) error {
	if r.Idle == 0 {
		return nil
	}
	r.say("waiting for the checkpoint behind the funding")
	if err := r.grown(ctx); err != nil {
		return err
	}
	r.say("watching the idle network for %d s", r.Idle)
	before, err := r.sample(ctx)
	if err != nil {
		return err
	}
	finishProfiles := r.profile(ctx, r.Idle, r.profilesOf("idle"))
	if err := pause(ctx, time.Duration(r.Idle)*time.Second); err != nil {
		return errors.Join(err, finishProfiles())
	}
	after, err := r.sample(ctx)
	if err := errors.Join(err, finishProfiles()); err != nil {
		return err
	}
	u := between(before, after)
	each := u.seconds * float64(r.Nodes)
	r.result.Idle = &Idle{
		Seconds: u.seconds, Cores: u.total().Seconds() / each, Wire: u.sent / each, Disk: u.written / each, Rounds: u.rounds / u.seconds,
	}
	return nil
}

// grown waits until every node has made a checkpoint of all that is executed now, and has come to rest.
func (r *run) grown(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, growLimit, errors.New("no checkpoint takes up the funding"))
	defer cancel()
	from, err := r.sample(ctx)
	if err != nil {
		return err
	}
	for done := false; !done; {
		now, err := r.sample(ctx)
		if err != nil {
			return err
		}
		done = true
		for i := range now.nodes {
			done = done && now.nodes[i].checkpoint >= from.nodes[i].executed
		}
		if err := pause(ctx, settleTime); err != nil {
			return r.explain(err)
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// make has at least n payments in stock.
func (r *run) make(n int) {
	n -= len(r.stock)
	if n <= 0 {
		return
	}
	began := time.Now()
	made := r.load.Make(n)
	first := r.tracker.watch(made)
	if len(r.stock) == 0 {
		r.number = first
	}
	r.stock = append(r.stock, made...)
	r.say("signed %d payments in %.1f s", n, time.Since(began).Seconds())
}

// explain adds to an error how things stand.
func (r *run) explain(err error) error {
	r.tracker.mu.Lock()
	defer r.tracker.mu.Unlock()
	r.sender.mu.Lock()
	defer r.sender.mu.Unlock()
	return fmt.Errorf("%w (%d payments final, %d rejected, %d taken, refused %v; logs are in %s)",
		err, r.tracker.final, r.tracker.rejected, r.sender.counts.taken, r.sender.refused, r.Home)
}

// costAlone measures what verifying the signatures costs while nothing else runs: before the load and after it.
func (r *run) costAlone() error {
	if r.examples == nil {
		n := costSignatures / r.Kind.Signatures()
		r.make(n)
		r.examples = slices.Clone(r.stock[:n])
	}
	cost, err := workload.VerifyCost(r.examples)
	r.result.Verify.add(cost)
	return err
}

// costSignatures are several batches of different signatures.
const costSignatures = 8 * workload.CostBatch

// costInterval is how often one batch is verified beside the nodes: a hundredth of one core, or less.
const costInterval = time.Second

// costBeside measures what verifying the signatures costs beside the nodes, until the returned function is called: that tells.
func (r *run) costBeside(ctx context.Context) func() (time.Duration, error) {
	ctx, stop := context.WithCancel(ctx)
	type measured struct {
		cost time.Duration
		err  error
	}
	done := make(chan measured, 1)
	go func() {
		cost, err := workload.VerifyCostBeside(ctx, r.examples, costInterval)
		done <- measured{cost, err}
	}()
	return func() (time.Duration, error) {
		stop()
		m := <-done
		return m.cost, m.err
	}
}

// finish waits for what is under way and checks the network.
func (r *run) finish(ctx context.Context) error {
	err := r.drain(ctx)
	r.count()
	if err != nil {
		return r.explain(err)
	}
	if err := r.costAlone(); err != nil {
		return err
	}
	r.result.ratios()
	return r.check(ctx)
}

// drain waits until everything that was sent is final or refused.
func (r *run) drain(ctx context.Context) error {
	limit, cancel := context.WithTimeout(ctx, drainLimit)
	defer cancel()
	err := r.tracker.wait(limit, func() bool { return r.tracker.final+r.tracker.rejected+r.refusals() >= r.sent })
	if errors.Is(err, context.DeadlineExceeded) {
		return nil // what is lost then is counted
	}
	return err
}

// refusals is how many payments were refused and will not be tried again. With several copies
// another node may have taken them: then they become final all the same.
func (r *run) refusals() (n int) {
	if r.Copies > 1 {
		return 0
	}
	for _, s := range []*sender{r.sender, r.rush} {
		s.note(func() {
			for _, count := range s.refused {
				n += count
			}
		})
	}
	return n
}

// check asks every node about the supply; that they agree is known from their digests.
func (r *run) check(ctx context.Context) error {
	r.result.Supply = true
	for i, c := range r.clients {
		supply, err := c.Supply(ctx)
		if err != nil {
			return fmt.Errorf("supply of node %d: %w", i+1, err)
		}
		r.result.Supply = r.result.Supply && supply.OK
	}
	return nil
}
