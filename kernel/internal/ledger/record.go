package ledger

import (
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// record reads one system record. A bad one is ignored: it costs nobody anything. [EXE-10]
func (x *execution) record(e *kernel.Entry) {
	var r kernel.Record
	if r.UnmarshalBinary(e.Bytes) != nil || r.Network != x.context.Network || r.Epoch != x.commit.Epoch {
		return
	}
	switch r.Kind {
	case kernel.RecordEvidence:
		x.evidence(&r, e)
	case kernel.RecordDealing, kernel.RecordVerdict, kernel.RecordComplaint:
		// The next coin key: with the membership issue.
	case kernel.RecordMotion, kernel.RecordVote:
		// With the governance issue.
	}
}

// evidence records fault E1 once per author and round, whoever proves it. [FLT-1]
func (x *execution) evidence(r *kernel.Record, e *kernel.Entry) {
	var proof kernel.Equivocation
	if proof.UnmarshalBinary(r.Payload) != nil || proof.Network != x.context.Network || proof.Epoch != x.commit.Epoch {
		return
	}
	if x.context.Roster == nil || int(proof.Author) >= len(x.context.Roster.Members) || proof.Round == 0 || proof.Round > kernel.MaxRound {
		return
	}
	if x.Faulted(FaultEquivocation, proof.Author, proof.Epoch, proof.Round) {
		return
	}
	hash := r.SigningHash()
	if !crypto.Verify(r.Signer, hash[:], r.Signature) || !proof.Verify(x.context.Roster.Members[proof.Author].Key) {
		return
	}
	x.fault(Fault{
		Kind: FaultEquivocation, Author: proof.Author, Epoch: proof.Epoch, Round: proof.Round,
		Snapshot: kernel.SnapshotIDOf(proof.Network, proof.Epoch, proof.Author, proof.Round, proof.Rest[0]),
		Entry:    kernel.EntryHash(*e), Commit: x.commit.Index,
	})
}
