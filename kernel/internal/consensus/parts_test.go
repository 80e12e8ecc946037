package consensus

import (
	"flag"
	"fmt"
	"math/bits"
	"testing"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/dag"
	"github.com/asterism-network/asterism/kernel/internal/naive"
)

var small = flag.Uint64("small", 60, "small graphs of which every ancestor-closed part is looked at")

// TestEveryPart takes small graphs, four members and five to nine rounds, in all their parts
// that hold the cone of each of their members. Those are all the views that any order of
// arrival can give anybody. Both implementations make the same of each, and no snapshot more
// ever changes what was decided before it.
func TestEveryPart(t *testing.T) {
	n := *small
	if testing.Short() {
		n /= 4
	}
	var seen partTally
	for seed := *first; seed < *first+n; seed++ {
		if err := everyPart(seed, naive.Faithful, &seen); err != nil {
			t.Fatalf("%v\nreplay: go test ./kernel/internal/consensus -run EveryPart -first %d -small 1", err, seed)
		}
	}
	t.Logf("%d graphs: %+v", n, seen)
	if n >= 10 && (seen.forked == 0 || seen.committed == 0 || seen.skipped == 0 || seen.replayed == 0) {
		t.Errorf("the graphs do not reach every rule: %+v", seen)
	}
}

// TestEveryPartSeesHarm: a horizon that hangs on the view makes two parts settle differently,
// and that shows without any second implementation. What other wrong rules do takes a search;
// see TestExhaustive.
func TestEveryPartSeesHarm(t *testing.T) {
	for seed := uint64(1); seed < 200; seed++ {
		if err := newParts(seed, naive.HorizonOfView).monotone(); err != nil {
			t.Logf("graph %d: %v", seed, err)
			return
		}
	}
	t.Error("the harm is not seen")
}

type partTally struct{ parts, steps, forked, committed, skipped, replayed, tooMany int }

// tooMany bounds the parts of one graph: equivocators that nobody listens to have very many.
const tooMany = 30_000

// parts are all ancestor-closed parts of one small graph.
type parts struct {
	*schedule
	all   []uint64 // bit i is snapshot i; nil if there are too many of them
	slots map[uint64][]naive.Slot
}

func newParts(seed uint64, wrong naive.Mutant) *parts {
	return partsOf(makeSchedule(seed, 4, 5+int(seed%5), wrong))
}

func partsOf(s *schedule) *parts {
	p := &parts{schedule: s}
	if len(p.Snaps()) > 64 || !p.grow(0xf, 4) {
		p.all = nil
		return p
	}
	p.slots = make(map[uint64][]naive.Slot, len(p.all))
	for _, part := range p.all {
		p.slots[part] = p.Slots(naive.Part{part})
	}
	return p
}

// grow lists the parts that agree with part on the snapshots before the nth.
func (p *parts) grow(part uint64, n int) bool {
	if n == len(p.Snaps()) {
		p.all = append(p.all, part)
		return len(p.all) <= tooMany
	}
	return p.grow(part, n+1) && (!p.fits(part, n) || p.grow(part|1<<n, n+1))
}

// fits: the nth snapshot's parents are in the part.
func (p *parts) fits(part uint64, n int) bool {
	for _, parent := range p.Snaps()[n].Parents {
		if part>>parent.Number&1 == 0 {
			return false
		}
	}
	return true
}

func everyPart(seed uint64, wrong naive.Mutant, seen *partTally) error {
	p := newParts(seed, wrong)
	if p.fault != "" {
		return fmt.Errorf("seed %d: %s", seed, p.fault)
	}
	if p.all == nil {
		seen.tooMany++
		return nil
	}
	seen.parts += len(p.all)
	for a := range kernel.Author(p.k) {
		if p.Forked(p.All(), a) {
			seen.forked++
		}
	}
	if err := p.monotone(); err != nil {
		return fmt.Errorf("seed %d: %w", seed, err)
	}
	return p.compare(seen)
}

// monotone: what a part decides stands in every part with one snapshot more, and so in all
// larger ones; and its order is the beginning of the order of everything.
func (p *parts) monotone() error {
	whole := p.Order(p.World.All())
	for _, part := range p.all {
		for n := p.k; n < len(p.Snaps()); n++ {
			if part>>n&1 == 1 || !p.fits(part, n) {
				continue
			}
			if err := stands(p.slots[part], p.slots[part|1<<n]); err != nil {
				return fmt.Errorf("with %v more, %w", p.Snaps()[n], err)
			}
		}
		order := p.Order(naive.Part{part})
		if len(order) > len(whole) {
			return fmt.Errorf("a part has %d commits, the whole %d", len(order), len(whole))
		}
		if err := prefix(order, whole); err != nil {
			return fmt.Errorf("a part against the whole: %w", err)
		}
	}
	return nil
}

// stands: every decision of the smaller part is one of the larger, and the same. What was decided
// by an anchor may be decided directly once more is there.
func stands(smaller, larger []naive.Slot) error {
	i := 0
	for _, s := range smaller {
		for i < len(larger) && (larger[i].Round != s.Round || larger[i].Rank != s.Rank) {
			i++
		}
		if i == len(larger) {
			return fmt.Errorf("slot (%d,%d) is gone", s.Round, s.Rank)
		}
		if s.State != naive.Undecided && (larger[i].State != s.State || larger[i].Leader != s.Leader) {
			return fmt.Errorf("slot (%d,%d) was %v %v and is %v %v", s.Round, s.Rank, s.State, s.Leader, larger[i].State, larger[i].Leader)
		}
	}
	return nil
}

// compare has the product decide every part: as a cut of one graph that holds everything, and
// some of them on a graph of their own that met them one by one.
func (p *parts) compare(seen *partTally) error {
	graph := dag.New(p.epoch(), noHistory{})
	c := p.committer(graph)
	vertices := make([]*dag.Vertex, p.k)
	for _, x := range p.Snaps()[p.k:] {
		v, err := graph.Check(x.ID, x.Header)
		if err != nil {
			return err
		}
		v.HasShare = x.Share
		graph.Insert(v)
		c.Annotate(v)
		vertices = append(vertices, v)
	}
	for i, part := range p.all {
		cut := dag.NewCut(p.k)
		for n := p.k; n < len(vertices); n++ {
			if part>>n&1 == 1 {
				graph.Join(&cut, &vertices[n].Cut)
			}
		}
		if err := same(c.Slots(&cut, 1, kernel.Round(len(vertices))), p.slots[part]); err != nil {
			return fmt.Errorf("seed %d, part %b: %w", p.seed, part, err)
		}
		for _, s := range p.slots[part] {
			switch s.State {
			case naive.Committed:
				seen.committed++
			case naive.Skipped:
				seen.skipped++
			}
		}
		seen.steps += len(p.Snaps()) - bits.OnesCount64(part)
		if i%97 == 0 {
			seen.replayed++
			if err := p.arrive(part); err != nil {
				return fmt.Errorf("seed %d, part %b: %w", p.seed, part, err)
			}
		}
	}
	return nil
}

// arrive feeds the part to a node in some order.
func (p *parts) arrive(part uint64) error {
	var view []*naive.Snap
	for _, x := range p.shuffled() {
		if part>>x.Number&1 == 1 {
			view = append(view, x)
		}
	}
	got := p.replay(view, new(tally))
	if got.err != nil {
		return got.err
	}
	return p.equal(&got, naive.Part{part}, new(tally))
}

func same(got []Slot, want []naive.Slot) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d slots, the naive rule has %d", len(got), len(want))
	}
	for i, g := range got {
		w := want[i]
		leader := g.Leader == nil && w.Leader == nil || g.Leader != nil && w.Leader != nil && g.Leader.ID == w.Leader.ID
		if g.Round != w.Round || g.Rank != w.Rank || g.Author != w.Author || uint8(g.State) != uint8(w.State) || !leader {
			return fmt.Errorf("slot (%d,%d) of %d is %v, the naive rule says (%d,%d) of %d is %v %v", g.Round, g.Rank, g.Author, g.State,
				w.Round, w.Rank, w.Author, w.State, w.Leader)
		}
	}
	return nil
}
