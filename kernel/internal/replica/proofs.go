package replica

import (
	"fmt"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/coin"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// Proofs verifies what members and clients sign. Every answer must be a function of the
// arguments and the genesis, and it must be safe for concurrent use. The real one is NewProofs;
// a simulation may plug in one that is faster, in which only the named author can sign too.
//
// If it is a Batch too, signatures of many snapshots and transactions are checked together
// first.
type Proofs interface {
	// Snapshot reports whether s is the author's signature of a header with that id. The author
	// is a member.
	Snapshot(a kernel.Author, id kernel.SnapshotID, s kernel.Signature) bool

	ledger.Verifier // of transactions; may be ledger.Direct
}

// Batch verifies plain signatures together.
type Batch interface {
	// VerifyBatch reports whether all checks are good, as crypto.VerifyBatch does.
	VerifyBatch(checks []crypto.Check) bool

	// VerifyEach says which checks are good, as crypto.VerifyEach does.
	VerifyEach(checks []crypto.Check) []bool

	// SnapshotCheck is the question that Proofs.Snapshot answers, if it is one about a plain
	// signature. It may alias id.
	SnapshotCheck(a kernel.Author, id *kernel.SnapshotID, s kernel.Signature) (crypto.Check, bool)
}

// proofs verifies with the keys of a genesis.
type proofs struct {
	ledger.Direct
	keys []*crypto.PublicKey // of members
}

// NewProofs returns the real Proofs of a network. The error is a genesis without a good coin key.
func NewProofs(g *kernel.Genesis) (Proofs, error) {
	if _, err := coin.NewKey(g.NetworkID(), 0, g.Roster()); err != nil {
		return nil, fmt.Errorf("coin key of genesis: %w", err)
	}
	p := &proofs{keys: make([]*crypto.PublicKey, len(g.Members))}
	for i := range g.Members {
		p.keys[i] = crypto.NewPublicKey(g.Members[i].Key)
	}
	return p, nil
}

func (p *proofs) Snapshot(a kernel.Author, id kernel.SnapshotID, s kernel.Signature) bool {
	return p.keys[a].Verify(id[:], s)
}

// VerifyBatch implements Batch.
func (p *proofs) VerifyBatch(checks []crypto.Check) bool { return crypto.VerifyBatch(checks) }

// VerifyEach implements Batch.
func (p *proofs) VerifyEach(checks []crypto.Check) []bool { return crypto.VerifyEach(checks) }

// SnapshotCheck implements Batch.
func (p *proofs) SnapshotCheck(a kernel.Author, id *kernel.SnapshotID, s kernel.Signature) (crypto.Check, bool) {
	return p.keys[a].Check(id[:], s), true
}
