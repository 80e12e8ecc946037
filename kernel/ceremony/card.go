package ceremony

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/crypto/sharing"
	"github.com/asterism-network/asterism/kernel"
)

// A Card is what an operator tells the others: public, and signed by the node key, which so
// proves that its owner holds it.
type Card struct {
	Name       string           `json:"name"`
	NodeKey    kernel.Key       `json:"node_key"`
	Payee      kernel.Address   `json:"payee"`
	Listen     string           `json:"listen"`         // host:port that the other nodes dial
	Encryption kernel.Key       `json:"encryption_key"` // ristretto255; dealings for this member are encrypted to it
	Knowledge  sharing.Proof    `json:"encryption_key_proof"`
	Signature  kernel.Signature `json:"signature"`
}

// NewMember makes an operator's card. It needs no other secret than the node key, so nothing can
// get lost between the steps of a ceremony.
func NewMember(name, listen string, payee kernel.Address, node crypto.NodeKey) (*Card, error) {
	secret := encryptionSecret(node)
	c := &Card{Name: name, NodeKey: node.Public(), Payee: payee, Listen: listen}
	c.Encryption = sharing.KeyOf(sharing.Public(secret))
	c.Knowledge = sharing.ProveKnowledge(labelKnowledge, c.NodeKey[:], secret)
	hash := c.signingHash()
	c.Signature = node.Sign(hash[:])
	return c, c.Check()
}

// encryptionSecret derives the secret that opens the member's shares. Whoever has the node key has
// the share of the coin beside it, in the same file, so a secret of its own would guard nothing.
// Using it in several ceremonies is safe: boxes and complaints are bound to their draft.
func encryptionSecret(node crypto.NodeKey) *sharing.Number {
	seed := node.Seed()
	return sharing.HashToNumber(labelEncryption, seed[:])
}

// ParseCard reads a card file and checks it.
func ParseCard(b []byte) (*Card, error) {
	c := new(Card)
	if err := parse(b, MaxCardSize, "card", c); err != nil {
		return nil, err
	}
	return c, c.Check()
}

// Encode is the card as a file.
func (c *Card) Encode() []byte { return format(c) }

// Check reports what is wrong with the card.
func (c *Card) Check() error {
	switch {
	case !validName(c.Name):
		return fmt.Errorf("%w: name %.80q: want 1 to 64 printable characters", ErrCard, c.Name)
	case !validListen(c.Listen):
		return fmt.Errorf("%w: %s: listen %.80q: want HOST:PORT that others can dial", ErrCard, c.Name, c.Listen)
	case !crypto.ValidKey(c.NodeKey):
		return fmt.Errorf("%w: %s: node key is not a point of prime order", ErrCard, c.Name)
	}
	if err := c.Payee.Check(); err != nil {
		return fmt.Errorf("%w: %s: payee: %w", ErrCard, c.Name, err)
	}
	key, err := sharing.ParsePoint(c.Encryption)
	if err != nil || !sharing.VerifyKnowledge(labelKnowledge, c.NodeKey[:], key, &c.Knowledge) {
		return fmt.Errorf("%w: %s: encryption key is not proven", ErrCard, c.Name)
	}
	hash := c.signingHash()
	if !crypto.Verify(c.NodeKey, hash[:], c.Signature) {
		return fmt.Errorf("card of %s: %w", c.Name, ErrSignature)
	}
	return nil
}

func (c *Card) signingHash() kernel.Hash { return crypto.SumLabel(labelCard, c.appendUnsigned(nil)) }

func (c *Card) appendUnsigned(b []byte) []byte {
	b = codec.AppendBytes16(b, []byte(c.Name))
	b = append(b, c.NodeKey[:]...)
	b = append(append(b, c.Payee.Spend[:]...), c.Payee.View[:]...)
	b = codec.AppendBytes16(b, []byte(c.Listen))
	b = append(b, c.Encryption[:]...)
	return append(b, c.Knowledge[:]...)
}

// validName keeps names readable: no control characters that could repaint a terminal.
func validName(s string) bool {
	if s == "" || len(s) > 64 || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// validListen wants HOST:PORT, with an IPv6 address in brackets.
func validListen(s string) bool {
	i := strings.LastIndexByte(s, ':')
	if i < 0 || len(s) > maxListenLength {
		return false
	}
	host, port := s[:i], s[i+1:]
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || port != strconv.FormatUint(n, 10) {
		return false
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		return ok && strings.Contains(inner, ":") && validHost(inner)
	}
	return !strings.Contains(host, ":") && validHost(host)
}

// validHost allows the characters of names and addresses, IPv6 zones included.
func validHost(host string) bool {
	for _, r := range host {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		case r == '.', r == '-', r == ':', r == '_', r == '%':
		default:
			return false
		}
	}
	return host != ""
}
