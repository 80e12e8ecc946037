package consensus

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/dag"
	"github.com/asterism-network/asterism/kernel/internal/naive"
)

func rightNumbers(wave, leader int, twins bool) numbers {
	return numbers{wave: wave, parents: 3, votes: 3, certs: 3, blames: 3, leader: leader, twins: twins}
}

// TestExhaustive explores the model: every choice of parents by four members, every outcome of
// the coin, up to the names of the members and to what the rule cannot tell apart. Nothing
// breaks a promise. On the way it takes steps at even distances, makes the graph that stands
// for each in full, and has both implementations decide it: as the model does, and the same in
// every ancestor-closed part of some.
func TestExhaustive(t *testing.T) {
	for _, tt := range []struct {
		numbers
		last, whole int // the last round, and with -exhaustive
		each, parts int // compare one step in so many; of those, one in so many in all its parts
	}{
		{rightNumbers(4, 0, false), 8, 8, 2, 100},
		{rightNumbers(5, 0, false), 10, 10, 4, 100},
		{rightNumbers(4, 0, true), 5, 8, 4001, 20},
		{rightNumbers(4, 3, true), 5, 8, 4001, 20},
		{rightNumbers(5, 0, true), 6, 10, 4001, 60},
		{rightNumbers(5, 3, true), 6, 10, 4001, 60},
	} {
		t.Run(fmt.Sprintf("wave=%d,leader=%d,twins=%v", tt.wave, tt.leader, tt.twins), func(t *testing.T) {
			if testing.Short() && tt.twins && tt.wave == 5 {
				t.Skip("short")
			}
			t.Parallel()
			last, compared, inParts := tt.last, 0, 0
			if *exhaustive {
				last, tt.each, tt.parts = tt.whole, (tt.each+1)/2, tt.parts/4
			}
			if testing.Short() {
				last = min(last, tt.wave+1)
			}
			s := explore(tt.numbers, last, func(s *search, at int, by choice, from int, r *round) {
				if s.steps%tt.each != 0 || t.Failed() {
					return
				}
				g := s.weave(at, by, from)
				compared++
				if err := g.compareTop(s, at, r); err != nil {
					t.Errorf("%s\n%v", g.describe(), err)
				}
				if at > tt.wave && compared%tt.parts == 0 {
					inParts++
					if err := g.compareParts(); err != nil {
						t.Errorf("%s\n%v", g.describe(), err)
					}
				}
			})
			states, graphs := s.size()
			t.Logf("%d rounds: %d states, %d steps, stand for %.4g graphs (2^%.1f); %d compared with both implementations, %d in all their parts",
				last, states, s.steps, graphs, math.Log2(graphs), compared, inParts)
			if s.harm != "" {
				t.Errorf("%s\n%s", s.weaveStop().describe(), s.harm)
			}
			if compared == 0 {
				t.Error("nothing compared")
			}
		})
	}
}

// weaknesses are thresholds one too low.
var weaknesses = []struct {
	name string
	weak func(*numbers)
}{
	{"skip at q-1 blames", func(n *numbers) { n.blames-- }},
	{"certificate at q-1 votes", func(n *numbers) { n.votes-- }},
	{"commit at q-1 certificates", func(n *numbers) { n.certs-- }},
	{"q-1 parents", func(n *numbers) { n.parents-- }},
}

// TestExhaustiveFindsHarm: with a rule made weaker the same search finds a graph that breaks a
// promise. It takes an equivocator: four honest members get away with each of these, so nothing
// that only they do would ever tell.
func TestExhaustiveFindsHarm(t *testing.T) {
	for _, tt := range weaknesses {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			honest := rightNumbers(4, 0, false)
			tt.weak(&honest)
			if s := explore(honest, 8, nil); s.harm != "" {
				t.Errorf("without an equivocator: %s\n%s", s.harm, s.weaveStop().describe())
			}
			harm := ""
			for _, leader := range []int{0, liar} {
				n := rightNumbers(4, leader, true)
				tt.weak(&n)
				if s := explore(n, 5, nil); s.harm != "" {
					harm = s.harm
					t.Logf("%s, in round %d after %d steps\n%s", s.harm, s.where[0], s.steps, s.weaveStop().describe())
					break
				}
			}
			if harm == "" {
				t.Error("the search finds no harm")
			}
		})
	}
}

// TestExhaustiveNoticesVariants: an equivocator that counted once for each of its snapshots would
// be a difference too rare for random graphs; the search meets one at once.
func TestExhaustiveNoticesVariants(t *testing.T) {
	var found error
	n := rightNumbers(4, liar, true)
	explore(n, 5, func(s *search, at int, by choice, from int, r *round) {
		s.wrong = naive.VariantsCount
		if at >= 4 && s.steps%101 == 0 && found == nil {
			if g := s.weave(at, by, from); g.fault == "" {
				found = g.compareTop(s, at, r)
			}
		}
	})
	if found == nil {
		t.Error("not noticed")
	}
	t.Log(found)
}

// TestModelOnAnyGraph: the search compares graphs that stand for others. Here are any, as their
// authors' choices fall: both implementations decide them as the model does.
func TestModelOnAnyGraph(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	undecided := 0
	for i := range 300 {
		n := rightNumbers(4+i%2, []int{0, liar}[i/2%2], i%3 > 0)
		s, second := &search{numbers: n}, n.twins && i%5 > 0
		r := n.start(second)
		var rows []choice
		for at := 2; at <= 2*n.wave; at++ {
			c := n.anyChoice(&r, at, rng)
			rows = append(rows, c)
			r = n.next(&r, at, c, everybody)
			if harm := n.harm(&r, at); harm != "" {
				t.Fatalf("%s\n%s", s.weaveRows(rows, second).describe(), harm)
			}
			if at == n.wave+1 || at == 2*n.wave {
				g := s.weaveRows(rows, second)
				if err := g.compareTop(s, at, &r); err != nil {
					t.Fatalf("%s%v", g.describe(), err)
				}
			}
		}
		if r.commit == 0 && !r.skip {
			undecided++
		}
	}
	t.Logf("%d slots needed an anchor", undecided)
	if undecided < 10 {
		t.Error("too few")
	}
}

// anyChoice has votes and certificates missed more often than not, or no slot needed an anchor.
func (n numbers) anyChoice(r *round, at int, rng *rand.Rand) (c choice) {
	for seat := range seats {
		options := n.options(r, authorOf(seat))
		if len(options) == 0 || seat == 4 && (!n.twins || rng.IntN(2) == 0) {
			continue
		}
		c[seat] = options[rng.IntN(len(options))]
		for range 2 {
			if o := options[rng.IntN(len(options))]; n.child(r, at, o).slot < n.child(r, at, c[seat]).slot {
				c[seat] = o
			}
		}
	}
	return c
}

// A woven graph is the one that stands for a state, in full.
type woven struct {
	*schedule
	ranks *[4]int // what the coin says of every round
	rows  []choice
}

// ranked is a coin that can be turned: the slots of every round, all four authors.
type ranked struct{ ranks *[4]int }

// Leaders implements Coins.
func (c ranked) Leaders(kernel.Round) (out []kernel.Author) {
	for _, a := range c.ranks {
		out = append(out, kernel.Author(a))
	}
	return out
}

// Good implements Coins.
func (ranked) Good(*dag.Vertex) bool { return true }

// weave makes the graph that leads to one step.
func (s *search) weave(at int, by choice, from int) *woven {
	rows, second := s.path(at-1, from)
	return s.weaveRows(append(rows, by), second)
}

func (s *search) weaveStop() *woven {
	rows, second := s.path(s.where[0], s.where[1])
	return s.weaveRows(rows, second)
}

func (s *search) weaveRows(rows []choice, second bool) *woven {
	g := &woven{schedule: &schedule{k: 4, q: 3, voting: 4, rng: rand.New(rand.NewPCG(1, 1))}, ranks: &[4]int{0, 1, 2, 3}}
	g.Coins = ranked{g.ranks}
	g.rules = naive.Of(4, kernel.Parameters{Wave: uint8(s.wave), Horizon: 100, Depth: 50})
	g.rules.Leaders, g.rules.Wrong = g.Leaders, s.wrong
	begin := choice{1, 2, 4, 8}
	if second {
		begin[4] = 8
	}
	g.rows = append([]choice{begin}, rows...)
	if s.parents == 3 { // else the graph is not valid, which is the point
		g.make()
	}
	return g
}

// make makes the world anew: a world that has been asked about one coin remembers it.
func (g *woven) make() {
	g.World = naive.New(g.rules)
	for i := range g.rows {
		g.row(kernel.Round(i + 1))
	}
}

// row makes one round, the twin with the larger id first.
func (g *woven) row(r kernel.Round) {
	for seat := seats - 1; seat >= 0; seat-- {
		set := g.rows[r-1][seat]
		if set == 0 {
			continue
		}
		h := &kernel.Header{Author: kernel.Author(authorOf(seat)), Round: r, Timestamp: kernel.Timestamp(r)}
		for p := range seats {
			if r == 1 && p < 4 {
				h.Parents = append(h.Parents, parentOf(g.Snaps()[p]))
			} else if r > 1 && set>>p&1 == 1 {
				h.Parents = append(h.Parents, kernel.Parent{Author: kernel.Author(authorOf(p)), Round: r - 1, ID: seatID(p, r-1)})
			}
		}
		h.SortParents()
		if _, err := g.Add(seatID(seat, r), h, true); err != nil {
			g.fault = fmt.Sprintf("seat %d of round %d: %v", seat, r, err)
		}
	}
}

func seatID(seat int, r kernel.Round) kernel.SnapshotID {
	return kernel.SnapshotID{byte(seat + 1), byte(r)}
}

// describe writes the graph as a scenario: D and D' are the twins.
func (g *woven) describe() (out string) {
	names := [seats]string{"A", "B", "C", "D", "D'"}
	for i, row := range g.rows {
		out += fmt.Sprintf("%d:", i+1)
		for seat, set := range row {
			if set == 0 {
				continue
			}
			out += " " + names[seat]
			if i > 0 {
				out += "<-"
				for p := range seats {
					if set>>p&1 == 1 {
						out += names[p]
					}
				}
			}
		}
		out += "\n"
	}
	return out
}

// compareTop holds the whole graph's slots, by both implementations, to the model, whatever the
// coin says.
func (g *woven) compareTop(s *search, at int, r *round) error {
	if g.fault != "" {
		return fmt.Errorf("not valid: %s", g.fault)
	}
	graph := dag.New(g.epoch(), noHistory{})
	c := g.committer(graph)
	for _, x := range g.Snaps()[4:] {
		v, err := graph.Check(x.ID, x.Header)
		if err != nil {
			return err
		}
		v.HasShare = true
		graph.Insert(v)
		c.Annotate(v)
	}
	for _, p := range permutations(false) {
		*g.ranks = [4]int(p[:4])
		got := c.Slots(graph.Top(), 1, kernel.Round(at))
		if err := same(got, g.Slots(g.All())); err != nil {
			return fmt.Errorf("coin %v: %w", *g.ranks, err)
		}
		if err := s.agrees(got, at, r, *g.ranks); err != nil {
			return fmt.Errorf("coin %v: %w", *g.ranks, err)
		}
	}
	*g.ranks = [4]int{0, 1, 2, 3}
	return nil
}

// agrees holds the slots that the model follows to it.
func (s *search) agrees(got []Slot, at int, r *round, ranks [4]int) error {
	for _, slot := range got {
		switch {
		case slot.Round == 1 && int(slot.Author) == s.leader:
			if r.who != everybody && (int(r.who) != ranks[0] || r.askip>>r.who&1 == 1) {
				continue // the anchor may be one that is not followed
			}
			state, variant := s.verdict(r, ranks)
			if slot.State != state || state == Committed && int(slot.Leader.ID[0]) != 1+s.leader+variant {
				return fmt.Errorf("slot (1,%d) is %v, the model says %v, variant %d", slot.Author, slot.State, state, variant)
			}
		case int(slot.Round) == s.wave+1 && (r.who == everybody || int(r.who) == int(slot.Author)):
			commit := r.acommit>>slot.Author&1 == 1 || slot.Author == liar && r.acommit>>(liar+1)&1 == 1
			if (slot.State == Committed) != commit || (slot.State == Skipped) != (r.askip>>slot.Author&1 == 1) {
				return fmt.Errorf("slot (%d,%d) is %v, the model says commit %v, skip %b", slot.Round, slot.Author, slot.State, commit, r.askip)
			}
		}
	}
	if revealed := len(got) > 0; revealed != (at >= s.wave) {
		return fmt.Errorf("%d slots after %d rounds", len(got), at)
	}
	return nil
}

// compareParts takes every ancestor-closed part, for four turns of the coin.
func (g *woven) compareParts() error {
	for turn := range 4 {
		*g.ranks = [4]int{turn, (turn + 1) % 4, (turn + 2) % 4, (turn + 3) % 4}
		g.make()
		p := partsOf(g.schedule)
		if p.all == nil {
			return nil
		}
		if err := p.monotone(); err != nil {
			return err
		}
		if err := p.compare(new(partTally)); err != nil {
			return err
		}
	}
	return nil
}
