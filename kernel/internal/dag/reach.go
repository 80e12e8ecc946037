package dag

import (
	"cmp"
	"slices"

	"github.com/asterism-network/asterism/kernel"
)

// In calls yield for each of author a's snapshots of round r that the cut holds: none or one,
// more only for an exposed equivocator. It is the one question every rule asks.
func (g *Graph) In(c *Cut, a kernel.Author, r kernel.Round, yield func(*Vertex)) {
	tips, forked := c.fork(a)
	if !forked {
		if c.Clock[a] >= r {
			if v := g.First(a, r); v != nil {
				yield(v)
			}
		}
		return
	}
	for i, t := range tips {
		v := g.ancestor(t, r)
		if v == nil || g.duplicate(tips[:i], v) {
			continue
		}
		yield(v)
	}
}

// duplicate reports whether one of the tips descends from v too.
func (g *Graph) duplicate(tips []Tip, v *Vertex) bool {
	for _, t := range tips {
		if u := g.ancestor(t, v.Round); u != nil && u.ID == v.ID {
			return true
		}
	}
	return false
}

// Support is the snapshot of author a and round r that a cone supports: of those it holds the
// one with the smallest id. At most one per cone, a function of the cone alone. [ORD-2]
func (g *Graph) Support(c *Cut, a kernel.Author, r kernel.Round) (best *Vertex) {
	g.In(c, a, r, func(v *Vertex) {
		if best == nil || v.ID.Compare(best.ID) < 0 {
			best = v
		}
	})
	return best
}

// Holds reports whether the cut holds v.
func (g *Graph) Holds(c *Cut, v *Vertex) (held bool) {
	if c.Clock[v.Author] < v.Round {
		return false
	}
	g.In(c, v.Author, v.Round, func(u *Vertex) { held = held || u.ID == v.ID })
	return held
}

// ancestor walks an author's own chain down from a tip to round r; nil if the tip is lower. Only
// chains of equivocators are walked, by anchors where they are long.
func (g *Graph) ancestor(t Tip, r kernel.Round) *Vertex {
	if t.Round < r {
		return nil
	}
	v, ok := g.Get(t.ID)
	for ok && v.Round > r {
		v, ok = g.Get(v.below(r))
	}
	if !ok {
		panic("dag: chain of an accepted snapshot has a gap")
	}
	return v
}

// Join adds everything src holds to dst.
func (g *Graph) Join(dst, src *Cut) { g.join(dst, src) }

func (g *Graph) join(dst, src *Cut) {
	g.note(dst)
	g.note(src)
	forked := g.forked
	if forked == 0 { // nearly always
		for a, r := range src.Clock {
			dst.Clock[a] = max(dst.Clock[a], r)
		}
		return
	}
	for a := range dst.Clock {
		if forked.Has(kernel.Author(a)) {
			g.joinForked(dst, src, kernel.Author(a), nil)
		} else if src.Clock[a] > dst.Clock[a] {
			dst.Clock[a] = src.Clock[a]
		}
	}
}

// joinForked adds src's chains of a to dst, which holds the known ones already.
func (g *Graph) joinForked(dst, src *Cut, a kernel.Author, known []Tip) {
	if dst.Clock[a] == 0 && src.Clock[a] == 0 {
		return
	}
	have, forked := dst.fork(a)
	if more, both := src.fork(a); forked && both && slices.Equal(have, more) {
		return
	}
	tips := g.tips(dst, a)
	for _, t := range g.tips(src, a) {
		if !slices.Contains(known, t) {
			tips = g.addTip(tips, t)
		}
	}
	dst.setFork(a, tips)
}

// tips lists the ends of a's chains that the cut holds.
func (g *Graph) tips(c *Cut, a kernel.Author) []Tip {
	if tips, ok := c.fork(a); ok {
		return append([]Tip(nil), tips...)
	}
	if c.Clock[a] == 0 {
		return nil
	}
	return []Tip{{c.Clock[a], g.First(a, c.Clock[a]).ID}}
}

// addTip adds t unless a chain of tips holds it; where t continues a chain, t takes its place.
// No tip continues another, so t continues one at most, and the highest are asked first: a dead
// twin of long ago is then seldom walked down to.
func (g *Graph) addTip(tips []Tip, t Tip) []Tip {
	if slices.Contains(tips, t) {
		return tips
	}
	slices.SortFunc(tips, func(x, y Tip) int { return cmp.Compare(y.Round, x.Round) })
	for i, u := range tips {
		if u.Round >= t.Round {
			if g.ancestor(u, t.Round).ID == t.ID {
				return tips
			}
		} else if g.ancestor(t, u.Round).ID == u.ID {
			tips[i] = t
			return tips
		}
	}
	return append(tips, t)
}

// note learns equivocators from a cut that was made when they were known: after a restart, or
// when History holds what exposed them.
func (g *Graph) note(c *Cut) {
	for i := range c.Forks {
		g.forked = g.forked.With(c.Forks[i].Author)
	}
}

// Reaches reports whether a snapshot of author a and of a round up to limit, in the cut, holds v.
func (g *Graph) Reaches(c *Cut, a kernel.Author, limit kernel.Round, v *Vertex) bool {
	tips, forked := c.fork(a)
	if !forked {
		u := g.First(a, min(c.Clock[a], limit))
		return u != nil && g.Holds(&u.Cut, v)
	}
	for _, t := range tips {
		if u := g.ancestor(t, min(t.Round, limit)); g.Holds(&u.Cut, v) {
			return true
		}
	}
	return false
}

// Beyond calls yield for each snapshot of author a, round 0 excepted, that cone holds and
// covered does not.
func (g *Graph) Beyond(cone, covered *Cut, a kernel.Author, yield func(*Vertex)) {
	g.note(cone)
	g.note(covered)
	if !g.forked.Has(a) {
		for r := covered.Clock[a] + 1; r <= cone.Clock[a]; r++ {
			yield(g.First(a, r))
		}
		return
	}
	seen := make(map[kernel.SnapshotID]bool)
	for _, t := range g.tips(cone, a) {
		v, _ := g.Get(t.ID)
		for v.Round > 0 && !seen[v.ID] && !g.Holds(covered, v) {
			seen[v.ID] = true
			yield(v)
			v, _ = g.Get(v.Parents[0].ID)
		}
	}
}
