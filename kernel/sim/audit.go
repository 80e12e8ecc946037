package sim

import (
	"fmt"

	"github.com/asterism-network/asterism/internal/sim"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

type auditor struct{ w *world }

func newAuditor(w *world) *auditor { return &auditor{w} }

func (a *auditor) audit(n *node, commit *kernel.Commit, diff *ledger.Diff) {}

// stuck meets a run that did not come to its end although all is well. [C7]
func (c *checks) stuck(after sim.Time) {
	open := c.w.clients.open()
	detail := fmt.Sprintf("after %d calm ms %d of %d transactions have no answer", after, len(open), c.w.clients.made)
	for _, n := range c.w.nodes {
		if n.up {
			s := n.engine.Status()
			detail += fmt.Sprintf("; node %d %s round %d commit %d/%d waiting %d held %d", n.author, s.Phase, s.Round, n.store.Head().Index, len(c.commits), s.Waiting, s.Held)
		} else {
			detail += fmt.Sprintf("; node %d down", n.author)
		}
	}
	c.violated("C7", nil, "%s", detail)
}

// finish looks at the whole run.
func (c *checks) finish() {}
