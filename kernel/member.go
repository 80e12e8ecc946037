package kernel

import (
	"crypto/sha3"
	"fmt"

	"github.com/asterism-network/asterism/internal/crypto"
)

// A MemberState is where a member stands between its pledge and the end of it. [STK-4]
type MemberState uint8

// The states of a member.
const (
	MemberPledging  MemberState = 1 // its pledge is locked; it may accept or cancel
	MemberJoining   MemberState = 2 // has accepted, waits for an epoch
	MemberAccepted  MemberState = 3 // of the roster in force
	MemberResigning MemberState = 4 // wants to leave, or has left and waits for its stake
	MemberRemoved   MemberState = 5 // paid back, or its stake was taken
	MemberCancelled MemberState = 6 // took its pledge back before it accepted
)

var memberStates = [...]string{"", "pledging", "joining", "accepted", "resigning", "removed", "cancelled"}

// String returns the stable name of the state.
func (s MemberState) String() string {
	if s == 0 || int(s) >= len(memberStates) {
		return fmt.Sprintf("state_%d", uint8(s))
	}
	return memberStates[s]
}

// Valid reports whether s is one of the states.
func (s MemberState) Valid() bool { return s >= MemberPledging && s <= MemberCancelled }

// MarshalText returns the form of String.
func (s MemberState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the form of String.
func (s *MemberState) UnmarshalText(text []byte) error {
	for i := MemberPledging; i.Valid(); i++ {
		if memberStates[i] == string(text) {
			*s = i
			return nil
		}
	}
	return fmt.Errorf("unknown member state %q", text)
}

// PublicAddress is the address with the given spend key whose view key everybody can derive: the
// form of payees that are named by a spend key alone.
func PublicAddress(spend Key) Address {
	return Address{Spend: spend, View: PublicView(spend).Public()}
}

// PublicView is the private view key of a PublicAddress.
func PublicView(spend Key) Scalar {
	h := sha3.Sum256(spend[:])
	return crypto.ScalarFromWide(join(h, h))
}

// Lengths of the extra that names a member: signer and the payee's spend key, as in the wider
// ecosystem, or with the payee's view key, where that is its own. A cancellation adds a view key.
const (
	MemberExtraSize     = 64
	MemberExtraSizeFull = 96
)

// MemberExtra is the extra by which pledge and acceptance name a member: the key that signs its
// snapshots and whom it is paid to. The view key is left out where it follows from the spend key. [STK-5]
func MemberExtra(signer Key, payee Address) []byte {
	b := append(append(make([]byte, 0, MemberExtraSizeFull), signer[:]...), payee.Spend[:]...)
	if payee == PublicAddress(payee.Spend) {
		return b
	}
	return append(b, payee.View[:]...)
}

// ParseMemberExtra reads what MemberExtra writes; a view key that could be left out must be.
func ParseMemberExtra(extra []byte) (signer Key, payee Address, ok bool) {
	if len(extra) != MemberExtraSize && len(extra) != MemberExtraSizeFull {
		return signer, payee, false
	}
	copy(signer[:], extra)
	copy(payee.Spend[:], extra[32:])
	if payee = PublicAddress(payee.Spend); len(extra) == MemberExtraSizeFull {
		public := payee.View
		copy(payee.View[:], extra[64:])
		if payee.View == public {
			return signer, payee, false
		}
	}
	return signer, payee, crypto.ValidKey(signer) && payee.Check() == nil && signer != payee.Spend
}

// MemberName is the name of a member that joined by a pledge, which has no room for one.
func MemberName(signer Key) string { return "node-" + signer.String()[:8] }
