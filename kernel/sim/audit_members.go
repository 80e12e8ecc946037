package sim

import (
	"slices"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// This file is docs/spec/stake.md a second time: who is a member. What faults cost is in audit_punish.go. The
// auditor reads transactions and records itself, counts the faults that it found itself, and knows the
// ledger's rows only to compare them with its own, in audit_roll.go.

// An enrolment is what the auditor knows of a member. [STK-9]
type enrolment struct {
	key        kernel.Key
	payee      kernel.Address
	state      kernel.MemberState
	since      kernel.CommitIndex
	stake      kernel.Amount
	collateral kernel.OutputRef
	payer      held             // the output that the pledge was paid from
	paidAt     kernel.OutputRef // its place
	left       bool
	leftEpoch  kernel.Epoch
	out        bool // its part is over

	flag      ledger.Flag
	flagEpoch kernel.Epoch
	flagged   bool // in the newest roster that it was in
	escrowed  bool
	until     kernel.CommitIndex // of the escrow
	late      bool
	faults    uint32
	first     *ledger.Fault
	second    *ledger.Fault
	appealed  kernel.CommitIndex // the fault that somebody has appealed against
}

// A roll is the auditor's list of members, in the order of their pledges, and what of XIN is in no output.
type roll struct {
	genesis *kernel.Genesis
	network kernel.NetworkID
	members []*enrolment
	gone    []*enrolment // whose part is over, in that order
	waiting []*enrolment // for a flag, in the order of faults
	taken   []*enrolment // whose stake is in escrow, in the order of removal
	pool    kernel.Amount
	escrow  kernel.Amount
	motions []*lifting
	locked  map[kernel.OutputRef]kernel.CommitIndex // up to which an output is held by a vote
	turning
}

// A lifting is an appeal that is being judged.
type lifting struct {
	member   *enrolment
	id       kernel.Hash
	deadline kernel.CommitIndex
	sum      kernel.Amount // for it; nobody votes against
}

// openRoll is the list after commit 0. [STK-3]
func openRoll(s *stage) *roll {
	r := &roll{genesis: s.genesis, network: s.network, pool: s.genesis.Stake.Pool, locked: make(map[kernel.OutputRef]kernel.CommitIndex)}
	for _, tx := range s.first {
		if tx.Outputs[0].Type == kernel.OutputNodeAccept {
			m := s.genesis.Members[len(r.members)]
			r.members = append(r.members, &enrolment{key: m.Key, payee: m.Payee, state: kernel.MemberAccepted, stake: tx.Outputs[0].Amount,
				collateral: kernel.OutputRef{Hash: tx.Hash()}})
		}
	}
	r.turning = turning{roster: s.genesis.Members}
	return r
}

// find is whoever has a key, member or not any more; nil for nobody.
func (r *roll) find(key kernel.Key) *enrolment {
	for _, list := range [][]*enrolment{r.members, r.gone} {
		for _, m := range list {
			if m.key == key {
				return m
			}
		}
	}
	return nil
}

// departs moves a member to those whose part is over.
func (r *roll) departs(m *enrolment) {
	r.members = drop(r.members, m)
	r.gone = append(r.gone, m)
	m.out = true
}

func drop(list []*enrolment, m *enrolment) []*enrolment {
	return slices.DeleteFunc(slices.Clone(list), func(x *enrolment) bool { return x == m })
}

// isMembers reports whether a transaction is of a class by which somebody becomes a member.
func isMembers(tx *kernel.Transaction) bool {
	c := tx.Class()
	return c == kernel.ClassNodePledge || c == kernel.ClassNodeAccept || c == kernel.ClassNodeCancel
}

// memberForEver is line 4 for these classes: TX-38, TX-39, TX-44, TX-46, and what of sums and signatures is as
// in any payment. [STK-11] [STK-13] [STK-14]
func (j *judgement) memberForEver(tx *kernel.Transaction, hash kernel.TxHash) kernel.Rule {
	if rule := signaturesForm(tx); rule != 0 {
		return rule
	}
	one := tx.Aggregate == nil && len(tx.Signatures) == 1 && len(tx.Signatures[0]) == 1 && tx.Signatures[0][0].Index == 0
	extra := tx.Extra
	switch tx.Class() {
	case kernel.ClassNodePledge:
		script := func(o kernel.Output) bool { return o.Type == kernel.OutputScript }
		rest := slices.DeleteFunc(slices.Clone(tx.Outputs[1:]), script)
		if tx.Asset != kernel.XIN || tx.Outputs[0].Type != kernel.OutputNodePledge || len(rest) > 0 {
			return kernel.PledgeShape
		}
	case kernel.ClassNodeAccept:
		if tx.Asset != kernel.XIN || len(tx.Inputs) != 1 || len(tx.Outputs) != 1 || !one {
			return kernel.AcceptShape
		}
	case kernel.ClassNodeCancel:
		if tx.Asset != kernel.XIN || len(tx.Inputs) != 1 || len(tx.Outputs) != 2 || !one || len(extra) < 32 ||
			tx.Outputs[0].Type != kernel.OutputNodeCancel || tx.Outputs[1].Type != kernel.OutputScript || !alone(&tx.Outputs[1]) {
			return kernel.CancelShape
		}
		extra = extra[:len(extra)-32]
	}
	signer, payee, ok := kernel.ParseMemberExtra(extra)
	if !ok {
		return kernel.MemberExtraInvalid
	}
	if tx.Class() == kernel.ClassNodePledge {
		if rule := j.sumsRule(tx); rule != 0 {
			return rule
		}
		return j.authorized(tx, hash)
	}
	if tx.Class() == kernel.ClassNodeCancel { // whoever paid takes back; of another pledge nobody can say
		m := j.roll.find(signer)
		if j.outputs[tx.Inputs[0].OutputRef] == nil {
			return kernel.InputNotFound
		}
		if m == nil || m.collateral != tx.Inputs[0].OutputRef || m.payee != payee {
			return 0
		}
		signer = m.payer.Keys[0]
	}
	if rule := j.sumsRule(tx); rule != 0 {
		return rule
	}
	if !crypto.Verify(signer, hash[:], tx.Signatures[0][0].Signature) {
		return kernel.SignatureInvalid
	}
	return 0
}

// alone: an output of one key and threshold 1.
func alone(o *kernel.Output) bool {
	return len(o.Keys) == 1 && goodScript(o.Script) && o.Script[2] == 1
}

// memberNow is line 5 for these classes: TX-23, TX-24, TX-40 to TX-43, TX-45, TX-47, TX-48.
func (j *judgement) memberNow(tx *kernel.Transaction) kernel.Rule {
	for i := range tx.Inputs {
		ref := tx.Inputs[i].OutputRef
		o := j.outputs[ref]
		pledges := tx.Class() != kernel.ClassNodePledge
		switch {
		case o.asset != tx.Asset:
			return kernel.InputAsset
		case pledges != (o.Type == kernel.OutputNodePledge) || !pledges && o.Type != kernel.OutputScript && o.Type != kernel.OutputNodeRemove:
			return kernel.InputType
		case j.roll.locked[ref] >= j.commit.Index:
			return kernel.OutputLocked
		}
	}
	for _, ref := range tx.References {
		if j.receipts[ref].Status != kernel.Final {
			return kernel.ReferenceNotFound
		}
	}
	if tx.Class() == kernel.ClassNodePledge {
		return j.pledgeNow(tx)
	}
	extra, size := tx.Extra, len(tx.Extra)
	if tx.Class() == kernel.ClassNodeCancel {
		extra = extra[:size-32]
	}
	signer, payee, _ := kernel.ParseMemberExtra(extra)
	m := j.roll.find(signer)
	if m == nil || m.state != kernel.MemberPledging || m.collateral != tx.Inputs[0].OutputRef || m.payee != payee {
		return kernel.MemberNotPledging
	}
	if tx.Class() == kernel.ClassNodeAccept {
		return 0
	}
	if tx.Outputs[0].Amount != m.stake.Hundredth() {
		return kernel.CancelAmount
	}
	view := kernel.Scalar(tx.Extra[size-32:])
	paid, err := crypto.ViewGhost(view, m.payer.Keys[0], m.payer.Mask, uint64(m.paidAt.Index))
	back, other := crypto.ViewGhost(view, tx.Outputs[1].Keys[0], tx.Outputs[1].Mask, 1)
	if err != nil || other != nil || paid != back {
		return kernel.CancelReceiver
	}
	return 0
}

func (j *judgement) pledgeNow(tx *kernel.Transaction) kernel.Rule {
	signer, _, _ := kernel.ParseMemberExtra(tx.Extra)
	places := 0
	for _, m := range j.roll.members {
		switch m.state {
		case kernel.MemberPledging, kernel.MemberJoining, kernel.MemberAccepted:
			places++
		case kernel.MemberResigning:
			places += count(!m.left)
		}
	}
	switch {
	case !alone(&j.outputs[tx.Inputs[0].OutputRef].Output):
		return kernel.PledgeFunding
	case tx.Outputs[0].Amount != j.roll.genesis.Parameters.Pledge: // no motion changes it
		return kernel.PledgeAmount
	case j.roll.find(signer) != nil:
		return kernel.MemberKnown
	case places >= 50:
		return kernel.TooManyMembers
	}
	return 0
}

// enrols notes what a final transaction of these classes makes of its member.
func (j *judgement) enrols(tx *kernel.Transaction, hash kernel.TxHash) {
	extra, now := tx.Extra, j.commit.Index
	if tx.Class() == kernel.ClassNodeCancel {
		extra = extra[:len(extra)-32]
	}
	signer, payee, _ := kernel.ParseMemberExtra(extra)
	m := j.roll.find(signer)
	switch tx.Class() {
	case kernel.ClassNodePledge:
		first := tx.Inputs[0].OutputRef
		j.roll.members = append(j.roll.members, &enrolment{key: signer, payee: payee, state: kernel.MemberPledging, since: now, stake: tx.Outputs[0].Amount,
			collateral: kernel.OutputRef{Hash: hash}, payer: *j.outputs[first], paidAt: first})
	case kernel.ClassNodeAccept:
		m.state, m.since, m.collateral = kernel.MemberJoining, now, kernel.OutputRef{Hash: hash}
	case kernel.ClassNodeCancel:
		j.roll.pool, _ = j.roll.pool.Add(tx.Outputs[0].Amount)
		m.state, m.since, m.collateral, m.stake = kernel.MemberCancelled, now, kernel.OutputRef{}, kernel.Amount{}
		j.roll.departs(m)
		j.c.w.reached("pledge_cancelled")
	}
}

// inTime reports whether a record is of the epoch in force or the one before.
func (j *judgement) inTime(r *kernel.Record) bool {
	return r.Epoch == j.commit.Epoch || r.Epoch+1 == j.commit.Epoch
}

// resigns reads a record of a member that wants to leave. [STK-36]
func (j *judgement) resigns(r *kernel.Record) {
	m := j.roll.find(r.Signer)
	if !j.inTime(r) || len(r.Payload) > 0 || m == nil || m.state != kernel.MemberAccepted && m.state != kernel.MemberJoining || !signedBy(r) {
		return
	}
	m.state, m.since = kernel.MemberResigning, j.commit.Index
}

func signedBy(r *kernel.Record) bool {
	hash := r.SigningHash()
	return crypto.Verify(r.Signer, hash[:], r.Signature)
}

// penalty is the fault that a member is punished for now; nil if for none.
func (m *enrolment) penalty() *ledger.Fault {
	switch {
	case m.escrowed:
		return m.second
	case m.flag != ledger.FlagNone && m.state != kernel.MemberRemoved:
		return m.first
	}
	return nil
}

// moves reads a motion that holders of XIN bring: an appeal that is voted for by whoever brings it is all that runs
// have. [APL-2]
func (j *judgement) moves(r *kernel.Record) {
	var p kernel.Proposal
	if !j.inTime(r) || !signedBy(r) || p.UnmarshalBinary(r.Payload) != nil || p.Motion.Penalty == nil {
		return
	}
	id, now := p.Motion.ID(j.network), j.commit.Index
	m := j.roll.find(p.Motion.Penalty.Member)
	if m == nil || slices.ContainsFunc(j.roll.motions, func(l *lifting) bool { return l.id == id }) {
		return
	}
	fault := m.penalty()
	if fault == nil || m.appealed == fault.Commit || m.escrowed && m.until < now {
		return
	}
	statement := kernel.BallotHash(j.network, id, true, p.Ballots)
	var sum kernel.Amount
	for i := range p.Ballots {
		b := &p.Ballots[i]
		o := j.outputs[b.Output]
		if o == nil || !o.spent.tx.IsZero() || o.asset != kernel.XIN || o.Type != kernel.OutputScript && o.Type != kernel.OutputNodeRemove || !enough(o, len(b.Signatures)) {
			return
		}
		for _, s := range b.Signatures {
			if int(s.Index) >= len(o.Keys) || !crypto.Verify(o.Keys[s.Index], statement[:], s.Signature) {
				return
			}
		}
		sum, _ = sum.Add(o.Amount)
	}
	if sum.Compare(kernel.NewAmount(100_00000000)) < 0 {
		return
	}
	l := &lifting{member: m, id: id, deadline: now + kernel.CommitIndex(j.roll.genesis.Stake.AppealWindow), sum: sum}
	j.roll.motions = append(j.roll.motions, l)
	m.appealed = fault.Commit
	for i := range p.Ballots {
		j.roll.locked[p.Ballots[i].Output] = l.deadline
	}
	if m.escrowed {
		m.until = max(m.until, l.deadline)
	}
}
