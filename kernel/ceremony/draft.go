package ceremony

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/crypto/sharing"
	"github.com/asterism-network/asterism/kernel"
)

// A Draft is the genesis before its coin key: whoever collects the cards writes it, everybody
// reads it, and every later file is bound to its hash. It is not signed: a member agrees to it by
// dealing for it. Until then any field but the cards may be edited.
type Draft struct {
	Name       string                 `json:"name"`
	Timestamp  kernel.Timestamp       `json:"timestamp_ms"`
	Parameters kernel.Parameters      `json:"parameters"`
	Cards      []Card                 `json:"cards"` // in the order of the roster
	Custodian  *kernel.Address        `json:"custodian,omitempty"`
	Assets     []kernel.GenesisAsset  `json:"assets"`
	Balances   []kernel.GenesisOutput `json:"balances"`
	Stake      *kernel.Stake          `json:"stake,omitempty"`
}

// NewDraft makes a draft from cards and the parts of a genesis that no ceremony is needed for:
// name, timestamp, parameters, custodian, assets, balances and stake section. Members are ordered by name, so
// the order of the files does not matter.
func NewDraft(base *kernel.Genesis, cards []*Card) (*Draft, error) {
	d := &Draft{
		Name: base.Name, Timestamp: base.Timestamp, Parameters: base.Parameters,
		Custodian: base.Custodian, Assets: base.Assets, Balances: base.Balances, Stake: base.Stake,
	}
	for _, c := range cards {
		d.Cards = append(d.Cards, *c)
	}
	slices.SortFunc(d.Cards, func(x, y Card) int {
		return cmp.Or(cmp.Compare(x.Name, y.Name), slices.Compare(x.NodeKey[:], y.NodeKey[:]))
	})
	return d, d.Check()
}

// ParseDraft reads a draft file and checks it.
func ParseDraft(b []byte) (*Draft, error) {
	d := new(Draft)
	if err := parse(b, MaxDraftSize, "draft", d); err != nil {
		return nil, err
	}
	return d, d.Check()
}

// Encode is the draft as a file.
func (d *Draft) Encode() []byte { return format(d) }

// Check reports what is wrong with the draft: with a card, or with what the genesis would be.
func (d *Draft) Check() error {
	if n := len(d.Cards); n < kernel.MinMembers || n > kernel.MaxMembers {
		return fmt.Errorf("draft: %w: %d cards, a network has %d to %d members", ErrCard, n, kernel.MinMembers, kernel.MaxMembers)
	}
	for i := range d.Cards {
		if err := d.Cards[i].Check(); err != nil {
			return fmt.Errorf("draft: %w", err)
		}
		for j := range i {
			if what := d.Cards[i].shares(&d.Cards[j]); what != "" {
				return fmt.Errorf("draft: %w: %s and %s have the same %s", ErrCard, d.Cards[j].Name, d.Cards[i].Name, what)
			}
		}
	}
	placeholder := make([]kernel.Key, d.faulty()+1)
	for i := range placeholder {
		placeholder[i] = sharing.KeyOf(sharing.HashToPoint(labelDraft, []byte{byte(i)}))
	}
	g := d.genesis(placeholder)
	if err := g.Check(); err != nil {
		return fmt.Errorf("draft: %w", err)
	}
	return nil
}

// shares names what must differ between two cards and does not.
func (c *Card) shares(other *Card) string {
	switch {
	case c.Name == other.Name:
		return "name"
	case c.NodeKey == other.NodeKey:
		return "node key"
	case c.Encryption == other.Encryption:
		return "encryption key"
	case c.Listen == other.Listen:
		return "address"
	}
	return ""
}

// Hash names the draft. Operators compare it before they deal.
func (d *Draft) Hash() kernel.Hash {
	g := d.genesis(nil)
	b := codec.AppendBytes32(nil, g.AppendBinary(nil))
	for i := range d.Cards {
		b = d.Cards[i].appendUnsigned(b)
		b = append(b, d.Cards[i].Signature[:]...)
	}
	return crypto.SumLabel(labelDraft, b)
}

// Member finds a node key's place in the roster.
func (d *Draft) Member(node kernel.Key) (kernel.Author, bool) {
	i := slices.IndexFunc(d.Cards, func(c Card) bool { return c.NodeKey == node })
	return kernel.Author(max(i, 0)), i >= 0
}

// Quorum is q: how many members must deal, and how many must post verdicts.
func (d *Draft) Quorum() int { return len(d.Cards) - d.faulty() }

func (d *Draft) faulty() int { return (len(d.Cards) - 1) / 3 }

func (d *Draft) genesis(coin []kernel.Key) kernel.Genesis {
	g := kernel.Genesis{
		Name: d.Name, Timestamp: d.Timestamp, Parameters: d.Parameters,
		CoinKey: coin, Custodian: d.Custodian, Assets: d.Assets, Balances: d.Balances, Stake: d.Stake,
	}
	for i := range d.Cards {
		c := &d.Cards[i]
		g.Members = append(g.Members, kernel.Member{Name: c.Name, Key: c.NodeKey, Payee: c.Payee})
	}
	return g
}

// own finds the member that the node key belongs to.
func (d *Draft) own(node crypto.NodeKey) (kernel.Author, error) {
	me, ok := d.Member(node.Public())
	if !ok {
		return 0, fmt.Errorf("%w: node key %s: is this the right home?", ErrNotMine, node.Public())
	}
	return me, nil
}

func (d *Draft) encryptionKeys() []crypto.Key {
	keys := make([]crypto.Key, len(d.Cards))
	for i := range d.Cards {
		keys[i] = d.Cards[i].Encryption
	}
	return keys
}
