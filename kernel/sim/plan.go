package sim

import (
	"math/rand/v2"
	"slices"

	"github.com/asterism-network/asterism/internal/sim"
)

// A planner writes the plan of a run: what goes wrong, when and for how long. It keeps to what
// the network promises to survive: traitors, and honest nodes that may have to stop signing for
// good, are together at most f.
type planner struct {
	dice    *rand.Rand
	profile *profile
	plan    sim.Plan
	left    int // of f
	spoiled map[int]bool
	from    sim.Time
	length  sim.Time // of the time in which things go wrong
	only    []string // behaviours of traitors; nil is any
}

// boot is how long a network is left alone at first, ms.
const boot = 1200

// planOf writes the plan of a run. Its first faults are the traitors.
func planOf(o Options, p *profile) sim.Plan {
	b := &planner{dice: sim.Stream(o.Seed, "plan"), profile: p, left: (p.nodes - 1) / 3, spoiled: make(map[int]bool),
		from: boot, length: sim.Time(p.payments) * p.gap}
	p.plan(b)
	if o.Traitor != "" {
		b.only = []string{o.Traitor}
	}
	faults := b.plan
	b.plan = nil
	b.recruit()
	return append(b.plan, faults...)
}

// recruit makes members traitors. Two behaviours each: one alone is too easy to see through.
func (b *planner) recruit() {
	kinds := Behaviours()
	if b.only != nil {
		kinds = b.only
	}
	for i := 0; i < b.profile.nodes && b.profile.traitors > 0 && b.left > 0; i++ {
		node := (i + b.dice.IntN(b.profile.nodes)) % b.profile.nodes
		if b.spoiled[node] {
			continue
		}
		b.spoiled[node] = true
		b.left--
		b.profile.traitors--
		b.plan = append(b.plan, sim.Fault{Kind: traitorKind + kinds[b.dice.IntN(len(kinds))], Node: node, Arg: int(b.dice.Uint32() >> 1)})
	}
}

// rebelKind is the kind of a fault that makes a member a rebel.
const rebelKind = "rebel"

// rebels makes up to n members rebels, as far as the network bears it.
func (b *planner) rebels(n int) {
	for range n {
		if b.left > 0 {
			b.left--
			b.plan = append(b.plan, sim.Fault{Kind: rebelKind, Node: b.spoiledNode(), Arg: 1 + b.dice.IntN(15)})
		}
	}
}

// rebelForks is the number of a rebel that signs twice and does nothing else.
const rebelForks = 1

// cheats makes a member a rebel that signs twice, now and then, and again and again once it is flagged for
// it, and lets holders of XIN appeal for it: for the flag, or for the stake that it lost.
func (b *planner) cheats() {
	at := slices.IndexFunc(b.plan, func(f sim.Fault) bool { return f.Kind == rebelKind })
	if at < 0 && b.left > 0 {
		at = len(b.plan)
		b.left--
		b.plan = append(b.plan, sim.Fault{Kind: rebelKind, Node: b.spoiledNode()})
	}
	if at < 0 {
		return
	}
	b.plan[at].Arg = rebelForks
	for i := range b.dice.IntN(3) {
		b.add(sim.Fault{Kind: "appeal", Node: b.plan[at].Node, Arg: b.dice.IntN(2), Other: i})
	}
}

// members lets people come and go.
func (b *planner) members(joins, leaves int) {
	for i := range min(joins, b.profile.extras) {
		b.add(sim.Fault{Kind: "join", Node: b.profile.nodes + i})
	}
	for range leaves {
		b.add(sim.Fault{Kind: "leave", Node: b.node()})
	}
}

// traitorKind begins the kind of a fault that makes a member a traitor; its behaviour follows.
const traitorKind = "traitor:"

func (b *planner) traitorsAre(kinds ...string) { b.only = kinds }

// several adds up to n faults of a kind.
func (b *planner) several(n int, add func(*planner)) {
	for range b.dice.IntN(n + 1) {
		add(b)
	}
}

// spoil adds up to n faults after which a node may sign no more, as far as the network bears it.
func (b *planner) spoil(n int, add func(*planner)) {
	for range b.dice.IntN(n + 1) {
		if b.left > b.profile.traitors {
			b.left--
			add(b)
		}
	}
}

func (b *planner) add(f sim.Fault) {
	f.At = b.from + sim.Time(b.dice.Int64N(int64(b.length)))
	b.plan = append(b.plan, f)
}

func (b *planner) node() int { return b.dice.IntN(b.profile.nodes) }

func (b *planner) span(least, most int) sim.Time {
	return sim.Time(least + b.dice.IntN(most-least+1))
}

func (b *planner) partition() {
	b.add(sim.Fault{Kind: "partition", Arg: int(b.dice.Uint64() >> 14), For: b.span(200, 6000)})
}

func (b *planner) oneWay() {
	b.add(sim.Fault{Kind: "one_way", Node: b.node(), Other: b.node(), For: b.span(200, 8000)})
}

func (b *planner) isolate() {
	b.add(sim.Fault{Kind: "isolate", Node: b.node(), Arg: b.dice.IntN(3), For: b.span(200, 6000)})
}

// crash is a loss of power, or the end of the process: then everything written stays.
func (b *planner) crash() {
	percent := []int{0, 0, 50, 100}[b.dice.IntN(4)]
	b.add(sim.Fault{Kind: "crash", Node: b.node(), Arg: percent, For: b.span(0, 4000)})
}

// dooms is a loss of power at a moment that matters.
func (b *planner) dooms() {
	m := 1 + b.dice.IntN(int(moments)-1)
	after := b.dice.IntN(4)
	if moment(m) == insideWrite {
		after = b.dice.IntN(40)
	}
	b.add(sim.Fault{Kind: "crash_at", Node: b.node(), Other: m, Arg: after<<8 | []int{0, 50, 100}[b.dice.IntN(3)], For: b.span(0, 3000)})
}

func (b *planner) freeze() {
	b.add(sim.Fault{Kind: "freeze", Node: b.node(), For: b.span(100, 10_000)})
}

func (b *planner) fullDisk() {
	b.add(sim.Fault{Kind: "disk_full", Node: b.node(), For: b.span(500, 6000)})
}

func (b *planner) diskError() {
	b.add(sim.Fault{Kind: "disk_error", Node: b.node(), Arg: b.dice.IntN(60), Other: b.dice.IntN(2)})
}

func (b *planner) slowDisk() {
	b.add(sim.Fault{Kind: "disk_slow", Node: b.node(), Arg: 50 + b.dice.IntN(1000), For: b.span(500, 5000)})
}

func (b *planner) slowLedger() {
	b.add(sim.Fault{Kind: "ledger_slow", Node: b.node(), Arg: 20 + b.dice.IntN(400), For: b.span(500, 5000)})
}

// skew makes a clock wrong: it jumps, drifts or stands still.
func (b *planner) skew() {
	f := sim.Fault{Kind: "clock_jump", Node: b.node(), Arg: b.dice.IntN(1_200_001) - 600_000, For: b.span(500, 20_000)}
	switch b.dice.IntN(5) {
	case 0:
		f.Kind, f.Arg = "clock_drift", b.dice.IntN(401)-200
	case 1:
		f.Kind = "clock_stops"
	case 2:
		if b.left > b.profile.traitors { // an absurd date stays in the node's snapshots: it counts as one of f
			b.left--
			f.Kind, f.Node, f.Arg = "clock_absurd", b.spoiledNode(), b.dice.IntN(3)
		}
	}
	b.add(f)
}

func (b *planner) spoiledNode() int {
	for {
		if n := b.node(); !b.spoiled[n] {
			b.spoiled[n] = true
			return n
		}
	}
}

func (b *planner) wipe() {
	b.add(sim.Fault{Kind: "wipe", Node: b.spoiledNode(), Arg: b.dice.IntN(2), For: b.span(0, 4000)})
}

// restore puts an old copy of a node's folder in the place of the new one.
func (b *planner) restore() {
	b.add(sim.Fault{Kind: "restore", Node: b.spoiledNode(), For: b.span(500, 5000), Arg: b.dice.IntN(2000)})
}

// copy starts a second node with a copy of a folder while the first goes on.
func (b *planner) copy() {
	b.add(sim.Fault{Kind: "second_copy", Node: b.spoiledNode(), For: b.span(500, 3000), Arg: 1000 + b.dice.IntN(4000)})
}

func (b *planner) flip() {
	b.add(sim.Fault{Kind: "bit_flip", Node: b.spoiledNode(), Arg: b.dice.IntN(1 << 30), For: b.span(0, 2000)})
}

func (b *planner) clog() {
	b.add(sim.Fault{Kind: "clog", Node: b.node(), Other: b.node(), For: b.span(300, 6000)})
}

// everybody restarts, one after the other or all at once.
func (b *planner) everybody() {
	b.add(sim.Fault{Kind: "restart_all", Arg: b.dice.IntN(1000), For: b.span(0, 2000)})
}
