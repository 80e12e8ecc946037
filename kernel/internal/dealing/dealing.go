// Package dealing renews the coin's key: what a member of an epoch contributes to the key of the
// next one, how everybody checks it, and what the members of the next roster make of it.
//
// It is pure. A member's dealing is a function of its node key and the draft, so whoever starts
// again makes the same one: no secret has to be kept between the steps, and none beside the node
// key. Which dealings count is for package ledger. [EPO]
package dealing

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
	labelDraft   = "asterism epoch draft"
	labelContext = "asterism epoch dealing"
	labelRandom  = "asterism epoch dealing randomness"
)

// A Draft is a roster that has no coin key yet.
type Draft struct {
	Network kernel.NetworkID
	Epoch   kernel.Epoch // that it is for
	Attempt uint32       // no two drafts of a network have the same
	Members []kernel.Member
}

// Hash names the draft. [EPO-3]
func (d *Draft) Hash() kernel.Hash {
	b := append([]byte(nil), d.Network[:]...)
	b = codec.AppendU32(b, uint32(d.Epoch))
	b = codec.AppendU32(b, d.Attempt)
	b = codec.AppendU16(b, uint16(len(d.Members)))
	for i := range d.Members {
		m := &d.Members[i]
		b = append(b, m.Key[:]...)
		b = codec.AppendBool(b, m.Flagged)
	}
	return crypto.SumLabel(labelDraft, b)
}

// Roster is the roster with the coin key that came out.
func (d *Draft) Roster(coinKey []kernel.Key) *kernel.Roster {
	return &kernel.Roster{Members: d.Members, CoinKey: coinKey}
}

// degree is f of the roster: that many members together know nothing.
func (d *Draft) degree() int { return d.Roster(nil).Faulty() }

// holders are the keys that shares are encrypted to. Ledgers take keys of prime order only, so each
// has one.
func (d *Draft) holders() ([]kernel.Key, error) {
	keys := make([]kernel.Key, len(d.Members))
	for i := range d.Members {
		key, err := sharing.HolderKey(d.Members[i].Key)
		if err != nil {
			return nil, fmt.Errorf("member %d: %w", i, err)
		}
		keys[i] = key
	}
	return keys, nil
}

// context binds boxes and proofs to the draft and the dealer.
func context(draft kernel.Hash, dealer kernel.Key) [32]byte {
	return crypto.SumLabel(labelContext, draft[:], dealer[:])
}

// random is where a dealer's polynomial comes from.
type random struct{ *crypto.Stream }

// Read implements io.Reader; it never fails.
func (r random) Read(b []byte) (int, error) { r.Fill(b); return len(b), nil }

// Deal makes the dealing of the member with a node key.
func Deal(d *Draft, node crypto.NodeKey) (*kernel.DealingRecord, error) {
	holders, err := d.holders()
	if err != nil {
		return nil, err
	}
	draft, seed := d.Hash(), node.Seed()
	source := random{crypto.NewStream(labelRandom, seed[:], draft[:])}
	shared, err := sharing.Deal(context(draft, node.Public()), d.degree(), holders, source)
	if err != nil {
		return nil, err
	}
	return &kernel.DealingRecord{Draft: draft, Dealing: shared.AppendBinary(nil)}, nil
}

// Why a dealing or a verdict does not count.
var (
	ErrDraft     = errors.New("it is for another roster")
	ErrFraming   = errors.New("dealing is not canonical")
	ErrComplaint = errors.New("complaint proves nothing")
	ErrNoKey     = errors.New("dealings do not make a coin key")
)

// Check returns the dealing of a dealer if it is one for the draft as far as everybody can see.
func Check(d *Draft, dealer kernel.Key, r *kernel.DealingRecord) (*sharing.Dealing, error) {
	draft := d.Hash()
	if r.Draft != draft {
		return nil, ErrDraft
	}
	shared := new(sharing.Dealing)
	reader := codec.NewReader(r.Dealing)
	shared.Decode(reader)
	if reader.Done() != nil {
		return nil, ErrFraming
	}
	if err := shared.Check(context(draft, dealer), d.degree(), len(d.Members)); err != nil {
		return nil, err
	}
	return shared, nil
}

// A Dealt is a dealing that Check has accepted, and whose it is.
type Dealt struct {
	Author  kernel.Author // of the dealer, in the epoch that deals
	Dealer  kernel.Key
	Dealing *sharing.Dealing
}

// Judge opens a member's share in each dealing and complains about what it cannot use. Me is its
// place in the draft.
func Judge(d *Draft, me kernel.Author, node crypto.NodeKey, all []Dealt) ([]kernel.ComplaintRecord, error) {
	var complaints []kernel.ComplaintRecord
	draft, secret := d.Hash(), sharing.HolderSecret(node)
	for _, x := range all {
		if _, err := x.Dealing.Open(context(draft, x.Dealer), int(me), secret); err == nil {
			continue
		}
		c, err := x.Dealing.Complain(secret)
		if err != nil {
			return nil, fmt.Errorf("complain about dealer %d: %w", x.Author, err)
		}
		complaints = append(complaints, kernel.ComplaintRecord{Dealer: x.Author, Opened: c.Opened, Proof: c.Proof})
	}
	return complaints, nil
}

// Proven returns nil if a member's complaint proves a dealing bad.
func Proven(d *Draft, member kernel.Author, c *kernel.ComplaintRecord, about *Dealt) error {
	key, err := sharing.HolderKey(d.Members[member].Key)
	if err != nil {
		return ErrComplaint
	}
	complaint := sharing.Complaint{Opened: c.Opened, Proof: c.Proof}
	if err := about.Dealing.Judge(context(d.Hash(), about.Dealer), int(member), key, &complaint); err != nil {
		return fmt.Errorf("%w: %w", ErrComplaint, err)
	}
	return nil
}

// CoinKey is the key that dealings make together.
func CoinKey(d *Draft, all []Dealt) ([]kernel.Key, error) {
	if len(all) == 0 {
		return nil, ErrNoKey
	}
	parts := make([]sharing.Commitments, len(all))
	for i, x := range all {
		var err error
		if parts[i], err = sharing.ParseCommitments(x.Dealing.Commitments); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNoKey, err)
		}
	}
	key := sharing.AddCommitments(parts...).Keys()
	if _, err := sharing.ParseCommitments(key); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoKey, err)
	}
	return key, nil
}

// Share is a member's share of the secret behind the key that dealings make together. It fails where a
// dealing that counts holds a bad share for the member, which did not complain in time: then it makes no
// shares of the coin in this epoch, as nobody has to.
func Share(d *Draft, me kernel.Author, node crypto.NodeKey, all []Dealt) (crypto.Scalar, error) {
	draft, secret := d.Hash(), sharing.HolderSecret(node)
	shares := make([]crypto.Scalar, len(all))
	for i, x := range all {
		var err error
		if shares[i], err = x.Dealing.Open(context(draft, x.Dealer), int(me), secret); err != nil {
			return crypto.Scalar{}, fmt.Errorf("share of dealer %d: %w", x.Author, err)
		}
	}
	return sharing.SumNumbers(shares...)
}
