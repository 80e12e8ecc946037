package replica

import (
	"fmt"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/coin"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	lru "github.com/hashicorp/golang-lru/v2"
)

// Proofs verifies what members and clients sign. Every answer must be a function of the
// arguments and the genesis, and it must be safe for concurrent use. The real one is NewProofs;
// a simulation may plug in one that is faster, in which only the named author can sign too.
//
// If it is a Batch too, signatures and shares of many snapshots and transactions are checked
// together first.
type Proofs interface {
	// Snapshot reports whether s is the author's signature of a header with that id. The author
	// is a member.
	Snapshot(a kernel.Author, id kernel.SnapshotID, s kernel.Signature) bool

	// Share reports whether s is the author's share of the round's coin; nil is none.
	Share(a kernel.Author, r kernel.Round, s *kernel.CoinShare) bool

	ledger.Verifier // of transactions; may be ledger.Direct
}

// Batch verifies plain signatures together, and shares.
type Batch interface {
	// VerifyBatch reports whether all checks are good, as crypto.VerifyBatch does.
	VerifyBatch(checks []crypto.Check) bool

	// VerifyEach says which checks are good, as crypto.VerifyEach does.
	VerifyEach(checks []crypto.Check) []bool

	// SnapshotCheck is the question that Proofs.Snapshot answers, if it is one about a plain
	// signature. It may alias id.
	SnapshotCheck(a kernel.Author, id *kernel.SnapshotID, s kernel.Signature) (crypto.Check, bool)

	// Shares says which shares are good, as Proofs.Share does.
	Shares(list []MemberShare) []bool
}

// A MemberShare is a member's share of a round's coin.
type MemberShare struct {
	Author kernel.Author
	Round  kernel.Round
	Share  *kernel.CoinShare
}

// proofs verifies with the keys of a genesis.
type proofs struct {
	ledger.Direct
	keys   []*crypto.PublicKey // of members
	coin   *coin.Key
	rounds *lru.Cache[kernel.Round, *coin.Round]
}

// roundsKept is how many rounds a node meets shares of at a time, and more.
const roundsKept = 64

// NewProofs returns the real Proofs of a network. The error is a genesis without a good coin key.
func NewProofs(g *kernel.Genesis) (Proofs, error) {
	key, err := coin.NewKey(g.NetworkID(), 0, g.Roster())
	if err != nil {
		return nil, fmt.Errorf("coin key of genesis: %w", err)
	}
	p := &proofs{keys: make([]*crypto.PublicKey, len(g.Members)), coin: key}
	p.rounds, _ = lru.New[kernel.Round, *coin.Round](roundsKept)
	for i := range g.Members {
		p.keys[i] = crypto.NewPublicKey(g.Members[i].Key)
	}
	return p, nil
}

func (p *proofs) Snapshot(a kernel.Author, id kernel.SnapshotID, s kernel.Signature) bool {
	return p.keys[a].Verify(id[:], s)
}

func (p *proofs) Share(a kernel.Author, r kernel.Round, s *kernel.CoinShare) bool {
	return s != nil && p.round(r).Verify(a, s)
}

// Shares implements Batch.
func (p *proofs) Shares(list []MemberShare) []bool {
	checks := make([]coin.Check, len(list))
	for i, s := range list {
		checks[i] = coin.Check{Round: p.round(s.Round), AuthorShare: coin.AuthorShare{Author: s.Author, Share: s.Share}}
	}
	return coin.VerifyEach(checks)
}

func (p *proofs) round(r kernel.Round) *coin.Round {
	round, ok := p.rounds.Get(r)
	if !ok {
		round = p.coin.Round(r)
		p.rounds.Add(r, round)
	}
	return round
}

// VerifyBatch implements Batch.
func (p *proofs) VerifyBatch(checks []crypto.Check) bool { return crypto.VerifyBatch(checks) }

// VerifyEach implements Batch.
func (p *proofs) VerifyEach(checks []crypto.Check) []bool { return crypto.VerifyEach(checks) }

// SnapshotCheck implements Batch.
func (p *proofs) SnapshotCheck(a kernel.Author, id *kernel.SnapshotID, s kernel.Signature) (crypto.Check, bool) {
	return p.keys[a].Check(id[:], s), true
}
