package sim

import (
	"fmt"

	"github.com/asterism-network/asterism/internal/sim"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
)

// A Trace is a run's story, and at its end the graph as one node saw it, in the words of the RPC:
// what draws a node's graph draws this one. The nil Trace keeps nothing.
type Trace struct {
	Kind      string       `json:"kind"` // TraceKind
	Title     string       `json:"title"`
	Replay    string       `json:"replay"`
	Began     sim.Time     `json:"began_ms"` // Unix time at which the run's time is 0
	Violation *Violation   `json:"violation,omitempty"`
	Plan      []Step       `json:"plan"`
	Events    []TraceEvent `json:"events"`
	Dropped   int          `json:"dropped_events,omitempty"`
	Node      int          `json:"node"` // whose graph it is; -1 if no node was up
	Graph     client.Graph `json:"graph"`

	w *world
}

// TraceKind says in a file what it is.
const TraceKind = "asterism simulation trace 1"

// A TraceEvent is something that happened to a member; Node is -1 for what happened to none.
type TraceEvent struct {
	At    sim.Time     `json:"at_ms"`
	Round kernel.Round `json:"round"` // the highest that an honest node had made by then
	Node  int          `json:"node"`
	What  string       `json:"what"`
}

// maxEvents bounds the events of a trace; what comes later is counted only.
const maxEvents = 20_000

func newTrace(w *world) *Trace { return &Trace{Kind: TraceKind, Began: genesisTime, w: w} }

func (t *Trace) event(at sim.Time, node int, what string) {
	if t == nil {
		return
	}
	if len(t.Events) >= maxEvents {
		t.Dropped++
		return
	}
	var round kernel.Round
	if t.w.checks != nil {
		round = t.w.checks.rounds
	}
	t.Events = append(t.Events, TraceEvent{at, round, node, what})
}

// end draws the graph and says what the run was.
func (t *Trace) end() {
	if t == nil {
		return
	}
	w := t.w
	t.Title = fmt.Sprintf("%s, seed %d, %d nodes", w.options.Profile, w.options.Seed, w.profile.nodes)
	t.Replay, t.Violation, t.Plan, t.Node = w.options.Replay(), w.checks.violation, steps(w.plan), -1
	if n := t.witness(); n != nil {
		t.Node = n.place
		t.Graph = t.draw(n)
	}
}

// witness is the node whose graph is drawn: the one the violation is about, if it runs.
func (t *Trace) witness() (best *node) {
	for _, n := range t.w.nodes {
		if n.host == nil || n.replica == nil {
			continue
		}
		if v := t.w.checks.violation; v != nil && v.Node == n.place {
			return n
		}
		if best == nil || n.engine().Newest() > best.engine().Newest() {
			best = n
		}
	}
	return best
}

// draw is a node's graph. The time of a commit is that of the first node that executed it.
func (t *Trace) draw(n *node) client.Graph {
	newest := n.engine().Newest()
	commits := t.w.checks.commits
	g := n.replica.Picture(n.engine().Vertices(1, newest), n.engine().Slots(1, newest), func(id kernel.SnapshotID) (received, committed kernel.Timestamp) {
		if index, _, ok := n.store.SnapshotPosition(id); ok && index > 0 && int(index) <= len(commits) {
			committed = kernel.Timestamp(genesisTime + commits[index-1].at)
		}
		return 0, committed
	})
	g.From, g.To, g.Newest = 1, newest, newest
	for _, f := range t.w.plan {
		if isTraitor(f) && f.Node < len(g.Names) {
			g.Names[f.Node] += " (traitor)"
		}
	}
	return g
}

// steps lists the faults of a plan that happen.
func steps(plan sim.Plan) []Step {
	list := []Step{}
	for _, n := range plan.Numbers() {
		list = append(list, Step{n, plan[n].String()})
	}
	return list
}
