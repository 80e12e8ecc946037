package ledger

import (
	"strconv"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/kernel"
)

// A MotionState is how far a motion has come.
type MotionState uint8

// The states of a motion.
const (
	MotionOpen     MotionState = 1 // votes count
	MotionPassed   MotionState = 2 // decided for; waits for its delay to end
	MotionRejected MotionState = 3 // decided against, or too few voted
	MotionDone     MotionState = 4 // carried out
	MotionFailed   MotionState = 5 // decided for, but the state did not allow it any more
)

var motionStates = [...]string{"", "open", "passed", "rejected", "done", "failed"}

// String returns the stable name of the state.
func (s MotionState) String() string {
	if s == 0 || int(s) >= len(motionStates) {
		return "motion_state_" + strconv.Itoa(int(s))
	}
	return motionStates[s]
}

// MarshalText returns the form of String.
func (s MotionState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// A Motion is a motion as the ledger keeps it: the row "motion/<id>".
type Motion struct {
	ID       kernel.Hash
	Number   uint64 // in the order of all motions, from 0
	Motion   kernel.Motion
	Proposer kernel.Key // who signed the record that brought it
	State    MotionState
	Opened   kernel.CommitIndex
	Deadline kernel.CommitIndex // votes count up to this commit
	Due      kernel.CommitIndex // when the ledger looks at it next: the deadline, then the end of the delay
	For      Tally
	Against  Tally
	Votes    uint32        // vote rows there are
	Quorum   kernel.Amount // XIN that had to vote; known when decided
}

// A Tally is the XIN that voted one way, by who brought it.
type Tally struct {
	Holders   kernel.Amount `json:"holders"`
	Witnesses kernel.Amount `json:"witnesses"`
	Members   kernel.Amount `json:"members"`
}

// Sum is the whole of it. It cannot overflow: all of it is XIN that exists.
func (t Tally) Sum() kernel.Amount {
	sum := t.Holders
	mustAdd(&sum, t.Witnesses)
	mustAdd(&sum, t.Members)
	return sum
}

// A CastVote is one vote as the ledger keeps it: the row "vote/<motion>/<number>".
type CastVote struct {
	By     VoterKind
	Voter  kernel.Key // witness or member; of holders the key that signed the record
	For    bool
	Weight kernel.Amount
	Commit kernel.CommitIndex
}

// A VoterKind says what gives a vote its weight.
type VoterKind uint8

// The kinds of voters.
const (
	VoterHolder  VoterKind = 1
	VoterWitness VoterKind = 2
	VoterMember  VoterKind = 3
)

var voterKinds = [...]string{"", "holder", "witness", "member"}

// String returns the stable name of the kind.
func (k VoterKind) String() string {
	if int(k) >= len(voterKinds) {
		return "voter_" + strconv.Itoa(int(k))
	}
	return voterKinds[k]
}

// MarshalText returns the form of String.
func (k VoterKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Limits of what is open at a time. [GOV-2]
const (
	maxActiveMotions  = 64
	maxSponsored      = 4 // active motions of one proposer
	maxVotesOfAMotion = 1 << 16
	maxLockMotions    = 8 // open motions that one output votes on
)

// Keys of system rows.
const (
	rowMotions = "motions"
	rowLocks   = "locks"
)

func rowMotion(id kernel.Hash) string { return "motion/" + id.String() }

func rowMotionNumber(n uint64) string { return "motion-number/" + strconv.FormatUint(n, 10) }

func rowVote(motion kernel.Hash, n uint32) string {
	return "vote/" + motion.String() + "/" + strconv.FormatUint(uint64(n), 10)
}

func rowLock(ref kernel.OutputRef) string {
	return rowLockPrefix + ref.Hash.String() + "/" + strconv.Itoa(int(ref.Index))
}

func rowDomain(id string) string { return "domain/" + id }

func rowFrozen(asset kernel.AssetID) string { return "frozen/" + asset.String() }

// An activeMotion is one that the ledger will look at again.
type activeMotion struct {
	id       kernel.Hash
	due      kernel.CommitIndex
	proposer kernel.Key
}

// A motionList is the row "motions": how many there ever were, and the active ones by age.
type motionList struct {
	count  uint64
	active []activeMotion
}

func (l *motionList) encode() []byte {
	b := codec.AppendU64(nil, l.count)
	b = codec.AppendU16(b, uint16(len(l.active)))
	for i := range l.active {
		a := &l.active[i]
		b = append(b, a.id[:]...)
		b = codec.AppendU64(b, uint64(a.due))
		b = append(b, a.proposer[:]...)
	}
	return b
}

func decodeMotionList(b []byte) (l motionList, err error) {
	r := codec.NewReader(b)
	l.count = r.U64("count")
	l.active = make([]activeMotion, r.Count16(maxActiveMotions, 72, "active"))
	for i := range l.active {
		a := &l.active[i]
		r.Fixed(a.id[:], "motion")
		a.due = kernel.CommitIndex(r.U64("due"))
		r.Fixed(a.proposer[:], "proposer")
	}
	return l, r.Done()
}

func (m *Motion) encode() []byte {
	b := append([]byte(nil), m.ID[:]...)
	b = codec.AppendU64(b, m.Number)
	b = append(b, m.Proposer[:]...)
	b = append(b, byte(m.State))
	b = codec.AppendU64(b, uint64(m.Opened))
	b = codec.AppendU64(b, uint64(m.Deadline))
	b = codec.AppendU64(b, uint64(m.Due))
	b = m.Against.append(m.For.append(b))
	b = codec.AppendU32(b, m.Votes)
	b = m.Quorum.AppendBinary(b)
	return m.Motion.AppendBinary(b)
}

func decodeMotion(b []byte) (*Motion, error) {
	m, r := new(Motion), codec.NewReader(b)
	r.Fixed(m.ID[:], "motion")
	m.Number = r.U64("number")
	r.Fixed(m.Proposer[:], "proposer")
	if m.State = MotionState(r.U8("state")); m.State < MotionOpen || m.State > MotionFailed {
		r.Fail(codec.BadValue, "state")
	}
	m.Opened = kernel.CommitIndex(r.U64("opened"))
	m.Deadline = kernel.CommitIndex(r.U64("deadline"))
	m.Due = kernel.CommitIndex(r.U64("due"))
	m.For.decode(r)
	m.Against.decode(r)
	m.Votes = r.U32("votes")
	m.Quorum = kernel.ReadAmount(r, "quorum")
	m.Motion.Decode(r)
	return m, r.Done()
}

func (t *Tally) append(b []byte) []byte {
	return t.Members.AppendBinary(t.Witnesses.AppendBinary(t.Holders.AppendBinary(b)))
}

func (t *Tally) decode(r *codec.Reader) {
	t.Holders = kernel.ReadAmount(r, "holders")
	t.Witnesses = kernel.ReadAmount(r, "witnesses")
	t.Members = kernel.ReadAmount(r, "members")
}

func (v *CastVote) encode() []byte {
	b := append([]byte{byte(v.By)}, v.Voter[:]...)
	b = codec.AppendBool(b, v.For)
	b = v.Weight.AppendBinary(b)
	return codec.AppendU64(b, uint64(v.Commit))
}

func decodeCastVote(b []byte) (v CastVote, err error) {
	r := codec.NewReader(b)
	if v.By = VoterKind(r.U8("voter kind")); v.By < VoterHolder || v.By > VoterMember {
		r.Fail(codec.BadValue, "voter kind")
	}
	r.Fixed(v.Voter[:], "voter")
	v.For = r.Bool("for")
	v.Weight = kernel.ReadAmount(r, "weight")
	v.Commit = kernel.CommitIndex(r.U64("commit"))
	return v, r.Done()
}

// A lock holds an output until the end of what it voted on: the row "lock/<output>". It stays, when
// its time is over, until the output is spent.
type lock struct {
	until   kernel.CommitIndex // the output can be spent after this commit
	witness kernel.Key         // whose weight it is, or zero
	motions []kernel.Hash      // that it has voted on and that may be open
}

func (l *lock) encode() []byte {
	b := codec.AppendU64(nil, uint64(l.until))
	b = append(b, l.witness[:]...)
	b = codec.AppendU16(b, uint16(len(l.motions)))
	for i := range l.motions {
		b = append(b, l.motions[i][:]...)
	}
	return b
}

func decodeLock(b []byte) (l lock, err error) {
	r := codec.NewReader(b)
	l.until = kernel.CommitIndex(r.U64("until"))
	r.Fixed(l.witness[:], "witness")
	l.motions = make([]kernel.Hash, r.Count16(maxLockMotions, 32, "motions"))
	for i := range l.motions {
		r.Fixed(l.motions[i][:], "motion")
	}
	return l, r.Done()
}

// A DomainRow is what is known of a domain: the row "domain/<uuid>".
type DomainRow struct {
	State    kernel.DomainState
	Asked    uint64      // motions there were about it, which tells them apart
	Motion   kernel.Hash // the newest
	Approved []kernel.Key
}

func (d *DomainRow) encode() []byte {
	b := codec.AppendU64([]byte{byte(d.State)}, d.Asked)
	b = append(b, d.Motion[:]...)
	b = codec.AppendU16(b, uint16(len(d.Approved)))
	for i := range d.Approved {
		b = append(b, d.Approved[i][:]...)
	}
	return b
}

func decodeDomainRow(b []byte) (d DomainRow, err error) {
	r := codec.NewReader(b)
	if d.State = kernel.DomainState(r.U8("state")); d.State < kernel.DomainPending || d.State > kernel.DomainApproved {
		r.Fail(codec.BadValue, "state")
	}
	d.Asked = r.U64("asked")
	r.Fixed(d.Motion[:], "motion")
	d.Approved = make([]kernel.Key, r.Count16(kernel.MaxDomainNodes, 32, "nodes"))
	for i := range d.Approved {
		r.Fixed(d.Approved[i][:], "node")
	}
	return d, r.Done()
}

// A Protocol says which version of the rules an epoch runs: the row "protocol".
type Protocol struct {
	Version uint32       // in force before From
	Next    uint32       // in force from From on; equal to Version where nothing was decided
	From    kernel.Epoch // an epoch
}

// At is the version in force in an epoch.
func (p Protocol) At(epoch kernel.Epoch) uint32 {
	if epoch >= p.From {
		return p.Next
	}
	return p.Version
}

const rowProtocol = "protocol"

func (p Protocol) encode() []byte {
	return codec.AppendU32(codec.AppendU32(codec.AppendU32(nil, p.Version), p.Next), uint32(p.From))
}

func decodeProtocol(b []byte) (p Protocol, err error) {
	r := codec.NewReader(b)
	p.Version, p.Next, p.From = r.U32("version"), r.U32("next"), kernel.Epoch(r.U32("from"))
	return p, r.Done()
}

func encodeCount(n uint64) []byte { return codec.AppendU64(nil, n) }

func decodeCount(b []byte) (uint64, error) {
	r := codec.NewReader(b)
	n := r.U64("count")
	return n, r.Done()
}
