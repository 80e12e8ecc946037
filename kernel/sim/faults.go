package sim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/internal/sim"
	"github.com/asterism-network/asterism/kernel"
)

// apply makes a fault of the plan happen at its time. Traitors are there from the beginning.
func (w *world) apply(f sim.Fault) {
	if f.Kind == "" || strings.HasPrefix(f.Kind, traitorKind) {
		return
	}
	if f.Kind == rebelKind {
		w.nodeOf(kernel.Author(f.Node)).rebel = rebelOf(f.Arg)
		w.faults[f.Kind]++
		return
	}
	w.clock.At(f.At, func() {
		if w.calm {
			return
		}
		w.faults[f.Kind]++
		w.trail.event(w.clock.Now(), f.Node, "fault "+f.String())
		switch f.Kind {
		case "partition", "one_way", "isolate", "clog":
			w.cutLinks(f)
		case "clock_jump", "clock_drift", "clock_stops", "clock_absurd":
			w.wrongClock(f)
		case "join":
			w.join(kernel.Author(f.Node))
		case "leave":
			w.leave(kernel.Author(f.Node))
		case "appeal":
			w.appeal(kernel.Author(f.Node), f.Arg == 1, uint64(f.Other))
		case "restart_all":
			w.restartAll(f)
		default:
			if n, ok := w.ends[f.Node].(*node); ok {
				w.hit(n, f)
			}
		}
	})
}

// hit is a fault of one honest node.
func (w *world) hit(n *node, f sim.Fault) {
	switch f.Kind {
	case "crash":
		w.crash(n, f.Arg, f.For)
	case "crash_at":
		n.doom = doom{at: moment(f.Other), after: f.Arg >> 8, then: func() { w.crash(n, f.Arg&0xff, f.For) }}
	case "freeze":
		w.freeze(n, f.For)
	case "disk_full":
		n.disk.SetFull(true)
		w.clock.After(f.For, func() { n.disk.SetFull(false) })
	case "disk_error":
		n.disk.FailAfter(1+uint64(f.Arg), f.Other == 1)
	case "disk_slow":
		n.lag = sim.Time(f.Arg)
		w.after(f.For, n, func() { n.lag = 0 })
	case "ledger_slow":
		n.stalled = sim.Time(f.Arg)
		w.after(f.For, n, func() { n.stalled = 0 })
	case "wipe":
		w.wipe(n, f)
	case "restore":
		w.restore(n, f)
	case "second_copy":
		w.secondCopy(n, f)
	case "bit_flip":
		w.flip(n, f)
	}
}

// crash takes a node down and starts it again after a while. At 100 percent the process ends and
// everything written stays; below, the machine loses power.
func (w *world) crash(n *node, percent int, down sim.Time) {
	if !n.up {
		return
	}
	if percent == 100 {
		n.kill()
	} else {
		n.powerOff(percent, w.rng.node.Uint64())
	}
	w.after(down, n, n.start)
}

func (w *world) freeze(n *node, d sim.Time) {
	if !n.up {
		return
	}
	n.frozen = true
	w.after(d, n, func() {
		n.frozen = false
		n.tick()
	})
}

// cutLinks cuts what the fault says, and mends it when its time is over.
func (w *world) cutLinks(f sim.Fault) {
	for a := range w.ends {
		for b := range w.ends {
			if a != b && w.cutsLink(f, a, b) {
				w.sever(a, b)
				w.clock.After(f.For, func() { w.net.Mend(a, b) })
			}
		}
	}
}

// cutsLink reports whether a fault cuts the link from a to b. Traitors reach everybody in a
// partition: they are what makes one dangerous.
func (w *world) cutsLink(f sim.Fault, a, b int) bool {
	x, y := w.ends[a].who(), w.ends[b].who()
	switch f.Kind {
	case "partition":
		return f.Arg>>x&1 != f.Arg>>y&1 && !w.evil.Has(x) && !w.evil.Has(y)
	case "one_way":
		return int(x) == f.Node && int(y) == f.Other
	case "clog":
		return int(x) == f.Node && int(y) == f.Other || int(x) == f.Other && int(y) == f.Node
	}
	// isolate: both ways, outward only or inward only
	return int(x) == f.Node && f.Arg != 2 || int(y) == f.Node && f.Arg != 1
}

func (w *world) wrongClock(f sim.Fault) {
	n, ok := w.ends[f.Node].(*node)
	if !ok {
		return
	}
	switch f.Kind {
	case "clock_jump":
		n.clock.offset += sim.Time(f.Arg)
		w.mends(n, f, func() { n.clock.offset -= sim.Time(f.Arg) })
	case "clock_drift":
		n.clock.drift = f.Arg
	case "clock_stops":
		n.clock.freeze(w.clock.Now())
		w.mends(n, f, func() { n.clock.frozen = false })
	case "clock_absurd":
		w.absurd(n, f)
	}
	n.tick()
}

// absurd sets a clock to a date at which other software's arithmetic has failed.
func (w *world) absurd(n *node, f sim.Fault) {
	w.hampered = w.hampered.With(n.author)
	dates := []sim.Time{0, 9_223_372_036_855, 4_398_046_511_103} // 1970; 2^63 ns; 2^42 ms
	n.clock.offset = dates[f.Arg] - genesisTime - w.clock.Now()
	w.mends(n, f, func() { n.clock.offset = 0 })
}

// mends takes a fault of a clock back when its time is over, unless heal has set the clock right
// by then.
func (w *world) mends(n *node, f sim.Fault, right func()) {
	w.clock.After(f.For, func() {
		if !w.calm {
			right()
			n.tick()
		}
	})
}

func (w *world) faulty() int { return (w.profile.nodes - 1) / 3 }
func (w *world) quorum() int { return w.profile.nodes - w.faulty() }

// restartAll restarts every honest node, in random order, within the fault's time.
func (w *world) restartAll(f sim.Fault) {
	order := w.rng.node.Perm(len(w.nodes))
	for _, i := range order {
		n := w.nodes[i]
		w.clock.After(sim.Time(w.rng.node.Int64N(int64(f.For)+1)), func() {
			w.crash(n, []int{0, 100}[f.Arg%2], sim.Time(w.rng.node.IntN(1500)))
		})
	}
	w.reached("all_restarted")
}

// wipe takes the disk away. The node comes back with its key only, as a new installation, or
// finds its folder's log gone.
func (w *world) wipe(n *node, f sim.Fault) {
	if !n.up {
		return
	}
	w.hampered = w.hampered.With(n.author)
	n.end(kv.Crashable())
	w.create(n) // at once: whoever starts the node, it finds an installation
	w.note(n, "loses its disk")
	w.after(f.For, n, n.start)
}

// restore stops a node and puts a copy of its folder in place that is older. Nothing can protect
// a node whose newest snapshots nobody holds, so it waits until enough others do.
func (w *world) restore(n *node, f sim.Fault) {
	if !n.up {
		return
	}
	w.hampered = w.hampered.With(n.author)
	backup := n.fs.Kill()
	made := n.engine().Round()
	w.after(f.For, n, func() { w.restoreWhenSeen(n, backup, made, sim.Time(f.Arg)) })
}

func (w *world) restoreWhenSeen(n *node, backup *kv.CrashFS, made kernel.Round, down sim.Time) {
	if w.calm {
		return
	}
	if !n.up || !w.seenByEnough(n, made) {
		w.after(200, n, func() { w.restoreWhenSeen(n, backup, made, down) })
		return
	}
	w.keep(n)
	w.reached("backup_restored")
	w.note(n, "is stopped, and an older copy of its folder put in place")
	n.end(backup)
	w.after(down, n, n.start)
}

// keep syncs what the others hold: should all of them lose power now, nobody would hold the newest snapshots of n,
// and nothing could protect it.
func (w *world) keep(n *node) {
	for _, o := range w.nodes {
		if o != n && o.up {
			o.guard(func() {
				if err := o.replica.Sync(); err != nil {
					o.failed(err)
				}
			})
		}
	}
}

// seenByEnough reports whether so many honest nodes hold a snapshot of n above a round that any
// q answers to a starting node hold one of them.
func (w *world) seenByEnough(n *node, made kernel.Round) bool {
	seen := 0
	for _, o := range w.nodes {
		if o != n && o.up && o.engine().Status().Top[n.author] > made {
			seen++
		}
	}
	return seen > w.faulty()+w.evil.Len()
}

// secondCopy starts another node with a copy of the folder and the same key.
func (w *world) secondCopy(n *node, f sim.Fault) {
	if !n.up {
		return
	}
	w.hampered = w.hampered.With(n.author)
	folder, made := n.fs.Kill(), n.engine().Round()
	w.after(f.For, n, func() { w.copyWhenSeen(n, folder, made, sim.Time(f.Arg)) })
}

func (w *world) copyWhenSeen(n *node, folder *kv.CrashFS, made kernel.Round, length sim.Time) {
	if w.calm {
		return
	}
	if !n.up || !w.seenByEnough(n, made) {
		w.after(200, n, func() { w.copyWhenSeen(n, folder, made, length) })
		return
	}
	w.reached("second_copy")
	second := &node{w: w, author: n.author, place: len(w.ends), fs: folder, disk: kv.Faulty(folder)}
	w.ends = append(w.ends, second)
	w.nodes = append(w.nodes, second)
	w.net.Grow(len(w.ends))
	second.start()
	w.after(length, second, func() { second.kill() })
}

// flip turns bits in a file of a node that is down, and starts it again.
func (w *world) flip(n *node, f sim.Fault) {
	if !n.up {
		return
	}
	w.hampered = w.hampered.With(n.author)
	n.kill()
	if name, ok := w.anyFile(n, f.Arg); ok {
		if at, _, err := n.disk.Flip(name, uint64(f.Arg)); err == nil {
			n.rotten = true
			w.note(n, fmt.Sprintf("has a flipped bit in %s at %d", name, at))
		}
	}
	w.after(f.For, n, n.start)
}

// anyFile chooses a segment of a node's log.
func (w *world) anyFile(n *node, dice int) (string, bool) {
	dir := n.disk.PathJoin(home, "log")
	names, err := n.disk.List(dir)
	if err != nil || len(names) == 0 {
		return "", false
	}
	slices.Sort(names)
	return n.disk.PathJoin(dir, names[dice%len(names)]), true
}

// heal ends everything that goes wrong.
func (w *world) heal() {
	w.calm = true
	w.net.Conditions = sim.Conditions{Jitter: 5}
	w.net.MendAll()
	w.scheme = nil
	for _, n := range w.nodes {
		if n.place != int(n.author) {
			n.kill()
			n.refused = true // one that its disk stopped is not started again
			continue
		}
		n.frozen, n.stalled, n.lag, n.doom = false, 0, 0, doom{}
		n.clock.frozen, n.clock.offset, n.clock.drift = false, 0, 0
		n.disk.SetFull(false)
		n.disk.FailAfter(0, false)
		if n.up {
			n.tick()
		}
		w.after(3000, n, n.start) // whoever is down by now
	}
}
