package ledger

import (
	"slices"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// maxGovernanceRecords is how many governance records of one snapshot are read: each may cost
// hundreds of signatures, and bad ones cost their author nothing. [GOV-2]
const maxGovernanceRecords = 16

// motionBacking is the XIN that must stand behind a motion that no member brings: a hundred. [GOV-3]
var motionBacking = kernel.NewAmount(100_00000000)

// A forum is the state as governance reads it at one commit.
type forum struct {
	View
	context *Context
	now     kernel.CommitIndex
	time    kernel.Timestamp
	epoch   kernel.Epoch
}

func (x *execution) forum() *forum {
	return &forum{View: x.overlay, context: x.context, now: x.commit.Index, time: x.commit.Timestamp, epoch: x.commit.Epoch}
}

// CheckRecord reports whether a record of holders or witnesses would count in the next commit; the
// error is a RecordRule with its reason. Epoch is the one under way.
func CheckRecord(v View, r *kernel.Record, epoch kernel.Epoch, c *Context) error {
	head := v.Head()
	f := &forum{View: v, context: c, now: head.Index + 1, time: head.Timestamp, epoch: epoch}
	if err := f.admits(r); err != nil {
		return err
	}
	var err error
	switch r.Kind {
	case kernel.RecordResign:
		return nil // execution ignores one that comes too soon or too late
	case kernel.RecordMotion:
		_, err = f.proposal(r)
	case kernel.RecordVote:
		_, err = f.vote(r)
	case kernel.RecordWitness:
		_, err = f.witnessCard(r)
	case kernel.RecordReport:
		_, err = f.report(r)
	}
	return err
}

// admits is what all governance records have in common.
func (f *forum) admits(r *kernel.Record) error {
	switch {
	case f.context.Stake == nil:
		return ignore(RecordNoStake, "the genesis has no stake section")
	case !governs(r.Kind) && r.Kind != kernel.RecordResign:
		return ignore(RecordKindOther, "kind %d", r.Kind)
	case r.Network != f.context.Network:
		return ignore(RecordForeign, "network %v", r.Network)
	case r.Epoch > f.epoch || r.Epoch+1 < f.epoch:
		return ignore(RecordEpoch, "epoch %d, now is %d", r.Epoch, f.epoch)
	}
	if hash := r.SigningHash(); !crypto.Verify(r.Signer, hash[:], r.Signature) {
		return ignore(RecordSignature, "signer %v", r.Signer)
	}
	return nil
}

func governs(k kernel.RecordKind) bool {
	switch k {
	case kernel.RecordMotion, kernel.RecordVote, kernel.RecordWitness, kernel.RecordReport:
		return true
	}
	return false
}

// governance reads one governance record. [GOV-2]
func (x *execution) governance(r *kernel.Record) {
	if x.governed++; x.governed > maxGovernanceRecords {
		return
	}
	f := x.forum()
	if f.admits(r) != nil {
		return
	}
	switch r.Kind {
	case kernel.RecordMotion:
		if p, err := f.proposal(r); err == nil {
			x.propose(p)
		}
	case kernel.RecordVote:
		if v, err := f.vote(r); err == nil {
			x.castVote(v)
		}
	case kernel.RecordWitness:
		if w, err := f.witnessCard(r); err == nil {
			x.enrol(w)
		}
	case kernel.RecordReport:
		if w, err := f.report(r); err == nil {
			x.putWitness(w)
		}
	}
}

// row reads a system row of ours. Bytes that do not decode were not written by this code.
func row[T any](v View, key string, decode func([]byte) (T, error)) (value T, ok bool) {
	b, ok := v.System(key)
	if !ok {
		return value, false
	}
	value, err := decode(b)
	if err != nil {
		panic("ledger: system row " + key + ": " + err.Error())
	}
	return value, true
}

func motionsOf(v View) motionList {
	l, _ := row(v, rowMotions, decodeMotionList)
	return l
}

func motionOf(v View, id kernel.Hash) (*Motion, bool) { return row(v, rowMotion(id), decodeMotion) }

// A proposal is a motion that may be brought, with what stands behind it.
type proposal struct {
	motion  *Motion
	ballots []kernel.Ballot
	by      VoterKind // whose vote for it this is; 0 is nobody's
	weight  kernel.Amount
}

// proposal judges a motion record. [GOV-3]
func (f *forum) proposal(r *kernel.Record) (*proposal, error) {
	var payload kernel.Proposal
	if err := payload.UnmarshalBinary(r.Payload); err != nil {
		return nil, ignore(RecordMalformed, "%v", err)
	}
	id := payload.Motion.ID(f.context.Network)
	if _, known := f.System(rowMotion(id)); known {
		return nil, ignore(MotionKnown, "motion %v", id)
	}
	list := motionsOf(f)
	sponsored := 0
	for i := range list.active {
		if list.active[i].proposer == r.Signer {
			sponsored++
		}
	}
	if len(list.active) == maxActiveMotions || sponsored == maxSponsored {
		return nil, ignore(MotionTooMany, "%d are under way, %d of them by %v", len(list.active), sponsored, r.Signer)
	}
	deadline, err := f.mayMove(&payload.Motion)
	if err != nil {
		return nil, err
	}
	p := &proposal{ballots: payload.Ballots, motion: &Motion{
		ID: id, Number: list.count, Motion: payload.Motion, Proposer: r.Signer, State: MotionOpen,
		Opened: f.now, Deadline: deadline, Due: deadline,
	}}
	return p, f.back(p, r.Signer)
}

// back finds what stands behind a proposal: locked XIN, a member's pledge, or being the accused.
func (f *forum) back(p *proposal, signer kernel.Key) (err error) {
	accused := p.motion.Motion.Penalty != nil && p.motion.Motion.Penalty.Member == signer
	if len(p.ballots) == 0 {
		pledge, member := memberWeight(f, signer)
		switch {
		case accused:
		case member:
			p.by, p.weight = VoterMember, pledge
		default:
			return ignore(MotionBacking, "neither locked XIN nor a member stands behind it")
		}
		return nil
	}
	p.by = VoterHolder
	p.weight, err = f.weigh(p.ballots, kernel.BallotHash(f.context.Network, p.motion.ID, true, p.ballots), p.motion.ID)
	if err == nil && !accused && p.weight.Compare(motionBacking) < 0 {
		return ignore(MotionBacking, "%v XIN, at least %v", p.weight, motionBacking)
	}
	return err
}

// propose opens a motion.
func (x *execution) propose(p *proposal) {
	m := p.motion
	list := motionsOf(x)
	list.count++
	list.active = append(list.active, activeMotion{id: m.ID, due: m.Due, proposer: m.Proposer})
	x.setSystem(rowMotions, list.encode())
	x.setSystem(rowMotionNumber(m.Number), m.ID[:])
	x.moved(m)
	if p.by == 0 {
		x.setSystem(rowMotion(m.ID), m.encode())
		return
	}
	x.castVote(&ballotBox{motion: m, ballots: p.ballots, vote: CastVote{By: p.by, Voter: m.Proposer, For: true, Weight: p.weight, Commit: x.commit.Index}})
}

// A ballotBox is a vote that counts, on its way into the state.
type ballotBox struct {
	motion  *Motion
	ballots []kernel.Ballot
	vote    CastVote
}

// vote judges a vote record. [GOV-5]
func (f *forum) vote(r *kernel.Record) (*ballotBox, error) {
	var payload kernel.Vote
	if err := payload.UnmarshalBinary(r.Payload); err != nil {
		return nil, ignore(RecordMalformed, "%v", err)
	}
	m, known := motionOf(f, payload.Motion)
	switch {
	case !known:
		return nil, ignore(MotionUnknown, "motion %v", payload.Motion)
	case m.State != MotionOpen || f.now > m.Deadline:
		return nil, ignore(MotionClosed, "motion %v is %v, its votes counted up to commit %d", m.ID, m.State, m.Deadline)
	case m.Votes == maxVotesOfAMotion:
		return nil, ignore(VotesFull, "motion %v has %d votes", m.ID, m.Votes)
	}
	b := &ballotBox{motion: m, ballots: payload.Ballots, vote: CastVote{By: VoterHolder, Voter: r.Signer, For: payload.For, Commit: f.now}}
	var err error
	if len(b.ballots) == 0 {
		return b, f.voteOfSigner(b)
	}
	b.vote.Weight, err = f.weigh(b.ballots, kernel.BallotHash(f.context.Network, m.ID, payload.For, b.ballots), m.ID)
	return b, err
}

// voteOfSigner gives a vote without ballots the weight of its signer. [GOV-5]
func (f *forum) voteOfSigner(b *ballotBox) error {
	voter, m := b.vote.Voter, b.motion
	if p := m.Motion.Penalty; p != nil && p.Member == voter {
		return ignore(VoterParty, "member %v", voter)
	}
	if w, ok := f.activeWitness(voter); ok {
		b.vote.By, b.vote.Weight = VoterWitness, kernel.NewAmount(w.Locked)
	} else if pledge, ok := memberWeight(f, voter); ok {
		b.vote.By, b.vote.Weight = VoterMember, pledge
	} else {
		return ignore(VoterUnknown, "%v", voter)
	}
	if _, voted := f.System(rowVoted(m.ID, voter)); voted {
		return ignore(VoterVoted, "%v on motion %v", voter, m.ID)
	}
	return nil
}

func rowVoted(motion kernel.Hash, voter kernel.Key) string {
	return "v/" + motion.Short() + motion.String()[32:] + "/" + voter.String()
}

// castVote counts a vote, and locks what it was cast with.
func (x *execution) castVote(b *ballotBox) {
	m := b.motion
	for i := range b.ballots {
		x.lockOutput(b.ballots[i].Output, m)
	}
	if len(b.ballots) == 0 {
		x.setSystem(rowVoted(m.ID, b.vote.Voter), []byte{1})
	}
	tally := &m.Against
	if b.vote.For {
		tally = &m.For
	}
	switch b.vote.By {
	case VoterHolder:
		mustAdd(&tally.Holders, b.vote.Weight)
	case VoterWitness:
		mustAdd(&tally.Witnesses, b.vote.Weight)
		x.witnessVoted(b.vote.Voter, m)
	case VoterMember:
		mustAdd(&tally.Members, b.vote.Weight)
	}
	x.setSystem(rowVote(m.ID, m.Votes), b.vote.encode())
	m.Votes++
	x.setSystem(rowMotion(m.ID), m.encode())
}

// update removes or moves the list's entry of a motion.
func (l *motionList) update(m *Motion) {
	i := slices.IndexFunc(l.active, func(a activeMotion) bool { return a.id == m.ID })
	if m.State == MotionPassed {
		l.active[i].due = m.Due
		return
	}
	l.active = slices.Delete(l.active, i, i+1)
}
