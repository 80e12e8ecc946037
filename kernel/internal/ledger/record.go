package ledger

import (
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/coin"
)

// record reads one system record. A bad one is ignored: it costs nobody anything. Evidence may be
// of the epoch before, which ended while it was on its way. [EXE-10]
func (x *execution) record(e *kernel.Entry) {
	var r kernel.Record
	if r.UnmarshalBinary(e.Bytes) != nil || r.Network != x.context.Network {
		return
	}
	switch r.Kind {
	case kernel.RecordEvidence:
		if r.Epoch == x.commit.Epoch || r.Epoch+1 == x.commit.Epoch {
			x.evidence(&r, e)
		}
		return
	case kernel.RecordWrongShare:
		if r.Epoch == x.commit.Epoch || r.Epoch+1 == x.commit.Epoch {
			x.wrongShare(&r, e)
		}
		return
	}
	if governs(r.Kind) {
		x.governance(&r)
		return
	}
	if r.Epoch != x.commit.Epoch && (r.Kind != kernel.RecordResign || r.Epoch+1 != x.commit.Epoch) {
		return
	}
	switch r.Kind {
	case kernel.RecordDealing:
		x.deal(&r)
	case kernel.RecordVerdict:
		x.verdict(&r)
	case kernel.RecordComplaint: // complaints stand in verdicts
	case kernel.RecordResign:
		if x.context.Stake != nil {
			x.resign(&r)
		}
	}
}

// signedRecord reports whether the record's signer signed it.
func signedRecord(r *kernel.Record) bool {
	hash := r.SigningHash()
	return crypto.Verify(r.Signer, hash[:], r.Signature)
}

// accused returns the roster of an epoch that evidence may be of, if it has the author.
func (x *execution) accused(network kernel.NetworkID, epoch kernel.Epoch, author kernel.Author) *kernel.Roster {
	if network != x.context.Network {
		return nil
	}
	roster := x.rosterOf(epoch)
	if roster == nil || int(author) >= len(roster.Members) {
		return nil
	}
	return roster
}

// evidence records fault E1 once per author and round, whoever proves it. [FLT-1]
func (x *execution) evidence(r *kernel.Record, e *kernel.Entry) {
	var proof kernel.Equivocation
	if proof.UnmarshalBinary(r.Payload) != nil || proof.Round == 0 || proof.Round > kernel.MaxRound {
		return
	}
	roster := x.accused(proof.Network, proof.Epoch, proof.Author)
	if roster == nil || x.Faulted(FaultEquivocation, proof.Author, proof.Epoch, proof.Round) {
		return
	}
	if !signedRecord(r) || !proof.Verify(roster.Members[proof.Author].Key) {
		return
	}
	x.fault(Fault{
		Kind: FaultEquivocation, Author: proof.Author, Epoch: proof.Epoch, Round: proof.Round,
		Snapshot: kernel.SnapshotIDOf(proof.Network, proof.Epoch, proof.Author, proof.Round, proof.Rest[0]),
		Entry:    kernel.EntryHash(*e), Commit: x.commit.Index,
	})
}

// maxSharesJudged bounds the records of wrong shares that are read in one snapshot: each costs a
// millisecond, also when it proves nothing. [FLT-2]
const maxSharesJudged = 8

// wrongShare records fault E4 once per author and round: the payload is a header that the author
// signed, with a share that is not its own. [FLT-2]
func (x *execution) wrongShare(r *kernel.Record, e *kernel.Entry) {
	var h kernel.Header
	if x.shares >= maxSharesJudged || h.UnmarshalBinary(r.Payload) != nil || h.Share == nil {
		return
	}
	x.shares++
	roster := x.accused(h.Network, h.Epoch, h.Author)
	if roster == nil || x.Faulted(FaultCoin, h.Author, h.Epoch, h.Round) || !signedRecord(r) {
		return
	}
	id := h.ID()
	if !crypto.Verify(roster.Members[h.Author].Key, id[:], h.Signature) || !coin.Wrong(roster, &h) {
		return
	}
	x.fault(Fault{
		Kind: FaultCoin, Author: h.Author, Epoch: h.Epoch, Round: h.Round, Snapshot: id,
		Entry: kernel.EntryHash(*e), Commit: x.commit.Index,
	})
}
