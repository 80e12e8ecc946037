package chain

import (
	"maps"
	"slices"
	"strings"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/state"
	"github.com/asterism-network/asterism/pillars/internal/tree"
)

// stateAfter is the state after a judged block, wherever it stands: that on disk if it is our tip, else that with all
// undone down to the fork, and the branch's blocks applied on top in memory.
func (c *Chain) stateAfter(n *tree.Node) state.View {
	if n == c.tree.Tip() {
		return c.store.View()
	}
	s := &c.branch
	if goesOn := s.at != nil && (s.at == n || s.at == n.Parent() && !n.Ours()); !goesOn {
		s.at, s.over = c.tree.Tip(), overlay{c.store.View(), map[state.Key][]byte{}}
	}
	c.climb(n)
	return &c.branch.over
}

// A branchState is the state after a block that is not our tip. It serves the next block of the same branch too, and
// ends when our tip moves.
type branchState struct {
	at   *tree.Node // nil: none
	over overlay
}

func (s *branchState) clear() { *s = branchState{} }

// climb moves the branch's state to a node: down to our chain's fork first if it stands at the tip.
func (c *Chain) climb(to *tree.Node) {
	var up []*tree.Node
	for n := to; n != c.branch.at && !n.Ours(); n = n.Parent() {
		up = append(up, n)
	}
	if len(up) == 0 || up[len(up)-1].Parent() != c.branch.at {
		fork := to
		if len(up) > 0 {
			fork = up[len(up)-1].Parent()
		}
		c.descend(fork)
	}
	for _, n := range slices.Backward(up) {
		diff := c.diffs.get(n.ID())
		if diff == nil {
			diff = c.mustApply(&c.branch.over, n, c.bodyOf(n))
			c.diffs.put(diff)
		}
		for _, change := range diff.Changes {
			c.branch.over.put(change.Key, change.After)
		}
		c.branch.at = n
	}
}

// descend undoes our chain in memory down to a block of it.
func (c *Chain) descend(fork *tree.Node) {
	for n := c.branch.at; n != fork; n = n.Parent() {
		undo, err := c.store.Undo(n.ID())
		if err != nil {
			panic("chain: " + err.Error()) // our chain above what is final always has it
		}
		for _, r := range undo.Records {
			c.branch.over.put(r.Key, r.Value)
		}
		c.branch.at = n.Parent()
	}
}

func (c *Chain) bodyOf(n *tree.Node) *pillars.Block {
	if b := n.Block(); b != nil {
		return b
	}
	b, err := c.store.Block(n.ID())
	if err != nil {
		panic("chain: " + err.Error()) // judged blocks in the tree are in memory or on disk
	}
	return b
}

// An overlay is a state with changes on top.
type overlay struct {
	base state.View
	now  map[state.Key][]byte // nil where there is no record any more
}

func (o *overlay) put(key state.Key, value []byte) { o.now[key] = value }

// Get returns a record.
func (o *overlay) Get(key state.Key) ([]byte, bool) {
	if value, ok := o.now[key]; ok {
		return value, value != nil
	}
	return o.base.Get(key)
}

// Under merges what the base has with what lies on top.
func (o *overlay) Under(prefix state.Key, each func(state.Key, []byte) bool) {
	var over []state.Key
	for key := range maps.Keys(o.now) {
		if strings.HasPrefix(string(key), string(prefix)) {
			over = append(over, key)
		}
	}
	slices.Sort(over)
	more := true
	emit := func(key state.Key) { // one that lies on top
		if value := o.now[key]; value != nil {
			more = each(key, value)
		}
		over = over[1:]
	}
	o.base.Under(prefix, func(key state.Key, value []byte) bool {
		for more && len(over) > 0 && over[0] < key {
			emit(over[0])
		}
		switch {
		case !more:
		case len(over) > 0 && over[0] == key:
			emit(key)
		default:
			more = each(key, value)
		}
		return more
	})
	for more && len(over) > 0 {
		emit(over[0])
	}
}

// keptDiffs is how many diffs are kept: those of a branch that is about to become our chain.
const keptDiffs = 64

// diffs are what the blocks judged last do: where a block is connected does not change that.
type diffs struct {
	byID map[pillars.BlockID]*state.Diff
	ring []pillars.BlockID
}

func (d *diffs) get(id pillars.BlockID) *state.Diff { return d.byID[id] }

func (d *diffs) put(diff *state.Diff) {
	if d.byID == nil {
		d.byID = map[pillars.BlockID]*state.Diff{}
	}
	if d.byID[diff.Block] != nil {
		return
	}
	if len(d.ring) == keptDiffs {
		delete(d.byID, d.ring[0])
		d.ring = d.ring[1:]
	}
	diff.Scripts = nil // verified
	d.ring = append(d.ring, diff.Block)
	d.byID[diff.Block] = diff
}
