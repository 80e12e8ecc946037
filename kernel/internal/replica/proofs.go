package replica

import (
	"fmt"
	"sync"

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
	// Snapshot reports whether s is a signature of a header with that id by the node with a key, which
	// is or was a member's.
	Snapshot(node kernel.Key, id kernel.SnapshotID, s kernel.Signature) bool

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
	SnapshotCheck(node kernel.Key, id *kernel.SnapshotID, s kernel.Signature) (crypto.Check, bool)
}

// proofs verifies with the keys of members. What depends on a key alone is done once for each.
type proofs struct {
	ledger.Direct
	mu   sync.RWMutex
	keys map[kernel.Key]*crypto.PublicKey
}

// NewProofs returns the real Proofs of a network. The error is a genesis without a good coin key.
func NewProofs(g *kernel.Genesis) (Proofs, error) {
	if _, err := coin.NewKey(g.NetworkID(), 0, g.Roster()); err != nil {
		return nil, fmt.Errorf("coin key of genesis: %w", err)
	}
	return &proofs{keys: make(map[kernel.Key]*crypto.PublicKey, len(g.Members))}, nil
}

// preparedKeys bounds the keys that are kept: those of some epochs' members.
const preparedKeys = 256

func (p *proofs) key(node kernel.Key) *crypto.PublicKey {
	p.mu.RLock()
	key, ok := p.keys[node]
	p.mu.RUnlock()
	if ok {
		return key
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.keys) >= preparedKeys {
		clear(p.keys)
	}
	key = crypto.NewPublicKey(node)
	p.keys[node] = key
	return key
}

func (p *proofs) Snapshot(node kernel.Key, id kernel.SnapshotID, s kernel.Signature) bool {
	return p.key(node).Verify(id[:], s)
}

// VerifyBatch implements Batch.
func (p *proofs) VerifyBatch(checks []crypto.Check) bool { return crypto.VerifyBatch(checks) }

// VerifyEach implements Batch.
func (p *proofs) VerifyEach(checks []crypto.Check) []bool { return crypto.VerifyEach(checks) }

// SnapshotCheck implements Batch.
func (p *proofs) SnapshotCheck(node kernel.Key, id *kernel.SnapshotID, s kernel.Signature) (crypto.Check, bool) {
	return p.key(node).Check(id[:], s), true
}
