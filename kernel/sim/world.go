package sim

import (
	"fmt"
	"math/rand/v2"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/sim"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/canary"
	"github.com/asterism-network/asterism/kernel/internal/committee"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/asterism-network/asterism/kernel/internal/replica"
)

// A world is one run: the members, honest and not, the network between them, clients, what goes
// wrong, and the checkers.
type world struct {
	options Options
	profile *profile
	stage   *stage
	broken  canary.Set
	clock   sim.Clock
	net     *sim.Network
	notary  *notary
	memory  *replica.Memory
	rng     struct{ net, node, work, evil *rand.Rand }

	ends      []end // by place: one for each member, then second copies
	nodes     []*node
	traitors  []*traitor
	evil      committee.Set // authors that are traitors
	hampered  committee.Set // honest authors that may have stopped signing for good
	conns     map[[2]int]bool
	clients   *clients
	checks    *checks
	witness   witness
	stopwatch *stopwatch // nil: nobody wants to know
	scheme    scheme     // of an adversary that owns the network; nil for none

	plan         sim.Plan
	cofactorless int // place of the node with the other equation
	reach        sim.Counts
	faults       sim.Counts
	calm         bool // nothing goes wrong any more
	trail        *Trace
	digest       [32]byte
}

// An end is where messages arrive.
type end interface {
	who() kernel.Author
	running() bool
	lives() int
	receive(from int, frame []byte)
	connection(peer kernel.Author, up bool)
}

// A scheme is an adversary that owns the network: it may hold every message, but not for ever.
type scheme interface {
	// carry takes a frame that the network lets arrive after a delay. It calls arrive some time.
	carry(from, to int, frame []byte, delay sim.Time, arrive func())
}

// A witness sees what honest nodes do: the checkers of a run, or the meter of a measurement.
type witness interface {
	started(*node)
	ended(*node)
	wiped(*node)
	panicked(*node, any)
	stepped(*node, *replica.Output)
	answered(*node, []engine.Admission)
	sent(n *node, frame []byte)
	executed(*node, *kernel.Commit, *ledger.Diff)
	misbehaved(n *node, from int, err error)
}

func (w *world) reached(point string) { w.reach[point]++ }

// note writes a line of the run's story.
func (w *world) note(n *node, what string) {
	w.mark(fmt.Appendf(nil, "%d %d %s", w.clock.Now(), n.place, what))
	w.trail.event(w.clock.Now(), int(n.author), what)
}

// mark folds something into the run's digest.
func (w *world) mark(b []byte) { w.digest = crypto.Sum(w.digest[:], b) }

// at does something for a node unless that life has ended by then.
func (w *world) at(at sim.Time, n *node, do func()) {
	life := n.life
	w.clock.At(at, func() {
		if n.life == life {
			do()
		}
	})
}

func (w *world) after(d sim.Time, n *node, do func()) { w.at(w.clock.Now()+d, n, do) }

// short reports whether a member sends the short form of a push to an end. Adversaries read and
// hold back whole snapshots: they know what stands in short ones anyway.
func (w *world) short(to int) bool {
	_, honest := w.ends[to].(*node)
	return honest && w.scheme == nil
}

// execution is how long the ledger takes for a commit.
func (w *world) execution() sim.Time {
	if w.profile.execution == 0 {
		return 0
	}
	return sim.Time(w.rng.node.IntN(int(w.profile.execution)))
}

// copies lists the places of a member: one, or two where a second copy runs.
func (w *world) copies(a kernel.Author) (places []int) {
	places = append(places, int(a))
	for p := len(w.stage.keys); p < len(w.ends); p++ {
		if w.ends[p].who() == a {
			places = append(places, p)
		}
	}
	return places
}

// audience finds the places of those that a message is for.
func (w *world) audience(place int, author kernel.Author, e *replica.Envelope) (places []int) {
	var to [256]bool
	for _, key := range e.To {
		to[w.stage.person(key)] = true
	}
	for p, end := range w.ends {
		if who := end.who(); p != place && who != author && to[who] && w.conns[pair(place, p)] {
			places = append(places, p)
		}
	}
	if e.Sample > 0 {
		w.rng.node.Shuffle(len(places), func(i, j int) { places[i], places[j] = places[j], places[i] })
		places = places[:min(e.Sample, len(places))]
	}
	return places
}

func pair(a, b int) [2]int { return [2]int{min(a, b), max(a, b)} }

// send puts a frame on its way. It is lost when the receiver restarts before it arrives, as with
// a connection.
func (w *world) send(from, to int, frame []byte) {
	target := w.ends[to]
	if !target.running() || !w.conns[pair(from, to)] {
		return
	}
	delays, n := w.net.Send(from, to, len(frame))
	life := target.lives()
	for i := range n {
		arrive := func() {
			if target.running() && target.lives() == life {
				target.receive(from, frame)
			}
		}
		if w.scheme != nil {
			w.scheme.carry(from, to, frame, delays[i], arrive)
		} else {
			w.clock.After(delays[i], arrive)
		}
	}
}

// connectDelay is how long a connection takes to come up at most, ms.
const connectDelay = 30

// meet connects an end that just started with all that run.
func (w *world) meet(place int) {
	for p, other := range w.ends {
		if p != place && other.running() && other.who() != w.ends[place].who() {
			w.connect(place, p, sim.Time(1+w.rng.net.IntN(connectDelay)))
		}
	}
}

// connect brings a connection up after a while, if both ends still run in the same lives and the
// network lets them.
func (w *world) connect(a, b int, d sim.Time) {
	x, y := w.ends[a], w.ends[b]
	lives := [2]int{x.lives(), y.lives()}
	w.clock.After(d, func() {
		if !x.running() || !y.running() || lives != [2]int{x.lives(), y.lives()} || w.conns[pair(a, b)] {
			return
		}
		if !w.net.Connected(a, b) {
			w.connect(a, b, 500) // dialling goes on
			return
		}
		w.conns[pair(a, b)] = true
		x.connection(y.who(), true)
		y.connection(x.who(), true)
	})
}

// part takes down all connections of an end that stopped.
func (w *world) part(place int) {
	for p, other := range w.ends {
		if w.conns[pair(place, p)] {
			delete(w.conns, pair(place, p))
			if other.running() && !w.otherCopy(place, p) {
				other.connection(w.ends[place].who(), false)
			}
		}
	}
}

// otherCopy reports whether p is connected with another copy of the member at place.
func (w *world) otherCopy(place, p int) bool {
	for _, c := range w.copies(w.ends[place].who()) {
		if c != place && w.conns[pair(c, p)] {
			return true
		}
	}
	return false
}

// disconnect ends a connection because of what one end sent; it comes back after a second.
func (w *world) disconnect(a, b int) {
	if w.conns[pair(a, b)] {
		w.drop(a, b)
		w.connect(a, b, 1000)
	}
}

func (w *world) drop(a, b int) {
	delete(w.conns, pair(a, b))
	w.ends[a].connection(w.ends[b].who(), false)
	w.ends[b].connection(w.ends[a].who(), false)
}

// noticed is how long it takes until both ends of a cut link count it as lost, ms.
const noticed = 2000

// sever cuts a link in one direction.
func (w *world) sever(from, to int) {
	w.net.Cut(from, to)
	w.clock.After(noticed, func() {
		if w.conns[pair(from, to)] && !w.net.Connected(from, to) {
			w.drop(from, to)
			w.connect(from, to, 200)
		}
	})
}
