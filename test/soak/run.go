package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/asterism-network/asterism/kernel/client"
)

// A run is one network that is tormented by one manifest.
type run struct {
	m        *Manifest
	dir      string // logs, manifest, homes
	programs string // folder of kerneld and aster
	say      func(format string, args ...any)

	nodes []*node
	links *mesh
	watch *watch
	crowd *crowd
	gate  *gate
	how   string // what a full disk is
	plain bool   // make no file systems, limit files instead
	ended bool   // all checks have passed: nothing needs to be kept

	fail context.CancelCauseFunc // ends the run with the reason

	mu   sync.Mutex // guards all below
	done map[Kind]int
	head uint64
	over bool // the torment is
}

// Limits of what takes seconds when nothing is wrong. Tests, which run beside others, want more.
var (
	readyLimit  = 90 * time.Second
	settleLimit = 3 * time.Minute
	finalLimit  = 60 * time.Second // for the last payments, once all nodes take part
	stallLimit  = 60 * time.Second // without any payment becoming final while some wait
)

// run makes the network, does the steps under load, heals everything and checks the end. The
// report is filled in as far as the run came. All processes are gone when it returns.
func (r *run) run(ctx context.Context) (*Report, error) {
	r.gate, r.done = newGate(r.m.Tolerated()), map[Kind]int{}
	began := time.Now()
	report := &Report{Seed: r.m.Seed, Nodes: r.m.Nodes, Runs: 1}
	if err := r.m.Write(filepath.Join(r.dir, "manifest.json")); err != nil {
		return report, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.fail = cancel
	err := r.whole(ctx, report)
	if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(err, cause) && !errors.Is(cause, context.Canceled) {
		err = errors.Join(cause, err)
	}
	report.fill(r, time.Since(began))
	return report, err
}

func (r *run) whole(ctx context.Context, report *Report) error {
	aside, leave := context.WithCancel(context.WithoutCancel(ctx)) // links and streams outlast what fails
	var beside sync.WaitGroup
	defer beside.Wait()
	defer leave()
	defer r.end() // first of all: every process
	if err := r.assemble(); err != nil {
		return err
	}
	beside.Go(func() { r.links.run(aside) })
	for _, n := range r.nodes {
		if err := n.start(); err != nil {
			return err
		}
	}
	for _, n := range r.nodes {
		if err := r.await(ctx, n, readyLimit, "take part", func(info *client.Info) bool { return info.State == "active" }); err != nil {
			return err
		}
	}
	r.say("%d nodes take part; %d steps follow, at most %d nodes impaired at once; a full disk is %s", len(r.nodes), len(r.m.Steps), r.gate.limit, r.how)
	beside.Go(func() { r.watch.run(aside) })
	beside.Go(func() { r.guard(aside) })
	if err := r.torment(ctx); err != nil {
		return err
	}
	err := r.settle(ctx, report)
	r.ended = err == nil
	return err
}

// assemble makes homes, links, disks and users.
func (r *run) assemble() error {
	if err := os.MkdirAll(filepath.Join(r.dir, "logs"), 0o700); err != nil {
		return err
	}
	f, err := makeHomes(r.programs, filepath.Join(r.dir, "net"), r.m.Nodes, r.m.Seed)
	if err != nil {
		return err
	}
	var targets []string
	for _, n := range f.Nodes {
		targets = append(targets, n.P2P)
	}
	if r.links, err = newMesh(targets); err != nil {
		return err
	}
	if r.nodes, r.how, err = r.newNodes(f); err != nil {
		return err
	}
	r.watch = newWatch(r.nodes, 2*len(r.nodes)/3+1, func(err error) { r.fail(err) })
	r.crowd, err = newCrowd(r.watch, r.nodes, f)
	return err
}

// torment does the steps while users pay, and ends when every node has recovered.
func (r *run) torment(ctx context.Context) error {
	paying, enough := context.WithCancel(ctx)
	var payers sync.WaitGroup
	payers.Go(func() {
		if err := r.crowd.run(paying, r.m.Rate); err != nil {
			r.fail(err)
		}
	})
	defer payers.Wait()
	defer enough()
	var steps sync.WaitGroup
	defer steps.Wait()
	began := time.Now()
	for i := range r.m.Steps {
		s := &r.m.Steps[i]
		if pause(ctx, time.Until(began.Add(time.Duration(s.At)*time.Millisecond))) != nil {
			break
		}
		if !r.gate.enter(ctx, s.Node) {
			if ctx.Err() != nil {
				break
			}
			r.say("step %d, %s of node-%d, is left out: too few sound nodes", i+1, s.Kind, s.Node)
			continue
		}
		steps.Go(func() { r.step(ctx, i+1, s) })
	}
	steps.Wait()
	r.mu.Lock()
	r.over = true
	r.mu.Unlock()
	return context.Cause(ctx)
}

func (r *run) isOver() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.over
}

func (r *run) step(ctx context.Context, number int, s *Step) {
	began := time.Now()
	r.say("%3d  %-8s node-%d%s", number, s.Kind, s.Node, s.details())
	err := r.perform(ctx, s)
	if err != nil {
		if ctx.Err() == nil {
			r.fail(fmt.Errorf("step %d, %s of node-%d: %w", number, s.Kind, s.Node, err))
		}
		return
	}
	r.mu.Lock()
	r.done[s.Kind]++
	r.mu.Unlock()
	if r.gate.isLost(s.Node) {
		return
	}
	r.say("%3d  node-%d has recovered, %.1f s after the step began", number, s.Node, time.Since(began).Seconds())
	r.gate.leave(s.Node)
}

// details are what makes a step differ from others of its kind.
func (s *Step) details() string {
	text := fmt.Sprintf(" for %d ms", s.For)
	if len(s.Peers) > 0 {
		text += fmt.Sprintf(", links to %v", s.Peers)
	}
	switch {
	case s.Kind == Half:
		text += ", " + s.Way + " held"
	case s.Kind == Slow:
		text += fmt.Sprintf(", %d ms", s.Delay)
	case s.Kind == Full:
		text += fmt.Sprintf(", %d KiB left", s.Left)
	case s.Stay:
		text += ", to stay"
	}
	return text
}

// guard ends the run when a node ends by itself, payments stand still, or somebody is found to
// have signed twice. It also keeps the newest commit that any node has shown.
func (r *run) guard(ctx context.Context) {
	var twice forks
	for pause(ctx, 250*time.Millisecond) == nil {
		for _, n := range r.nodes {
			if err := n.crashed(); err != nil {
				r.fail(err)
			}
		}
		if d := r.watch.stalled(); d > stallLimit && !r.isOver() {
			r.fail(fmt.Errorf("payments wait, and none has become final for %v, with at most %d of %d nodes impaired", d.Truncate(time.Second), r.gate.limit, len(r.nodes)))
		}
		if err := twice.look(ctx, r.nodes); err != nil {
			r.fail(err)
		}
		r.mu.Lock()
		r.head = max(r.head, r.watch.newest())
		r.mu.Unlock()
	}
}

func (r *run) maxHead() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.head
}

// end ends every process that still runs, stopped ones too, and gives the disks back.
func (r *run) end() {
	var all sync.WaitGroup
	for _, n := range r.nodes {
		all.Go(func() {
			if p, _ := n.now(); p != nil && !p.gone() {
				p.thaw()
				_ = p.stop() // kills after a while
			}
		})
	}
	all.Wait()
	for _, n := range r.nodes {
		if n.disk != nil {
			if !r.ended {
				_ = copyTree(filepath.Join(r.dir, "net", n.name), n.home) // for whoever looks for the cause
			}
			n.disk.close()
		}
	}
	if r.links != nil {
		r.links.close()
	}
}

// kindsDone lists kinds in the order of Kinds.
func (r *run) kindsDone() map[Kind]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[Kind]int{}
	for _, k := range Kinds {
		out[k] = r.done[k]
	}
	return out
}
