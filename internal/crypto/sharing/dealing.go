package sharing

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"
	"golang.org/x/crypto/chacha20poly1305"
)

// Limits of a dealing. [LIM]
const (
	MaxHolders = 64
	boxSize    = 32 + chacha20poly1305.Overhead
)

const (
	labelEphemeral = "asterism dealing ephemeral key"
	labelBox       = "asterism dealing box"
	labelOpening   = "asterism dealing complaint"
)

// Why a dealing or a complaint is refused.
var (
	ErrShape          = errors.New("dealing has another number of commitments or shares")
	ErrEphemeral      = errors.New("dealer does not prove its ephemeral key")
	ErrShare          = errors.New("share does not open to what the commitments fix")
	ErrOpening        = errors.New("complaint does not open the shared key")
	ErrFalseComplaint = errors.New("complaint is false: the share is right")
)

// A Box is one holder's share, encrypted to it.
type Box [boxSize]byte

// A Dealing shares one dealer's secret among holders: commitments that everybody can compare
// with the shares, and a box for each. Boxes are ECIES: the key of a box is a hash of the
// Diffie-Hellman value of ephemeral and holder's key, used once, with ChaCha20-Poly1305.
//
// The dealer proves that it knows the ephemeral secret. Otherwise a liar could repeat an honest
// dealer's ephemeral key beside broken boxes, and the holders' complaints about the liar would
// open the honest dealer's boxes.
type Dealing struct {
	Commitments []crypto.Key `json:"commitments"` // degree+1, constant term first
	Ephemeral   crypto.Key   `json:"ephemeral"`
	Knowledge   Proof        `json:"knowledge"`
	Boxes       []Box        `json:"shares"` // that of holder i, whose share index is i+1
}

// A Complaint opens the key of one box, and no other, so that everybody can see what is in it.
type Complaint struct {
	Opened crypto.Key `json:"opened"` // ephemeral times the holder's secret
	Proof  Proof      `json:"proof"`  // that it is
}

// Deal draws a secret and shares it with a polynomial of the given degree among holders with
// these encryption keys. The context names occasion and dealer; nothing fits another context.
func Deal(context [32]byte, degree int, holders []crypto.Key, random io.Reader) (*Dealing, error) {
	p, err := NewPolynomial(degree, random)
	if err != nil {
		return nil, err
	}
	ephemeral, err := RandomNumber(random)
	if err != nil {
		return nil, err
	}
	d := &Dealing{
		Commitments: p.Commit().Keys(),
		Ephemeral:   KeyOf(Public(ephemeral)),
		Knowledge:   ProveKnowledge(labelEphemeral, context[:], ephemeral),
		Boxes:       make([]Box, len(holders)),
	}
	for i, key := range holders {
		point, err := ParsePoint(key)
		if err != nil {
			return nil, fmt.Errorf("holder %d: %w", i, err)
		}
		secret := ScalarOf(p.At(uint16(i) + 1))
		d.Boxes[i] = Box(d.cipher(context, i, key, Multiply(ephemeral, point)).seal(secret))
	}
	return d, nil
}

// Check reports what everybody can see to be wrong without opening a box.
func (d *Dealing) Check(context [32]byte, degree, holders int) error {
	if len(d.Commitments) != degree+1 || len(d.Boxes) != holders || holders > MaxHolders {
		return ErrShape
	}
	if _, err := ParseCommitments(d.Commitments); err != nil {
		return err
	}
	ephemeral, err := ParsePoint(d.Ephemeral)
	if err != nil || !VerifyKnowledge(labelEphemeral, context[:], ephemeral, &d.Knowledge) {
		return ErrEphemeral
	}
	return nil
}

// Open decrypts the holder's share and compares it with the commitments. It needs a dealing that
// Check has accepted. ErrShare calls for Complain.
func (d *Dealing) Open(context [32]byte, holder int, secret *Number) (crypto.Scalar, error) {
	ephemeral, err := ParsePoint(d.Ephemeral)
	if err != nil {
		return crypto.Scalar{}, err
	}
	return d.open(context, holder, KeyOf(Public(secret)), Multiply(secret, ephemeral))
}

func (d *Dealing) open(context [32]byte, holder int, key crypto.Key, shared *Point) (crypto.Scalar, error) {
	plain, ok := d.cipher(context, holder, key, shared).open(d.Boxes[holder])
	if !ok {
		return crypto.Scalar{}, ErrShare
	}
	share, err := ParseNumber(plain)
	if err != nil {
		return crypto.Scalar{}, ErrShare
	}
	commitments, err := ParseCommitments(d.Commitments)
	if err != nil {
		return crypto.Scalar{}, err
	}
	if !commitments.Holds(uint16(holder)+1, share) {
		return crypto.Scalar{}, ErrShare
	}
	return plain, nil
}

// Complain opens the holder's box for everybody. It gives away this one share and nothing else.
func (d *Dealing) Complain(secret *Number) (*Complaint, error) {
	ephemeral, err := ParsePoint(d.Ephemeral)
	if err != nil {
		return nil, err
	}
	s := Statement{Label: labelOpening, Base: ephemeral, Public: Public(secret), Image: Multiply(secret, ephemeral)}
	return &Complaint{Opened: KeyOf(s.Image), Proof: s.Prove(secret)}, nil
}

// Judge returns nil if the complaint of the holder with the given key proves the dealing bad,
// ErrFalseComplaint if the box is fine, and ErrOpening if the complaint proves nothing.
func (d *Dealing) Judge(context [32]byte, holder int, key crypto.Key, c *Complaint) error {
	ephemeral, errE := ParsePoint(d.Ephemeral)
	public, errP := ParsePoint(key)
	opened, errO := ParsePoint(c.Opened)
	if errE != nil || errP != nil || errO != nil || holder >= len(d.Boxes) {
		return ErrOpening
	}
	s := Statement{Label: labelOpening, Base: ephemeral, Public: public, Image: opened}
	if !s.Verify(&c.Proof) {
		return ErrOpening
	}
	if _, err := d.open(context, holder, key, opened); errors.Is(err, ErrShare) {
		return nil
	}
	return ErrFalseComplaint
}

// A boxCipher encrypts exactly one box: its key depends on everything that the box belongs to, so
// the nonce may be zero.
type boxCipher [32]byte

func (d *Dealing) cipher(context [32]byte, holder int, key crypto.Key, shared *Point) boxCipher {
	index := binary.BigEndian.AppendUint16(nil, uint16(holder)+1)
	value := KeyOf(shared)
	return crypto.SumLabel(labelBox, context[:], d.Ephemeral[:], key[:], index, value[:])
}

func (k boxCipher) seal(secret crypto.Scalar) []byte {
	aead, err := chacha20poly1305.New(k[:])
	if err != nil {
		panic(fmt.Sprintf("sharing: %v", err)) // only for another key length
	}
	return aead.Seal(nil, make([]byte, aead.NonceSize()), secret[:], nil)
}

func (k boxCipher) open(b Box) (secret crypto.Scalar, ok bool) {
	aead, err := chacha20poly1305.New(k[:])
	if err != nil {
		panic(fmt.Sprintf("sharing: %v", err)) // only for another key length
	}
	plain, err := aead.Open(nil, make([]byte, aead.NonceSize()), b[:], nil)
	if err != nil {
		return secret, false
	}
	return crypto.Scalar(plain), true
}

// SumNumbers adds secrets modulo the group order: a holder's shares of several dealings give its
// share of their sum.
func SumNumbers(secrets ...crypto.Scalar) (crypto.Scalar, error) {
	sum := scalar.New()
	for _, s := range secrets {
		n, err := ParseNumber(s)
		if err != nil {
			return crypto.Scalar{}, err
		}
		sum.Add(sum, n)
	}
	return ScalarOf(sum), nil
}

// AppendBinary appends the canonical form.
func (d *Dealing) AppendBinary(b []byte) []byte {
	b = append(b, byte(len(d.Commitments)))
	for _, k := range d.Commitments {
		b = append(b, k[:]...)
	}
	b = append(b, d.Ephemeral[:]...)
	b = append(b, d.Knowledge[:]...)
	b = append(b, byte(len(d.Boxes)))
	for i := range d.Boxes {
		b = append(b, d.Boxes[i][:]...)
	}
	return b
}

// Decode reads the canonical form. Check it afterwards: only the framing is known to be right.
func (d *Dealing) Decode(r *codec.Reader) {
	d.Commitments = make([]crypto.Key, count8(r, 32, "commitments"))
	for i := range d.Commitments {
		r.Fixed(d.Commitments[i][:], "commitment")
	}
	r.Fixed(d.Ephemeral[:], "ephemeral key")
	r.Fixed(d.Knowledge[:], "proof of ephemeral key")
	d.Boxes = make([]Box, count8(r, boxSize, "shares"))
	for i := range d.Boxes {
		r.Fixed(d.Boxes[i][:], "share")
	}
}

func count8(r *codec.Reader, size int, field string) int {
	n := int(r.U8(field))
	switch {
	case n > MaxHolders:
		r.Fail(codec.TooLarge, field)
	case n > r.Left()/size:
		r.Fail(codec.Truncated, field)
	}
	if r.Failed() {
		return 0
	}
	return n
}

// AppendBinary appends the canonical form.
func (c *Complaint) AppendBinary(b []byte) []byte {
	return append(append(b, c.Opened[:]...), c.Proof[:]...)
}

// Decode reads the canonical form.
func (c *Complaint) Decode(r *codec.Reader) {
	r.Fixed(c.Opened[:], "opened key")
	r.Fixed(c.Proof[:], "proof of opened key")
}

// MarshalText returns lower-case hex digits.
func (p Proof) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, p[:]), nil }

// UnmarshalText reads 128 hex digits.
func (p *Proof) UnmarshalText(text []byte) error { return unhex(p[:], text, "proof") }

// MarshalText returns lower-case hex digits.
func (b Box) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, b[:]), nil }

// UnmarshalText reads 96 hex digits.
func (b *Box) UnmarshalText(text []byte) error { return unhex(b[:], text, "encrypted share") }

func unhex(dst, text []byte, what string) error {
	if len(text) != 2*len(dst) {
		return fmt.Errorf("%s has %d characters, want %d hex digits", what, len(text), 2*len(dst))
	}
	if _, err := hex.Decode(dst, text); err != nil {
		return fmt.Errorf("%s is not hex: %w", what, err)
	}
	return nil
}
