package forge

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holiman/uint256"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
	"github.com/asterism-network/asterism/pillars/internal/why"
)

// keptAttempts is how many parents attempts are remembered of, in memory.
const keptAttempts = 1024

// A record remembers what was tried behind the last parents.
type record struct {
	mu  sync.Mutex
	all []*why.Attempt // oldest first
	by  map[pillars.BlockID]*why.Attempt
}

func newRecord() *record { return &record{by: map[pillars.BlockID]*why.Attempt{}} }

// at changes the attempt behind a parent.
func (r *record) at(parent *consensus.Branch, change func(*why.Attempt)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.by[parent.ID]
	if a == nil {
		if len(r.all) == keptAttempts {
			delete(r.by, r.all[0].Parent)
			r.all = slices.Delete(r.all, 0, 1)
		}
		a = &why.Attempt{Height: parent.Number + 1, Parent: parent.ID}
		r.all, r.by[parent.ID] = append(r.all, a), a
	}
	change(a)
}

// blocked records why nothing was tried.
func (r *record) blocked(parent *consensus.Branch, seal pillars.Seal, cause why.Cause, detail string) {
	r.at(parent, func(a *why.Attempt) {
		if seal == pillars.PoW {
			if a.Work == nil {
				a.Work = &why.Work{}
			}
			a.Work.Blocked, a.Work.Detail = cause, detail
			return
		}
		if a.Stake == nil {
			a.Stake = &why.Stake{}
		}
		a.Stake.Blocked, a.Stake.Detail = cause, detail
	})
}

// worked records hashes.
func (r *record) worked(parent *consensus.Branch, hashes uint64, bits uint256.Int) {
	r.at(parent, func(a *why.Attempt) {
		if a.Work == nil {
			a.Work = &why.Work{}
		}
		a.Work.Blocked, a.Work.Detail = "", ""
		a.Work.Hashes += hashes
		a.Work.Bits = bits
	})
}

// made records a block.
func (r *record) made(parent *consensus.Branch, f why.Found) {
	const most = 16 // of one parent
	r.at(parent, func(a *why.Attempt) {
		if len(a.Found) < most {
			a.Found = append(a.Found, f)
		}
	})
}

// last returns copies of the attempts behind these parents.
func (r *record) last(parents []pillars.BlockID) (all []why.Attempt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range parents {
		a := r.by[id]
		if a == nil {
			continue
		}
		c := *a
		if a.Work != nil {
			w := *a.Work
			c.Work = &w
		}
		if a.Stake != nil {
			s := *a.Stake
			c.Stake = &s
		}
		c.Found = slices.Clone(a.Found)
		all = append(all, c)
	}
	return all
}

// stats are counters since the start, and the pace of the last seconds.
type stats struct {
	hashes                atomic.Uint64 // on this machine
	workMade, workTaken   atomic.Uint64
	stakeMade, stakeTaken atomic.Uint64

	mu   sync.Mutex
	then time.Time
	last uint64
	pace uint64
}

func (s *stats) found(seal pillars.Seal, taken bool) {
	made, good := &s.workMade, &s.workTaken
	if seal == pillars.PoS {
		made, good = &s.stakeMade, &s.stakeTaken
	}
	made.Add(1)
	if taken {
		good.Add(1)
	}
}

// measure takes the pace since it was called last.
func (s *stats) measure() {
	s.mu.Lock()
	defer s.mu.Unlock()
	all, at := s.hashes.Load(), time.Now()
	if since := at.Sub(s.then); !s.then.IsZero() && since > 0 {
		s.pace = uint64(float64(all-s.last) / since.Seconds())
	}
	s.then, s.last = at, all
}

// rate is the hashes a second as of the last measurement.
func (s *stats) rate() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pace
}
