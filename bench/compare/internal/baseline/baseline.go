// Package baseline measures CometBFT: it starts a network of validators as processes on loopback,
// loads it to saturation and then lightly, and says what that cost.
package baseline

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/asterism-network/asterism/bench/compare/internal/validator"
	"github.com/asterism-network/asterism/kernel/workload"
)

// Options say what to measure. Times are of one run.
type Options struct {
	Nodes   int
	Kind    workload.Kind
	Seed    uint64
	Window  int           // payments in flight at each validator at saturation
	Warm    time.Duration // under load before anything counts
	Measure time.Duration // that counts, at saturation and again at light load
	Tuning  validator.Tuning
	Profile string // file for a CPU profile of the first validator; "" is none

	Self []string         // the command that becomes a validator when a spec is added
	Say  func(string)     // progress
	Keep func(dir string) // tests: looks at the folder before it is removed
}

// loadTime is how long payments may be needed for at the highest rate: at saturation, twice what
// light load takes, and a little for the edges.
func (o *Options) loadTime() time.Duration {
	return o.Warm + o.Measure + time.Duration(2*workload.LightShare*float64(workload.LightWarmup*o.Warm+o.Measure)) + edgeTime/2
}

// A Run is what one run of the network showed.
type Run struct {
	Saturation Figures `json:"saturation"`
	Light      Figures `json:"light"` // at workload.LightShare of saturation
}

// Measure runs a network once.
func Measure(ctx context.Context, o Options, l *Load) (run Run, err error) {
	dir, err := os.MkdirTemp("", "compare-cometbft-")
	if err != nil {
		return run, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	n, err := open(ctx, o, l, dir)
	if err != nil {
		return run, err
	}
	defer n.close()
	if err := n.ready(ctx); err != nil {
		return run, err
	}
	o.Say(fmt.Sprintf("%d validators connected; saturating", o.Nodes))
	full, err := n.load(ctx, validator.Command{Do: "saturate", Window: o.Window}, o.Warm)
	if err != nil {
		return run, err
	}
	blocks, err := n.blocks()
	if err != nil {
		return run, err
	}
	rate := full.rate(blocks)
	if rate == 0 {
		return run, errors.New("no block was applied at saturation: the window of measurement is too short")
	}
	o.Say(fmt.Sprintf("saturation %.0f payments/s; now %.0f %% of it", rate, 100*workload.LightShare))
	light, err := n.load(ctx, validator.Command{Do: "pace", Rate: workload.LightShare * rate / float64(o.Nodes)}, workload.LightWarmup*o.Warm)
	if err != nil {
		return run, err
	}
	if blocks, err = n.blocks(); err != nil {
		return run, err
	}
	run = Run{Saturation: full.figures(blocks), Light: light.figures(blocks)}
	for _, f := range []*Figures{&run.Saturation, &run.Light} {
		f.Verification = f.CPU / (f.VerifyCost * float64(l.Kind.Signatures()))
	}
	if o.Keep != nil {
		o.Keep(dir)
	}
	return run, nil
}

// A network is its running validators.
type network struct {
	options  Options
	examples []workload.Payment
	all      []*process
}

func open(ctx context.Context, o Options, l *Load, dir string) (*network, error) {
	addresses, err := freeAddresses(o.Nodes)
	if err != nil {
		return nil, err
	}
	specs, err := validator.WriteNetwork(dir, addresses, l.payments, validator.Spec{
		Chain: "compare", Genesis: l.genesis, Lanes: l.lanes, Tuning: o.Tuning, Profile: o.Profile,
	})
	if err != nil {
		return nil, err
	}
	n := &network{options: o, examples: l.examples}
	for i := range specs {
		p, err := launch(ctx, o.Self, specs[i].Home)
		if err != nil {
			n.close()
			return nil, err
		}
		n.all = append(n.all, p)
	}
	return n, nil
}

// freeAddresses are ports of loopback that nobody listens on just now.
func freeAddresses(count int) (all []string, err error) {
	for range count {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		all = append(all, l.Addr().String())
	}
	return all, nil
}

func (n *network) close() {
	for _, p := range n.all {
		p.in.Close() // all at once, so that they end side by side
	}
	for _, p := range n.all {
		p.end()
	}
}

// Times that a network gets, beyond which something is wrong.
const (
	startTime = 90 * time.Second
	drainTime = 60 * time.Second
)

// ready waits until every validator has all peers and the first block.
func (n *network) ready(ctx context.Context) error {
	return n.await(ctx, startTime, "validators did not connect", func(c validator.Counters) bool {
		return c.Peers == len(n.all)-1 && c.Height > 0
	})
}

// await asks every validator until all are as wanted.
func (n *network) await(ctx context.Context, limit time.Duration, failure string, done func(validator.Counters) bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errors.New(failure))
	defer cancel()
	for _, p := range n.all {
		for {
			c, err := p.tell(validator.Command{Do: "count"})
			if err != nil {
				return err
			}
			if done(c) {
				break
			}
			if err := sleep(ctx, 50*time.Millisecond); err != nil {
				return p.broken(fmt.Errorf("%w: %+v", err, c))
			}
		}
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// load puts the network under load, measures while it lasts, and waits until all is final.
func (n *network) load(ctx context.Context, c validator.Command, warm time.Duration) (*window, error) {
	begin := time.Now().Add(100 * time.Millisecond)
	for i, p := range n.all {
		if c.Do == "pace" { // the validators take turns
			c.Start = begin.Add(time.Duration(float64(i) / float64(len(n.all)) / c.Rate * float64(time.Second))).UnixNano()
		}
		if _, err := p.tell(c); err != nil {
			return nil, err
		}
	}
	if err := sleep(ctx, warm); err != nil {
		return nil, err
	}
	w := &window{}
	var err error
	if w.from, err = n.edge(ctx); err != nil {
		return nil, err
	}
	if w.verify, err = n.verifyCost(ctx); err != nil {
		return nil, err
	}
	if w.to, err = n.edge(ctx); err != nil {
		return nil, err
	}
	for _, p := range n.all {
		if _, err := p.tell(validator.Command{Do: "halt"}); err != nil {
			return nil, err
		}
	}
	return w, n.await(ctx, drainTime, "payments are not final a minute after the load's end", func(c validator.Counters) bool { return c.Flight == 0 })
}

// costInterval is how often one batch is verified beside the validators: a hundredth of one core, or less.
const costInterval = time.Second

// verifyCost takes the measured time, and tells what a signature costs in it.
func (n *network) verifyCost(ctx context.Context) (time.Duration, error) {
	window, cancel := context.WithTimeout(ctx, n.options.Measure)
	defer cancel()
	cost, err := workload.VerifyCostBeside(window, n.examples, costInterval)
	return cost, errors.Join(err, context.Cause(ctx))
}

// edgeTime is how long the end of a block is waited for.
const edgeTime = 10 * time.Second

// edge samples just after a block with payments: large blocks take seconds, and half of one at
// either end of the window would be a tenth of what is measured.
func (n *network) edge(ctx context.Context) (s sample, err error) {
	first, err := n.all[0].tell(validator.Command{Do: "count"})
	if err != nil {
		return s, err
	}
	for end := time.Now().Add(edgeTime); time.Now().Before(end); {
		c, err := n.all[0].tell(validator.Command{Do: "count"})
		if err != nil {
			return s, err
		}
		if c.Paid > first.Paid {
			break
		}
		if err := sleep(ctx, 10*time.Millisecond); err != nil {
			return s, err
		}
	}
	return n.sample()
}

// sample reads what every validator has used so far.
func (n *network) sample() (s sample, err error) {
	for _, p := range n.all {
		u, err := p.usage()
		if err != nil {
			return s, err
		}
		s.cpu += u.cpu
		s.written += u.written
		s.rss = max(s.rss, u.rss)
	}
	s.at = time.Now()
	for _, p := range n.all {
		c, err := p.tell(validator.Command{Do: "count"})
		if err != nil {
			return s, err
		}
		if c.Left == 0 {
			return s, errors.New("a validator has submitted all payments that were signed for it: raise mostRate")
		}
		s.sent += c.Sent
		s.refused += c.Refused
	}
	return s, nil
}

// Discard is a Say that says nothing.
func Discard(string) {}
