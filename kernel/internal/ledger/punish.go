package ledger

import (
	"github.com/asterism-network/asterism/kernel"
)

// Consequences of faults. A member's first fault flags it, from the next roster on that is fixed
// after the fault was found. All that it did before the flag was in force counts as the first. What
// it does in an epoch where the flag is in force is the second, and takes its stake. [STK-20]

// endStake ends a commit: it draws the consequences of the faults found, in their order, and lets
// go of what has been in escrow long enough.
func (x *execution) endStake() {
	for i := range x.diff.Faults {
		x.punish(&x.diff.Faults[i])
	}
	x.endEscrows()
}

// punish notes a fault with its author. [STK-21] [STK-22]
func (x *execution) punish(f *Fault) {
	roster := x.rosterOf(f.Epoch)
	if roster == nil || int(f.Author) >= len(roster.Members) {
		return
	}
	m := x.memberOfKey(roster.Members[f.Author].Key)
	if m == nil {
		return
	}
	m.Faults++
	switch {
	case m.State == kernel.MemberRemoved: // there is nothing left to lose
	case m.Flag == FlagInForce && f.Epoch >= m.FlagEpoch:
		fault := *f
		m.Second = &fault
		x.confiscate(m)
	case m.Flag == FlagNone:
		fault := *f
		m.Flag, m.First = FlagDue, &fault
		x.setIDs(rowFlags, append(x.ids(rowFlags), m.ID))
	}
	x.setMember(m)
}

// rosterOf returns the roster of the commit's epoch or of the one before; nil for others. [STK-23]
func (x *execution) rosterOf(epoch kernel.Epoch) *kernel.Roster {
	if epoch == x.commit.Epoch {
		return x.context.Roster
	}
	if previous, ok := previousRoster(x); ok && previous.Epoch == epoch {
		return previous.Roster()
	}
	return nil
}

func previousRoster(v View) (r kernel.EpochRoster, ok bool) {
	b, ok := v.System(rowPrevious)
	if ok {
		mustDecode(rowPrevious, r.UnmarshalBinary(b))
	}
	return r, ok
}

// confiscate takes a member's whole stake into escrow. [STK-24]
func (x *execution) confiscate(m *MemberRecord) {
	state, _ := StakeOf(x)
	x.issue(&kernel.Transaction{
		Asset:   kernel.XIN,
		Inputs:  []kernel.Input{{OutputRef: m.Collateral}},
		Outputs: []kernel.Output{{Type: kernel.OutputNodeCancel, Amount: m.Stake}},
		Extra:   kernel.MemberExtra(m.Member.Key, m.Member.Payee),
	})
	x.changeStake(func(s *StakeState) { mustAdd(&s.Escrow, m.Stake) })
	m.State, m.Since, m.Collateral = kernel.MemberRemoved, x.commit.Index, kernel.OutputRef{}
	m.Escrowed, m.EscrowUntil = true, x.commit.Index+kernel.CommitIndex(state.AppealWindow)
	x.setIDs(rowEscrows, append(x.ids(rowEscrows), m.ID))
}

// endEscrows moves to the pool what no appeal can give back any more. [STK-25]
func (x *execution) endEscrows() {
	for _, id := range x.ids(rowEscrows) {
		m := x.member(id)
		if m.EscrowUntil >= x.commit.Index {
			continue
		}
		x.changeStake(func(s *StakeState) {
			mustSub(&s.Escrow, m.Stake)
			mustAdd(&s.Pool, m.Stake)
		})
		m.Escrowed, m.Stake = false, kernel.Amount{}
		x.setMember(m)
		x.setIDs(rowEscrows, without(x.ids(rowEscrows), id))
		if placeOf(x.context.Roster, m.Member.Key) < 0 {
			x.depart(id)
		}
	}
}

// holdEscrow keeps a stake in escrow at least until the given commit: an appeal is being judged.
func holdEscrow(x *execution, id kernel.NodeID, until kernel.CommitIndex) {
	m := x.member(id)
	if m.Escrowed && m.EscrowUntil < until {
		m.EscrowUntil = until
		x.setMember(m)
	}
}

// restore undoes the consequences of a member's faults: an appeal was won. Its flag ends with the
// next roster, its stake is its own again, and it joins again if it is out of the roster. It reports
// whether there was anything to restore. [STK-26]
func restore(x *execution, id kernel.NodeID) bool {
	m, ok := MemberOf(x, id)
	if !ok || m.Flag == FlagNone || m.State == kernel.MemberRemoved && !m.Escrowed {
		return false
	}
	m.Flag, m.FlagEpoch, m.First, m.Second = FlagNone, 0, nil, nil
	x.setIDs(rowFlags, without(x.ids(rowFlags), id))
	if m.Escrowed {
		x.giveBack(&m)
	}
	x.setMember(&m)
	return true
}

// giveBack makes collateral of a stake in escrow.
func (x *execution) giveBack(m *MemberRecord) {
	hash := x.issue(&kernel.Transaction{
		Asset:   kernel.XIN,
		Inputs:  []kernel.Input{{Mint: &kernel.Mint{Group: "RESTORE", Batch: uint64(x.commit.Index), Amount: m.Stake}}},
		Outputs: []kernel.Output{{Type: kernel.OutputNodeAccept, Amount: m.Stake}},
		Extra:   kernel.MemberExtra(m.Member.Key, m.Member.Payee),
	})
	x.changeStake(func(s *StakeState) { mustSub(&s.Escrow, m.Stake) })
	x.setIDs(rowEscrows, without(x.ids(rowEscrows), m.ID))
	m.Escrowed, m.EscrowUntil, m.Collateral, m.Since = false, 0, kernel.OutputRef{Hash: hash}, x.commit.Index
	m.State, m.Left, m.LeftEpoch = kernel.MemberJoining, false, 0
	if placeOf(x.context.Roster, m.Member.Key) >= 0 {
		m.State = kernel.MemberAccepted
	}
}

func placeOf(r *kernel.Roster, key kernel.Key) int {
	for i := range r.Members {
		if r.Members[i].Key == key {
			return i
		}
	}
	return -1
}
