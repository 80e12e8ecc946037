package sim

import (
	"slices"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/dealing"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// This file is docs/spec/epoch.md a second time: when a roster is fixed and who is in it, whose dealings and
// verdicts count, and when the epoch ends.

// A turning is how far the change to the next epoch is.
type turning struct {
	roster   []kernel.Member // in force
	before   []kernel.Member // in the epoch before
	epoch    kernel.Epoch
	genesis  kernel.CommitIndex
	attempts uint32
	attempt  *attempt           // nil before the roster commit
	decided  kernel.CommitIndex // 0 before the decision
	closing  kernel.AuthorSet
}

// An attempt is a next roster and what was dealt for it.
type attempt struct {
	draft    *dealing.Draft
	fixed    kernel.CommitIndex
	dealt    []dealing.Dealt // by the order of commits
	closed   bool
	posted   kernel.AuthorSet
	verdicts kernel.AuthorSet
	bad      kernel.AuthorSet // dealers
	key      []kernel.Key     // from the decision on
}

func place(members []kernel.Member, key kernel.Key) int {
	return slices.IndexFunc(members, func(m kernel.Member) bool { return m.Key == key })
}

// numbers are those of a roster: who votes, how many may lie, how many are a quorum.
func numbers(members []kernel.Member) (voting, faulty, quorum int) {
	for _, m := range members {
		voting += count(!m.Flagged)
	}
	faulty = (voting - 1) / 3
	return voting, faulty, voting - faulty
}

// dealers is the set of those who dealt.
func (a *attempt) dealers() (set kernel.AuthorSet) {
	for i := range a.dealt {
		set = set.With(a.dealt[i].Author)
	}
	return set
}

// deals reads a dealing. [EPO-4]
func (j *judgement) deals(r *kernel.Record) {
	a := j.roll.attempt
	var payload kernel.DealingRecord
	if a == nil || a.closed || r.Epoch != j.commit.Epoch {
		return
	}
	who := place(j.roll.roster, r.Signer)
	if who < 0 || j.roll.roster[who].Flagged || a.dealers().Has(kernel.Author(who)) || !signedBy(r) || payload.UnmarshalBinary(r.Payload) != nil {
		return
	}
	shared, err := dealing.Check(a.draft, r.Signer, &payload)
	if err != nil {
		return
	}
	a.dealt = append(a.dealt, dealing.Dealt{Author: kernel.Author(who), Dealer: r.Signer, Dealing: shared})
	_, _, quorum := numbers(j.roll.roster)
	a.closed = len(a.dealt) == quorum
}

// judges reads a verdict. [EPO-5]
func (j *judgement) judges(r *kernel.Record) {
	a := j.roll.attempt
	var v kernel.VerdictRecord
	if a == nil || !a.closed || r.Epoch != j.commit.Epoch {
		return
	}
	me := place(a.draft.Members, r.Signer)
	if me < 0 || a.posted.Has(kernel.Author(me)) || !signedBy(r) || v.UnmarshalBinary(r.Payload) != nil || v.Dealers != a.dealers() || v.Draft != a.draft.Hash() {
		return
	}
	_, _, quorum := numbers(a.draft.Members)
	if !a.draft.Members[me].Flagged && a.verdicts.Len() < quorum {
		bad := a.bad
		for i := range v.Complaints {
			about := slices.IndexFunc(a.dealt, func(d dealing.Dealt) bool { return d.Author == v.Complaints[i].Dealer })
			if dealing.Proven(a.draft, kernel.Author(me), &v.Complaints[i], &a.dealt[about]) != nil {
				return
			}
			bad = bad.With(v.Complaints[i].Dealer)
		}
		a.bad, a.verdicts = bad, a.verdicts.With(kernel.Author(me))
	}
	a.posted = a.posted.With(kernel.Author(me))
}

// ends takes the change to the next epoch further at the end of a commit. [EPO-2] [EPO-6] [EPO-7]
func (j *judgement) ends() {
	r, now := j.roll, j.commit.Index
	long := kernel.CommitIndex(r.genesis.Parameters.EpochLength)
	switch {
	case r.decided > 0:
		j.closes()
	case r.attempt == nil:
		if now-r.genesisCommit() >= long || !slices.Equal(r.draws(nil, false), r.roster) {
			j.fixes(nil)
		}
	default:
		a := r.attempt
		_, _, quorum := numbers(a.draft.Members)
		if a.verdicts.Len() >= quorum && a.makesKey() {
			r.decided = now
		} else if a.verdicts.Len() >= quorum || now-a.fixed >= long {
			j.gives()
		}
	}
}

func (r *roll) genesisCommit() kernel.CommitIndex { return r.turning.genesis }

// fixes is the roster commit.
func (j *judgement) fixes(late []kernel.Key) {
	r := j.roll
	r.attempts++
	r.attempt = &attempt{fixed: j.commit.Index, draft: &dealing.Draft{Network: j.network, Epoch: r.epoch + 1, Attempt: r.attempts, Members: r.draws(late, true)}}
}

// gives an attempt up; who wanted to join and posted no verdict waits.
func (j *judgement) gives() {
	j.c.w.reached("attempt_void")
	a := j.roll.attempt
	var late []kernel.Key
	for i, m := range a.draft.Members {
		if !a.posted.Has(kernel.Author(i)) && place(j.roll.roster, m.Key) < 0 {
			late = append(late, m.Key)
			if who := j.roll.find(m.Key); who.state == kernel.MemberJoining {
				who.late = true
			}
		}
	}
	j.fixes(late)
}

// makesKey adds up the dealings that nobody has proven bad.
func (a *attempt) makesKey() bool {
	good := slices.DeleteFunc(slices.Clone(a.dealt), func(d dealing.Dealt) bool { return a.bad.Has(d.Author) })
	slices.SortFunc(good, func(x, y dealing.Dealt) int { return int(x.Author) - int(y.Author) })
	key, err := dealing.CoinKey(a.draft, good)
	if err != nil {
		return false
	}
	next := kernel.EpochRoster{Epoch: a.draft.Epoch, Members: a.draft.Members, CoinKey: key, CheckpointKeys: make([]kernel.Key, len(a.draft.Members))}
	if next.Check() != nil {
		return false
	}
	a.key = key
	return true
}

// draws works out the next roster. [STK-30]
func (r *roll) draws(late []kernel.Key, again bool) (members []kernel.Member) {
	record := func(m *enrolment, flagged bool) kernel.Member {
		name := kernel.MemberName(m.key)
		if i := place(r.genesis.Members, m.key); i >= 0 {
			name = r.genesis.Members[i].Name
		}
		return kernel.Member{Name: name, Key: m.key, Payee: m.payee, Flagged: flagged}
	}
	for _, m := range r.roster {
		if who := r.find(m.Key); who.state != kernel.MemberRemoved {
			members = append(members, record(who, who.flag == ledger.FlagInForce))
		}
	}
	for _, m := range sinceOrder(r.members, kernel.MemberJoining) { // [STK-31]
		if !slices.Contains(late, m.key) && (again || !m.late) && len(members) < 50 {
			members = append(members, record(m, false))
		}
	}
	for _, m := range r.waiting { // [STK-32]
		if i := place(members, m.key); i >= 0 && !members[i].Flagged {
			if voting, _, _ := numbers(members); voting > 4 {
				members[i].Flagged = true
			}
		}
	}
	for _, m := range sinceOrder(r.members, kernel.MemberResigning) { // [STK-33]
		i := place(members, m.key)
		if i < 0 {
			continue
		}
		if voting, _, _ := numbers(members); members[i].Flagged || voting > 7 {
			members = slices.Delete(members, i, i+1)
		}
	}
	return members
}

// sinceOrder lists members in a state, those first that are in it longest.
func sinceOrder(all []*enrolment, state kernel.MemberState) (list []*enrolment) {
	for _, m := range all {
		if m.state == state {
			list = append(list, m)
		}
	}
	slices.SortStableFunc(list, func(a, b *enrolment) int { return int(a.since) - int(b.since) })
	return list
}

// closes counts who says that the epoch is closing; with a quorum it ends. [EPO-7]
func (j *judgement) closes() {
	r := j.roll
	for i := range j.commit.Snapshots {
		if s := &j.commit.Snapshots[i]; s.Closing && s.Claim >= r.decided && !r.roster[s.Author].Flagged {
			r.closing = r.closing.With(s.Author)
		}
	}
	if _, _, quorum := numbers(r.roster); r.closing.Len() < quorum {
		return
	}
	next := r.attempt.draft.Members
	for _, m := range slices.Clone(r.members) {
		if i := place(next, m.key); i >= 0 {
			r.enters(m, next[i].Flagged, j.commit.Index)
			continue
		}
		switch { // [STK-34] [STK-35]
		case m.state == kernel.MemberRemoved && !m.escrowed:
			r.departs(m)
		case m.state != kernel.MemberResigning:
		case !m.left:
			m.left, m.leftEpoch = true, r.epoch
		case r.epoch > m.leftEpoch:
			j.paysBack(m)
		}
	}
	r.turning = turning{roster: next, before: r.roster, epoch: r.epoch + 1, genesis: j.commit.Index, attempts: r.attempts}
}

// enters notes that a member is in the roster that comes into force. [STK-34]
func (r *roll) enters(m *enrolment, flagged bool, now kernel.CommitIndex) {
	if m.state == kernel.MemberJoining {
		m.state, m.since, m.late = kernel.MemberAccepted, now, false
	}
	m.flagged = flagged
	if flagged && m.flag == ledger.FlagDue {
		m.flag, m.flagEpoch = ledger.FlagInForce, r.epoch+1
		r.waiting = drop(r.waiting, m)
	}
}
