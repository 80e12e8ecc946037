package kernel

import (
	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/crypto"
)

// A RecordKind says what a system record is about.
type RecordKind uint8

// The kinds of system records. None of them moves coins.
const (
	RecordDealing    RecordKind = 1
	RecordVerdict    RecordKind = 2
	RecordComplaint  RecordKind = 3
	RecordEvidence   RecordKind = 4
	RecordMotion     RecordKind = 5
	RecordVote       RecordKind = 6
	RecordResign     RecordKind = 7 // by a member's node key; no payload
	RecordWrongShare RecordKind = 8 // evidence: a header with a coin share that is not its author's
	RecordWitness    RecordKind = 9 // a light witness's card
	RecordReport     RecordKind = 10
)

// A Record is a signed statement to the network that travels in snapshot bodies. [FMT-REC]
type Record struct {
	Kind      RecordKind
	Network   NetworkID
	Epoch     Epoch
	Signer    Key
	Payload   []byte
	Signature Signature // by Signer over SigningHash
}

// Resignation is the record by which a member leaves, signed by its node's key. [STK-36]
func Resignation(network NetworkID, epoch Epoch, node NodeKey) *Record {
	r := &Record{Kind: RecordResign, Network: network, Epoch: epoch, Signer: node.Public()}
	r.Sign(node)
	return r
}

// Sign signs the record with its signer's key.
func (r *Record) Sign(node NodeKey) {
	hash := r.SigningHash()
	r.Signature = node.Sign(hash[:])
}

// SigningHash is the hash that the signer signs.
func (r *Record) SigningHash() Hash {
	return crypto.SumLabel("asterism record", r.appendUnsigned(nil))
}

func (r *Record) appendUnsigned(b []byte) []byte {
	b = append(b, byte(r.Kind))
	b = append(b, r.Network[:]...)
	b = codec.AppendU32(b, uint32(r.Epoch))
	b = append(b, r.Signer[:]...)
	return codec.AppendBytes32(b, r.Payload)
}

// AppendBinary appends the canonical form.
func (r *Record) AppendBinary(b []byte) []byte {
	return append(r.appendUnsigned(b), r.Signature[:]...)
}

// UnmarshalBinary decodes exactly one canonical record. Payload aliases b.
func (r *Record) UnmarshalBinary(b []byte) error {
	d := codec.NewReader(b)
	r.Kind = RecordKind(d.U8("kind"))
	if r.Kind < RecordDealing || r.Kind > RecordReport {
		d.Fail(codec.BadValue, "kind")
	}
	d.Fixed(r.Network[:], "network")
	r.Epoch = Epoch(d.U32("epoch"))
	d.Fixed(r.Signer[:], "signer")
	r.Payload = d.View32(MaxRecordPayload, "payload")
	d.Fixed(r.Signature[:], "signature")
	return d.Done()
}

// An Equivocation proves that one author signed two snapshots of one round (fault E1): two
// signatures over ids that name the same place. It needs nothing else to be checked. [FLT-1]
type Equivocation struct {
	Network NetworkID
	Epoch   Epoch
	Author  Author
	Round   Round
	Rest    [2]Hash // ascending, different
	Signed  [2]Signature
}

// EquivocationOf builds the proof from two headers of one place.
func EquivocationOf(a, b *Header) Equivocation {
	e := Equivocation{Network: a.Network, Epoch: a.Epoch, Author: a.Author, Round: a.Round}
	e.Rest = [2]Hash{a.RestHash(), b.RestHash()}
	e.Signed = [2]Signature{a.Signature, b.Signature}
	if e.Rest[0].Compare(e.Rest[1]) > 0 {
		e.Rest[0], e.Rest[1] = e.Rest[1], e.Rest[0]
		e.Signed[0], e.Signed[1] = e.Signed[1], e.Signed[0]
	}
	return e
}

// EquivocationSize is the length of an encoded proof.
const EquivocationSize = 32 + 4 + 1 + 8 + 2*(32+64)

// AppendBinary appends the canonical form.
func (e *Equivocation) AppendBinary(b []byte) []byte {
	b = append(b, e.Network[:]...)
	b = codec.AppendU32(b, uint32(e.Epoch))
	b = append(b, byte(e.Author))
	b = codec.AppendU64(b, uint64(e.Round))
	for i := range e.Rest {
		b = append(b, e.Rest[i][:]...)
		b = append(b, e.Signed[i][:]...)
	}
	return b
}

// UnmarshalBinary decodes exactly one canonical proof; it does not verify it.
func (e *Equivocation) UnmarshalBinary(b []byte) error {
	r := codec.NewReader(b)
	r.Fixed(e.Network[:], "network")
	e.Epoch = Epoch(r.U32("epoch"))
	e.Author = Author(r.U8("author"))
	e.Round = Round(r.U64("round"))
	for i := range e.Rest {
		r.Fixed(e.Rest[i][:], "rest hash")
		r.Fixed(e.Signed[i][:], "signature")
	}
	if !r.Failed() && e.Rest[0].Compare(e.Rest[1]) >= 0 {
		r.Fail(codec.NonCanonical, "rest hash")
	}
	return r.Done()
}

// Verify reports whether both snapshots were signed by key, the author's node key.
func (e *Equivocation) Verify(key Key) bool {
	if e.Rest[0].Compare(e.Rest[1]) >= 0 {
		return false
	}
	for i, rest := range e.Rest {
		id := SnapshotIDOf(e.Network, e.Epoch, e.Author, e.Round, rest)
		if !crypto.Verify(key, id[:], e.Signed[i]) {
			return false
		}
	}
	return true
}
