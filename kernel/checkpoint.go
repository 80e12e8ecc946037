package kernel

import (
	"math/bits"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/merkle"
)

// A Checkpoint names the state after a commit in a form that outsiders can verify. [CHK-1]
type Checkpoint struct {
	Network   NetworkID   `json:"network"`
	Epoch     Epoch       `json:"epoch"`
	Index     CommitIndex `json:"commit"`
	Timestamp Timestamp   `json:"timestamp_ms"` // of the commit
	Digest    Digest      `json:"digest"`
	Receipts  TreeHead    `json:"receipts"` // of all transactions that have one, in their order
	Outputs   TreeHead    `json:"outputs"`  // of all outputs ever made, in their order; spent ones are empty places
	Roster    Hash        `json:"roster"`   // of the epoch, see EpochRoster.Hash
	Next      Hash        `json:"next_roster,omitzero"`
}

// A TreeHead is a Merkle root and the number of its leaves, which the root binds too. [MRK]
type TreeHead struct {
	Root  Hash   `json:"root"`
	Count uint64 `json:"count"`
}

// EndsEpoch reports whether the checkpoint names the roster of the next epoch.
func (c *Checkpoint) EndsEpoch() bool { return !c.Next.IsZero() }

// SigningHash is the hash that members sign with their checkpoint keys.
func (c *Checkpoint) SigningHash() Hash {
	return crypto.SumLabel("asterism checkpoint", c.AppendBinary(nil))
}

// CheckpointSize is the length of an encoded checkpoint.
const CheckpointSize = 32 + 4 + 8 + 8 + 32 + 2*treeHeadSize + 32 + 32

const treeHeadSize = 32 + 8

// AppendBinary appends the canonical form.
func (c *Checkpoint) AppendBinary(b []byte) []byte {
	b = append(b, c.Network[:]...)
	b = codec.AppendU32(b, uint32(c.Epoch))
	b = codec.AppendU64(b, uint64(c.Index))
	b = codec.AppendU64(b, uint64(c.Timestamp))
	b = append(b, c.Digest[:]...)
	for _, head := range []TreeHead{c.Receipts, c.Outputs} {
		b = append(b, head.Root[:]...)
		b = codec.AppendU64(b, head.Count)
	}
	b = append(b, c.Roster[:]...)
	return append(b, c.Next[:]...)
}

// UnmarshalBinary decodes exactly one canonical checkpoint.
func (c *Checkpoint) UnmarshalBinary(b []byte) error {
	r := codec.NewReader(b)
	c.decode(r)
	return r.Done()
}

func (c *Checkpoint) decode(r *codec.Reader) {
	r.Fixed(c.Network[:], "network")
	c.Epoch = Epoch(r.U32("epoch"))
	if c.Index = CommitIndex(r.U64("commit")); c.Index == 0 {
		r.Fail(codec.BadValue, "commit") // what commit 0 leads to is the genesis itself
	}
	if c.Timestamp = Timestamp(r.U64("timestamp")); c.Timestamp == 0 || c.Timestamp >= MaxTimestamp {
		r.Fail(codec.BadValue, "timestamp")
	}
	r.Fixed(c.Digest[:], "digest")
	c.Receipts.decode(r, "receipts")
	c.Outputs.decode(r, "outputs")
	r.Fixed(c.Roster[:], "roster")
	r.Fixed(c.Next[:], "next roster")
	if c.Digest.IsZero() || c.Roster.IsZero() {
		r.Fail(codec.BadValue, "digest or roster")
	}
}

func (h *TreeHead) decode(r *codec.Reader, field string) {
	r.Fixed(h.Root[:], field)
	if h.Count = r.U64(field); h.Count > 1<<merkle.MaxDepth {
		r.Fail(codec.TooLarge, field)
	}
	if h.Root.IsZero() {
		r.Fail(codec.BadValue, field)
	}
}

// A CheckpointProof is a checkpoint with the signatures of a quorum of its epoch: whoever knows
// the epoch's roster needs nothing else to believe it. [CHK-3]
type CheckpointProof struct {
	Checkpoint Checkpoint            `json:"checkpoint"`
	Signatures []CheckpointSignature `json:"signatures"` // by ascending author, each once
}

// A CheckpointSignature is a member's signature over a checkpoint's SigningHash.
type CheckpointSignature struct {
	Author    Author    `json:"author"`
	Signature Signature `json:"signature"`
}

// Signers is the set of authors that signed: bit a for author a.
func (p *CheckpointProof) Signers() (set uint64) {
	for _, s := range p.Signatures {
		set |= 1 << s.Author
	}
	return set
}

// AppendBinary appends the canonical form: the checkpoint, the set of authors, a signature of each.
func (p *CheckpointProof) AppendBinary(b []byte) []byte {
	b = p.Checkpoint.AppendBinary(b)
	b = codec.AppendU64(b, p.Signers())
	for i := range p.Signatures {
		b = append(b, p.Signatures[i].Signature[:]...)
	}
	return b
}

// UnmarshalBinary decodes exactly one canonical proof; it does not verify it.
func (p *CheckpointProof) UnmarshalBinary(b []byte) error {
	r := codec.NewReader(b)
	p.decode(r)
	return r.Done()
}

func (p *CheckpointProof) decode(r *codec.Reader) {
	p.Checkpoint.decode(r)
	set := r.U64("signers")
	if set == 0 || set>>MaxMembers != 0 {
		r.Fail(codec.BadValue, "signers")
	}
	if p.Signatures = nil; r.Failed() || bits.OnesCount64(set)*len(Signature{}) > r.Left() {
		r.Fail(codec.Truncated, "signatures")
		return
	}
	p.Signatures = make([]CheckpointSignature, 0, bits.OnesCount64(set))
	for ; set != 0; set &= set - 1 {
		s := CheckpointSignature{Author: Author(bits.TrailingZeros64(set))}
		r.Fixed(s.Signature[:], "signature")
		p.Signatures = append(p.Signatures, s)
	}
}
