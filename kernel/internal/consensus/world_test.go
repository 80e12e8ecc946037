package consensus

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/committee"
	"github.com/asterism-network/asterism/kernel/internal/dag"
)

// leaders is the stand-in for the coin: unpredictable, the same for everybody.
func (w *world) leaders(round int) []int {
	rng := rand.New(rand.NewPCG(w.seed, uint64(round)))
	return rng.Perm(w.k)[:w.size]
}

// Leaders implements Coins.
func (w *world) Leaders(d kernel.Round) (out []kernel.Author) {
	for _, a := range w.leaders(int(d) - w.wave + 1) {
		out = append(out, kernel.Author(a))
	}
	return out
}

func newWorld(k, wave, slots, horizon, depth int, seed uint64) *world {
	w := &world{k: k, f: (k - 1) / 3, wave: wave, size: slots, horizon: horizon, depth: depth, seed: seed, places: make(map[[2]int][]*snap)}
	w.q = k - w.f
	for a := range k {
		s := &snap{n: a, author: a, time: 1000, id: kernel.GenesisSnapshotID(kernel.Hash{}, kernel.Author(a))}
		w.add(s)
	}
	return w
}

func (w *world) add(s *snap) {
	s.n = len(w.snaps)
	for _, p := range s.parents {
		s.cone = s.cone.union(p.cone)
	}
	for a := 0; a < w.k && s.round > 0; a++ {
		s.cone = s.cone.with(w.snaps[a]) // round 0 is in every cone
	}
	s.cone = s.cone.with(s)
	w.snaps = append(w.snaps, s)
	p := [2]int{s.author, s.round}
	w.places[p] = append(w.places[p], s)
}

// A maker is one copy of a node: an honest author has one, an equivocator several, each with
// its own view of the world.
type maker struct {
	author int
	liar   bool
	view   set
	met    []*snap // in the order of arrival, round 0 left out
	tip    *snap
	inbox  []parcel
	weight int // how often the scheduler lets it act
}

type parcel struct {
	at int
	s  *snap
}

func (m *maker) take(w *world, s *snap) {
	if m.view.has(s) {
		return
	}
	for _, x := range w.snaps[w.k:] {
		if s.cone.has(x) && !m.view.has(x) {
			m.view = m.view.with(x)
			m.met = append(m.met, x)
		}
	}
}

// A schedule makes a world: honest authors that follow the rules, f others that fork, vote both
// ways and withhold, and a network that is fair, partitioned or turned against some authors.
type schedule struct {
	*world
	rng    *rand.Rand
	makers []*maker
	mode   int
	byID   map[kernel.SnapshotID]*snap
	check  func(id kernel.SnapshotID, h *kernel.Header) error // judges what a maker is about to make
	fault  string
}

func makeSchedule(seed uint64, k, rounds int) *schedule {
	rng := rand.New(rand.NewPCG(seed, 7))
	horizon := 3 + rng.IntN(5)
	s := &schedule{rng: rng, byID: make(map[kernel.SnapshotID]*snap), mode: rng.IntN(4)}
	s.world = newWorld(k, 4+rng.IntN(2), 1+rng.IntN(k), horizon, 2+rng.IntN(horizon-2), seed)
	for _, g := range s.snaps {
		s.byID[g.id] = g
	}
	liars := rng.IntN(s.f + 1)
	for a := range k {
		copies := 1
		if a < liars {
			copies = 2 + rng.IntN(2)
		}
		for range copies {
			m := &maker{author: a, liar: a < liars, tip: s.snaps[a], weight: 10}
			if s.mode == 1 && rng.IntN(3) == 0 {
				m.weight = 1 + rng.IntN(5)
			}
			for _, g := range s.snaps[:k] {
				m.view = m.view.with(g)
			}
			s.makers = append(s.makers, m)
		}
	}
	graph := dag.New(s.epoch(), noHistory{})
	s.check = func(id kernel.SnapshotID, h *kernel.Header) error {
		v, err := graph.Check(id, h)
		if err == nil {
			graph.Insert(v)
		}
		return err
	}
	for step := 0; step < rounds*len(s.makers)*6 && s.fault == ""; step++ {
		m := s.makers[rng.IntN(len(s.makers))]
		if rng.IntN(10) >= m.weight || m.tip.round >= rounds {
			continue
		}
		s.act(m, step)
	}
	return s
}

func (s *schedule) epoch() dag.Epoch {
	return dag.Epoch{Committee: s.committee(), Timestamp: 1000, Depth: kernel.Round(s.depth)}
}

func (s *world) committee() *committee.Committee {
	return committee.New(&kernel.Roster{Members: make([]kernel.Member, s.k)})
}

type noHistory struct{}

func (noHistory) Vertex(kernel.SnapshotID) (*dag.Vertex, bool)                   { return nil, false }
func (noHistory) Variants(kernel.Author, kernel.Round) (ids []kernel.SnapshotID) { return nil }

func (s *schedule) act(m *maker, step int) {
	kept := m.inbox[:0]
	for _, p := range m.inbox {
		if p.at > step {
			kept = append(kept, p)
			continue
		}
		m.take(s.world, p.s)
	}
	m.inbox = kept
	if h := s.propose(m); h != nil {
		s.publish(m, h, step)
	}
}

// propose makes a header on top of the maker's tip, or nil if it has to wait.
func (s *schedule) propose(m *maker) *kernel.Header {
	round := m.tip.round + 1
	h := &kernel.Header{
		Author: kernel.Author(m.author), Round: kernel.Round(round),
		Timestamp: m.tip.time + kernel.Timestamp(s.rng.IntN(20)),
		Claim:     kernel.CommitClaim{Index: kernel.CommitIndex(s.rng.IntN(round + 1)), Digest: kernel.Digest{1}},
	}
	h.Parents = append(h.Parents, parentOf(m.tip))
	cone := slices.Clone(m.tip.cone)
	for a := range s.k {
		if all := s.at(m.view, a, round-1); a != m.author && len(all) > 0 && (m.liar || !s.forkedIn(m.view, a)) {
			p := all[s.rng.IntN(len(all))]
			h.Parents = append(h.Parents, parentOf(p))
			cone = cone.union(p.cone)
		}
	}
	if len(h.Parents) < s.q {
		return nil
	}
	if len(h.Parents) < s.k && s.rng.IntN(3) > 0 && !m.liar {
		return nil // wait for more of them, sometimes
	}
	for r := round - 2; r >= 1 && r+s.depth >= round; r-- {
		for a := range s.k {
			named := slices.ContainsFunc(h.Parents, func(p kernel.Parent) bool { return int(p.Author) == a })
			all := s.at(m.view, a, r)
			if named || len(all) == 0 || len(s.at(m.view, a, r+1)) > 0 || s.forkedIn(m.view, a) && !m.liar {
				continue
			}
			if p := all[0]; !cone.has(p) || m.liar && s.rng.IntN(20) == 0 {
				h.Parents = append(h.Parents, parentOf(p))
				cone = cone.union(p.cone)
			}
		}
	}
	h.SortParents()
	return h
}

func parentOf(s *snap) kernel.Parent {
	return kernel.Parent{Author: kernel.Author(s.author), Round: kernel.Round(s.round), ID: s.id}
}

func (s *world) forkedIn(part set, author int) bool {
	for r := 1; ; r++ {
		switch all := s.at(part, author, r); {
		case len(all) > 1:
			return true
		case len(all) == 0:
			return false
		}
	}
}

// publish makes the snapshot, unless it is invalid, and sends it around.
func (s *schedule) publish(m *maker, h *kernel.Header, step int) {
	x := &snap{author: m.author, round: int(h.Round), time: h.Timestamp, header: h, share: s.rng.IntN(10) > 0}
	x.id = crypto.Sum(binary.BigEndian.AppendUint64(nil, s.rng.Uint64()))
	for _, p := range h.Parents {
		x.parents = append(x.parents, s.byID[p.ID])
	}
	good := s.valid(h, s.byID)
	if err := s.check(x.id, h); (err == nil) != good {
		s.fault = "the graph and the naive rule differ on validity: " + x.name()
		return
	}
	if !good {
		if !m.liar {
			s.fault = "an honest author made an invalid snapshot: " + x.name()
		}
		return
	}
	s.add(x)
	s.byID[x.id] = x
	m.tip = x
	m.take(s.world, x)
	for i, to := range s.makers {
		if to == m || m.liar && s.rng.IntN(3) == 0 {
			continue // withheld
		}
		to.inbox = append(to.inbox, parcel{step + s.delay(m, i), x})
	}
}

func (s *schedule) delay(from *maker, to int) int {
	d := s.rng.IntN(2 * len(s.makers))
	switch {
	case s.mode == 2 && from.author%2 != s.makers[to].author%2 && s.rng.IntN(3) > 0:
		d += 12 * len(s.makers) // two halves that hear little of each other
	case s.mode == 3 && from.author == s.k-1:
		d += s.rng.IntN(s.horizon * 12 * len(s.makers)) // one that is hardly heard
	case s.rng.IntN(20) == 0:
		d += s.rng.IntN(40 * len(s.makers))
	}
	return d
}

func (s *snap) name() string {
	return fmt.Sprintf("%c@%d", 'A'+s.author, s.round)
}

// shuffled lists the part in some order in which parents come first.
func (s *schedule) shuffled(part set) (out []*snap) {
	left := make([]*snap, 0, len(s.snaps))
	for _, x := range s.snaps[s.k:] {
		if part.has(x) {
			left = append(left, x)
		}
	}
	var have set
	for _, g := range s.snaps[:s.k] {
		have = have.with(g)
	}
	for len(left) > 0 {
		i := s.rng.IntN(min(len(left), 12))
		if slices.ContainsFunc(left[i].parents, func(p *snap) bool { return !have.has(p) }) {
			i = 0
		}
		x := left[i]
		left = slices.Delete(left, i, i+1)
		have = have.with(x)
		out = append(out, x)
	}
	return out
}
