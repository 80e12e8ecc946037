package consensus

import (
	"flag"

	"github.com/asterism-network/asterism/kernel/internal/naive"
)

var exhaustive = flag.Bool("exhaustive", false, "explore the model with equivocation to its last round, and compare more of it")

// A node of the search is one state, reached by one graph that stands for many.
type stop struct {
	round
	from   int32 // of the round before
	by     choice
	graphs float64 // labelled graphs that end in this state; exact up to 2^53
}

// A search explores the model round by round and keeps one graph for each state.
type search struct {
	numbers
	names  [][seats]int // permutations of honest authors
	rounds [][]stop     // from round 1 on
	steps  int          // states times choices that differ
	wrong  naive.Mutant // of graphs that are made in full
	visit  func(at int, by choice, from int, r *round)
	harm   string
	where  [2]int // round and number of the stop that shows it
}

// explore goes on to the last round, or to the first harm. visit, if there is one, is shown every
// step.
func explore(n numbers, last int, visit func(s *search, at int, by choice, from int, r *round)) *search {
	s := &search{numbers: n, names: permutations(n.twins)}
	if visit != nil {
		s.visit = func(at int, by choice, from int, r *round) { visit(s, at, by, from, r) }
	}
	first := []stop{{round: n.start(false), graphs: 1}}
	if n.twins {
		first = append(first, stop{round: n.start(true), graphs: 1})
	}
	s.rounds = append(s.rounds, first)
	for at := 2; at <= last && s.harm == ""; at++ {
		s.rounds = append(s.rounds, s.advance(at))
	}
	return s
}

// advance makes the states of the next round.
func (s *search) advance(at int) (out []stop) {
	known := make(map[round]int32) // by the state itself, and by its canonical form
	for i := range s.rounds[at-2] {
		from := &s.rounds[at-2][i]
		s.choices(&from.round, at, func(c choice, ways float64) bool {
			all := s.followed(&from.round, at)
			ways *= from.graphs / float64(len(all)) // the same graph once for each that is followed
			for _, who := range all {
				s.steps++
				r := s.next(&from.round, at, c, who)
				if s.visit != nil {
					s.visit(at, c, i, &r)
				}
				k, ok := known[r]
				if !ok {
					key := s.canonical(&r, at)
					if k, ok = known[key]; !ok {
						k = int32(len(out))
						known[key] = k
						out = append(out, stop{round: r, from: int32(i), by: c})
					}
					known[r] = k
				}
				out[k].graphs += ways
				if harm := s.numbers.harm(&r, at); harm != "" {
					s.harm, s.where = harm, [2]int{at, int(k)}
					return false
				}
			}
			return true
		})
		if s.harm != "" {
			break
		}
	}
	return out
}

// followed says whose slots of round w+1 are followed from there on. With twins it is one author's,
// each in turn, because all of them at once are too many states.
func (s *search) followed(r *round, at int) []int8 {
	switch {
	case at < s.wave+1 || !s.twins:
		return []int8{everybody}
	case at > s.wave+1:
		return []int8{r.who}
	}
	return []int8{0, 1, 2, 3}
}

// An option is what some choices of a seat's parents come to, and how many they are.
type option struct {
	set  uint8
	ways float64
}

// outcome tells apart what a choice comes to: what the snapshot knows, and with whom it clashes.
type outcome struct {
	knows
	set, rows uint8
}

// distinct lists the options of an author, one for each outcome.
func (s *search) distinct(r *round, at, author int) (out []option) {
	seen := make(map[outcome]int)
	for _, set := range s.options(r, author) {
		o := outcome{knows: s.child(r, at, set)}
		for seat := range seats {
			if set>>seat&1 == 1 {
				o.rows |= r.clash[seat]
			}
		}
		for _, c := range r.clash {
			o.set |= set & c // who else clashes with this one hangs on nothing more
		}
		if i, ok := seen[o]; ok {
			out[i].ways++
			continue
		}
		seen[o] = len(out)
		out = append(out, option{set, 1})
	}
	return out
}

// choices calls yield for every choice of a round's parents, those with equal outcomes once,
// until it returns false.
func (s *search) choices(r *round, at int, yield func(choice, float64) bool) {
	of := [3][]option{s.distinct(r, at, 0), s.distinct(r, at, 1), s.distinct(r, at, 2)}
	last := s.lastSeats(r, at)
	for _, a := range of[0] {
		for _, b := range of[1] {
			for _, c := range of[2] {
				for _, d := range last {
					if !yield(choice{a.set, b.set, c.set, d.sets[0], d.sets[1]}, a.ways*b.ways*c.ways*d.ways) {
						return
					}
				}
			}
		}
	}
}

// A pair is what author 3 puts on its two seats.
type pair struct {
	sets [2]uint8
	ways float64
}

func (s *search) lastSeats(r *round, at int) (out []pair) {
	all := s.distinct(r, at, liar)
	if len(all) == 0 { // it is exposed to itself, and silent from here on
		return []pair{{ways: 1}}
	}
	for _, x := range all {
		out = append(out, pair{[2]uint8{x.set}, x.ways})
		for i := 0; s.twins && i < len(all); i++ {
			out = append(out, pair{[2]uint8{x.set, all[i].set}, x.ways * all[i].ways})
		}
	}
	return out
}

// canonical is the same state for all rounds that differ in the names of honest authors only.
// The leader of round 1 has a name of its own until its slot has become the anchors' matter.
func (s *search) canonical(r *round, at int) round {
	best := *r
	for _, p := range s.names {
		if at <= s.wave && p[s.leader] != s.leader {
			continue
		}
		if x := r.renamed(p); x.less(&best) {
			best = x
		}
	}
	return best
}

// renamed moves seat s to p[s].
func (r *round) renamed(p [seats]int) (out round) {
	out.commit, out.any, out.skip, out.who = r.commit, r.any, r.skip, r.who
	if r.who != everybody {
		out.who = int8(p[r.who])
	}
	out.acommit, out.aany = move(r.acommit, p), move(r.aany, p)
	out.askip = move(r.askip, p)
	for s, to := range p {
		k := r.seat[s]
		k.anchors = move(k.anchors, p)
		out.seat[to], out.clash[to], out.anchor[to] = k, move(r.clash[s], p), r.anchor[s]
	}
	return out
}

func move(set uint8, p [seats]int) (out uint8) {
	for s, to := range p {
		out |= set >> s & 1 << to
	}
	return out
}

// less is some order.
func (r *round) less(o *round) bool {
	for s := range seats {
		if x, y := r.digest(s), o.digest(s); x != y {
			return x < y
		}
	}
	if r.who != o.who {
		return r.who < o.who
	}
	return r.askip < o.askip || r.askip == o.askip && (r.acommit < o.acommit || r.acommit == o.acommit && r.aany < o.aany)
}

func (r *round) digest(s int) uint64 {
	k := r.seat[s]
	out := uint64(k.slot)<<32 | uint64(k.anchors)<<24 | uint64(r.clash[s])<<16 | uint64(r.anchor[s])<<8
	if k.here {
		out |= 1
	}
	if k.exposed {
		out |= 2
	}
	return out
}

// permutations of the honest authors; author 3 is one of them where nobody equivocates.
func permutations(twins bool) (out [][seats]int) {
	for i := range 24 {
		p := [seats]int{nobody, nobody, nobody, nobody, 4}
		left := []int{0, 1, 2, 3}
		for s, n := 0, i; s < 4; s++ {
			k := n % len(left)
			n /= len(left)
			p[s] = left[k]
			left = append(left[:k:k], left[k+1:]...)
		}
		if !twins || p[liar] == liar {
			out = append(out, p)
		}
	}
	return out
}

// path lists the choices from round 2 on that lead to a stop, and whether round 1 has twins.
func (s *search) path(at, i int) (out []choice, second bool) {
	for ; at > 1; at-- {
		x := s.rounds[at-1][i]
		out = append([]choice{x.by}, out...)
		i = int(x.from)
	}
	return out, i == 1
}

// size is how many states there are, and for how many labelled graphs the last round's stand.
func (s *search) size() (states int, graphs float64) {
	for _, r := range s.rounds {
		states += len(r)
	}
	for _, x := range s.rounds[len(s.rounds)-1] {
		graphs += x.graphs
	}
	return states, graphs
}
