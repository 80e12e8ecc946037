package sim

import (
	"math/rand/v2"
	"strings"

	"github.com/asterism-network/asterism/internal/sim"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// isTraitor reports whether a fault makes a member a traitor.
func isTraitor(f sim.Fault) bool { return strings.HasPrefix(f.Kind, traitorKind) }

// A behaviour is one way to break the rules. Its plot replaces parts of what a traitor does by
// default, which is what an honest member does, except that it proposes nothing.
type behaviour struct {
	name string
	plan func(*traitor) plot
}

// behaviours lists them all. Most keep the traitor's chain valid and growing: a member that is
// only invalid is as harmless as a silent one.
var behaviours = []behaviour{
	{"silent", planSilent},
	{"fall-silent", planFallSilent},
	{"withhold", planWithhold},
	{"stall", planStall},
	{"minimal-parents", planMinimalParents},
	{"time-travel", planTimeTravel},
	{"no-share", planNoShare},
	{"bad-share", planBadShare},
	{"late-share", planLateShare},
	{"claim-ahead", planClaimAhead},
	{"wrong-digest", planWrongDigest},
	{"equivocate", planEquivocate},
	{"equivocate-many", planEquivocateMany},
	{"fork-late", planForkLate},
	{"collude", planCollude},
	{"split-votes", planSplitVotes},
	{"garbage", planGarbage},
	{"stale-replay", planStaleReplay},
	{"spam", planSpam},
	{"history-lies", planHistoryLies},
	{"invalid-parents", planInvalidParents},
	{"false-evidence", planFalseEvidence},
	{"bad-transactions", planBadTransactions},
	{"double-spend-author", planDoubleSpendAuthor},
}

// Behaviours lists what traitors do.
func Behaviours() (names []string) {
	for _, b := range behaviours {
		names = append(names, b.name)
	}
	return names
}

// A traitor is a member that does not keep to the rules. It knows what all traitors know, signs
// with its own key, and can neither forge another's signature nor foresee a coin.
type traitor struct {
	w         *world
	author    kernel.Author // and place
	behaviour string
	arg       int // of its fault: what its behaviour chooses by
	dice      *rand.Rand
	cabal     *cabal
	plot      plot
	branches  []*branch // its chains; an honest member has one
	on        bool
	made      sim.Time // when it made its newest snapshot
	top       kernel.Round
	told      sim.Time // when it last said what it holds, or got on
}

// A plot is what a traitor does in its own way. Nil parts are done as an honest member does.
type plot struct {
	mute    bool                         // sends, makes and answers nothing at all
	ready   func(*branch) bool           // whether to make the next snapshot of a branch now
	choose  func(*branch) []*parent      // candidates for parents, most wanted first
	enough  int                          // parents to name besides its own; 0 is all
	entries func(*draft) []kernel.Entry  // of the body
	alter   func(*draft)                 // changes a snapshot before it is signed
	pass    func(*draft)                 // hands a signed snapshot out
	answer  func(int, wire.Message) bool // true: the message needs no other answer
	pulse   func()                       // besides
}

func (w *world) newTraitor(a kernel.Author, f sim.Fault) *traitor {
	t := &traitor{w: w, author: a, behaviour: strings.TrimPrefix(f.Kind, traitorKind), arg: f.Arg, dice: w.rng.evil}
	if len(w.traitors) > 0 {
		t.cabal = w.traitors[0].cabal
	} else {
		t.cabal = newCabal(w)
	}
	for _, b := range behaviours {
		if b.name == t.behaviour {
			t.plot = b.plan(t)
			return t
		}
	}
	panic("sim: no traitor does " + t.behaviour)
}

func (t *traitor) who() kernel.Author { return t.author }
func (t *traitor) running() bool      { return t.on }
func (t *traitor) lives() int         { return 0 }

func (t *traitor) start() {
	t.on = true
	t.branches = []*branch{{tip: t.cabal.graph.First(t.author, 0)}}
	t.w.meet(int(t.author))
	t.pulse()
}

// halt makes the traitor mute for good. Its connections stay, as those of a process that hangs.
func (t *traitor) halt() { t.plot = plot{mute: true} }

func (t *traitor) connection(peer kernel.Author, up bool) {
	if up && !t.plot.mute {
		t.have(int(peer))
	}
}

// pulsePeriod is how often a traitor looks what it can do, ms: about the batch window of the
// honest, so that it keeps pace and costs no more.
const pulsePeriod = 8

func (t *traitor) pulse() {
	if t.plot.mute {
		return
	}
	t.w.clock.After(pulsePeriod+sim.Time(t.dice.IntN(5)), t.pulse)
	t.ask()
	if t.plot.pulse != nil {
		t.plot.pulse()
	}
	for _, b := range t.branches {
		if !t.plot.mute && t.may(b) {
			t.extend(b)
		}
	}
}

// may reports whether it is time for the next snapshot of a branch, as far as the graph allows
// one: once the network is calm a traitor follows, so that an idle network may rest.
func (t *traitor) may(b *branch) bool {
	if b.dead || t.cabal.authorsAt(b.tip.Round) < t.cabal.members.Q {
		return false
	}
	if t.plot.ready != nil && !t.w.calm {
		return t.plot.ready(b)
	}
	if t.w.calm && t.cabal.honestTop() <= b.tip.Round {
		return t.w.clock.Now() >= t.made+1000
	}
	return true
}

// extend makes the next snapshot of a branch and hands it out.
func (t *traitor) extend(b *branch) {
	d := t.draft(b)
	if d == nil {
		return
	}
	if t.seal(d); t.adopt(d) {
		b.tip = d.vertex
		t.made = t.w.clock.Now()
	}
	t.pass(d)
}

// pass sends a snapshot to those its branch talks to, or as the plot says.
func (t *traitor) pass(d *draft) {
	if t.plot.pass != nil && !t.w.calm {
		t.plot.pass(d)
		return
	}
	t.show(d)
}

// show sends a snapshot to everybody that its branch talks to.
func (t *traitor) show(d *draft) {
	for _, to := range t.victims() {
		if d.branch.to == nil || d.branch.to.Has(t.w.ends[to].who()) {
			t.w.send(int(t.author), to, d.frame)
		}
	}
}

// victims lists the places of honest ends.
func (t *traitor) victims() (places []int) {
	for p, e := range t.w.ends {
		if !t.w.evil.Has(e.who()) && e.running() {
			places = append(places, p)
		}
	}
	return places
}

// victim is one of them; -1 if nobody runs.
func (t *traitor) victim() int {
	if v := t.victims(); len(v) > 0 {
		return v[t.dice.IntN(len(v))]
	}
	return -1
}

// some draws n victims, or all if there are fewer.
func (t *traitor) some(n int) []int {
	v := t.victims()
	t.dice.Shuffle(len(v), func(i, j int) { v[i], v[j] = v[j], v[i] })
	return v[:min(n, len(v))]
}

func (t *traitor) say(to int, m wire.Message) { t.w.send(int(t.author), to, wire.Append(nil, m)) }

func (t *traitor) chance(percent int) bool { return t.dice.IntN(100) < percent }
