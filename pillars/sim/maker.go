package sim

import (
	"math/rand/v2"

	"github.com/asterism-network/asterism/internal/sim"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
	"github.com/asterism-network/asterism/pillars/internal/pos"
	"github.com/asterism-network/asterism/pillars/internal/state"
)

// A miner looks for work behind a branch: an honest one behind his node's tip, at his clock's second. Attackers put
// other functions in.
type miner struct {
	w     *world
	n     *node
	rate  float64
	rng   *rand.Rand
	turn  int                      // of the search under way; others are over
	base  func() *consensus.Branch // nil result: does not mine now
	stamp func(on *consensus.Branch, second uint32) uint32
	found func(b *pillars.Block, id pillars.BlockID)
	made  int
}

func newMiner(w *world, n *node, rate float64) *miner {
	m := &miner{w: w, n: n, rate: rate, rng: sim.Stream(w.seed, "miner "+string(rune('a'+n.id)))}
	m.base = n.branch
	m.stamp = func(_ *consensus.Branch, second uint32) uint32 { return second }
	m.found = func(b *pillars.Block, id pillars.BlockID) { n.take(n.id, b, id) }
	return m
}

// restart draws anew: the search is memoryless, so nothing is lost.
func (m *miner) restart() {
	m.turn++
	if m.rate <= 0 || m.w.quiet {
		return
	}
	on := m.base()
	if on == nil {
		return
	}
	turn := m.turn
	stampAt := func(second uint32) uint32 { return m.stamp(on, second) }
	after, stamp, ok := search(m.w.rules(), on, m.rate, m.rng, m.n.local(), stampAt)
	m.w.clock.After(after, func() {
		if turn != m.turn || m.w.quiet {
			return
		}
		if !ok {
			m.restart()
			return
		}
		b := m.w.mined(m.n, on, stamp)
		m.made++
		m.found(b, b.ID())
		if turn == m.turn { // the block did not become the base of the next
			m.restart()
		}
	})
}

// A staker tries each of his outputs once a second behind a branch: what the product's search does.
type staker struct {
	w     *world
	n     *node
	turn  int
	ahead uint32 // seconds ahead of the clock that he stamps; an honest one none
	base  func() *consensus.Branch
	pick  func(on *consensus.Branch, w pos.Winner) pos.Winner // among several that win; nil: the first
	found func(b *pillars.Block, id pillars.BlockID)
	made  int
}

func newStaker(w *world, n *node) *staker {
	s := &staker{w: w, n: n, base: n.branch}
	s.found = func(b *pillars.Block, id pillars.BlockID) { n.take(n.id, b, id) }
	return s
}

// searchAhead is how many seconds a staker looks at in one go. When his tip moves before they come, what he saw is void.
const searchAhead = 8

// restart looks at all seconds since the parent, and then on.
func (s *staker) restart() {
	s.turn++
	s.search(0)
}

func (s *staker) search(first uint32) {
	if s.w.parts[s.n.id].outputs == 0 || s.w.quiet {
		return
	}
	on := s.base()
	if on == nil || !s.eligible(on) {
		return
	}
	last := s.n.now() + s.ahead + searchAhead
	win, ok := pos.Prepare(s.w.rules(), on, s.w.court.stakes(on.ID, s.owner()), first, last)
	turn := s.turn
	if !ok {
		s.w.clock.After(searchAhead*1000, func() {
			if turn == s.turn {
				s.search(last + 1)
			}
		})
		return
	}
	stake := *win.Stake // the court's list moves
	win.Stake = &stake
	s.w.clock.After(s.until(win.Stamp), func() {
		if turn != s.turn || s.w.quiet {
			return
		}
		if s.pick != nil {
			win = s.pick(on, win)
		}
		b := s.w.staked(s.n, on, win)
		s.made++
		s.found(b, b.ID())
		if turn == s.turn {
			s.search(win.Stamp + 1)
		}
	})
}

// until is when the staker may show a stamp: once it is no more than ahead in front of his clock.
func (s *staker) until(stamp uint32) sim.Time {
	return max(0, (sim.Time(stamp)-sim.Time(s.ahead))*1000-s.n.local())
}

func (s *staker) owner() pillars.Address { return s.w.parties[s.n.id].owner }

func (s *staker) eligible(on *consensus.Branch) bool {
	view := s.w.court.view(on.ID)
	return pos.Eligible(s.w.rules(), on.Number, s.owner(), state.At(view, s.w.rules()))
}
