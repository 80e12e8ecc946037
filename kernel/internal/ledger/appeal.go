package ledger

import (
	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/kernel"
)

// An appeal is a motion to lift a member's penalty: its flag, or its removal while the stake is in
// escrow. The accused brings it by its own signature, or any holder with XIN behind it. Holders and
// light witnesses vote on it with the weight of their XIN; votes can lift a penalty and never make
// one. [APL-1]

// An appealState is the row "appeal/<member>": the newest appeal of a member.
type appealState struct {
	motion kernel.Hash
	about  kernel.CommitIndex // commit of the fault that made the penalty
}

func rowAppeal(id kernel.NodeID) string { return "appeal/" + id.String() }

func (a *appealState) encode() []byte {
	return codec.AppendU64(append([]byte(nil), a.motion[:]...), uint64(a.about))
}

func decodeAppeal(b []byte) (a appealState, err error) {
	r := codec.NewReader(b)
	r.Fixed(a.motion[:], "motion")
	a.about = kernel.CommitIndex(r.U64("about"))
	return a, r.Done()
}

// PenaltyOf is the fault that a member is punished for at the moment; nil if for nothing.
func PenaltyOf(m *MemberRecord) *Fault {
	switch {
	case m == nil:
		return nil
	case m.Escrowed:
		return m.Second
	case m.Flag != FlagNone && m.State != kernel.MemberRemoved:
		return m.First
	}
	return nil
}

// mayAppeal: the member is punished, and nobody has appealed for it in this matter yet. [APL-2]
func (f *forum) mayAppeal(m *kernel.Motion) (deadline kernel.CommitIndex, err error) {
	stake, _ := StakeOf(f)
	member := memberOfKey(f, f.context.Network, m.Penalty.Member)
	fault := PenaltyOf(member)
	if fault == nil || member.Escrowed && member.EscrowUntil < f.now {
		return 0, ignore(MotionVoid, "member %v is not punished, or the stake is not in escrow any more", m.Penalty.Member)
	}
	if before, ok := row(f, rowAppeal(member.ID), decodeAppeal); ok && before.about == fault.Commit {
		return 0, ignore(MotionVoid, "member %v: motion %v is the appeal", m.Penalty.Member, before.motion)
	}
	return f.now + kernel.CommitIndex(stake.AppealWindow), nil
}

// appealed notes that a member's penalty is before the voters: what is in escrow stays there meanwhile.
func (x *execution) appealed(p *kernel.Penalty, m *Motion) {
	member := x.memberOfKey(p.Member)
	a := appealState{motion: m.ID, about: PenaltyOf(member).Commit}
	x.setSystem(rowAppeal(member.ID), a.encode())
	if member.Escrowed {
		holdEscrow(x, member.ID, m.Deadline)
	}
}

// lift ends a member's penalty where there still is one. [APL-3]
func (x *execution) lift(p *kernel.Penalty) bool {
	member := x.memberOfKey(p.Member)
	return member != nil && restore(x, member.ID)
}

// AppealOf returns the motion about a member's newest penalty.
func AppealOf(v View, member kernel.NodeID) (*Motion, bool) {
	a, ok := row(v, rowAppeal(member), decodeAppeal)
	if !ok {
		return nil, false
	}
	return motionOf(v, a.motion)
}

// memberWeight is the pledge that a member votes with: it has one that is nobody else's yet.
func memberWeight(f *forum, key kernel.Key) (kernel.Amount, bool) {
	m := memberOfKey(f, f.context.Network, key)
	if m == nil || m.State != kernel.MemberAccepted && m.State != kernel.MemberJoining && m.State != kernel.MemberResigning || m.Escrowed {
		return kernel.Amount{}, false
	}
	return m.Stake, !m.Stake.IsZero()
}
