package naive

import (
	"bytes"

	"github.com/asterism-network/asterism/kernel"
)

// A State is what became of a leader slot.
type State uint8

// The states of a slot.
const (
	Undecided State = iota
	Committed
	Skipped
)

// String returns the state's name.
func (s State) String() string { return [...]string{"undecided", "committed", "skipped"}[s] }

// A Slot is the place of a leader in the order and what a part makes of it.
type Slot struct {
	Round  kernel.Round
	Rank   int
	Author kernel.Author
	State  State
	Leader *Snap // committed: the snapshot
	Direct bool  // decided without looking at higher rounds
}

// supportsOf lists by author which snapshot s votes for: of those of round s.Round-(w-2) in its
// cone the one with the smallest id. Its cone never changes, so neither does this. [ORD-2]
func (w *World) supportsOf(s *Snap) []*Snap {
	if s.Round+2 < w.rules.Wave {
		return nil
	}
	out := make([]*Snap, w.k)
	for a := range out {
		for _, x := range w.at(kernel.Author(a), s.Round+2-w.rules.Wave) {
			switch best := out[a]; {
			case !s.Cone.Has(x):
			case best == nil:
				out[a] = x
			case w.rules.Wrong != SupportFirst && bytes.Compare(x.ID[:], best.ID[:]) < 0:
				out[a] = x
			}
		}
	}
	return out
}

// certsOf is the set of snapshots of round s.Round-(w-1) that s certifies: q authors among its
// parents of the round before it vote for them. [ORD-3]
func (w *World) certsOf(s *Snap) (out Part) {
	if s.Round+1 < w.rules.Wave {
		return nil
	}
	quorum := w.q
	if w.rules.Wrong == SmallCertificate {
		quorum--
	}
	for a := range w.k {
		for _, leader := range w.at(kernel.Author(a), s.Round+1-w.rules.Wave) {
			if w.voters(s, leader) >= quorum {
				out.Add(leader)
			}
		}
	}
	return out
}

// voters counts the authors whose snapshot, a parent of s, votes for the leader.
func (w *World) voters(s, leader *Snap) (n int) {
	for _, p := range s.Parents {
		if p.Round+1 == s.Round && w.votes(p.Author) && p.supports[leader.Author] == leader {
			n++
		}
	}
	return n
}

// A verdict is what became of a slot.
type verdict struct {
	known  bool // answered already
	state  State
	leader *Snap
}

// A judge applies the rules to one part of a world.
type judge struct {
	*World
	part  Part
	shown []int8      // by round: whether its slots are looked at; 0 is not asked yet
	memo  [][]verdict // by round and rank
}

func (w *World) judge(p Part) *judge {
	return &judge{World: w, part: p, shown: make([]int8, len(w.rounds)+1), memo: make([][]verdict, len(w.rounds)+1)}
}

// revealed: the part holds snapshots of the deciding round by q authors, and shares of f+1.
// [ORD-1]
func (j *judge) revealed(r kernel.Round) bool {
	if r >= kernel.Round(len(j.rounds)) {
		return false
	}
	if j.shown[r] == 0 {
		j.shown[r] = -1
		if j.shows(r) {
			j.shown[r] = 1
		}
	}
	return j.shown[r] > 0
}

func (j *judge) shows(r kernel.Round) bool {
	authors, shares := 0, 0
	for a := range kernel.Author(j.k) {
		held, share := false, false
		for _, s := range j.at(a, r+j.rules.Wave-1) {
			if j.part.Has(s) && j.votes(a) {
				held, share = true, share || s.Share
			}
		}
		if held {
			authors++
		}
		if share {
			shares++
		}
	}
	quorum := j.q
	if j.rules.Wrong == EarlyReveal {
		quorum = 0
	}
	return authors >= quorum && shares > j.f
}

func (j *judge) leaders(r kernel.Round) []kernel.Author { return j.rules.Leaders(r + j.rules.Wave - 1) }

// decide says what becomes of a slot.
func (j *judge) decide(r kernel.Round, rank int) verdict {
	if !j.revealed(r) {
		return verdict{}
	}
	leaders := j.leaders(r)
	if j.memo[r] == nil {
		j.memo[r] = make([]verdict, len(leaders))
	}
	if v := j.memo[r][rank]; v.known {
		return v
	}
	v := j.direct(leaders[rank], r)
	if v.state == Undecided {
		v = j.indirect(leaders[rank], r)
	}
	v.known = true
	j.memo[r][rank] = v
	return v
}

// direct [ORD-4]
func (j *judge) direct(author kernel.Author, r kernel.Round) verdict {
	for _, leader := range j.at(author, r) {
		if j.part.Has(leader) && j.certifiers(leader) >= j.q {
			return verdict{state: Committed, leader: leader}
		}
	}
	quorum := j.q
	if j.rules.Wrong == SkipOnFew {
		quorum = j.f + 1
	}
	if j.rules.Wrong == SkipBelow {
		quorum--
	}
	if j.blamers(author, r) >= quorum {
		return verdict{state: Skipped}
	}
	return verdict{}
}

// certifiers counts the authors that have a snapshot in the part which certifies the leader.
func (j *judge) certifiers(leader *Snap) (n int) {
	for a := range kernel.Author(j.k) {
		for _, u := range j.at(a, leader.Round+j.rules.Wave-1) {
			if j.counts(a) && j.part.Has(u) && u.certs.Has(leader) {
				n++
				if j.rules.Wrong != VariantsCount {
					break // once an author
				}
			}
		}
	}
	return n
}

func (j *judge) counts(a kernel.Author) bool { return j.votes(a) || j.rules.Wrong == FlaggedCount }

// blamers counts the authors that have a snapshot in the part which supports nothing in the slot.
func (j *judge) blamers(author kernel.Author, r kernel.Round) (n int) {
	for a := range kernel.Author(j.k) {
		for _, u := range j.at(a, r+j.rules.Wave-2) {
			if j.counts(a) && j.part.Has(u) && u.supports[author] == nil {
				n++
				if j.rules.Wrong != VariantsCount {
					break // once an author
				}
			}
		}
	}
	return n
}

// indirect [ORD-5]
func (j *judge) indirect(author kernel.Author, round kernel.Round) verdict {
	low := round + j.rules.Wave
	if j.rules.Wrong == AnchorTooLow {
		low--
	}
	for r := low; j.revealed(r); r++ {
		for rank := range j.leaders(r) {
			switch above := j.decide(r, rank); above.state {
			case Undecided:
				return verdict{}
			case Committed:
				return j.anchored(author, round, above.leader)
			}
		}
	}
	return verdict{}
}

// anchored decides a slot by what the cone of the anchor holds.
func (j *judge) anchored(author kernel.Author, round kernel.Round, anchor *Snap) verdict {
	for _, leader := range j.at(author, round) {
		for a := range kernel.Author(j.k) {
			for _, c := range j.at(a, round+j.rules.Wave-1) {
				if j.votes(a) && anchor.Cone.Has(c) && c.certs.Has(leader) {
					return verdict{state: Committed, leader: leader}
				}
			}
		}
	}
	return verdict{state: Skipped}
}

// Slots lists what the part makes of every slot that it looks at, also behind undecided ones.
func (w *World) Slots(p Part) (out []Slot) {
	j := w.judge(p)
	for r := kernel.Round(1); r < kernel.Round(len(w.rounds)); r++ {
		if !j.revealed(r) {
			continue
		}
		for rank, author := range j.leaders(r) {
			v := j.decide(r, rank)
			direct := v.state != Undecided && j.direct(author, r).state == v.state
			out = append(out, Slot{Round: r, Rank: rank, Author: author, State: v.state, Leader: v.leader, Direct: direct})
		}
	}
	return out
}
