package consensus

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/asterism-network/asterism/kernel"
)

// This file is the commit rule once more, written from docs/spec/order.md and for nothing but
// being read beside it: cones are explicit sets, every question is answered by looking at all
// snapshots, and nothing is remembered except answers already given. Tests compare it with the
// committer.

// A set holds snapshots by their number.
type set []uint64

func (s set) has(x *snap) bool { return x.n>>6 < len(s) && s[x.n>>6]>>(x.n&63)&1 == 1 }

func (s set) with(x *snap) set {
	for len(s) <= x.n>>6 {
		s = append(s, 0)
	}
	s[x.n>>6] |= 1 << (x.n & 63)
	return s
}

func (s set) union(o set) set {
	for len(s) < len(o) {
		s = append(s, 0)
	}
	for i := range o {
		s[i] |= o[i]
	}
	return s
}

// A snap is a snapshot with its cone, itself included.
type snap struct {
	n       int
	id      kernel.SnapshotID
	author  int
	round   int
	time    kernel.Timestamp
	parents []*snap // own first, then those of round-1, then older ones
	share   bool
	header  *kernel.Header
	cone    set
}

// A world is everything that was ever made, by whomever.
type world struct {
	k, q, f    int
	wave, size int // w, slots of a round
	horizon    int
	depth      int
	seed       uint64
	snaps      []*snap // round 0 first
	places     map[[2]int][]*snap
}

func (w *world) at(part set, author, round int) (out []*snap) {
	for _, s := range w.places[[2]int{author, round}] {
		if part.has(s) {
			out = append(out, s)
		}
	}
	return out
}

// A mutant is a rule made wrong on purpose: the comparison must notice it.
type mutant int

const (
	faithful         mutant = iota
	smallQuorum             // q-1 certify
	supportFirst            // support is the first that this view met, not the smallest id
	skipOnFew               // f+1 blames skip
	horizonOfView           // the horizon hangs on the newest round of the view, not on the leader
	anchorTooLow            // the indirect rule takes an anchor of round d
	exemptionMissing        // nothing below the horizon is ever committed
	mutants
)

// A judge applies the rules to one part of a world, which holds the cone of each member.
type judge struct {
	*world
	part  set
	first []*snap // the part in the order in which its owner met it
	wrong mutant
	memo  map[[2]int]verdict
}

type verdict struct {
	state State
	snap  *snap
}

func newJudge(w *world, part set, first []*snap, wrong mutant) *judge {
	return &judge{w, part, first, wrong, make(map[[2]int]verdict)}
}

// support [ORD-2]
func (j *judge) support(by *snap, author, round int) (best *snap) {
	for _, s := range j.at(by.cone, author, round) {
		if best == nil || bytes.Compare(s.id[:], best.id[:]) < 0 {
			best = s
		}
	}
	if j.wrong == supportFirst && best != nil {
		for _, s := range j.first {
			if s.author == author && s.round == round && by.cone.has(s) {
				return s
			}
		}
	}
	return best
}

// certifies [ORD-3]
func (j *judge) certifies(c, leader *snap) bool {
	voters := make(map[int]bool)
	for _, p := range c.parents {
		if p.round == leader.round+j.wave-2 && j.support(p, leader.author, leader.round) == leader {
			voters[p.author] = true
		}
	}
	q := j.q
	if j.wrong == smallQuorum {
		q--
	}
	return len(voters) >= q
}

// revealed: q authors of the deciding round, and f+1 shares. [ORD-1]
func (j *judge) revealed(round int) bool {
	authors, shares := 0, 0
	for a := range j.k {
		if all := j.at(j.part, a, round+j.wave-1); len(all) > 0 {
			authors++
			if slices.ContainsFunc(all, func(s *snap) bool { return s.share }) {
				shares++
			}
		}
	}
	return authors >= j.q && shares > j.f
}

// direct [ORD-4]
func (j *judge) direct(author, round int) verdict {
	blamers := make(map[int]bool)
	certifiers := make(map[*snap]map[int]bool)
	for x := range j.k {
		for _, u := range j.at(j.part, x, round+j.wave-2) {
			if j.support(u, author, round) == nil {
				blamers[x] = true
			}
		}
		for _, u := range j.at(j.part, x, round+j.wave-1) {
			for _, leader := range j.at(j.part, author, round) {
				if j.certifies(u, leader) {
					if certifiers[leader] == nil {
						certifiers[leader] = make(map[int]bool)
					}
					certifiers[leader][x] = true
				}
			}
		}
	}
	for _, leader := range j.at(j.part, author, round) {
		if len(certifiers[leader]) >= j.q {
			return verdict{Committed, leader}
		}
	}
	skip := j.q
	if j.wrong == skipOnFew {
		skip = j.f + 1
	}
	if len(blamers) >= skip {
		return verdict{Skipped, nil}
	}
	return verdict{}
}

// decide says what becomes of a slot. [ORD-4] [ORD-5]
func (j *judge) decide(round, rank int) verdict {
	if !j.revealed(round) {
		return verdict{}
	}
	key := [2]int{round, rank}
	if v, known := j.memo[key]; known {
		return v
	}
	author := j.leaders(round)[rank]
	v := j.direct(author, round)
	if v.state == Undecided {
		v = j.indirect(author, round)
	}
	j.memo[key] = v
	return v
}

func (j *judge) indirect(author, round int) verdict {
	low := round + j.wave
	if j.wrong == anchorTooLow {
		low--
	}
	for r := low; j.revealed(r); r++ {
		for rank := range j.leaders(r) {
			above := j.decide(r, rank)
			switch above.state {
			case Undecided:
				return verdict{}
			case Committed:
				for x := range j.k {
					for _, c := range j.at(above.snap.cone, x, round+j.wave-1) {
						for _, leader := range j.at(above.snap.cone, author, round) {
							if j.certifies(c, leader) {
								return verdict{Committed, leader}
							}
						}
					}
				}
				return verdict{Skipped, nil}
			}
		}
	}
	return verdict{}
}

// A decision is the leader of one commit and what the commit settles.
type decision struct {
	leader *snap
	snaps  []*snap
	time   kernel.Timestamp
}

// read is the total order that the part decides: its leaders in order, and the first slot that
// is undecided. [ORD-6]
func (j *judge) read() (leaders []*snap, round, rank int) {
	for round = 1; ; round++ {
		if !j.revealed(round) {
			return leaders, round, 0
		}
		for rank = range j.leaders(round) {
			switch v := j.decide(round, rank); v.state {
			case Undecided:
				return leaders, round, rank
			case Committed:
				leaders = append(leaders, v.snap)
			}
		}
	}
}

// order settles the snapshots of every commit. [ORD-7] [ORD-8] [ORD-9]
func (j *judge) order() (out []decision) {
	leaders, _, _ := j.read()
	done := make(map[*snap]bool) // committed, or below the horizon for good
	now := kernel.Timestamp(0)
	for _, l := range leaders {
		d := decision{leader: l}
		var times []kernel.Timestamp
		for _, p := range l.parents {
			if p.round == l.round-1 {
				times = append(times, p.time)
			}
		}
		slices.Sort(times)
		now = max(now, times[(len(times)-1)/2])
		d.time = now
		for _, s := range j.snaps {
			if s.round == 0 || !l.cone.has(s) || done[s] {
				continue
			}
			in, hopeless := j.place(s, l)
			if in {
				d.snaps = append(d.snaps, s)
			}
			if in || hopeless {
				done[s] = true
			}
		}
		slices.SortFunc(d.snaps, func(x, y *snap) int {
			return cmp.Or(cmp.Compare(x.round, y.round), cmp.Compare(x.author, y.author), x.id.Compare(y.id))
		})
		out = append(out, d)
	}
	return out
}

// place says whether leader l commits s, and if not, whether no later leader ever will.
func (j *judge) place(s, l *snap) (in, hopeless bool) {
	newest := l.round
	if j.wrong == horizonOfView {
		for _, x := range j.snaps {
			if j.part.has(x) {
				newest = max(newest, x.round)
			}
		}
	}
	if s.round+j.horizon >= newest {
		return true, false
	}
	if j.wrong == exemptionMissing {
		return false, true
	}
	holders, late := 0, 0
	for x := range j.k {
		holds, past := false, false
		for _, u := range j.snaps {
			if u.author != x || !l.cone.has(u) {
				continue
			}
			holds = holds || u.round <= s.round+j.horizon && u.cone.has(s)
			past = past || u.round >= s.round+j.horizon
		}
		if holds {
			holders++
		} else if !past {
			late++
		}
	}
	return holders >= j.q, holders+late < j.q
}

// valid is the rule for a snapshot's place in the graph. [DAG-2] to [DAG-9]
func (w *world) valid(h *kernel.Header, byID map[kernel.SnapshotID]*snap) bool {
	round, cone := int(h.Round), set(nil)
	strong := make(map[int]bool)
	for _, p := range h.Parents {
		s := byID[p.ID]
		cone = cone.union(s.cone)
		if s.round == round-1 {
			strong[s.author] = true
		} else if s.round == 0 || s.round+w.depth < round {
			return false
		}
	}
	if len(strong) < w.q || h.Timestamp < byID[h.Parents[0].ID].time {
		return false
	}
	for i, p := range h.Parents {
		s := byID[p.ID]
		for o, other := range h.Parents {
			if s.round < round-1 && i != o && byID[other.ID].cone.has(s) {
				return false
			}
		}
		for r := range round {
			if len(w.at(cone, s.author, r)) > 1 {
				return false
			}
		}
	}
	return true
}
