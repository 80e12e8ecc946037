package sim

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/asterism-network/asterism/internal/sim"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/coin"
	"github.com/asterism-network/asterism/kernel/internal/committee"
)

// A splitter owns the network. It sees who sends what to whom and holds messages as it likes,
// though not for ever. It counts in rounds, not in time: a snapshot is held from a member until
// that member has passed the round for which it was wanted. What traitors send it never holds.
//
// It does not know a coin before f+1 members have sent their shares. Before that it starves
// members at random and divides who votes for them; from then on it holds what would help the
// leaders. It never takes so much from a member that it could not go on with a quorum: that
// would only stop the clock. Where a quorum is all there is, it delays what comes last.
type splitter struct {
	w       *world
	dice    *rand.Rand
	members *committee.Committee
	wave    kernel.Round
	aware   bool // of leaders, once they are out

	at     []kernel.Round // by place: the newest own snapshot that it sent
	made   map[kernel.Round]committee.Set
	to     map[vertexAt]committee.Set // of a traitor's snapshot: whom it was sent to
	ploys  map[kernel.Round]*ploy
	ruled  map[vertexAt]sentence
	lacks  map[demand]committee.Set       // what one member does without in a round
	gone   map[kernel.Round]committee.Set // what all do without
	held   [][]*parcel                    // by receiver
	shared map[kernel.Round]committee.Set
	shares map[kernel.Round][]coin.AuthorShare
	marked map[kernel.Round]committee.Set // to be starved because of a coin that is out
}

// A ploy is what the adversary does in some rounds.
type ploy struct {
	from, until kernel.Round
	kind        ployKind
	starved     committee.Set
	voters      int // how many members get a starved snapshot just in time to vote for it
}

type ployKind uint8

const (
	ployNone   ployKind = iota
	ploySplit           // starves a few members and divides the votes for them
	ployQuorum          // everybody gets a quorum, each another one
	ploySlow            // everything is late by a little
)

// A vertexAt is where a snapshot stands.
type vertexAt struct {
	author kernel.Author
	round  kernel.Round
}

type demand struct {
	to    int
	round kernel.Round
}

// A sentence says what becomes of a snapshot on its way to everybody, so that nobody who gets it
// makes others wait for it.
type sentence struct {
	starved bool
	voters  int
	late    kernel.Round // starved: rounds after its own until which it is held
}

// A parcel is what is held: until the receiver has made its snapshot of a round.
type parcel struct {
	until  kernel.Round
	arrive func()
}

func newScheme(w *world) scheme {
	n := len(w.stage.keys)
	s := &splitter{
		w: w, dice: w.rng.evil, members: committee.New(w.stage.genesis.Roster()), wave: kernel.Round(w.profile.parameters.Wave),
		at: make([]kernel.Round, n), made: make(map[kernel.Round]committee.Set), to: make(map[vertexAt]committee.Set),
		ploys: make(map[kernel.Round]*ploy), ruled: make(map[vertexAt]sentence), lacks: make(map[demand]committee.Set),
		gone: make(map[kernel.Round]committee.Set), held: make([][]*parcel, n), shared: make(map[kernel.Round]committee.Set),
		shares: make(map[kernel.Round][]coin.AuthorShare), marked: make(map[kernel.Round]committee.Set),
	}
	s.aware = s.dice.IntN(4) > 0
	w.clock.After(watchPeriod, s.watch)
	return s
}

// carry implements scheme.
func (s *splitter) carry(from, to int, frame []byte, delay sim.Time, arrive func()) {
	author, round, ok := peekPlace(frame)
	if !ok || to >= len(s.held) || from >= len(s.held) {
		s.w.clock.After(delay+s.gossip(), arrive)
		return
	}
	if s.w.ends[from].who() == author {
		s.sent(from, to, vertexAt{author, round}, frame)
	}
	if s.w.evil.Has(author) {
		s.w.clock.After(delay, arrive)
		return
	}
	until, wait := s.rule(vertexAt{author, round}, to)
	if until <= s.at[to] {
		s.w.clock.After(delay+wait, arrive)
		return
	}
	p := &parcel{until, arrive}
	s.held[to] = append(s.held[to], p)
	s.w.clock.After(delay+s.longest(), func() {
		if p.arrive != nil {
			s.w.reached("held_to_the_end")
		}
		s.release(p, 0)
	})
}

// gossip is how much longer a message takes that carries no snapshot.
func (s *splitter) gossip() sim.Time {
	if s.dice.IntN(10) > 0 {
		return 0
	}
	return sim.Time(s.dice.IntN(200))
}

// longest is how long a message is held at most, ms.
func (s *splitter) longest() sim.Time {
	if s.dice.IntN(50) == 0 {
		return sim.Time(4000 + s.dice.IntN(6000))
	}
	return sim.Time(1500 + s.dice.IntN(2500))
}

func (s *splitter) release(p *parcel, delay sim.Time) {
	if p.arrive != nil {
		s.w.clock.After(delay, p.arrive)
		p.arrive = nil
	}
}

// sent notes that a member sends its snapshot, and lets go of what was held from it until then.
func (s *splitter) sent(place, to int, v vertexAt, frame []byte) {
	if !s.w.evil.Has(v.author) {
		s.made[v.round] = s.made[v.round].With(v.author)
	} else if s.to[v] = s.to[v].With(s.w.ends[to].who()); s.to[v]|s.w.evil == s.members.Voting {
		s.made[v.round] = s.made[v.round].With(v.author) // who shows it to everybody counts
	}
	if s.aware {
		s.overhear(v.author, v.round, frame)
	}
	if v.round <= s.at[place] {
		return
	}
	s.at[place] = v.round
	kept := s.held[place][:0]
	for _, p := range s.held[place] {
		switch {
		case p.arrive == nil:
		case p.until <= v.round:
			s.release(p, sim.Time(s.dice.IntN(4)))
		default:
			kept = append(kept, p)
		}
	}
	clear(s.held[place][len(kept):])
	s.held[place] = kept
}

// rule says until which round a receiver's copy of a snapshot is held, or how long it waits.
func (s *splitter) rule(v vertexAt, to int) (until kernel.Round, wait sim.Time) {
	r, ok := s.ruled[v]
	if !ok {
		r = s.decide(v)
		s.ruled[v] = r
	}
	p, spare := s.ploy(v.round), s.spare(v.round)
	switch {
	case r.starved && s.votes(v, to, r.voters):
		return v.round + r.late - 1, 0
	case r.starved:
		return v.round + r.late, 0
	case spare == 0 || p.kind == ploySlow:
		return 0, s.last()
	case p.kind == ployQuorum && !s.w.evil.Has(s.w.ends[to].who()) && s.take(v, to, spare):
		return v.round + 1, 0
	}
	return 0, 0
}

// decide passes sentence on a snapshot when it is first sent.
func (s *splitter) decide(v vertexAt) sentence {
	p, late := s.ploy(v.round), s.wave-2
	marked := s.marked[v.round].Has(v.author)
	switch {
	case marked:
		late = 1 + kernel.Round(s.dice.IntN(int(s.wave)))
	case p.kind != ploySplit || !p.starved.Has(v.author):
		return sentence{}
	}
	if !s.remove(v, late) {
		return sentence{}
	}
	if marked {
		s.w.reached("leader_starved")
		return sentence{starved: true, late: late}
	}
	s.w.reached("split_vote")
	return sentence{starved: true, voters: p.voters, late: late}
}

// remove takes a snapshot from all, if they have enough without its author until it arrives:
// what the author makes meanwhile nobody can accept.
func (s *splitter) remove(v vertexAt, late kernel.Round) bool {
	spare := s.spare(v.round)
	for r := v.round; r <= v.round+late; r++ {
		if s.gone[r].With(v.author).Len() > spare {
			return false
		}
	}
	for r := v.round; r <= v.round+late; r++ {
		s.gone[r] = s.gone[r].With(v.author)
	}
	return true
}

// spare is how many members' snapshots of a round everybody can do without: those made two
// rounds before, beyond a quorum. A traitor counts that has shown everybody all it made of late.
func (s *splitter) spare(r kernel.Round) int {
	if r <= 2 {
		return 0
	}
	made, reliable := s.made[r-2], s.w.evil
	for back := kernel.Round(2); back <= 7 && back < r; back++ {
		reliable &= s.made[r-back]
	}
	return max(0, (made&^s.w.evil|reliable).Len()-s.members.Q)
}

// take takes a snapshot from what one member gets in a round, if it has enough without it.
func (s *splitter) take(v vertexAt, to, spare int) bool {
	d := demand{to, v.round}
	if s.lacks[d].Has(v.author) {
		return true
	}
	lacks := s.lacks[d].With(v.author)
	if s.dice.IntN(2) > 0 || (lacks|s.gone[v.round]).Len() > spare {
		return false
	}
	s.lacks[d] = lacks
	return true
}

// votes reports whether a receiver is one of so many that may vote for a starved snapshot. They
// are the same for all rounds of a ploy, beginning with a member that depends on the author.
func (s *splitter) votes(v vertexAt, to, voters int) bool {
	n := len(s.at)
	rank := (to + n - int(v.author)*3%n + int(s.ploy(v.round).from)) % n
	return rank < voters
}

// last is how much longer a snapshot takes where every one is needed: one of a round, for each
// member another, comes late, now and then very late.
func (s *splitter) last() sim.Time {
	if s.dice.IntN(s.members.Size) > 0 {
		return sim.Time(s.dice.IntN(10))
	}
	switch s.dice.IntN(200) {
	case 0:
		return s.longest()
	case 1, 2, 3, 4, 5, 6, 7, 8, 9, 10:
		return sim.Time(s.dice.IntN(600))
	}
	return sim.Time(s.dice.IntN(60))
}

// ploy is the one that holds for a round.
func (s *splitter) ploy(r kernel.Round) *ploy {
	if p := s.ploys[r]; p != nil {
		return p
	}
	p := &ploy{from: r, until: r + 1 + kernel.Round(s.dice.IntN(2*int(s.wave)))}
	switch s.dice.IntN(8) {
	case 0:
		p.kind = ployNone
	case 1:
		p.kind = ploySlow
	case 2, 3:
		p.kind = ployQuorum
	default:
		p.kind = ploySplit
		for range 1 + s.dice.IntN(max(1, s.spare(r))) {
			p.starved = p.starved.With(kernel.Author(s.dice.IntN(s.members.Size)))
		}
		p.starved &^= s.w.evil
		f, q := s.members.F, s.members.Q
		p.voters = []int{0, f, f + 1, q - 2, q - 1, q}[s.dice.IntN(6)]
	}
	for ; r < p.until; r++ {
		if s.ploys[r] == nil {
			s.ploys[r] = p
		}
	}
	return p
}

// peekPlace reads a snapshot's author and round out of its frame, without decoding the rest.
func peekPlace(frame []byte) (kernel.Author, kernel.Round, bool) {
	const author = 1 + 2 + 1 + 32 + 4
	if len(frame) < author+9 || frame[0] != 1 || frame[author] >= kernel.MaxMembers {
		return 0, 0, false
	}
	return kernel.Author(frame[author]), kernel.Round(binary.BigEndian.Uint64(frame[author+1:])), true
}
