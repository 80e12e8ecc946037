package ledger

import (
	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/kernel"
)

// A Flag says how far the consequence of a member's first fault is. [STK-20]
type Flag uint8

// The flag of a member.
const (
	FlagNone    Flag = 0
	FlagDue     Flag = 1 // a fault is found, the flag waits for the next roster
	FlagInForce Flag = 2 // since epoch FlagEpoch
)

// String returns the stable name of the flag.
func (f Flag) String() string {
	switch f {
	case FlagNone:
		return "none"
	case FlagDue:
		return "due"
	}
	return "in_force"
}

// MarshalText returns the form of String.
func (f Flag) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// A MemberRecord is what the ledger knows of a member: of one that pledges, is one, or was. [STK-9]
type MemberRecord struct {
	ID         kernel.NodeID      `json:"id"`
	Member     kernel.Member      `json:"member"` // Flagged: in the newest roster that it was in
	State      kernel.MemberState `json:"state"`
	Since      kernel.CommitIndex `json:"since"`          // of the state
	Stake      kernel.Amount      `json:"stake"`          // locked in Collateral, or in escrow
	Collateral kernel.OutputRef   `json:"collateral"`     // the output of type a3 or a4; zero while there is none
	Funding    Funding            `json:"-"`              // zero for members of genesis
	Left       bool               `json:"left,omitempty"` // of a resigning one: no more in the roster
	LeftEpoch  kernel.Epoch       `json:"left_epoch,omitempty"`

	Flag        Flag               `json:"flag"`
	FlagEpoch   kernel.Epoch       `json:"flag_epoch,omitempty"`
	Escrowed    bool               `json:"escrowed,omitempty"`
	EscrowUntil kernel.CommitIndex `json:"escrow_until,omitempty"` // the last commit at which an appeal can restore the stake
	Late        bool               `json:"late,omitempty"`         // posted no verdict: its joining makes no new roster due

	Faults uint32 `json:"faults"`           // found ever
	First  *Fault `json:"first,omitempty"`  // the one that flagged it
	Second *Fault `json:"second,omitempty"` // the one that removed it
}

// Funding is of the output that the pledge was paid from: who may cancel, and whom it is paid back to.
type Funding struct {
	Key   kernel.Key
	Mask  kernel.Key
	Index uint16
}

// AppendBinary appends the canonical form. The id is the row's key.
func (m *MemberRecord) AppendBinary(b []byte) []byte {
	b = codec.AppendBytes16(b, []byte(m.Member.Name))
	b = append(b, m.Member.Key[:]...)
	b = append(append(b, m.Member.Payee.Spend[:]...), m.Member.Payee.View[:]...)
	b = append(codec.AppendBool(b, m.Member.Flagged), byte(m.State))
	b = codec.AppendU64(b, uint64(m.Since))
	b = m.Stake.AppendBinary(b)
	b = codec.AppendU16(append(b, m.Collateral.Hash[:]...), m.Collateral.Index)
	b = codec.AppendU16(append(append(b, m.Funding.Key[:]...), m.Funding.Mask[:]...), m.Funding.Index)
	b = codec.AppendU32(codec.AppendBool(b, m.Left), uint32(m.LeftEpoch))
	b = codec.AppendU32(append(b, byte(m.Flag)), uint32(m.FlagEpoch))
	b = codec.AppendU64(codec.AppendBool(b, m.Escrowed), uint64(m.EscrowUntil))
	b = codec.AppendU32(codec.AppendBool(b, m.Late), m.Faults)
	return appendFoundFault(appendFoundFault(b, m.First), m.Second)
}

func appendFoundFault(b []byte, f *Fault) []byte {
	b = codec.AppendBool(b, f != nil)
	if f == nil {
		return b
	}
	b = codec.AppendU32(append(b, byte(f.Kind), byte(f.Author)), uint32(f.Epoch))
	b = codec.AppendU64(b, uint64(f.Round))
	b = append(append(b, f.Snapshot[:]...), f.Entry[:]...)
	return codec.AppendU64(b, uint64(f.Commit))
}

const maxMemberName = 64

// UnmarshalBinary decodes exactly one canonical record; the id stays what it is.
func (m *MemberRecord) UnmarshalBinary(b []byte) error {
	r := codec.NewReader(b)
	m.Member.Name = string(r.View16(maxMemberName, "name"))
	r.Fixed(m.Member.Key[:], "key")
	r.Fixed(m.Member.Payee.Spend[:], "payee")
	r.Fixed(m.Member.Payee.View[:], "payee")
	m.Member.Flagged = r.Bool("flagged")
	if m.State = kernel.MemberState(r.U8("state")); !m.State.Valid() {
		r.Fail(codec.BadValue, "state")
	}
	m.Since = kernel.CommitIndex(r.U64("since"))
	m.Stake = kernel.ReadAmount(r, "stake")
	r.Fixed(m.Collateral.Hash[:], "collateral")
	m.Collateral.Index = r.U16("collateral")
	r.Fixed(m.Funding.Key[:], "funding key")
	r.Fixed(m.Funding.Mask[:], "funding mask")
	m.Funding.Index = r.U16("funding index")
	m.Left, m.LeftEpoch = r.Bool("left"), kernel.Epoch(r.U32("left epoch"))
	if m.Flag = Flag(r.U8("flag")); m.Flag > FlagInForce {
		r.Fail(codec.BadValue, "flag")
	}
	m.FlagEpoch = kernel.Epoch(r.U32("flag epoch"))
	m.Escrowed, m.EscrowUntil = r.Bool("escrowed"), kernel.CommitIndex(r.U64("escrow until"))
	m.Late, m.Faults = r.Bool("late"), r.U32("faults")
	m.First, m.Second = readFoundFault(r), readFoundFault(r)
	return r.Done()
}

func readFoundFault(r *codec.Reader) *Fault {
	if !r.Bool("fault") {
		return nil
	}
	f := new(Fault)
	if f.Kind = FaultKind(r.U8("kind")); f.Kind < FaultEquivocation || f.Kind > FaultCoin {
		r.Fail(codec.BadValue, "kind")
	}
	f.Author = kernel.Author(r.U8("author"))
	f.Epoch = kernel.Epoch(r.U32("epoch"))
	f.Round = kernel.Round(r.U64("round"))
	r.Fixed(f.Snapshot[:], "snapshot")
	r.Fixed(f.Entry[:], "entry")
	f.Commit = kernel.CommitIndex(r.U64("commit"))
	return f
}

// MemberOf returns the record of a member.
func MemberOf(v View, id kernel.NodeID) (m MemberRecord, ok bool) {
	key := rowMember(id)
	b, ok := v.System(key)
	if ok {
		m.ID = id
		mustDecode(key, m.UnmarshalBinary(b))
	}
	return m, ok
}

// MembersOf returns all members there ever were: those whose part is not over in the order of
// their pledges, then the others.
func MembersOf(v View) (all []MemberRecord) {
	for _, list := range []string{rowMembers, rowDeparted} {
		for _, id := range idsOf(v, list) {
			m, ok := MemberOf(v, id)
			if !ok {
				panic("ledger: member " + id.String() + " is listed and has no record")
			}
			all = append(all, m)
		}
	}
	return all
}

func (o *overlay) setMember(m *MemberRecord) { o.setSystem(rowMember(m.ID), m.AppendBinary(nil)) }

// member returns the record of a member that there must be.
func (o *overlay) member(id kernel.NodeID) *MemberRecord {
	m, ok := MemberOf(o, id)
	if !ok {
		panic("ledger: no record of member " + id.String())
	}
	return &m
}

// memberOfKey returns the record of whoever signs with a key; nil if nobody ever did.
func (x *execution) memberOfKey(key kernel.Key) *MemberRecord {
	return memberOfKey(x, x.context.Network, key)
}

func memberOfKey(v View, network kernel.NetworkID, key kernel.Key) *MemberRecord {
	m, ok := MemberOf(v, kernel.NodeIDOf(network, key))
	if !ok {
		return nil
	}
	return &m
}
