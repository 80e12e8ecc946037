package consensus

import "math/bits"

// This file is a small model of the commit rule for four members (f = 1, q = 3) that can be
// explored to the end. It follows one leader slot, of round 1, and those slots of round w+1 that
// the indirect rule may take as its anchor, through 2w rounds. It knows no snapshots and no
// cones, only what the rule will ask of them later, so that very many graphs come out as one
// state; exhaustive_test.go explores it.
//
// A round has up to five seats: one snapshot each by three honest authors, and by author 3 one,
// or two if it equivocates.

const (
	seats  = 5
	liar   = 3 // the author of seats 3 and 4; honest where there is no equivocation
	nobody = 9
)

// numbers are the constants of the rule, to be made wrong on purpose.
type numbers struct {
	wave    int
	parents int // authors of the round before that a snapshot has to name
	votes   int // of those for a certificate
	certs   int // authors that certify, for a commit
	blames  int // authors that blame, for a skip
	twins   bool
	leader  int // of round 1: an author
}

// knows is what a snapshot's cone holds, as far as it matters from its round on.
type knows struct {
	here    bool
	exposed bool  // the cone shows author 3 to equivocate
	slot    uint8 // up to round v: which variants of the leader; at v its vote; from d on which have a certificate
	anchors uint8 // from round w+1 on: which seats of that round; at 2w-1 its votes, at 2w its certificates
}

// A round is what all seats of a round know, and what the rounds before it have settled. It is
// all that the rule's later answers depend on.
type round struct {
	seat    [seats]knows
	clash   [seats]uint8 // by seat: with which others it cannot have a common child that names author 3
	commit  uint8        // variants of the leader that q authors certify
	any     uint8        // variants that anybody certifies
	skip    bool         // q authors blame the slot
	anchor  [seats]uint8 // from round w+1 on: which variants have a certificate in the seat's cone
	askip   uint8        // at 2w-1: authors whose slot of round w+1 q authors blame
	acommit uint8        // at 2w: seats of round w+1 that q authors certify
	aany    uint8        // at 2w: seats of round w+1 that anybody certifies
	who     int8         // from round w+1 on: whose slot of it is followed; everybody is all of them
}

const everybody = -1

func authorOf(seat int) int { return min(seat, liar) }

// start is round 1; second says that author 3 begins with two snapshots.
func (n numbers) start(second bool) (out round) {
	out.who = everybody
	for s := range seats {
		k := knows{here: s < seats-1 || second}
		if k.here && authorOf(s) == n.leader {
			k.slot = 1
			if s == seats-1 {
				k.slot = 2
			}
		}
		out.seat[s] = k
	}
	if second {
		out.clash[3], out.clash[4] = 1<<4, 1<<3
	}
	return out
}

// options lists the parents, as sets of seats, that a snapshot by the author can have.
func (n numbers) options(r *round, author int) (out []uint8) {
	for set := uint8(1); set < 1<<seats; set++ {
		if set>>3&3 == 3 { // both twins
			continue
		}
		own, ok, exposed := false, true, false
		for s := range seats {
			if set>>s&1 == 0 {
				continue
			}
			ok = ok && r.seat[s].here
			own = own || authorOf(s) == author
			exposed = exposed || r.seat[s].exposed || r.clash[s]&set != 0
		}
		if ok && own && bits.OnesCount8(set) >= n.parents && !(exposed && set>>3 != 0) {
			out = append(out, set)
		}
	}
	return out
}

// A choice is the parents of each seat of a round; none where the seat is empty.
type choice [seats]uint8

// next is the round after r in which every seat names the parents chosen for it. at is the
// number of the new round; in round w+1 who says whose slot is followed.
func (n numbers) next(r *round, at int, c choice, who int8) round {
	out := round{commit: r.commit, any: r.any, skip: r.skip, anchor: r.anchor, askip: r.askip, who: who}
	for s, set := range c {
		if set == 0 {
			continue
		}
		out.seat[s] = n.child(r, at, set)
		if at == n.wave+1 && (who == everybody || int(who) == authorOf(s)) {
			out.anchor[s], out.seat[s].anchors = out.seat[s].slot, 1<<s
		}
	}
	for s := range seats {
		for o := range seats {
			if s != o && c[s] != 0 && c[o] != 0 && (authorOf(s) == authorOf(o) || r.clashing(c[s], c[o])) {
				out.clash[s] |= 1 << o
			}
		}
	}
	n.settle(&out, at)
	if at > n.wave+1 { // the anchors keep it
		for s := range seats {
			out.seat[s].slot = 0
		}
	}
	return out
}

func (r *round) clashing(x, y uint8) bool {
	for s := range seats {
		if x>>s&1 == 1 && r.clash[s]&y != 0 {
			return true
		}
	}
	return false
}

func (n numbers) child(r *round, at int, set uint8) (out knows) {
	out.here, out.exposed = true, r.clashing(set, set)
	var slot [2]int        // votes for the variants of the leader
	var anchors [seats]int // votes for the seats of round w+1
	for s := range seats {
		if set>>s&1 == 0 {
			continue
		}
		p := r.seat[s]
		out.exposed = out.exposed || p.exposed
		out.slot |= p.slot
		out.anchors |= p.anchors
		for i := range slot {
			slot[i] += int(p.slot >> i & 1)
		}
		for i := range anchors {
			anchors[i] += int(p.anchors >> i & 1)
		}
	}
	switch at {
	case n.wave - 1:
		out.slot &= -out.slot // the smallest id
	case n.wave:
		out.slot = 0
		for i, votes := range slot {
			if votes >= n.votes {
				out.slot |= 1 << i
			}
		}
	case 2*n.wave - 1:
		if out.anchors>>3 == 3 {
			out.anchors &^= 1 << 4 // the smallest id
		}
	case 2 * n.wave:
		out.anchors = 0
		for i, votes := range anchors {
			if votes >= n.votes {
				out.anchors |= 1 << i
			}
		}
	}
	return out
}

// authors counts those with a seat for which ok holds.
func (r *round) authors(ok func(knows) bool) int {
	var set uint8
	for s := range seats {
		if r.seat[s].here && ok(r.seat[s]) {
			set |= 1 << authorOf(s)
		}
	}
	return bits.OnesCount8(set)
}

// settle notes what a new round says about the slots.
func (n numbers) settle(r *round, at int) {
	switch at {
	case n.wave - 1:
		r.skip = r.authors(func(k knows) bool { return k.slot == 0 }) >= n.blames
	case n.wave:
		for i := range 2 {
			certs := r.authors(func(k knows) bool { return k.slot>>i&1 == 1 })
			if certs > 0 {
				r.any |= 1 << i
			}
			if certs >= n.certs {
				r.commit |= 1 << i
			}
		}
	case 2*n.wave - 1:
		for a, mask := range [4]uint8{1, 2, 4, 24} {
			if r.who != everybody && int(r.who) != a {
				continue
			}
			if r.authors(func(k knows) bool { return k.anchors&mask == 0 }) >= n.blames {
				r.askip |= 1 << a
			}
		}
	case 2 * n.wave:
		for s := range seats {
			certs := r.authors(func(k knows) bool { return k.anchors>>s&1 == 1 })
			if certs > 0 {
				r.aany |= 1 << s
			}
			if certs >= n.certs {
				r.acommit |= 1 << s
			}
		}
	}
}

// harm says which promise of the rule a round breaks, or nothing. What some view decides
// directly the whole graph decides directly too, because counts only grow with the view; so two
// views can contradict each other only in the ways that are asked for here.
func (n numbers) harm(r *round, at int) string {
	switch at {
	case n.wave:
		switch {
		case r.any == 3:
			return "two snapshots of one slot are certified"
		case r.skip && r.commit != 0:
			return "one view commits the slot and another skips it"
		case r.skip && r.any != 0:
			return "a slot that is skipped has a certificate"
		}
	case n.wave + 1:
		for s := range seats {
			if r.seat[s].here && r.commit&^r.seat[s].slot != 0 {
				return "a committed leader has no certificate in the cone of a later snapshot"
			}
		}
	case 2 * n.wave:
		for s := range seats {
			switch {
			case r.aany>>s&1 == 1 && r.askip>>authorOf(s)&1 == 1:
				return "an anchor is certified and skipped"
			case r.aany>>3 == 3:
				return "two snapshots of the anchor's slot are certified"
			case r.acommit>>s&1 == 1 && r.commit&^r.anchor[s] != 0:
				return "an anchor skips what was committed"
			case r.acommit>>s&1 == 1 && r.skip && r.anchor[s] != 0:
				return "an anchor commits what was skipped"
			}
		}
	}
	return ""
}

// verdict is what the whole graph makes of the leader's slot when the slots of round w+1 come in
// the order of ranks.
func (n numbers) verdict(r *round, ranks [4]int) (State, int) {
	switch {
	case r.commit != 0:
		return Committed, bits.TrailingZeros8(r.commit)
	case r.skip:
		return Skipped, nobody
	}
	for _, a := range ranks {
		if r.askip>>a&1 == 1 {
			continue
		}
		for s := range seats {
			if authorOf(s) == a && r.acommit>>s&1 == 1 {
				if r.anchor[s] == 0 {
					return Skipped, nobody
				}
				return Committed, bits.TrailingZeros8(r.anchor[s])
			}
		}
		break
	}
	return Undecided, nobody
}
