package sim

import (
	"slices"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// This file holds behaviours that make noise beside a chain that is valid.

// planGarbage sends bytes that are no messages, and messages that were spoilt on their way.
func planGarbage(t *traitor) plot {
	return plot{pulse: func() {
		if to := t.victim(); to >= 0 && t.chance(1) && !t.w.calm {
			t.w.send(int(t.author), to, t.garbage())
		}
	}}
}

func (t *traitor) garbage() []byte {
	real := t.cabal.some(30)
	if real == nil || t.chance(30) {
		b := make([]byte, t.dice.IntN(300))
		for i := range b {
			b[i] = byte(t.dice.Uint32())
		}
		if len(b) > 0 && t.chance(60) {
			b[0] = byte(1 + t.dice.IntN(7)) // a message by its first byte
		}
		return b
	}
	b := slices.Clone(real)
	switch t.dice.IntN(3) {
	case 0:
		return b[:t.dice.IntN(len(b))]
	case 1:
		return append(b, byte(t.dice.Uint32()))
	}
	for range 1 + t.dice.IntN(3) {
		b[t.dice.IntN(len(b))] ^= 1 << t.dice.IntN(8)
	}
	return b
}

// planStaleReplay sends what everybody has, again and again: new and old, its own and others'.
func planStaleReplay(t *traitor) plot {
	return plot{pulse: func() {
		if t.w.calm {
			return
		}
		for range 3 {
			span := []int{20, 200, 100_000}[t.dice.IntN(3)]
			if frame, to := t.cabal.some(span), t.victim(); frame != nil && to >= 0 {
				t.w.send(int(t.author), to, frame)
			}
		}
	}}
}

// planSpam floods members with signed snapshots whose parents do not exist, and with questions.
func planSpam(t *traitor) plot {
	left := 600 + t.arg%1200
	return plot{pulse: func() {
		to := t.victim()
		if to < 0 || left <= 0 || t.w.calm {
			return
		}
		for range 2 + t.dice.IntN(4) {
			left--
			switch t.dice.IntN(8) {
			case 0:
				t.say(to, wire.Want{IDs: t.strangeIDs(1 + t.dice.IntN(wire.MaxWant))})
			case 1:
				t.say(to, wire.Have{Clock: make([]kernel.Round, t.cabal.members.Size)})
			default:
				t.w.send(int(t.author), to, t.orphan().frame)
			}
		}
	}}
}

// strangeIDs lists ids, some of which exist.
func (t *traitor) strangeIDs(n int) (ids []kernel.SnapshotID) {
	for range n {
		if len(t.cabal.log) > 0 && t.chance(20) {
			ids = append(ids, t.cabal.log[t.dice.IntN(len(t.cabal.log))])
		} else {
			ids = append(ids, t.noise())
		}
	}
	return ids
}

// orphan is a signed snapshot of a round to come that names parents nobody has.
func (t *traitor) orphan() *draft {
	b := t.branches[0]
	h := &kernel.Header{
		Network: t.w.stage.network, Author: t.author, Timestamp: t.time(),
		Round: b.tip.Round + 2 + kernel.Round(t.dice.IntN(1+t.dice.IntN(2000))),
	}
	if t.chance(5) {
		h.Round = kernel.MaxRound - kernel.Round(t.dice.IntN(3))
	}
	for a := range t.cabal.members.Size {
		h.Parents = append(h.Parents, kernel.Parent{Author: kernel.Author(a), Round: h.Round - 1, ID: t.noise()})
	}
	h.SortParents()
	d := &draft{branch: b, header: h}
	t.sign(d)
	return d
}

// planHistoryLies answers members that start or catch up with nonsense.
func planHistoryLies(t *traitor) plot {
	return plot{
		answer: func(from int, m wire.Message) bool {
			switch m.(type) {
			case wire.StartQuery:
				t.say(from, t.falseStart(from))
			case wire.Have:
				t.falseHistory(from)
			case wire.Want:
				if t.chance(50) {
					return false
				}
				t.falseHistory(from)
			}
			return true
		},
		pulse: func() {
			if to := t.victim(); to >= 0 && t.chance(5) && !t.w.calm {
				t.falseHave(to)
			}
		},
	}
}

// falseStart answers a starting member: an old header of its own, another's, one it never signed,
// or another epoch.
func (t *traitor) falseStart(to int) wire.StartAnswer {
	asker := t.w.ends[to].who()
	answer := wire.StartAnswer{Newest: t.newestOf(asker)}
	switch t.dice.IntN(6) {
	case 0:
		answer.Newest = nil
	case 1:
		if v := t.cabal.graph.First(asker, 1); v != nil {
			answer.Newest, _ = v.Header.AppendBinary(nil)
		}
	case 2:
		answer.Newest = t.newestOf(t.author)
	case 3:
		answer.Epoch = kernel.Epoch(t.dice.Uint32())
	case 4:
		if v := t.cabal.graph.First(asker, t.cabal.graph.Top().Clock[asker]); v != nil && v.Header != nil {
			h := *v.Header
			h.Round += 5
			for i := range h.Parents {
				h.Parents[i].Round += 5
			}
			answer.Newest, _ = h.AppendBinary(nil)
		}
	default:
		answer.Newest = make([]byte, t.dice.IntN(500))
	}
	return answer
}

// falseHistory answers with snapshots that were not asked for, children before parents, and says
// that there is more, always.
func (t *traitor) falseHistory(to int) {
	for range t.dice.IntN(4) {
		if frame := t.cabal.some(400); frame != nil {
			t.w.send(int(t.author), to, frame)
		}
	}
	if t.chance(30) {
		t.w.send(int(t.author), to, t.orphan().frame)
	}
	t.say(to, wire.More{})
}

// falseHave tells that it holds nothing, or more than can be, or of another network's size.
func (t *traitor) falseHave(to int) {
	clock := make([]kernel.Round, t.cabal.members.Size)
	m := wire.Have{Clock: clock}
	switch t.dice.IntN(5) {
	case 0:
		for a := range clock {
			clock[a] = 1<<64 - 1
		}
	case 1:
		for a := range clock {
			clock[a] = kernel.Round(t.dice.Uint64N(1 << 40))
		}
	case 2:
		m.Clock = make([]kernel.Round, t.dice.IntN(kernel.MaxMembers))
	case 3:
		m.Epoch = 1
	}
	t.say(to, m)
}
