package sim

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/coin"
	"github.com/asterism-network/asterism/kernel/internal/committee"
	"github.com/asterism-network/asterism/kernel/internal/naive"
)

// A referee works out the total order once more, from all that honest nodes accepted, by the
// naive rule: leaders by docs/spec/coin.md, the rest by docs/spec/order.md.
type referee struct {
	c       *checks
	era     era
	coin    tosses
	world   *naive.World
	rules   naive.Rules
	wave    kernel.Round
	coins   map[kernel.Round]kernel.Hash
	leaders map[kernel.Round][]kernel.Author
	whole   bool                                // the world holds all that was accepted
	shares  map[kernel.Round][]coin.AuthorShare // good ones, one for each author
}

// claimsEvery is how many runs there are to one in which the referee also works out which claims
// count: that is most of its work.
const claimsEvery = 4

func newReferee(c *checks, e era) *referee {
	s, parameters := c.w.stage, c.w.profile.parameters
	r := &referee{c: c, era: e, coin: tosses{c.w.notary, e.epoch, e.roster.Faulty()}, wave: kernel.Round(parameters.Wave), coins: make(map[kernel.Round]kernel.Hash),
		leaders: make(map[kernel.Round][]kernel.Author), shares: make(map[kernel.Round][]coin.AuthorShare)}
	r.rules = naive.Of(len(e.roster.Members), parameters)
	for a := range e.roster.Members {
		r.rules.Flagged[a] = e.roster.Members[a].Flagged
	}
	r.rules.Genesis = kernel.EpochHash(s.network, e.epoch, e.digest, e.roster)
	r.rules.Timestamp, r.rules.Commit = e.timestamp, e.commit
	r.rules.Leaders = r.leadersOf
	r.rules.Claimless = c.w.options.Seed%claimsEvery != 0
	r.world = naive.New(r.rules)
	return r
}

// referee compares the run's order with the naive one, epoch by epoch. [C2]
func (c *checks) referee() {
	for _, e := range c.eras {
		if c.w.notary.real && e.epoch > 0 {
			break // its coin is known to its members only
		}
		if c.violation == nil {
			c.refereeOf(e)
		}
	}
}

func (c *checks) refereeOf(e era) {
	r := newReferee(c, e)
	r.lateCoins()
	if problem := r.fill(); problem != "" {
		c.violated("C2", nil, "%s", problem)
		return
	}
	want, got := r.world.Order(r.world.All()), c.order[e.commit:]
	if next := int(e.epoch) + 1; next < len(c.eras) {
		got = c.order[e.commit:c.eras[next].commit]
	}
	if !r.whole { // a larger set only decides more
		got = got[:min(len(got), len(want))]
	}
	if problem := r.compare(want, got); problem != "" {
		c.violated("C2", nil, "%s", problem)
	}
	r.slots()
}

// slots counts how leader slots were decided.
func (r *referee) slots() {
	for _, s := range r.world.Slots(r.world.All()) {
		switch {
		case s.State == naive.Skipped && s.Direct:
			r.c.w.reached("skipped")
		case s.State == naive.Skipped:
			r.c.w.reached("indirect_skip")
		case s.State == naive.Committed && !s.Direct:
			r.c.w.reached("indirect_commit")
		}
	}
}

// dropped counts the snapshots that stay below the horizon for good.
func (r *referee) dropped(list []*naive.Snap) {
	for _, s := range list {
		r.c.w.reached("below_horizon")
		if r.c.conflicts(r.c.find(s.ID).body) {
			r.c.w.reached("gc_during_conflict")
		}
	}
}

// conflicts reports whether a body carries one side of a conflict.
func (c *checks) conflicts(body *kernel.Body) bool {
	for _, e := range body.Entries {
		var tx kernel.Transaction
		if e.Kind == kernel.EntryTransaction && tx.UnmarshalBinary(e.Bytes) == nil {
			if p := c.w.clients.byHash[tx.Hash()]; p != nil && p.rival != nil {
				return true
			}
		}
	}
	return false
}

// refereed is how many snapshots the referee looks at: about two thirds of a second. Of larger
// runs it orders the rounds from the first that hold as many.
const refereed = 6000

// lateCoins counts the rounds whose snapshots came from q authors before good shares came from
// f+1, in the order in which anybody accepted them.
func (r *referee) lateCoins() {
	authors, shares := make(map[kernel.Round]committee.Set), make(map[kernel.Round]committee.Set)
	quorum := r.era.roster.Quorum()
	for _, s := range r.c.arrivals {
		h := s.header
		if h.Epoch != r.era.epoch {
			continue
		}
		before := authors[h.Round].Len()
		authors[h.Round] = authors[h.Round].With(h.Author)
		if h.Share != nil && r.coin.Verify(h.Author, h.Round, h.Share) {
			shares[h.Round] = shares[h.Round].With(h.Author)
		}
		if h.Round >= r.wave && before < quorum && authors[h.Round].Len() == quorum && shares[h.Round].Len() <= r.era.roster.Faulty() {
			r.c.w.reached("coin_late")
		}
	}
}

// fill brings what honest nodes accepted into the world, parents first. What one of them
// accepts must be valid there too.
func (r *referee) fill() (problem string) {
	for i := 0; i < len(r.c.arrivals); i++ { // finding one adds to them
		for _, p := range r.c.arrivals[i].header.Parents {
			if p.Round > 0 && r.c.find(p.ID) == nil {
				return fmt.Sprintf("an honest node accepted %v without its parent %d@%d", r.c.arrivals[i].header, p.Author, p.Round)
			}
		}
	}
	all := slices.DeleteFunc(slices.Clone(r.c.arrivals), func(s *seenSnapshot) bool { return s.header.Epoch != r.era.epoch })
	slices.SortStableFunc(all, func(x, y *seenSnapshot) int { return cmp.Compare(x.header.Round, y.header.Round) })
	r.whole = true
	for i, s := range all {
		h := s.header
		if i >= refereed && all[i-1].header.Round < h.Round {
			r.whole = false
			r.c.w.reached("referee_limit")
			break
		}
		good := h.Share != nil && r.coin.Verify(h.Author, h.Round, h.Share)
		if _, err := r.world.Add(s.id, h, good); err != nil {
			return fmt.Sprintf("an honest node accepted %v, which is not valid: %v", h, err)
		}
		if good && !slices.ContainsFunc(r.shares[h.Round], func(x coin.AuthorShare) bool { return x.Author == h.Author }) {
			r.shares[h.Round] = append(r.shares[h.Round], coin.AuthorShare{Author: h.Author, Share: h.Share})
		}
	}
	return ""
}

// leadersOf lists the leaders that the coin of round d names: all authors, shuffled by a stream
// of numbers; the first ones are the slots. [COIN-7]
func (r *referee) leadersOf(d kernel.Round) []kernel.Author {
	if known, ok := r.leaders[d]; ok {
		return known
	}
	value, err := r.coin.Combine(d, r.shares[d][:r.era.roster.Faulty()+1])
	if err != nil {
		panic("sim: good coin shares do not combine: " + err.Error())
	}
	var order []kernel.Author
	for a := range r.era.roster.Members {
		if !r.era.roster.Members[a].Flagged {
			order = append(order, kernel.Author(a))
		}
	}
	draws := crypto.NewStream("asterism coin permutation", value[:])
	for p := len(order) - 1; p > 0; p-- {
		n := uint64(p + 1)
		q := draw(draws)
		for q < -n%n { // 2^64 mod n: such draws would favour small numbers
			q = draw(draws)
		}
		order[p], order[q%n] = order[q%n], order[p]
	}
	r.coins[d], r.leaders[d] = value, order[:min(int(r.c.w.profile.parameters.Slots), len(order))]
	return r.leaders[d]
}

func draw(from *crypto.Stream) uint64 {
	var b [8]byte
	from.Fill(b[:])
	return binary.LittleEndian.Uint64(b[:])
}

// compare holds the order that nodes executed to the naive one, which may go on further: nodes
// stop when all is answered.
func (r *referee) compare(want []naive.Commit, got []*kernel.Commit) (problem string) {
	if len(want) < len(got) {
		return fmt.Sprintf("%d commits were executed, the naive rule knows %d", len(got), len(want))
	}
	position := r.era.position
	for i, c := range got {
		w := &want[i]
		d := w.Leader.Round + r.wave - 1
		leader := kernel.Parent{Author: w.Leader.Author, Round: w.Leader.Round, ID: w.Leader.ID}
		switch {
		case c.Index != w.Index || c.Leader != leader:
			return fmt.Sprintf("commit %d has leader %d@%d, by the naive rule %v", c.Index, c.Leader.Author, c.Leader.Round, w.Leader)
		case c.CoinRound != d || c.Coin != r.coins[d]:
			return fmt.Sprintf("commit %d names the coin of round %d, by the naive rule it is that of %d", c.Index, c.CoinRound, d)
		case c.Timestamp != w.Timestamp:
			return fmt.Sprintf("commit %d is at %d, by the naive rule at %d", c.Index, c.Timestamp, w.Timestamp)
		case c.Position != position || c.Epoch != r.era.epoch:
			return fmt.Sprintf("commit %d begins at %d, by the naive rule at %d", c.Index, c.Position, position)
		}
		if problem := r.settled(c, w); problem != "" {
			return problem
		}
		r.dropped(w.Dropped)
		position += uint64(len(c.Snapshots))
	}
	return ""
}

func (r *referee) settled(c *kernel.Commit, by *naive.Commit) (problem string) {
	want := by.Settled
	for i := range max(len(c.Snapshots), len(want)) {
		switch {
		case i >= len(want):
			return fmt.Sprintf("commit %d settles %d@%d, by the naive rule not", c.Index, c.Snapshots[i].Author, c.Snapshots[i].Round)
		case i >= len(c.Snapshots):
			return fmt.Sprintf("commit %d does not settle %v", c.Index, want[i].Snap)
		}
		s, w := c.Snapshots[i], want[i]
		if s.ID != w.ID || s.Author != w.Author || s.Round != w.Round {
			return fmt.Sprintf("commit %d settles %d@%d where the naive rule settles %v", c.Index, s.Author, s.Round, w.Snap)
		}
		if !r.rules.Claimless && s.Claim != w.Claim {
			return fmt.Sprintf("in commit %d the claim of %v counts as %d, by the naive rule as %d", c.Index, w.Snap, s.Claim, w.Claim)
		}
		if names := namesOf(w.Header); s.Names != names || s.Closing != w.Header.Closing {
			return fmt.Sprintf("in commit %d what %v names is %x, by its header %x", c.Index, w.Snap, s.Names, names)
		}
		if w.Round+r.rules.Horizon < by.Leader.Round {
			r.c.w.reached("exempted")
		}
		if !r.rules.Claimless && w.Claim != w.Header.Claim.Index {
			r.c.w.reached("claim_lifted")
		}
	}
	return ""
}

// namesOf is the other authors of whom a header names a snapshot of the round below.
func namesOf(h *kernel.Header) (set kernel.AuthorSet) {
	for _, p := range h.Parents {
		if p.Author != h.Author && p.Round+1 == h.Round {
			set = set.With(p.Author)
		}
	}
	return set
}
