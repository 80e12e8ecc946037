package devnet

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
)

// Work is what a devnet does once it runs.
type Work struct {
	Payments int     // make this many payments, check and end; 0 runs until ctx ends
	Kill     int     // nodes to kill in the middle of the payments
	Traffic  float64 // payments a second until ctx ends
}

// Progress is told to people while they wait; any field may be nil.
type Progress struct {
	Say   func(format string, args ...any)
	Ready func(*Facts) // once, when every node takes part
	Paid  func(n int)  // after every payment
}

// A Report is the outcome of payments, the object that scripts read.
type Report struct {
	Nodes      int           `json:"nodes"`
	Submitted  int           `json:"submitted"`
	Final      int           `json:"final"` // on all nodes
	Rejected   int           `json:"rejected"`
	Finality   Finality      `json:"finality_ms"`
	LedgerRoot kernel.Digest `json:"ledger_root"` // of the newest commit that all nodes show; the same on all
	SupplyOK   bool          `json:"supply_ok"`
	Seconds    float64       `json:"seconds"` // from the first submission to the last node's receipt
}

// Finality is how long payments took, from RPC submission until final on all nodes.
type Finality struct {
	P50 int64 `json:"p50"`
	P99 int64 `json:"p99"`
	Max int64 `json:"max"`
}

// How long to wait for what takes milliseconds when nothing is wrong.
const (
	readyLimit  = 60 * time.Second
	settleLimit = 60 * time.Second
	finalLimit  = 120 * time.Second
)

// A session is a devnet that runs.
type session struct {
	*Network
	clients []*client.Client
	watch   *watch
	say     func(string, ...any)

	mu      sync.Mutex
	running []running // by member; nil while it is down
	gone    []int     // members that left for good
}

// Run starts the nodes, does the work, stops the nodes and returns what the check at the end
// found. Its error says in a sentence what is wrong with the network.
func (n *Network) Run(ctx context.Context, work Work, progress Progress) (*Report, error) {
	s := &session{Network: n, say: progress.Say, running: make([]running, len(n.members))}
	for _, m := range n.members {
		s.clients = append(s.clients, client.New(m.RPC))
	}
	s.watch = newWatch(s.clients, work.Payments > 0 || work.Traffic > 0)
	defer s.stopAll()
	began := time.Now()
	for i := range n.members {
		if err := s.start(i); err != nil {
			return nil, err
		}
	}
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	s.say("all %d nodes take part after %.1f s", len(n.members), time.Since(began).Seconds())
	remove, err := n.Facts.write()
	if err != nil {
		return nil, err
	}
	defer remove()

	following, unfollow := context.WithCancel(context.WithoutCancel(ctx))
	var watching sync.WaitGroup
	watching.Go(func() { s.watch.run(following) })
	defer watching.Wait()
	defer unfollow()
	if progress.Ready != nil {
		progress.Ready(&n.Facts)
	}
	healthy, unhealthy := context.WithCancelCause(ctx)
	watching.Go(func() { unhealthy(s.guard(following)) })
	if work.Payments > 0 {
		return s.measure(healthy, work, progress)
	}
	if err := s.idle(healthy, work); ctx.Err() == nil {
		return nil, err // the person did not ask for the end: something broke
	}
	return s.check(context.WithoutCancel(ctx))
}

// guard returns the first thing that goes wrong: a node that ends by itself, or two that differ.
func (s *session) guard(ctx context.Context) error {
	for {
		if err := errors.Join(s.failed(), s.watch.trouble()); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// start starts or restarts a member and watches for its end.
func (s *session) start(i int) error {
	r, err := s.Network.start(s.members[i])
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.running[i] = r
	s.mu.Unlock()
	return nil
}

// failed returns the error of a node that ended by itself, if any has.
func (s *session) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, r := range s.running {
		if r == nil {
			continue
		}
		select {
		case err := <-r.ended():
			s.running[i] = nil
			if err == nil {
				err = fmt.Errorf("%s ended by itself", s.members[i].Name)
			}
			return err
		default:
		}
	}
	return nil
}

// ready waits until every node takes part.
func (s *session) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	for i := range s.members {
		if err := s.active(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// active waits until one node says that it takes part.
func (s *session) active(ctx context.Context, i int) error {
	state := "silent"
	for {
		info, err := client.New(s.members[i].RPC, client.WithAttempts(1, 0)).Info(ctx)
		if err == nil {
			if state = info.State; state == "active" {
				return nil
			}
		}
		if err := s.failed(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is %s and not active: %w; see %s", s.members[i].Name, state, ctx.Err(), s.members[i].Log)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// idle runs until ctx ends, with traffic if asked for, and returns why it ended.
func (s *session) idle(ctx context.Context, work Work) error {
	if work.Traffic > 0 {
		c, err := newCrowd(s.watch, s.Facts.Network)
		if err != nil {
			return err
		}
		made, failed := c.traffic(ctx, work.Traffic, s.options.Seed)
		s.say("traffic: %d payments final, %d failed", made, failed)
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// measure makes the payments, kills and restarts nodes on the way, and reports.
func (s *session) measure(ctx context.Context, work Work, progress Progress) (*Report, error) {
	c, err := newCrowd(s.watch, s.Facts.Network)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	paid := make(chan struct{}, work.Payments)
	killed := make(chan error, 1)
	go func() { killed <- s.killSome(ctx, work, paid) }()
	count := 0
	var mu sync.Mutex
	err = c.pay(ctx, work.Payments, s.options.Seed, func() {
		paid <- struct{}{}
		mu.Lock()
		defer mu.Unlock()
		if count++; progress.Paid != nil {
			progress.Paid(count)
		}
	})
	close(paid)
	if err := errors.Join(err, <-killed); err != nil {
		return nil, err
	}
	finishing, cancel := context.WithTimeout(ctx, finalLimit)
	defer cancel()
	if err := s.watch.until(finishing, func() bool { return len(s.watch.times)+s.watch.rejected >= work.Payments }); err != nil {
		s.watch.mu.Lock()
		defer s.watch.mu.Unlock()
		return nil, fmt.Errorf("%s: %w", s.watch.undone(), err)
	}
	seconds := time.Since(began).Seconds()
	report, err := s.check(ctx)
	if report != nil {
		report.Submitted, report.Seconds = work.Payments, seconds
		s.watch.fill(report)
	}
	if err == nil && (report.Final != work.Payments || report.Rejected != 0) {
		err = fmt.Errorf("%d of %d payments are final on all nodes, %d were rejected", report.Final, work.Payments, report.Rejected)
	}
	return report, err
}

// fill adds what was measured about the payments.
func (w *watch) fill(r *Report) {
	w.mu.Lock()
	defer w.mu.Unlock()
	times := slices.Sorted(slices.Values(w.times))
	r.Final, r.Rejected = len(times), w.rejected
	if n := len(times); n > 0 {
		at := func(percent int) int64 { return times[min(n-1, n*percent/100)].Milliseconds() }
		r.Finality = Finality{P50: at(50), P99: at(99), Max: times[n-1].Milliseconds()}
	}
}

// killSome kills nodes when a third of the payments are made and starts them again when two
// thirds are.
func (s *session) killSome(ctx context.Context, work Work, paid <-chan struct{}) error {
	victims := rand.New(rand.NewPCG(s.options.Seed, 1)).Perm(len(s.members))[:work.Kill]
	made := 0
	var errs []error
	for range paid {
		made++
		switch {
		case len(victims) == 0:
		case made == max(1, work.Payments/3):
			s.kill(victims)
		case made == max(2, 2*work.Payments/3):
			for _, i := range victims {
				s.say("starting %s again on the same home", s.members[i].Name)
				errs = append(errs, s.start(i))
			}
		}
	}
	return errors.Join(errs...)
}

// kill ends nodes without warning, all at once, and waits until they are gone.
func (s *session) kill(victims []int) {
	var gone []running
	s.mu.Lock()
	for _, i := range victims {
		if r := s.running[i]; r != nil {
			s.say("killing %s", s.members[i].Name)
			gone = append(gone, r)
			s.running[i] = nil
		}
	}
	s.mu.Unlock()
	for _, r := range gone {
		r.kill()
	}
	for _, r := range gone {
		<-r.ended()
	}
}

// check waits until all nodes show the same newest commit, compares, and asks each about the
// supply.
func (s *session) check(ctx context.Context) (*Report, error) {
	ctx, cancel := context.WithTimeout(ctx, settleLimit)
	defer cancel()
	at, err := s.watch.settle(ctx)
	if err != nil {
		return nil, err
	}
	report := &Report{Nodes: len(s.members), LedgerRoot: at.Digest, SupplyOK: true}
	for i, c := range s.clients {
		if slices.Contains(s.gone, i) {
			continue
		}
		commit, err := waitCommit(ctx, c, at.Index)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.members[i].Name, err)
		}
		if commit == nil || commit.Digest != at.Digest {
			return nil, fmt.Errorf("%s has another state after commit %d than the others", s.members[i].Name, at.Index)
		}
		supply, err := c.Supply(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.members[i].Name, err)
		}
		if !supply.OK {
			report.SupplyOK = false
			err = fmt.Errorf("%s: unspent outputs do not add up to what came in less what went out", s.members[i].Name)
			return report, err
		}
	}
	s.say("check: %d nodes agree on commit %d, state %s; supply adds up on each", len(s.members)-len(s.gone), at.Index, at.Digest)
	return report, nil
}

// waitCommit waits until a node has executed a commit: one that joined may be a little behind.
func waitCommit(ctx context.Context, c *client.Client, index kernel.CommitIndex) (*client.Commit, error) {
	for {
		commit, err := c.Commit(ctx, index)
		if err != nil || commit != nil {
			return commit, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// stopAll stops every node and waits for it.
func (s *session) stopAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.running {
		if r != nil {
			r.stop()
		}
	}
	for i, r := range s.running {
		if r != nil {
			<-r.ended()
			s.running[i] = nil
		}
	}
}
