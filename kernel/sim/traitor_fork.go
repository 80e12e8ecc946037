package sim

import (
	"github.com/asterism-network/asterism/internal/sim"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/committee"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// This file holds equivocators and those that take sides. Whoever signs twice in a round lives
// on only as long as it finds a quorum none of whose cones holds both: it keeps what members get
// to see apart as long as it can.

// planEquivocate signs two snapshots for one round, like two copies of a node each of which
// talks to a part of the members, and continues both.
func planEquivocate(t *traitor) plot { return t.forks(func() int { return 2 }) }

// planEquivocateMany signs several.
func planEquivocateMany(t *traitor) plot {
	return t.forks(func() int { return 3 + t.dice.IntN(3) })
}

// forkRound is when a traitor turns: at once, or after a while that it used to be trusted.
func (t *traitor) forkRound() kernel.Round {
	if t.arg%4 == 0 {
		return 1
	}
	return kernel.Round(2 + t.arg%90)
}

// forks plans a fork into a number of branches.
func (t *traitor) forks(count func() int) plot {
	round, done := t.forkRound(), false
	return plot{
		alter: func(d *draft) {
			if d.twin > 0 {
				d.header.Timestamp += kernel.Timestamp(d.twin)
				return
			}
			if d.header.Round >= round && !done {
				done = true
				t.fork(d, t.sides(count()))
			}
		},
		choose: func(b *branch) []*parent { return t.apart(b) },
	}
}

// fork makes further variants of the snapshot that is being made, each the start of a branch that
// talks to members of its own. A member that no branch talks to learns of them from others.
func (t *traitor) fork(first *draft, sides []committee.Set) {
	tip := first.branch.tip
	first.branch.to = &audience{sides[0]}
	for i := 1; i < len(sides); i++ {
		b := &branch{tip: tip, to: &audience{sides[i]}}
		d := t.draft(b)
		if d == nil {
			return
		}
		d.twin = i
		t.seal(d)
		if !t.adopt(d) {
			continue
		}
		b.tip = d.vertex
		t.branches = append(t.branches, b)
		t.pass(d)
	}
	t.w.reached("traitor_forks")
}

// sides divides the honest members: evenly, or so that one side is a single member or all but one.
func (t *traitor) sides(count int) []committee.Set {
	sides := make([]committee.Set, count)
	lone := t.dice.IntN(3) // 0: evenly
	for a := range t.cabal.members.Size {
		i := t.dice.IntN(count)
		if lone == 1 && t.chance(70) {
			i = 0
		}
		sides[i] = sides[i].With(kernel.Author(a))
	}
	if lone == 2 {
		v := kernel.Author(t.dice.IntN(t.cabal.members.Size))
		sides[1%count], sides[0] = committee.Set(0).With(v), ^committee.Set(0).With(v)
	}
	return sides
}

// apart lists candidates so that those a branch talks to come first: their cones hold its own
// variant, or none.
func (t *traitor) apart(b *branch) []*parent {
	list := t.strong(b)
	if b.to == nil {
		return list
	}
	return prefer(list, b.to.Set|t.w.evil)
}

// planForkLate signs a second snapshot early and shows it, with what it could build on it in
// secret, many rounds later.
func planForkLate(t *traitor) plot {
	round, wait := t.forkRound(), kernel.Round(2+t.arg/100%60)
	var hidden *branch
	var secret []*draft
	shown := false
	return plot{
		choose: t.apart,
		alter: func(d *draft) {
			if d.twin > 0 {
				d.header.Timestamp++
				return
			}
			if hidden == nil && d.header.Round >= round {
				hidden = &branch{tip: d.branch.tip}
			}
		},
		pulse: func() {
			if hidden == nil || shown {
				return
			}
			if len(secret) < 8 {
				if d := t.draft(hidden); d != nil {
					d.twin = 1
					if t.seal(d); t.adopt(d) {
						hidden.tip = d.vertex
						secret = append(secret, d)
					}
				}
			}
			if t.cabal.honestTop() >= round+wait {
				shown = true
				t.reveal(secret)
			}
		},
	}
}

// reveal shows a hidden chain, oldest last: each waits for its parent then.
func (t *traitor) reveal(secret []*draft) {
	t.w.reached("traitor_forks")
	for i := len(secret) - 1; i >= 0; i-- {
		for _, to := range t.victims() {
			t.w.send(int(t.author), to, secret[i].frame)
		}
	}
}

// planCollude takes sides with all other traitors: for a while one part of the members gets what
// they make at once, and the other part as late as can be. They name only that part's snapshots
// as long as it can be done, so that it seems to be the only one alive.
func planCollude(t *traitor) plot {
	favoured := func() committee.Set { return t.cabal.favoured() }
	return plot{
		enough: t.cabal.members.Q - 1,
		choose: func(b *branch) []*parent { return prefer(t.strong(b), favoured()|t.w.evil) },
		pass: func(d *draft) {
			side := favoured()
			for _, to := range t.victims() {
				wait := sim.Time(0)
				if !side.Has(t.w.ends[to].who()) {
					wait = sim.Time(300 + t.dice.IntN(2000))
				}
				t.w.clock.After(wait, func() { t.w.send(int(t.author), to, d.frame) })
			}
		},
		answer: func(from int, m wire.Message) bool {
			switch m.(type) {
			case wire.Want, wire.Have:
				return !favoured().Has(t.w.ends[from].who())
			}
			return false
		},
	}
}

// favoured is the side that all traitors of a run help now. It changes every other second.
func (c *cabal) favoured() committee.Set {
	epoch := uint64(c.w.clock.Now()/2000) + 1
	h := epoch*0x9e3779b97f4a7c15 ^ c.w.options.Seed*0xbf58476d1ce4e5b9
	h ^= h >> 29
	h *= 0x94d049bb133111eb
	return committee.Set(h>>7) &^ c.w.evil
}
