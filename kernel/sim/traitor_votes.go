package sim

import (
	"slices"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/committee"
	"github.com/asterism-network/asterism/kernel/internal/dag"
)

// A feint is what traitors do together to bring the votes for one snapshot as close to a quorum
// as they can, from either side: one of them hides what it makes until the round before the
// vote, shows it to a few just in time, and another votes both ways.
type feint struct {
	hidden *traitor
	twin   *traitor // nil where all that are left have signed twice already
	from   kernel.Round
	vote   kernel.Round
	early  kernel.Round  // rounds before the vote when the voters get to see it
	voters committee.Set // honest ones
	parked []*draft      // what is hidden
	shown  committee.Set // to whom it was shown
}

// planSplitVotes takes part in feints, one after the other.
func planSplitVotes(t *traitor) plot {
	t.cabal.splitters = append(t.cabal.splitters, t)
	blaming, forked := false, false
	return plot{
		choose: func(b *branch) []*parent { return t.feinted(b, blaming) },
		alter: func(d *draft) {
			f := t.cabal.feints()
			switch {
			case d.twin > 0:
				d.header.Timestamp++
			case f != nil && f.twin == t && !forked && d.header.Round == f.vote:
				blaming = true
				t.fork(d, []committee.Set{f.voters, ^f.voters})
				blaming, forked = false, len(t.branches) > 1
				if forked {
					t.w.reached("traitor_votes_twice")
				} else {
					d.branch.to = nil // every snapshot it could name holds what it must not
				}
			}
		},
		pass: func(d *draft) {
			if f := t.cabal.feint; f != nil && f.hidden == t && d.header.Round >= f.from && d.header.Round < f.vote {
				f.parked = append(f.parked, d)
				return
			}
			t.show(d)
		},
		pulse: func() {
			if f := t.cabal.feints(); f != nil && f.hidden == t {
				t.unveil(f)
			}
		},
	}
}

// feints returns the feint under way, and begins another when one is over.
func (c *cabal) feints() *feint {
	top := c.honestTop()
	if f := c.feint; f != nil && (top < f.vote+2 || len(f.parked) > 0 && !c.w.calm) {
		return f
	}
	c.feint = nil
	var able []*traitor
	for _, t := range c.splitters {
		if len(t.branches) == 1 && !t.plot.mute {
			able = append(able, t)
		}
	}
	if len(able) == 0 || c.w.calm || top < 3 {
		return nil
	}
	c.dice.Shuffle(len(able), func(i, j int) { able[i], able[j] = able[j], able[i] })
	f := &feint{hidden: able[0], from: top + 2 + kernel.Round(c.dice.IntN(3)), early: kernel.Round(1 + c.dice.IntN(2))}
	f.vote = f.from + kernel.Round(c.w.stage.genesis.Parameters.Wave) - 2
	if len(able) > 1 && c.dice.IntN(3) == 0 {
		f.twin = able[1]
	}
	honest := able[0].victims()
	c.dice.Shuffle(len(honest), func(i, j int) { honest[i], honest[j] = honest[j], honest[i] })
	for _, p := range honest[:min(len(honest), c.members.F+c.dice.IntN(3))] {
		f.voters = f.voters.With(c.w.ends[p].who())
	}
	c.feint = f
	return f
}

// unveil shows what is hidden: to the voters before they vote, to the others when they have.
func (t *traitor) unveil(f *feint) {
	g := t.cabal.graph
	for _, p := range t.victims() {
		who := t.w.ends[p].who()
		need := f.vote
		if f.voters.Has(who) {
			need = f.vote - f.early
		}
		if f.shown.Has(who) || g.Top().Clock[who] < need && t.cabal.honestTop() < f.vote+3 {
			continue
		}
		f.shown = f.shown.With(who)
		for _, d := range f.parked {
			t.w.send(int(t.author), p, d.frame)
		}
	}
	if t.cabal.honestTop() > f.vote && (f.shown|t.w.evil) == t.cabal.members.Voting || t.cabal.honestTop() > f.vote+3 {
		f.parked = nil
	}
}

// feinted lists candidates for parents: before the vote nobody names what is hidden; in the round
// of the vote everybody does, save the twin's second variant.
func (t *traitor) feinted(b *branch, blaming bool) []*parent {
	list, f, next := t.strong(b), t.cabal.feint, b.tip.Round+1
	if f == nil || f.hidden == t || next <= f.from || next > f.vote {
		return list
	}
	if next < f.vote || blaming {
		return slices.DeleteFunc(list, func(v *dag.Vertex) bool { return v.Clock[f.hidden.author] >= f.from })
	}
	return prefer(list, committee.Set(0).With(f.hidden.author))
}
