package naive

import (
	"cmp"
	"slices"

	"github.com/asterism-network/asterism/kernel"
)

// A Commit is one committed leader and what it settles.
type Commit struct {
	Index     kernel.CommitIndex
	Leader    *Snap
	Timestamp kernel.Timestamp
	Settled   []Settled // in the order of execution
	Dropped   []*Snap   // those below the horizon for good from this commit on
}

// A Settled snapshot and the commit that its claim counts as.
type Settled struct {
	*Snap
	Claim kernel.CommitIndex
}

// extent is how far a part decides the order: its committed leaders, and the first slot that
// is undecided.
type extent struct {
	leaders []*Snap
	round   kernel.Round
	rank    int
}

// read [ORD-6]
func (j *judge) read() (e extent) {
	for e.round = 1; j.revealed(e.round); e.round++ {
		for e.rank = range j.leaders(e.round) {
			switch v := j.decide(e.round, e.rank); v.state {
			case Undecided:
				return e
			case Committed:
				e.leaders = append(e.leaders, v.leader)
			}
		}
	}
	e.rank = 0
	return e
}

// Decides says how many commits a part decides, and which slot is the first that it does not.
func (w *World) Decides(p Part) (commits int, round kernel.Round, rank int) {
	e := w.judge(p).read()
	return len(e.leaders), e.round, e.rank
}

// ConeDecides is Decides of the snapshot's cone. Asked again, it answers from memory.
func (w *World) ConeDecides(s *Snap) (commits int, round kernel.Round, rank int) {
	if s.decides == nil {
		e := w.judge(s.Cone).read()
		s.decides = &e
	}
	return len(s.decides.leaders), s.decides.round, s.decides.rank
}

// Order is the total order as far as the part decides it.
func (w *World) Order(p Part) (out []Commit) {
	var done Part // settled, or below the horizon for good
	now := w.rules.Timestamp
	for i, l := range w.judge(p).read().leaders {
		now = max(now, w.medianTime(l))
		c := Commit{Index: w.rules.Commit + kernel.CommitIndex(i) + 1, Leader: l, Timestamp: now}
		for _, s := range w.snaps[w.k:] {
			if !l.Cone.Has(s) || done.Has(s) {
				continue
			}
			switch w.side(p, s, l) {
			case above:
				settled := Settled{Snap: s}
				if !w.rules.Claimless {
					settled.Claim, _ = w.Counted(s)
				}
				c.Settled = append(c.Settled, settled)
				done.Add(s)
			case below:
				c.Dropped = append(c.Dropped, s)
				done.Add(s)
			}
		}
		slices.SortFunc(c.Settled, func(x, y Settled) int { return inOrder(x.Snap, y.Snap) }) // [ORD-7]
		slices.SortFunc(c.Dropped, inOrder)
		out = append(out, c)
	}
	return out
}

func inOrder(x, y *Snap) int {
	return cmp.Or(cmp.Compare(x.Round, y.Round), cmp.Compare(x.Author, y.Author), x.ID.Compare(y.ID))
}

// medianTime is the lower median over the leader's parents of the round before it. [ORD-8]
func (w *World) medianTime(l *Snap) kernel.Timestamp {
	var times []kernel.Timestamp
	for _, p := range l.Parents {
		if p.Round+1 == l.Round {
			times = append(times, p.Time)
		}
	}
	slices.Sort(times)
	if w.rules.Wrong == UpperMedian {
		return times[len(times)/2]
	}
	return times[(len(times)-1)/2]
}

// A side says where a snapshot stands to the horizon of a leader.
type side uint8

const (
	above side = iota // settled
	open              // below, but a later leader may find it held by q authors
	below             // for ever
)

// side [ORD-9]
func (w *World) side(p Part, s, l *Snap) side {
	top := l.Round
	if w.rules.Wrong == HorizonOfView {
		for _, x := range w.snaps {
			if p.Has(x) {
				top = max(top, x.Round)
			}
		}
	}
	limit := s.Round + w.rules.Horizon
	if limit >= top {
		return above
	}
	if w.rules.Wrong == ExemptionMissing {
		return below
	}
	holders, late := 0, 0
	for a := range kernel.Author(w.k) {
		switch {
		case !w.votes(a):
		case w.holdsInTime(a, s, l, limit):
			holders++
		case !w.heard(a, l, limit):
			late++
		}
	}
	switch {
	case holders >= w.q:
		return above
	case holders+late >= w.q:
		return open
	}
	return below
}

// holdsInTime: the leader's cone has a snapshot by a, of a round up to limit, whose cone holds s.
func (w *World) holdsInTime(a kernel.Author, s, l *Snap, limit kernel.Round) bool {
	for r := s.Round; r <= limit; r++ {
		for _, u := range w.at(a, r) {
			if l.Cone.Has(u) && u.Cone.Has(s) {
				return true
			}
		}
	}
	return false
}

// heard: the leader's cone has a snapshot by a of round limit or above.
func (w *World) heard(a kernel.Author, l *Snap, limit kernel.Round) bool {
	for r := limit; r <= l.Round; r++ {
		for _, u := range w.at(a, r) {
			if l.Cone.Has(u) {
				return true
			}
		}
	}
	return false
}

type claim struct {
	index kernel.CommitIndex
	named bool
}

// Counted is the commit that a snapshot's claim counts as, and whether it names a state. [DAG-11]
func (w *World) Counted(s *Snap) (index kernel.CommitIndex, named bool) {
	if s.Round == 0 {
		return w.rules.Commit, false
	}
	if s.counts != nil {
		return s.counts.index, s.counts.named
	}
	own := s.Parents[0]
	before, _ := w.Counted(own)
	c := claim{index: before}
	if at := s.Header.Claim; at.Index >= before && at.Index <= w.conesIndex(s) {
		c = claim{at.Index, !at.Digest.IsZero()}
	}
	for y := own; y.Round > 0 && s.Round > w.rules.Horizon; y = y.Parents[0] {
		if y.Round == s.Round-w.rules.Horizon {
			if floor := w.conesIndex(y); floor > c.index && w.rules.Wrong != ClaimFloorMissing {
				c = claim{floor, false}
			}
			break
		}
	}
	s.counts = &c
	return c.index, c.named
}

// conesIndex is the newest commit that the cone of s decides.
func (w *World) conesIndex(s *Snap) kernel.CommitIndex {
	commits, _, _ := w.ConeDecides(s)
	return w.rules.Commit + kernel.CommitIndex(commits)
}
