package sim

import (
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/asterism-network/asterism/internal/sim"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/canary"
	"github.com/asterism-network/asterism/kernel/internal/committee"
	"github.com/asterism-network/asterism/kernel/internal/replica"
)

// Run makes one run. The error is for options that make no sense.
func Run(o Options) (*Result, error) {
	w, err := newWorld(o)
	if err != nil {
		return nil, err
	}
	w.run()
	return w.result(), nil
}

func brokenSet(name string) (canary.Set, error) {
	if name == "" {
		return canary.Set{}, nil
	}
	for _, c := range canary.All() {
		if c.String() == name {
			return canary.Break(c), nil
		}
	}
	return canary.Set{}, fmt.Errorf("no canary is called %q", name)
}

func newWorld(o Options) (*world, error) {
	p, ok := profileOf(o)
	if !ok {
		return nil, fmt.Errorf("no profile is called %q", o.Profile)
	}
	if p.nodes < kernel.MinMembers || p.nodes > kernel.MaxMembers {
		return nil, fmt.Errorf("%d nodes: a network has %d to %d", p.nodes, kernel.MinMembers, kernel.MaxMembers)
	}
	if o.Traitor != "" && !slices.Contains(Behaviours(), o.Traitor) {
		return nil, fmt.Errorf("no traitor does %q", o.Traitor)
	}
	broken, err := brokenSet(o.Canary)
	if err != nil {
		return nil, err
	}
	w := &world{options: o, profile: p, broken: broken, memory: replica.NewSharedMemory(), conns: make(map[[2]int]bool), reach: sim.Counts{}, faults: sim.Counts{}}
	w.stage = stageOf(constants{p.nodes, balances, p.parameters, p.renews, p.extras})
	w.rng.net, w.rng.node = sim.Stream(o.Seed, "network"), sim.Stream(o.Seed, "nodes")
	w.rng.work, w.rng.evil = sim.Stream(o.Seed, "clients"), sim.Stream(o.Seed, "traitors")
	w.net = sim.NewNetwork(&w.clock, w.rng.net, p.nodes+p.extras, p.near, p.far)
	w.net.Conditions = p.conditions
	if o.Trace {
		w.trail = newTrace(w)
	}
	w.people(planOf(o, p))
	return w, nil
}

// people fills the places, as the plan says who is a traitor, and schedules the rest of the plan.
func (w *world) people(plan sim.Plan) {
	if w.options.Faults != nil {
		plan = plan.Keep(w.options.Faults)
	}
	w.plan = plan
	evil := make(map[int]sim.Fault)
	for _, f := range plan {
		if isTraitor(f) {
			evil[f.Node] = f
			w.evil = w.evil.With(kernel.Author(f.Node))
		}
		if f.Kind == rebelKind {
			w.evil = w.evil.With(kernel.Author(f.Node))
		}
	}
	honest := committee.Set(1<<(w.profile.nodes+w.profile.extras)-1) &^ w.evil
	w.notary = newNotary(w.stage, w.options.Seed, honest, w.options.Real)
	w.clients, w.checks = newClients(w), newChecks(w)
	w.witness = w.checks
	for a := range w.profile.nodes {
		if f, ok := evil[a]; ok {
			t := w.newTraitor(kernel.Author(a), f)
			w.traitors = append(w.traitors, t)
			w.ends = append(w.ends, t)
			w.faults[f.Kind]++
			continue
		}
		n := w.newNode(kernel.Author(a), a)
		w.nodes = append(w.nodes, n)
		w.ends = append(w.ends, n)
	}
	for i := range w.profile.extras {
		place := w.profile.nodes + i
		n := w.newNode(kernel.Author(place), place)
		n.joined = false
		w.nodes, w.ends = append(w.nodes, n), append(w.ends, n)
	}
	w.cofactorless = w.nodes[0].place
	if w.profile.scheme {
		w.scheme = newScheme(w)
	}
	for _, f := range plan {
		w.apply(f)
	}
}

// run lets time pass: the network starts, clients pay while things go wrong, then all is well
// and everything must get its answer.
func (w *world) run() {
	for _, e := range w.ends {
		if n, ok := e.(*node); ok && !n.joined {
			continue
		}
		w.clock.At(sim.Time(w.rng.node.IntN(300)), e.(interface{ start() }).start)
	}
	w.until(boot, nil)
	for i := 0; i < w.profile.payments || w.checks.rounds < w.profile.rounds; i++ {
		if w.clock.Now() > w.limit() || w.checks.violation != nil {
			break
		}
		w.clients.pay()
		made := w.checks.rounds
		w.until(w.clock.Now()+sim.Time(w.rng.work.Int64N(int64(2*w.profile.gap))), nil)
		w.until(w.clock.Now()+8*w.profile.gap, func() bool { return w.checks.rounds > made }) // clients slow down with the network
	}
	if w.checks.violation != nil {
		return
	}
	w.heal()
	from := w.clock.Now()
	if !w.until(from+w.profile.patience, w.settled) && w.checks.violation == nil {
		w.checks.stuck(w.clock.Now() - from)
	}
	if w.checks.violation == nil {
		w.checks.finish()
	}
}

// limit is when a run gives up waiting for rounds, ms.
func (w *world) limit() sim.Time { return boot + 10*sim.Time(w.profile.payments)*w.profile.gap }

// until lets time pass until limit, or until done holds or a promise is broken.
func (w *world) until(limit sim.Time, done func() bool) bool {
	for steps := 0; w.clock.Step(limit); steps++ {
		if w.checks.violation != nil {
			return false
		}
		if done != nil && steps%32 == 0 && done() {
			return true
		}
	}
	return done == nil || done()
}

// settled reports whether every transaction has its answer and all nodes say the same.
func (w *world) settled() bool {
	if len(w.clients.open()) > 0 {
		return false
	}
	head := kernel.CommitIndex(len(w.checks.commits))
	for _, n := range w.nodes {
		if n.place != int(n.author) || !n.joined || n.rebel != nil {
			continue
		}
		if !n.up || n.store.Head().Index != head {
			return false
		}
	}
	return true
}

func (w *world) result() *Result {
	w.trail.end()
	r := &Result{
		Options: w.options, Nodes: w.profile.nodes, Violation: w.checks.violation, Rounds: int(w.checks.rounds), Commits: len(w.checks.commits),
		Transactions: w.clients.made, Final: w.checks.final, Rejected: w.checks.rejected, Simulated: w.clock.Now(),
		Faults: w.faults, Reached: w.reach, Waits: w.checks.waits, Plan: w.plan, Trace: w.trail,
	}
	if r.Violation != nil {
		w.mark([]byte(r.Violation.String()))
	}
	s := w.net.Stats
	for kind, n := range map[string]uint64{"lost": s.Lost, "cut": s.Cut, "repeated": s.Repeated, "late": s.Late} {
		if n > 0 {
			w.faults["message_"+kind] += int(n)
		}
	}
	w.mark(fmt.Appendf(nil, "%d %d %d %d %d %d", r.Rounds, r.Transactions, r.Final, r.Rejected, s.Sent, s.Bytes))
	r.Digest = hex.EncodeToString(w.digest[:16])
	return r
}
