package ledger

import (
	"cmp"
	"slices"

	"github.com/asterism-network/asterism/kernel"
)

// nextMembers says who would be in a roster that is fixed now, and whether something that can
// be done waits for one. Members keep their places, as far as nobody before them leaves; joiners
// come last. Those whose keys are in late are left out: they posted no verdict. It is for commits
// of the epoch whose roster the context holds. [STK-30]
func nextMembers(x *execution, late ...kernel.Key) (members []kernel.Member, due bool) {
	due = !slices.Equal(x.membersWith(late, false), x.context.Roster.Members)
	return x.membersWith(late, true), due
}

// membersWith works out the next roster; again says whether those come in that were late before.
func (x *execution) membersWith(late []kernel.Key, again bool) []kernel.Member {
	d := draft{execution: x}
	d.stay()
	d.join(late, again)
	d.flag()
	d.leave()
	return d.members
}

// A draft is a roster being worked out.
type draft struct {
	*execution
	members []kernel.Member
	records []*MemberRecord // of members
	voting  int
}

// stay takes over those who are members, without flags that were lifted. Whoever lost its stake is
// flagged: that it goes changes no voting number, so it never waits.
func (d *draft) stay() {
	for i := range d.context.Roster.Members {
		m := d.memberOfKey(d.context.Roster.Members[i].Key)
		if m == nil {
			panic("ledger: a member of the roster has no record")
		}
		if m.State == kernel.MemberRemoved {
			continue
		}
		d.add(m, m.Flag == FlagInForce)
	}
}

func (d *draft) add(m *MemberRecord, flagged bool) {
	member := m.Member
	member.Flagged = flagged
	d.members, d.records = append(d.members, member), append(d.records, m)
	if !flagged {
		d.voting++
	}
}

// join adds those that accepted, the first first, as far as there is room. [STK-31]
func (d *draft) join(late []kernel.Key, again bool) {
	var joiners []*MemberRecord
	for _, id := range d.ids(rowMembers) {
		m := d.member(id)
		if m.State == kernel.MemberJoining && !slices.Contains(late, m.Member.Key) && (again || !m.Late) {
			joiners = append(joiners, m)
		}
	}
	slices.SortStableFunc(joiners, func(a, b *MemberRecord) int { return cmp.Compare(a.Since, b.Since) })
	for _, m := range joiners {
		if len(d.members) < kernel.MaxMembers {
			d.add(m, false)
		}
	}
}

// flag applies the flags that are due, in the order of the faults; fewer than four never vote. [STK-32]
func (d *draft) flag() {
	for _, id := range d.ids(rowFlags) {
		for i, m := range d.records {
			if m.ID == id && !d.members[i].Flagged && d.voting > kernel.MinVoting {
				d.members[i].Flagged = true
				d.voting--
			}
		}
	}
}

// leave takes out those that resigned, the first first, while seven vote without them. One that
// is flagged leaves at once. [STK-33]
func (d *draft) leave() {
	var leavers []*MemberRecord
	for _, m := range d.records {
		if m.State == kernel.MemberResigning {
			leavers = append(leavers, m)
		}
	}
	slices.SortStableFunc(leavers, func(a, b *MemberRecord) int { return cmp.Compare(a.Since, b.Since) })
	for _, m := range leavers {
		i := slices.Index(d.records, m)
		if !d.members[i].Flagged {
			if d.voting <= kernel.MinMembers {
				continue
			}
			d.voting--
		}
		d.members, d.records = slices.Delete(d.members, i, i+1), slices.Delete(d.records, i, i+1)
	}
}

// missedVerdict notes that joiners posted no verdict in time: the roster that they made due is
// void. They may join whenever another one is due. [STK-31]
func missedVerdict(x *execution, joiners ...kernel.Key) {
	for _, key := range joiners {
		if m := x.memberOfKey(key); m != nil && m.State == kernel.MemberJoining && !m.Late {
			m.Late = true
			x.setMember(m)
		}
	}
}

// rosterInForce changes the members' records at the commit that ends an epoch: the next roster is
// in force from the next commit on. Whoever left an epoch before that is paid back. [STK-34]
func rosterInForce(x *execution, old, next *kernel.EpochRoster) {
	flagged := make(map[kernel.Key]bool, len(next.Members)) // by the keys of all members
	for i := range next.Members {
		flagged[next.Members[i].Key] = next.Members[i].Flagged
	}
	for _, id := range x.ids(rowMembers) {
		m := x.member(id)
		isFlagged, in := flagged[m.Member.Key]
		if in {
			x.enter(m, isFlagged, next.Epoch)
			continue
		}
		x.stayOut(m, old.Epoch)
	}
	x.setSystem(rowPrevious, old.AppendBinary(nil))
}

// enter notes that a member is in the roster in force.
func (x *execution) enter(m *MemberRecord, flagged bool, epoch kernel.Epoch) {
	before := *m
	if m.State == kernel.MemberJoining {
		m.State, m.Since, m.Late = kernel.MemberAccepted, x.commit.Index, false
	}
	m.Member.Flagged = flagged
	if flagged && m.Flag == FlagDue {
		m.Flag, m.FlagEpoch = FlagInForce, epoch
		x.setIDs(rowFlags, without(x.ids(rowFlags), m.ID))
	}
	if *m != before {
		x.setMember(m)
	}
}

// stayOut notes that a member is not in the roster in force.
func (x *execution) stayOut(m *MemberRecord, ended kernel.Epoch) {
	switch {
	case m.State == kernel.MemberRemoved && !m.Escrowed:
		x.depart(m.ID)
	case m.State != kernel.MemberResigning:
	case !m.Left:
		m.Left, m.LeftEpoch = true, ended
		x.setMember(m)
	case ended > m.LeftEpoch:
		x.payBack(m)
	}
}

// payBack ends a membership: the epoch after the member's last one is over, and nothing that it did
// can be found any more. [STK-35]
func (x *execution) payBack(m *MemberRecord) {
	extra := kernel.MemberExtra(m.Member.Key, m.Member.Payee)
	x.issue(&kernel.Transaction{
		Asset:   kernel.XIN,
		Inputs:  []kernel.Input{{OutputRef: m.Collateral}},
		Outputs: []kernel.Output{x.payTo(m.Member.Payee, kernel.OutputNodeRemove, 0, m.Stake, []byte("NODEREMOVE"), extra)},
		Extra:   extra,
	})
	m.State, m.Since, m.Collateral, m.Stake = kernel.MemberRemoved, x.commit.Index, kernel.OutputRef{}, kernel.Amount{}
	x.setMember(m)
	x.setIDs(rowFlags, without(x.ids(rowFlags), m.ID))
	x.depart(m.ID)
}

// resign notes that a member wants to leave: a record that its own key signs. [STK-36]
func (x *execution) resign(r *kernel.Record) {
	if len(r.Payload) > 0 {
		return
	}
	m := x.memberOfKey(r.Signer)
	if m == nil || m.State != kernel.MemberAccepted && m.State != kernel.MemberJoining || !signedRecord(r) {
		return
	}
	m.State, m.Since = kernel.MemberResigning, x.commit.Index
	x.setMember(m)
}
