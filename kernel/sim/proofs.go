package sim

import (
	"encoding/binary"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/coin"
	"github.com/asterism-network/asterism/kernel/internal/committee"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/asterism-network/asterism/kernel/internal/replica"
)

// A notary makes and verifies what members sign, in one of two ways. Real is what nodes do. The
// stand-in is hashes under a secret that nobody in a run asks for: it replaces signatures of
// honest members under snapshots, and the coin. Everything else stays real in both: what
// traitors sign, because proofs against them are verified by the ledger, records, and all of
// the clients' signatures.
//
// It remembers what it found good, for all nodes of a run: answers are functions of bytes.
type notary struct {
	stage  *stage
	seed   [8]byte // of the run: the stand-in's coins differ from run to run
	real   bool
	honest committee.Set
	good   map[signed]kernel.Signature
	shares map[shareAt]kernel.CoinShare
}

type signed struct {
	author kernel.Author
	id     kernel.SnapshotID
}

type shareAt struct {
	author kernel.Author
	round  kernel.Round
}

func newNotary(s *stage, seed uint64, honest committee.Set, real bool) *notary {
	return &notary{stage: s, seed: [8]byte(binary.BigEndian.AppendUint64(nil, seed)), real: real, honest: honest,
		good: make(map[signed]kernel.Signature), shares: make(map[shareAt]kernel.CoinShare)}
}

func (n *notary) standIn(a kernel.Author) bool { return !n.real && n.honest.Has(a) }

// sign is the author's signature over a snapshot's id.
func (n *notary) sign(a kernel.Author, id kernel.SnapshotID) (s kernel.Signature) {
	if !n.standIn(a) {
		s = n.stage.keys[a].Sign(id[:])
		n.good[signed{a, id}] = s // what was signed here verifies; only what traitors made up is looked at
		return s
	}
	h := crypto.SumLabel("simulated signature", []byte{byte(a)}, id[:])
	copy(s[:], h[:])
	return s
}

// Snapshot implements replica.Proofs.
func (n *notary) Snapshot(key kernel.Key, id kernel.SnapshotID, s kernel.Signature) bool {
	a := n.stage.person(key)
	if n.standIn(a) {
		return s == n.sign(a, id)
	}
	if known, ok := n.good[signed{a, id}]; ok && known == s {
		return true
	}
	ok := crypto.Verify(n.stage.keys[a].Public(), id[:], s)
	if ok {
		n.good[signed{a, id}] = s
	}
	return ok
}

// share is the author's share of a round's coin.
func (n *notary) share(a kernel.Author, r kernel.Round) *kernel.CoinShare {
	if n.real {
		s, err := n.stage.coin.Share(n.stage.shares[a], a, r)
		if err != nil {
			panic("sim: coin share: " + err.Error())
		}
		return s
	}
	s := new(kernel.CoinShare)
	s.Share = crypto.SumLabel("simulated share", []byte{byte(a), byte(r), byte(r >> 8), byte(r >> 16)}, n.stage.network[:])
	return s
}

// Share reports whether s is the author's share of the round's coin, by its proof.
func (n *notary) Share(a kernel.Author, r kernel.Round, s *kernel.CoinShare) bool {
	if !n.real {
		return *s == *n.share(a, r)
	}
	if known, ok := n.shares[shareAt{a, r}]; ok && known == *s {
		return true
	}
	ok := n.stage.coin.Verify(a, r, s)
	if ok {
		n.shares[shareAt{a, r}] = *s
	}
	return ok
}

// Combine gives the round's coin from any f+1 good shares.
func (n *notary) Combine(r kernel.Round, shares []coin.AuthorShare) (kernel.Hash, error) {
	if n.real {
		return n.stage.coin.Combine(r, shares)
	}
	if f := n.stage.genesis.Roster().Faulty(); len(shares) <= f {
		return kernel.Hash{}, coin.ErrTooFew
	}
	return crypto.SumLabel("simulated coin", []byte{byte(r), byte(r >> 8), byte(r >> 16)}, n.seed[:]), nil
}

// tosses is a notary as an engine.Coin of an epoch. Behind epoch 0 only the stand-in is one: the real coin needs
// nobody's help.
type tosses struct {
	*notary
	epoch  kernel.Epoch
	faulty int
}

// Verify implements engine.Coin.
func (t tosses) Verify(a kernel.Author, r kernel.Round, s *kernel.CoinShare) bool {
	if t.epoch == 0 {
		return t.Share(a, r, s)
	}
	return *s == *t.shareIn(t.epoch, a, r)
}

// Combine implements engine.Coin.
func (t tosses) Combine(r kernel.Round, shares []coin.AuthorShare) (kernel.Hash, error) {
	if t.epoch == 0 {
		return t.notary.Combine(r, shares)
	}
	if len(shares) <= t.faulty {
		return kernel.Hash{}, coin.ErrTooFew
	}
	return crypto.SumLabel("simulated coin of an epoch", []byte{byte(t.epoch), byte(r), byte(r >> 8), byte(r >> 16)}, t.seed[:]), nil
}

// Reveal implements engine.Coin. The stand-in's shares are on one polynomial if all are good.
func (t tosses) Reveal(r kernel.Round, shares []coin.AuthorShare) (kernel.Hash, error) {
	if t.real {
		return t.stage.coin.Reveal(r, shares)
	}
	for _, s := range shares {
		if !t.Verify(s.Author, r, s.Share) {
			return kernel.Hash{}, coin.ErrDisagree
		}
	}
	return t.Combine(r, shares)
}

// shareIn is the stand-in's share of a coin behind epoch 0.
func (n *notary) shareIn(epoch kernel.Epoch, a kernel.Author, r kernel.Round) *kernel.CoinShare {
	s := new(kernel.CoinShare)
	s.Share = crypto.SumLabel("simulated share of an epoch", []byte{byte(epoch), byte(a), byte(r), byte(r >> 8), byte(r >> 16)}, n.stage.network[:])
	return s
}

// Verify implements ledger.Verifier.
func (n *notary) Verify(tx *kernel.Transaction, signed kernel.Hash, keys [][]kernel.Key) bool {
	return ledger.Direct{}.Verify(tx, signed, keys)
}

// VerifyBatch implements replica.Batch.
func (n *notary) VerifyBatch(checks []crypto.Check) bool { return crypto.VerifyBatch(checks) }

// VerifyEach implements replica.Batch.
func (n *notary) VerifyEach(checks []crypto.Check) []bool { return crypto.VerifyEach(checks) }

// SnapshotCheck implements replica.Batch. It asks nothing about what is known, or a hash.
func (n *notary) SnapshotCheck(key kernel.Key, id *kernel.SnapshotID, s kernel.Signature) (crypto.Check, bool) {
	a := n.stage.person(key)
	if known, ok := n.good[signed{a, *id}]; n.standIn(a) || ok && known == s {
		return crypto.Check{}, false
	}
	return crypto.Check{Key: n.stage.keys[a].Public(), Message: id[:], Signature: s}, true
}

var (
	_ replica.Batch = (*notary)(nil)
	_ engine.Coin   = tosses{}
)

// A signer signs for one honest member in an epoch.
type signer struct {
	notary *notary
	person kernel.Author
	real   engine.Signer // that the node would use
	epoch  kernel.Epoch
	self   kernel.Author // its place in the epoch
}

func (s signer) Sign(id kernel.SnapshotID) kernel.Signature { return s.notary.sign(s.person, id) }

func (s signer) SignRecord(h kernel.Hash) kernel.Signature { return s.real.SignRecord(h) }

// Share asks the node's own signer behind epoch 0, even where the stand-in answers: it must know its share.
func (s signer) Share(r kernel.Round) *kernel.CoinShare {
	switch {
	case s.epoch == 0:
		return s.notary.share(s.person, r)
	case s.real.Share(r) == nil:
		return nil
	}
	return s.notary.shareIn(s.epoch, s.self, r)
}
