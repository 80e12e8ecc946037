package kernel

import (
	"bytes"
	"fmt"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/crypto"
)

// A Ballot puts an unspent output of XIN behind a statement: signatures by as many of its keys as
// its script asks. The output cannot be spent until what the statement is about has ended. [GOV-4]
type Ballot struct {
	Output     OutputRef    `json:"output"`
	Signatures SignatureMap `json:"signatures"`
}

// Limits of the ballots of one record. [GOV-2]
const (
	MaxBallots          = 64
	MaxBallotSignatures = 256 // of one record, together
)

// A Proposal is the payload of a motion record: the motion and who stands behind it. [GOV-3]
type Proposal struct {
	Motion  Motion
	Ballots []Ballot // count as votes for it
}

// AppendBinary appends the canonical form.
func (p *Proposal) AppendBinary(b []byte) []byte {
	return appendBallots(p.Motion.AppendBinary(b), p.Ballots)
}

// UnmarshalBinary decodes exactly one canonical proposal.
func (p *Proposal) UnmarshalBinary(b []byte) error {
	r := codec.NewReader(b)
	p.Motion.Decode(r)
	p.Ballots = decodeBallots(r)
	return r.Done()
}

// A Vote is the payload of a vote record: for or against a motion, with the weight of the outputs
// that it locks. A vote without ballots has the weight of its signer: a light witness's locked
// XIN, or a member's pledge. [GOV-5]
type Vote struct {
	Motion  Hash
	For     bool
	Ballots []Ballot
}

// AppendBinary appends the canonical form.
func (v *Vote) AppendBinary(b []byte) []byte {
	b = append(b, v.Motion[:]...)
	b = codec.AppendBool(b, v.For)
	return appendBallots(b, v.Ballots)
}

// UnmarshalBinary decodes exactly one canonical vote.
func (v *Vote) UnmarshalBinary(b []byte) error {
	r := codec.NewReader(b)
	r.Fixed(v.Motion[:], "motion")
	v.For = r.Bool("for")
	v.Ballots = decodeBallots(r)
	return r.Done()
}

// BallotHash is what the keys of a vote's outputs sign.
func BallotHash(network NetworkID, motion Hash, inFavour bool, ballots []Ballot) Hash {
	b := append([]byte(nil), network[:]...)
	b = append(b, motion[:]...)
	b = codec.AppendBool(b, inFavour)
	return crypto.SumLabel("asterism ballot", appendBallotOutputs(b, ballots))
}

// A WitnessCard is the payload of a witness record: its signer becomes a light witness, with the
// weight of the XIN that it locks. [WIT-1]
type WitnessCard struct {
	Payee   Address     // rewards are paid to it
	Until   CommitIndex // the outputs are locked, and the witness counts, below it
	Ballots []Ballot
}

// AppendBinary appends the canonical form.
func (c *WitnessCard) AppendBinary(b []byte) []byte {
	b = appendAddress(b, c.Payee)
	b = codec.AppendU64(b, uint64(c.Until))
	return appendBallots(b, c.Ballots)
}

// UnmarshalBinary decodes exactly one canonical card.
func (c *WitnessCard) UnmarshalBinary(b []byte) error {
	r := codec.NewReader(b)
	r.Fixed(c.Payee.Spend[:], "payee")
	r.Fixed(c.Payee.View[:], "payee")
	c.Until = CommitIndex(r.U64("until"))
	c.Ballots = decodeBallots(r)
	return r.Done()
}

// WitnessHash is what the keys of a witness's outputs sign.
func WitnessHash(network NetworkID, witness Key, c *WitnessCard) Hash {
	b := append([]byte(nil), network[:]...)
	b = append(b, witness[:]...)
	b = appendAddress(b, c.Payee)
	b = codec.AppendU64(b, uint64(c.Until))
	return crypto.SumLabel("asterism witness", appendBallotOutputs(b, c.Ballots))
}

// A WitnessReport is the payload of a report record: which members of the record's epoch its
// signer, a light witness, could reach lately. It is told to voters and costs nobody anything. [WIT-3]
type WitnessReport struct {
	Seen      CommitIndex // the newest commit that the witness knew
	Reachable uint64      // bit a: author a answered
}

// AppendBinary appends the canonical form.
func (w *WitnessReport) AppendBinary(b []byte) []byte {
	return codec.AppendU64(codec.AppendU64(b, uint64(w.Seen)), w.Reachable)
}

// UnmarshalBinary decodes exactly one canonical report.
func (w *WitnessReport) UnmarshalBinary(b []byte) error {
	r := codec.NewReader(b)
	w.Seen = CommitIndex(r.U64("seen"))
	if w.Reachable = r.U64("reachable"); w.Reachable>>MaxMembers != 0 {
		r.Fail(codec.BadValue, "reachable")
	}
	return r.Done()
}

func appendBallotOutputs(b []byte, ballots []Ballot) []byte {
	b = codec.AppendU16(b, uint16(len(ballots)))
	for i := range ballots {
		b = append(b, ballots[i].Output.Hash[:]...)
		b = codec.AppendU16(b, ballots[i].Output.Index)
	}
	return b
}

func appendBallots(b []byte, ballots []Ballot) []byte {
	b = codec.AppendU16(b, uint16(len(ballots)))
	for i := range ballots {
		b = append(b, ballots[i].Output.Hash[:]...)
		b = codec.AppendU16(b, ballots[i].Output.Index)
		b = codec.AppendU16(b, uint16(len(ballots[i].Signatures)))
		for j := range ballots[i].Signatures {
			b = codec.AppendU16(b, ballots[i].Signatures[j].Index)
			b = append(b, ballots[i].Signatures[j].Signature[:]...)
		}
	}
	return b
}

const (
	ballotMinimum    = 32 + 2 + 2
	indexedSignature = 2 + 64
)

// decodeBallots reads ballots by strictly ascending output, each with signatures by strictly
// ascending place of the key.
func decodeBallots(r *codec.Reader) []Ballot {
	ballots := make([]Ballot, r.Count16(MaxBallots, ballotMinimum, "ballots"))
	signatures := 0
	for i := range ballots {
		b := &ballots[i]
		r.Fixed(b.Output.Hash[:], "output")
		b.Output.Index = r.U16("output index")
		n := r.Count16(MaxBallotSignatures-signatures, indexedSignature, "signatures")
		signatures += n
		b.Signatures = make(SignatureMap, n)
		for j := range b.Signatures {
			s := &b.Signatures[j]
			s.Index = r.U16("signature place")
			r.Fixed(s.Signature[:], "signature")
			if j > 0 && b.Signatures[j-1].Index >= s.Index {
				r.Fail(codec.NonCanonical, "signature place")
			}
		}
		if i > 0 && compareOutputs(ballots[i-1].Output, b.Output) >= 0 {
			r.Fail(codec.NonCanonical, "ballot order")
		}
		if r.Failed() {
			return nil
		}
	}
	return ballots
}

func compareOutputs(a, b OutputRef) int {
	if c := a.Hash.Compare(b.Hash); c != 0 {
		return c
	}
	return int(a.Index) - int(b.Index)
}

func compareKeys(a, b Key) int { return bytes.Compare(a[:], b[:]) }

// A DomainState answers kernel_registerDomain (whitepaper, section 4.1).
type DomainState uint8

// The states of a domain's registration.
const (
	DomainInvalid  DomainState = iota // nobody could register it
	DomainPending                     // holders vote on it
	DomainDenied                      // they did not want it
	DomainApproved                    // it is registered
)

var domainStates = [...]string{"invalid", "pending", "denied", "approved"}

// String returns the word of the whitepaper.
func (s DomainState) String() string {
	if int(s) >= len(domainStates) {
		return fmt.Sprintf("domain_state_%d", uint8(s))
	}
	return domainStates[s]
}

// MarshalText returns the form of String.
func (s DomainState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the form of String.
func (s *DomainState) UnmarshalText(text []byte) error {
	for i, name := range domainStates {
		if name == string(text) {
			*s = DomainState(i)
			return nil
		}
	}
	return fmt.Errorf("unknown domain state %.40q", text)
}
