package sim

import (
	"encoding/binary"

	"github.com/asterism-network/asterism/internal/sim"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/coin"
	"github.com/asterism-network/asterism/kernel/internal/consensus"
	"github.com/asterism-network/asterism/kernel/internal/engine"
)

// This file is what the adversary does when a coin is out, and what it sees of its success.

// overhear collects the coin share of a snapshot that was just sent. With the one after the f-th
// the leaders of a round are no secret any more.
func (s *splitter) overhear(author kernel.Author, d kernel.Round, frame []byte) {
	if s.shared[d].Has(author) || s.shared[d].Len() > s.members.F {
		return
	}
	share := peekShare(frame)
	if share == nil || !s.w.notary.Share(author, d, share) {
		return
	}
	s.shared[d] = s.shared[d].With(author)
	s.shares[d] = append(s.shares[d], coin.AuthorShare{Author: author, Share: share})
	if len(s.shares[d]) <= s.members.F {
		return
	}
	value, err := s.w.notary.Combine(d, s.shares[d])
	if err != nil {
		panic("sim: coin that was overheard: " + err.Error())
	}
	delete(s.shares, d)
	if s.dice.IntN(3) > 0 {
		return // what starves leaders that are known spares those that are not
	}
	leaders := coin.Permutation(value, s.members.Authors())
	for _, l := range leaders[:min(int(s.w.profile.parameters.Slots), len(leaders))] {
		s.starve(l, d)
	}
}

// starve marks what would help a leader whose slot round d decides: what it makes from now on,
// and what is still to be made in round d, which may certify it.
func (s *splitter) starve(l kernel.Author, d kernel.Round) {
	for r := d; r <= d+2; r++ {
		s.marked[r] = s.marked[r].With(l)
	}
	s.marked[d] |= s.members.Voting &^ s.made[d]
}

// peekShare reads the coin share out of the frame of a snapshot; nil if it has none.
func peekShare(frame []byte) *kernel.CoinShare {
	const count = 1 + 2 + 1 + 32 + 4 + 1 + 8 + 8
	if len(frame) < count+2 {
		return nil
	}
	at := count + 2 + 41*int(binary.BigEndian.Uint16(frame[count:])) + 32 + 4
	if len(frame) < at+1+96 || frame[at] != 1 {
		return nil
	}
	s := new(kernel.CoinShare)
	copy(s.Share[:], frame[at+1:])
	copy(s.Proof[:], frame[at+33:])
	return s
}

// watchPeriod is how often the adversary looks what it has achieved, ms.
const watchPeriod sim.Time = 700

// watch counts what the order of some honest node looks like: reach points only.
func (s *splitter) watch() {
	for _, n := range s.w.nodes {
		if n.up && !s.w.calm {
			s.read(n.engine())
			break
		}
	}
	if !s.w.calm {
		s.w.clock.After(watchPeriod, s.watch)
	}
}

func (s *splitter) read(e *engine.Engine) {
	to := e.Status().Order.Round
	for _, slot := range e.Slots(max(s.read0(to), 1), to) {
		d := slot.Round + s.wave - 1
		certified, blamed := 0, 0
		for _, v := range e.Vertices(slot.Round+s.wave-2, d) {
			if v.Round == d && v.Certs.Has(slot.Author) {
				certified++
			}
			if v.Round < d && !v.Votes.Has(slot.Author) {
				blamed++
			}
		}
		switch {
		case slot.State == consensus.Committed && certified < s.members.Q:
			s.w.reached("indirect_commit")
		case slot.State == consensus.Skipped && blamed < s.members.Q:
			s.w.reached("indirect_skip")
		case slot.State == consensus.Skipped:
			s.w.reached("skipped_slot")
		}
	}
}

// read0 is the first of the newest rounds to read: some, so that looking stays cheap.
func (s *splitter) read0(to kernel.Round) kernel.Round { return to - min(to, 6) }
