package consensus

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/committee"
	"github.com/asterism-network/asterism/kernel/internal/dag"
	"github.com/asterism-network/asterism/kernel/internal/naive"
)

// A coin is the stand-in for the threshold coin: unpredictable, the same for everybody.
type coin struct {
	seed     uint64
	k, slots int
	unlucky  bool // for eight rounds of sixteen it names the last author only
}

// Leaders implements Coins.
func (c coin) Leaders(d kernel.Round) (out []kernel.Author) {
	if c.unlucky && d/8%2 == 1 {
		return []kernel.Author{kernel.Author(c.k - 1)}
	}
	rng := rand.New(rand.NewPCG(c.seed, uint64(d)))
	for _, a := range rng.Perm(c.k)[:c.slots] {
		out = append(out, kernel.Author(a))
	}
	return out
}

// Good implements Coins: in a graph made of a world a vertex has a share if it is good.
func (coin) Good(*dag.Vertex) bool { return true }

func members(k int) *committee.Committee {
	return committee.New(&kernel.Roster{Members: make([]kernel.Member, k)})
}

type noHistory struct{}

func (noHistory) Vertex(kernel.SnapshotID) (*dag.Vertex, bool)                   { return nil, false }
func (noHistory) Variants(kernel.Author, kernel.Round) (ids []kernel.SnapshotID) { return nil }

// A maker is one copy of a node: an honest author has one, an equivocator several, each with
// its own view of the world.
type maker struct {
	author kernel.Author
	liar   bool
	copy   int // of the author's copies
	view   naive.Part
	met    []*naive.Snap // in the order of arrival, round 0 left out
	tip    *naive.Snap
	inbox  []parcel
	weight int // how often the scheduler lets it act
}

type parcel struct {
	at int
	s  *naive.Snap
}

func (m *maker) take(w *naive.World, s *naive.Snap) {
	if m.view.Has(s) {
		return
	}
	for _, x := range w.Snaps() {
		if s.Cone.Has(x) && !m.view.Has(x) {
			m.view.Add(x)
			m.met = append(m.met, x)
		}
	}
}

// A schedule makes a world: honest authors that follow the rules, f others that fork, vote both
// ways and withhold, and a network that is fair, partitioned or turned against some authors.
type schedule struct {
	*naive.World
	Coins
	rules  naive.Rules
	seed   uint64
	k, q   int
	voting int // of k members; the others are flagged
	rng    *rand.Rand
	makers []*maker
	mode   mode
	check  func(id kernel.SnapshotID, h *kernel.Header) error // judges what a maker is about to make
	fault  string
}

// A mode is what the network does.
type mode int

const (
	fair     mode = iota
	uneven        // some nodes are slow
	halves        // two halves that hear little of each other
	deaf          // one that is hardly heard
	split         // in every round one author's snapshot reaches half of them in time and the others when votes are cast
	faces         // every copy of an equivocator is seen by its own half first
	withheld      // what a faulty author made comes out some rounds later, to one after the other
	modes
)

func (m mode) String() string {
	return [...]string{"fair", "uneven", "halves", "deaf", "split", "faces", "withheld"}[m]
}

func makeSchedule(seed uint64, k, rounds int, wrong naive.Mutant) *schedule {
	rng := rand.New(rand.NewPCG(seed, 7))
	horizon := 3 + rng.IntN(5)
	s := &schedule{seed: seed, k: k, rng: rng, mode: mode(rng.IntN(int(modes)))}
	s.rules = naive.Of(k, kernel.Parameters{Wave: uint8(4 + rng.IntN(2)), Horizon: kernel.Round(horizon), Depth: kernel.Round(2 + rng.IntN(horizon-2))})
	s.voting = k
	if k > 4 && seed%3 == 0 { // one or two members have lost their vote
		s.voting -= 1 + int(seed/3%2)
	}
	for a := s.voting; a < k; a++ {
		s.rules.Flagged[a] = true
	}
	s.Coins = coin{seed: seed, k: s.voting, slots: 1 + rng.IntN(k)%s.voting, unlucky: s.mode == deaf}
	s.rules.Leaders, s.rules.Timestamp, s.rules.Wrong = s.Leaders, 1000, wrong
	s.World = naive.New(s.rules)
	f, q := s.Numbers()
	s.q = q
	liars := rng.IntN(f + 1)
	for a := range k {
		copies := 1
		if a < liars {
			copies = 2 + rng.IntN(2)
		}
		for copy := range copies {
			m := &maker{author: kernel.Author(a), liar: a < liars, copy: copy, tip: s.Snaps()[a], weight: 10, view: s.Start()}
			if s.mode == uneven && rng.IntN(3) == 0 {
				m.weight = 1 + rng.IntN(5)
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
		if rng.IntN(10) >= m.weight || m.tip.Round >= kernel.Round(rounds) {
			continue
		}
		s.act(m, step)
	}
	return s
}

func (s *schedule) epoch() dag.Epoch {
	return dag.Epoch{Committee: s.members(), Timestamp: s.rules.Timestamp, Depth: s.rules.Depth}
}

func (s *schedule) committer(graph *dag.Graph) *Committer {
	return New(Rules{Wave: s.rules.Wave, Horizon: s.rules.Horizon}, s.members(), graph, s)
}

func (s *schedule) members() *committee.Committee {
	roster := &kernel.Roster{Members: make([]kernel.Member, s.k)}
	for a, flagged := range s.rules.Flagged {
		roster.Members[a].Flagged = flagged
	}
	return committee.New(roster)
}

func (s *schedule) act(m *maker, step int) {
	kept := m.inbox[:0]
	for _, p := range m.inbox {
		if p.at > step {
			kept = append(kept, p)
			continue
		}
		m.take(s.World, p.s)
	}
	m.inbox = kept
	if h := s.propose(m); h != nil {
		s.publish(m, h, step)
	}
}

// propose makes a header on top of the maker's tip, or nil if it has to wait.
func (s *schedule) propose(m *maker) *kernel.Header {
	round := m.tip.Round + 1
	h := &kernel.Header{
		Author: m.author, Round: round,
		Timestamp: m.tip.Time + kernel.Timestamp(s.rng.IntN(20)),
		Claim:     kernel.CommitClaim{Index: kernel.CommitIndex(s.rng.IntN(int(round) + 1)), Digest: kernel.Digest{1}},
	}
	h.Parents = append(h.Parents, parentOf(m.tip))
	cone := m.tip.Cone.Clone()
	for a := range kernel.Author(s.voting) {
		if all := s.At(m.view, a, round-1); a != m.author && len(all) > 0 && (m.liar || !s.Forked(m.view, a)) {
			p := all[s.rng.IntN(len(all))]
			h.Parents = append(h.Parents, parentOf(p))
			cone.Join(p.Cone)
		}
	}
	voters := len(h.Parents)
	if int(m.author) >= s.voting {
		voters--
	}
	if voters < s.q {
		return nil
	}
	if voters < s.voting && s.rng.IntN(3) > 0 && !m.liar {
		return nil // wait for more of them, sometimes
	}
	s.nameOlder(m, h, cone)
	h.SortParents()
	return h
}

// nameOlder names the newest snapshots of slower authors that nothing named reaches.
func (s *schedule) nameOlder(m *maker, h *kernel.Header, cone naive.Part) {
	for r := h.Round - 1; r > 1 && r-1+s.rules.Depth >= h.Round; r-- {
		for a := range kernel.Author(s.voting) {
			named := slices.ContainsFunc(h.Parents, func(p kernel.Parent) bool { return p.Author == a })
			all := s.At(m.view, a, r-1)
			if named || len(all) == 0 || len(s.At(m.view, a, r)) > 0 || s.Forked(m.view, a) && !m.liar {
				continue
			}
			if p := all[0]; !cone.Has(p) || m.liar && s.rng.IntN(20) == 0 {
				h.Parents = append(h.Parents, parentOf(p))
				cone.Join(p.Cone)
			}
		}
	}
}

func parentOf(s *naive.Snap) kernel.Parent {
	return kernel.Parent{Author: s.Author, Round: s.Round, ID: s.ID}
}

// publish makes the snapshot, unless it is invalid, and sends it around.
func (s *schedule) publish(m *maker, h *kernel.Header, step int) {
	share := s.rng.IntN(10) > 0
	id := kernel.SnapshotID(crypto.Sum(binary.BigEndian.AppendUint64(nil, s.rng.Uint64())))
	err := s.check(id, h)
	x, wrong := s.Add(id, h, share)
	if (err == nil) != (wrong == nil) {
		s.fault = "the graph and the naive rule differ on validity: " + sayBoth(err, wrong)
		return
	}
	if err != nil {
		if !m.liar {
			s.fault = "an honest author made an invalid snapshot: " + sayBoth(err, wrong)
		}
		return
	}
	m.tip = x
	m.take(s.World, x)
	for i, to := range s.makers {
		if to == m || m.liar && s.rng.IntN(3) == 0 {
			continue // withheld
		}
		to.inbox = append(to.inbox, parcel{step + s.delay(m, i), x})
	}
}

func sayBoth(graph, rule error) string {
	say := func(err error) string {
		if err == nil {
			return "valid"
		}
		return err.Error()
	}
	return say(graph) + " or " + say(rule)
}

// delay is how many steps the network takes; a round takes everybody some four.
func (s *schedule) delay(from *maker, to int) int {
	n := len(s.makers)
	d := s.rng.IntN(2 * n)
	other := s.makers[to]
	switch {
	case s.mode == halves && from.author%2 != other.author%2 && s.rng.IntN(3) > 0:
		d += 12 * n
	case s.mode == deaf && int(from.author) >= s.q:
		d += s.rng.IntN(int(s.rules.Horizon) * 8 * n)
	case s.mode == split && s.target(from.tip.Round) == from.author && (int(from.tip.Round)+to)%2 == 0:
		d += 4*n*(int(s.rules.Wave)-3) + s.rng.IntN(6*n)
	case s.mode == faces && from.liar && from.copy%2 != int(other.author)%2:
		d += s.rng.IntN(24 * n)
	case s.mode == withheld && from.liar:
		d += 4*n*s.rng.IntN(int(s.rules.Wave)+2) + s.rng.IntN(4*n)*((to+int(from.tip.Round))%n)/2
	case s.rng.IntN(20) == 0:
		d += s.rng.IntN(40 * n)
	}
	return d
}

// target is the author whose snapshot of a round the network holds back from half of them. It
// is chosen before the coin is known, as by somebody who owns the network.
func (s *schedule) target(r kernel.Round) kernel.Author {
	return kernel.Author((s.seed + uint64(r)*2654435761) % uint64(s.k))
}

// shuffled lists the world in some order in which parents come first.
func (s *schedule) shuffled() (out []*naive.Snap) {
	left := slices.Clone(s.Snaps()[s.k:])
	have := s.Start()
	for len(left) > 0 {
		i := s.rng.IntN(min(len(left), 12))
		if slices.ContainsFunc(left[i].Parents, func(p *naive.Snap) bool { return !have.Has(p) }) {
			i = 0
		}
		x := left[i]
		left = slices.Delete(left, i, i+1)
		have.Add(x)
		out = append(out, x)
	}
	return out
}
