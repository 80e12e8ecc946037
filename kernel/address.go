package kernel

import (
	"crypto/sha3"
	"errors"
	"fmt"
	"strings"

	"github.com/asterism-network/asterism/internal/crypto"
)

const (
	addressPrefix   = "XIN"
	addressChecksum = 4
	addressPayload  = 2*32 + addressChecksum
	// Base58 writes 68 bytes in at most 93 digits.
	maxAddressText = len(addressPrefix) + 93
)

var (
	errAddressText     = errors.New(`want "XIN" and base58 of 68 bytes`)
	errAddressChecksum = errors.New("checksum differs: a character is wrong or missing")
)

// ParseAddress reads the text form and checks the checksum and both keys.
func ParseAddress(s string) (Address, error) {
	a, err := parseAddress(s)
	if err != nil {
		return Address{}, fmt.Errorf("address %.100q: %w", s, err)
	}
	return a, nil
}

func parseAddress(s string) (a Address, err error) {
	text, ok := strings.CutPrefix(s, addressPrefix)
	if !ok || len(s) > maxAddressText {
		return Address{}, errAddressText
	}
	payload, ok := decodeBase58(text)
	if !ok || len(payload) != addressPayload {
		return Address{}, errAddressText
	}
	copy(a.Spend[:], payload[:32])
	copy(a.View[:], payload[32:64])
	if a.checksum() != [addressChecksum]byte(payload[64:]) {
		return Address{}, errAddressChecksum
	}
	return a, a.Check()
}

// Check reports whether both keys are points of prime order; a payment to other keys could
// reveal or lose something.
func (a Address) Check() error {
	if !crypto.ValidKey(a.Spend) {
		return fmt.Errorf("spend key %s is not a point of prime order", a.Spend)
	}
	if !crypto.ValidKey(a.View) {
		return fmt.Errorf("view key %s is not a point of prime order", a.View)
	}
	return nil
}

// Hash is the SHA3-256 of spend key and view key.
func (a Address) Hash() Hash {
	return sha3.Sum256(append(append(make([]byte, 0, 64), a.Spend[:]...), a.View[:]...))
}

func (a Address) checksum() (sum [addressChecksum]byte) {
	b := append([]byte(addressPrefix), a.Spend[:]...)
	full := sha3.Sum256(append(b, a.View[:]...))
	copy(sum[:], full[:])
	return sum
}

// String returns "XIN" and base58 of spend key, view key and checksum.
func (a Address) String() string {
	payload := append(make([]byte, 0, addressPayload), a.Spend[:]...)
	payload = append(payload, a.View[:]...)
	sum := a.checksum()
	return addressPrefix + encodeBase58(append(payload, sum[:]...))
}

// MarshalText returns the form of String.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads what ParseAddress reads.
func (a *Address) UnmarshalText(text []byte) (err error) {
	*a, err = ParseAddress(string(text))
	return err
}

// An Account holds the private keys of an address.
type Account struct {
	Spend Scalar
	View  Scalar
}

// AccountFromSeed derives an account from 64 secret random bytes: the spend key is the seed
// reduced, the view key the seed's SHA3-256 and that hash's SHA3-256 reduced.
func AccountFromSeed(seed [64]byte) Account {
	h1 := sha3.Sum256(seed[:])
	h2 := sha3.Sum256(h1[:])
	return Account{Spend: crypto.ScalarFromWide(seed), View: crypto.ScalarFromWide(join(h1, h2))}
}

// PublicAccount returns the account whose view key follows from its public spend key, so that
// everybody can see what it receives: the form of nodes and payees.
func PublicAccount(spend Scalar) Account {
	public := spend.Public()
	h := sha3.Sum256(public[:])
	return Account{Spend: spend, View: crypto.ScalarFromWide(join(h, h))}
}

// Address returns the account's public keys.
func (a Account) Address() Address {
	return Address{Spend: a.Spend.Public(), View: a.View.Public()}
}

func join(a, b [32]byte) (wide [64]byte) {
	copy(wide[:32], a[:])
	copy(wide[32:], b[:])
	return wide
}
