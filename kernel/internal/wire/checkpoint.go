package wire

import (
	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/kernel"
)

// A CheckpointVote is the sender's signature over the checkpoint of a commit, as a member of the
// epoch. It is sent again until there is a certificate. [CHK-42]
type CheckpointVote struct {
	Epoch kernel.Epoch
	Vote  kernel.CheckpointVote
}

// A CertificateQuery asks for a certificate of a checkpoint after a commit: the end of an epoch if
// there is one, else the newest.
type CertificateQuery struct{ After kernel.CommitIndex }

// A Certificate answers CertificateQuery. Next is the roster that the checkpoint names, if it ends
// its epoch.
type Certificate struct {
	Proof kernel.CheckpointProof
	Next  *kernel.EpochRoster
}

func (CheckpointVote) kind() byte   { return 11 }
func (CertificateQuery) kind() byte { return 12 }
func (Certificate) kind() byte      { return 13 }

func (m CheckpointVote) append(b []byte) []byte {
	b = codec.AppendU32(b, uint32(m.Epoch))
	b = codec.AppendU64(b, uint64(m.Vote.Index))
	return append(b, m.Vote.Signature[:]...)
}

func decodeCheckpointVote(r *codec.Reader) (m CheckpointVote) {
	m.Epoch = kernel.Epoch(r.U32("epoch"))
	if m.Vote.Index = kernel.CommitIndex(r.U64("checkpoint index")); m.Vote.Index == 0 {
		r.Fail(codec.BadValue, "checkpoint index")
	}
	r.Fixed(m.Vote.Signature[:], "checkpoint signature")
	return m
}

func (m Certificate) append(b []byte) []byte {
	b = codec.AppendBytes32(b, m.Proof.AppendBinary(nil))
	if m.Next != nil {
		b = codec.AppendBytes32(b, m.Next.AppendBinary(nil))
	}
	return b
}

// Limits of a certificate and a roster: what the largest of either takes, and more. [LIM]
const (
	maxCertificate = kernel.CheckpointSize + 8 + kernel.MaxMembers*64
	maxRoster      = 32 << 10
)

func decodeCertificate(r *codec.Reader) (m Certificate) {
	if m.Proof.UnmarshalBinary(r.View32(maxCertificate, "certificate")) != nil {
		r.Fail(codec.BadValue, "certificate")
		return m
	}
	if m.Proof.Checkpoint.EndsEpoch() {
		m.Next = new(kernel.EpochRoster)
		if m.Next.UnmarshalBinary(r.View32(maxRoster, "roster")) != nil {
			r.Fail(codec.BadValue, "roster")
		}
	}
	return m
}
