package ceremony

import (
	"errors"
	"fmt"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/crypto/sharing"
	"github.com/asterism-network/asterism/kernel"
)

// A Verdict is what one member says about the dealings it has seen, each named by its hash: a
// dealer that gives different files to different members gains nothing.
type Verdict struct {
	Draft      kernel.Hash      `json:"draft"`
	Member     kernel.Key       `json:"member"` // node key
	Accepted   []Judged         `json:"accepted"`
	Complaints []Complaint      `json:"complaints"`
	Signature  kernel.Signature `json:"signature"`
}

// A Judged names a dealing.
type Judged struct {
	Dealer  kernel.Author `json:"dealer"` // place in the draft
	Dealing kernel.Hash   `json:"dealing"`
}

// A Complaint shows everybody that the member's share in a dealing is bad.
type Complaint struct {
	Judged
	sharing.Complaint
}

// Judge opens the member's share in every dealing and makes its verdict. It takes at least q
// dealings: wait for them, not for more. Of a dealer that made two, none is judged. The findings tell the operator what is wrong with others.
func Judge(draft *Draft, dealings []*Dealing, node crypto.NodeKey) (*Verdict, []Finding, error) {
	me, err := draft.own(node)
	if err != nil {
		return nil, nil, err
	}
	s, err := sortDealings(draft, dealings)
	if err != nil {
		return nil, nil, err
	}
	secret := encryptionSecret(node)
	v := &Verdict{Draft: draft.Hash(), Member: node.Public(), Accepted: []Judged{}, Complaints: []Complaint{}}
	for a, versions := range s.files {
		if len(versions) != 1 {
			continue
		}
		if err := v.judge(draft, s, me, kernel.Author(a), secret); err != nil {
			return nil, nil, err
		}
	}
	if n := len(v.Accepted) + len(v.Complaints); n < draft.Quorum() {
		return nil, s.findings, fmt.Errorf("%w: %d usable dealings, want %d: wait for more", ErrTooFew, n, draft.Quorum())
	}
	hash := v.signingHash()
	v.Signature = node.Sign(hash[:])
	return v, s.findings, nil
}

// judge opens the member's share in the dealer's one dealing.
func (v *Verdict) judge(draft *Draft, s *desk, me, dealer kernel.Author, secret *sharing.Number) error {
	f := s.files[dealer][0]
	judged := Judged{dealer, f.hash}
	if _, err := f.Open(f.context(), int(me), secret); err == nil {
		v.Accepted = append(v.Accepted, judged)
		return nil
	}
	complaint, err := f.Complain(secret)
	if err != nil {
		return fmt.Errorf("complain about %s: %w", draft.Cards[dealer].Name, err)
	}
	v.Complaints = append(v.Complaints, Complaint{judged, *complaint})
	s.find(int(dealer), BadShare, "for "+draft.Cards[me].Name)
	return nil
}

// ParseVerdict reads a verdict file. What it is worth, Finish finds out.
func ParseVerdict(b []byte) (*Verdict, error) {
	v := new(Verdict)
	if err := parse(b, MaxVerdictSize, "verdict", v); err != nil {
		return nil, err
	}
	if len(v.Accepted) > kernel.MaxMembers || len(v.Complaints) > kernel.MaxMembers {
		return nil, fmt.Errorf("verdict: %w: more judgements than a network has members", ErrFile)
	}
	return v, nil
}

// Encode is the verdict as a file.
func (v *Verdict) Encode() []byte { return format(v) }

func (v *Verdict) signingHash() kernel.Hash {
	b := append(append([]byte(nil), v.Draft[:]...), v.Member[:]...)
	b = codec.AppendU16(b, uint16(len(v.Accepted)))
	for _, j := range v.Accepted {
		b = j.appendBinary(b)
	}
	b = codec.AppendU16(b, uint16(len(v.Complaints)))
	for i := range v.Complaints {
		b = v.Complaints[i].Complaint.AppendBinary(v.Complaints[i].Judged.appendBinary(b))
	}
	return crypto.SumLabel(labelVerdict, b)
}

func (j Judged) appendBinary(b []byte) []byte {
	return append(append(b, byte(j.Dealer)), j.Dealing[:]...)
}

// signed reports whose verdict it is, if it is a member's for this draft at all.
func (v *Verdict) signed(draft *Draft, hash kernel.Hash) (kernel.Author, error) {
	member, ok := draft.Member(v.Member)
	switch {
	case v.Draft != hash:
		return 0, fmt.Errorf("verdict of %s: %w: %s, not %s", draft.nameOf(v.Member), ErrDraft, v.Draft.Short(), hash.Short())
	case !ok:
		return 0, fmt.Errorf("verdict of %s: %w", v.Member, ErrStranger)
	}
	digest := v.signingHash()
	if !crypto.Verify(v.Member, digest[:], v.Signature) {
		return 0, fmt.Errorf("verdict of %s: %w: ask for the file again", draft.nameOf(v.Member), ErrSignature)
	}
	return member, nil
}

// ordered reports whether the judgements name each dealer of the draft at most once, in order.
func (v *Verdict) ordered(draft *Draft) bool {
	seen := make([]bool, len(draft.Cards))
	next := 0
	inOrder := func(j Judged) bool {
		if int(j.Dealer) < next || int(j.Dealer) >= len(seen) || seen[j.Dealer] {
			return false
		}
		next, seen[j.Dealer] = int(j.Dealer)+1, true
		return true
	}
	for _, j := range v.Accepted {
		if !inOrder(j) {
			return false
		}
	}
	next = 0
	for i := range v.Complaints {
		if !inOrder(v.Complaints[i].Judged) {
			return false
		}
	}
	return true
}

// complaintHolds reports whether the member's complaint proves the dealing bad.
func complaintHolds(draft *Draft, f *file, member kernel.Author, c *Complaint) (bool, string) {
	err := f.Judge(f.context(), int(member), draft.Cards[member].Encryption, &c.Complaint)
	switch {
	case err == nil:
		return true, ""
	case errors.Is(err, sharing.ErrFalseComplaint), errors.Is(err, sharing.ErrOpening):
		return false, fmt.Sprintf("about %s: %v", draft.nameOf(f.Dealer), err)
	default:
		panic(fmt.Sprintf("ceremony: %v", err)) // Judge knows no other
	}
}
