// Package coin is the network's common coin: one value a round that any f+1 members can reveal
// together and no f of them can foresee. It chooses the leaders of a round after the votes for
// them are cast, so nobody can stall the order by stalling a known leader. [COIN]
//
// It is the threshold Diffie-Hellman coin of Cachin, Kursawe and Shoup ("Random oracles in
// Constantinople", 2000) over ristretto255: the coin of a round is the hash of x·H(round), where
// every member holds a share of x and shows x_i·H(round) with a proof of equal logarithms.
//
// It is pure. A Key is immutable and may be used by several goroutines.
package coin

import (
	"errors"
	"fmt"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/crypto/sharing"
	"github.com/asterism-network/asterism/kernel"
)

// Labels of this package. They separate its hashes from all others for ever.
const (
	labelBase  = "asterism coin base"
	labelShare = "asterism coin share"
	labelValue = "asterism coin value"
	labelOrder = "asterism coin permutation"
)

// Why shares do not combine.
var (
	ErrTooFew    = errors.New("too few coin shares")
	ErrRepeated  = errors.New("two coin shares of one author")
	ErrAuthor    = errors.New("coin share of an author that does not vote")
	ErrMalformed = errors.New("coin share is not a canonical point, or the identity")
	ErrDisagree  = errors.New("coin shares are not on one polynomial")
)

// A Key is what everybody knows about an epoch's coin.
type Key struct {
	place     [36]byte         // network, epoch: what every base point depends on
	threshold int              // f+1: shares that reveal the coin
	quorum    int              // of voting members: so many shares need no proofs if they agree
	public    []*sharing.Fixed // by author: its share of the key in the exponent; nil if its shares never count
}

// An AuthorShare is a share and who made it.
type AuthorShare struct {
	Author kernel.Author
	Share  *kernel.CoinShare
}

// ShareIndex is the index at which the key's polynomial gives the author's share. Index 0 is the
// secret itself.
func ShareIndex(author kernel.Author) uint16 { return uint16(author) + 1 }

// NewKey computes the public shares of a roster's members. It refuses a coin key that is not f+1
// canonical points, f counted over voting members. Flagged members keep their index, so that the
// others' shares do not depend on flags, but their shares do not count. [COIN-1]
func NewKey(network kernel.NetworkID, epoch kernel.Epoch, roster *kernel.Roster) (*Key, error) {
	if n := len(roster.Members); n > kernel.MaxMembers {
		return nil, fmt.Errorf("coin key: %d members, more than %d", n, kernel.MaxMembers)
	}
	k := &Key{threshold: roster.Faulty() + 1, quorum: roster.Quorum()}
	if roster.Voting() < 1 || len(roster.CoinKey) != k.threshold {
		return nil, fmt.Errorf("coin key: %d commitments for %d voting members, want %d",
			len(roster.CoinKey), roster.Voting(), k.threshold)
	}
	commitments, err := sharing.ParseCommitments(roster.CoinKey)
	if err != nil {
		return nil, fmt.Errorf("coin key: %w", err)
	}
	copy(k.place[:], codec.AppendU32(network[:], uint32(epoch)))
	k.public = make([]*sharing.Fixed, len(roster.Members))
	for a := range roster.Members {
		if !roster.Members[a].Flagged {
			k.public[a] = publicShare(commitments, kernel.Author(a))
		}
	}
	return k, nil
}

// publicShare is nil if it is the identity. Lying dealers that act last can bring a liar's own
// share to zero; the coin then does without it, as if that member were silent.
func publicShare(commitments sharing.Commitments, author kernel.Author) *sharing.Fixed {
	point := commitments.At(ShareIndex(author))
	if point.IsIdentity() {
		return nil
	}
	return sharing.Fix(point)
}

// Threshold is f+1, the number of shares that reveal a coin.
func (k *Key) Threshold() int { return k.threshold }

// Holds reports whether secret is the author's share of the coin's secret: what a node checks
// before it starts. [COIN-2]
func (k *Key) Holds(secret crypto.Scalar, author kernel.Author) bool {
	_, ok := k.own(secret, author)
	return ok
}

func (k *Key) own(secret crypto.Scalar, author kernel.Author) (*sharing.Number, bool) {
	x, err := sharing.ParseNumber(secret)
	if err != nil || !k.votes(author) {
		return nil, false
	}
	return x, k.public[author].Is(sharing.Public(x))
}

// votes reports whether the author's shares count at all.
func (k *Key) votes(author kernel.Author) bool {
	return int(author) < len(k.public) && k.public[author] != nil
}

// base is the point that a round's coin is made from. Nobody knows its logarithm. [COIN-3]
func (k *Key) base(round kernel.Round) *sharing.Point {
	return sharing.HashToPoint(labelBase, k.place[:], codec.AppendU64(nil, uint64(round)))
}

// A Maker makes one author's shares. It holds a secret and never prints it.
type Maker struct {
	key    *Key
	author kernel.Author
	secret *sharing.Number
}

// Maker refuses a secret that is not the author's: a share made with it would be a fault.
func (k *Key) Maker(secret crypto.Scalar, author kernel.Author) (*Maker, error) {
	x, ok := k.own(secret, author)
	if !ok {
		return nil, fmt.Errorf("coin share: the secret is not that of author %d in this epoch", author)
	}
	return &Maker{k, author, x}, nil
}

// Share makes the author's share of a round's coin. The same round gives the same bytes. [COIN-4]
func (m *Maker) Share(round kernel.Round) *kernel.CoinShare {
	c := sharing.NewClaim(labelShare, sharing.Fix(m.key.base(round)), m.key.public[m.author], m.secret)
	return &kernel.CoinShare{Share: c.Image, Proof: *c.Proof}
}

// String hides the secret.
func (*Maker) String() string { return "coin share maker(hidden)" }

// GoString hides the secret in %#v too.
func (*Maker) GoString() string { return "coin share maker(hidden)" }

// Share is Maker and its Share in one.
func (k *Key) Share(secret crypto.Scalar, author kernel.Author, round kernel.Round) (*kernel.CoinShare, error) {
	m, err := k.Maker(secret, author)
	if err != nil {
		return nil, err
	}
	return m.Share(round), nil
}

// Verify reports whether share is the author's for the round, proof included. What fails counts
// as no share; the snapshot that holds it stays valid. [COIN-5]
func (k *Key) Verify(author kernel.Author, round kernel.Round, share *kernel.CoinShare) bool {
	if share == nil || !k.votes(author) {
		return false
	}
	c := sharing.Claim{Label: labelShare, Base: sharing.Fix(k.base(round)), Public: k.public[author],
		Image: share.Share, Proof: (*sharing.ThinProof)(&share.Proof)}
	return c.Verify()
}

// Wrong reports whether a header holds a coin share and it is not its author's for the round, by the
// coin key of the header's epoch. A missing share is none, and nothing is wrong where the author's
// public share is the identity. Flags make no difference: whoever shows a share must show its own. [FLT-2]
func Wrong(roster *kernel.Roster, h *kernel.Header) bool {
	if h.Share == nil || int(h.Author) >= len(roster.Members) {
		return false
	}
	commitments, err := sharing.ParseCommitments(roster.CoinKey)
	if err != nil {
		return false
	}
	k := &Key{public: make([]*sharing.Fixed, len(roster.Members))}
	copy(k.place[:], codec.AppendU32(h.Network[:], uint32(h.Epoch)))
	if k.public[h.Author] = publicShare(commitments, h.Author); k.public[h.Author] == nil {
		return false
	}
	return !k.Verify(h.Author, h.Round, h.Share)
}

// Combine reveals a round's coin from shares that Verify has accepted; f+1 are needed, the first
// ones are used, and every choice of them gives the same value. It does not check proofs again:
// a share that was not verified gives a value nobody else has. [COIN-6]
func (k *Key) Combine(round kernel.Round, shares []AuthorShare) (kernel.Hash, error) {
	indexes, points, err := k.parse(shares, k.threshold)
	if err != nil {
		return kernel.Hash{}, err
	}
	point, err := sharing.Interpolate(indexes, points)
	if err != nil {
		return kernel.Hash{}, fmt.Errorf("coin of round %d: %w", round, err)
	}
	return k.value(round, point), nil
}

// Reveal reveals a round's coin from shares that nobody has verified, of a quorum of members at
// least; the first ones are used. It says ErrDisagree where these are not on one polynomial: some are
// wrong. Otherwise all are right, since among a quorum at least f+1 are made by honest members, which
// fix the polynomial. [COIN-8]
func (k *Key) Reveal(round kernel.Round, shares []AuthorShare) (kernel.Hash, error) {
	indexes, points, err := k.parse(shares, k.quorum)
	if err != nil {
		return kernel.Hash{}, err
	}
	if !sharing.Agree(k.threshold, indexes, points) {
		return kernel.Hash{}, ErrDisagree
	}
	point, err := sharing.InterpolateSome(k.threshold, indexes, points)
	if err != nil {
		return kernel.Hash{}, fmt.Errorf("coin of round %d: %w", round, err)
	}
	return k.value(round, point), nil
}

// parse decodes the first n shares, and checks that all are by different voting members.
func (k *Key) parse(shares []AuthorShare, n int) ([]uint16, []*sharing.Point, error) {
	if len(shares) < n {
		return nil, nil, fmt.Errorf("%w: %d of %d", ErrTooFew, len(shares), n)
	}
	var seen [kernel.MaxMembers]bool
	indexes, points := make([]uint16, n), make([]*sharing.Point, n)
	for i, s := range shares {
		switch {
		case !k.votes(s.Author):
			return nil, nil, fmt.Errorf("%w: %d", ErrAuthor, s.Author)
		case seen[s.Author]:
			return nil, nil, fmt.Errorf("%w: %d", ErrRepeated, s.Author)
		case s.Share == nil:
			return nil, nil, fmt.Errorf("%w: author %d", ErrMalformed, s.Author)
		}
		seen[s.Author] = true
		if i >= n {
			continue
		}
		p, err := sharing.ParsePoint(s.Share.Share)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: author %d", ErrMalformed, s.Author)
		}
		indexes[i], points[i] = ShareIndex(s.Author), p
	}
	return indexes, points, nil
}

func (k *Key) value(round kernel.Round, point *sharing.Point) kernel.Hash {
	p := sharing.KeyOf(point)
	return crypto.SumLabel(labelValue, k.place[:], codec.AppendU64(nil, uint64(round)), p[:])
}

// Permutation orders the voting members by a coin's value, every order equally likely; the first
// ones are the leader slots of the round that the coin belongs to. It returns a new slice. [COIN-7]
func Permutation(value kernel.Hash, voting []kernel.Author) []kernel.Author {
	order := append([]kernel.Author(nil), voting...)
	stream := crypto.NewStream(labelOrder, value[:])
	for i := len(order) - 1; i > 0; i-- {
		j := stream.Below(uint64(i) + 1)
		order[i], order[j] = order[j], order[i]
	}
	return order
}
