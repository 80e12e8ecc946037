package sim

import (
	"fmt"

	"github.com/asterism-network/asterism/internal/sim"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
)

// stuck meets a run that did not come to its end although all is well. [C7]
func (c *checks) stuck(after sim.Time) {
	open := c.w.clients.open()
	detail := fmt.Sprintf("after %d calm ms %d of %d transactions have no answer", after, len(open), c.w.clients.made)
	for _, n := range c.w.nodes {
		if n.up {
			s := n.engine().Status()
			detail += fmt.Sprintf("; node %d %s round %d commit %d/%d waiting %d held %d", n.author, s.Phase, s.Round, n.store.Head().Index, len(c.commits), s.Waiting, s.Held)
		} else {
			detail += fmt.Sprintf("; node %d down", n.author)
		}
	}
	c.violated("C7", nil, "%s", detail)
}

// finish looks at the whole run, which ended with every node up and level.
func (c *checks) finish() {
	c.idle()
	c.answers()
	for _, n := range c.w.nodes {
		if n.up && n.place == int(n.author) && n.rebel == nil {
			c.closes(n)
		}
	}
	for _, check := range []func(){c.folder, c.referee} {
		if c.violation == nil {
			check()
		}
	}
}

// quiet is how long an idle network is watched, ms, after as much time to become idle. Before that
// all that was held up on its way has come: a question from long ago is answered in full.
const quiet = 1500

// idle lets time pass in which nobody asks for anything. Traitors may ask for more than others. [C8]
func (c *checks) idle() {
	if c.w.evil.Len() > 0 || c.w.profile.renews { // a change of the epoch is work
		return
	}
	c.w.until(c.w.clock.Now()+c.w.profile.conditions.LateBy+quiet, nil)
	if !c.w.until(c.w.clock.Now()+levelTime, c.level) {
		c.violated("C7", nil, "%d ms after everything has its answer, members are not level", levelTime)
	}
	before := make([]int, len(c.w.nodes))
	for i, n := range c.w.nodes {
		before[i] = n.frames
	}
	c.w.until(c.w.clock.Now()+quiet, nil)
	for i, n := range c.w.nodes {
		c.idled(n, n.frames-before[i])
	}
}

// levelTime is how long members may take, at most, to make the rounds that they missed, ms.
const levelTime = 30_000

// level reports whether every member has made the rounds that the others have, and misses nothing.
func (c *checks) level() bool {
	var highest kernel.Round
	for _, n := range c.w.nodes {
		if n.up && n.joined && n.rebel == nil {
			highest = max(highest, n.engine().Round())
		}
	}
	for _, n := range c.w.nodes {
		if n.up && n.rebel == nil && (n.engine().Status().Held > 0 || n.phase == engine.Active && n.engine().Round()+1 < highest) {
			return false
		}
	}
	return true
}

// idled: an idle member makes one snapshot a second, which goes to everybody, and answers what
// the others' make it ask; with a fanout it passes on every member's instead. Twice as much and
// more is a leak.
func (c *checks) idled(n *node, frames int) {
	if most := (4 + 2*c.w.profile.fanout) * len(c.w.stage.keys) * quiet / 1000; frames > most {
		c.violated("C8", n, "sends %d frames in %d idle ms, at most %d are needed", frames, quiet, most)
	}
	if n.up && n.engine().Status().Open > len(c.w.stage.keys)*int(c.w.profile.parameters.Horizon+16) {
		c.violated("C8", n, "keeps %d snapshots open when all is answered", n.engine().Status().Open)
	}
}

// closes holds a node's answers at the end to those that were first given. [C4] [C6]
func (c *checks) closes(n *node) {
	head := n.store.Head()
	c.compare(n, head.Index, head.Digest)
	for _, p := range c.w.clients.payments {
		want, judged := c.auditor.state.receipts[p.hash]
		got, ok := n.store.Receipt(p.hash)
		if want.Commit > head.Index {
			judged, want = false, kernel.Receipt{}
		}
		if ok != judged || got != want {
			c.violated("C4", n, "says that %s is %v at commit %d, which was reported as %v at commit %d", p.hash.Short(), got.Status, got.Commit, want.Status, want.Commit)
			return
		}
	}
	for _, f := range n.store.Faults(0, 1<<16) {
		if !c.w.evil.Has(c.person(f.Epoch, f.Author)) {
			c.violated("C6", n, "holds fault E%d of honest author %d", f.Kind, f.Author)
		}
	}
}

// answers: who pays honestly is paid, and of two that spend the same one is final at most. [C7]
func (c *checks) answers() {
	for _, p := range c.w.clients.payments {
		r := c.auditor.state.receipts[p.hash]
		switch {
		case p.bad && r.Status == kernel.Final:
			c.violated("C2", nil, "%s became final: %s", p.hash.Short(), p.kind)
		case !p.bad && p.rival == nil && r.Status != kernel.Final:
			c.violated("C7", nil, "%s %s has no rival and is not final: %v", p.kind, p.hash.Short(), r.Status)
		case p.rival != nil && !p.bad:
			other := c.auditor.state.receipts[p.rival.hash]
			if finals := count(r.Status == kernel.Final, other.Status == kernel.Final); finals != 1 {
				c.violated("C7", nil, "of %s and its rival %s %d are final", p.hash.Short(), p.rival.hash.Short(), finals)
			}
		}
	}
}

func count(facts ...bool) (n int) {
	for _, f := range facts {
		if f {
			n++
		}
	}
	return n
}

// folder counts the state of the first node with a sound disk from nothing: its disk, its set hash and the auditor
// agree. Digests hold the other nodes to that one. [C3] [C5]
func (c *checks) folder() {
	for _, n := range c.w.nodes {
		if n.up && !n.rotten && n.place == int(n.author) && int(n.store.Head().Index) == len(c.order) {
			head := n.store.Head()
			if checker, problem := c.auditor.state.closeDiffers(head, n.store); problem != "" {
				c.violated(checker, n, "after commit %d %s", head.Index, problem)
			}
			return
		}
	}
}
