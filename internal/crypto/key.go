package crypto

import (
	"encoding/hex"
	"fmt"
)

// A Key is a point of the Ed25519 curve in its 32-byte encoding: a public key, a one-time key
// or a mask. Nothing is known about its validity until it is checked.
type Key [32]byte

// A Scalar is an integer modulo the order of the prime-order group, 32 bytes little-endian.
// Wallet private keys are scalars used directly, without RFC 8032 expansion. It never prints.
type Scalar [32]byte

// A Signature is R || s, 64 bytes.
type Signature [64]byte

// String returns 64 lower-case hex digits.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// IsZero reports whether every byte is zero, the form of "no key".
func (k Key) IsZero() bool { return k == Key{} }

// MarshalText returns the form of String.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads 64 hex digits.
func (k *Key) UnmarshalText(text []byte) error { return unhex(k[:], text, "key") }

// ParseKey reads 64 hex digits. It does not check that they name a point.
func ParseKey(s string) (k Key, err error) {
	err = k.UnmarshalText([]byte(s))
	return k, err
}

// String hides the scalar: private keys must not reach logs by accident.
func (Scalar) String() string { return "scalar(hidden)" }

// GoString hides the scalar in %#v too.
func (Scalar) GoString() string { return "scalar(hidden)" }

// String returns 128 lower-case hex digits.
func (s Signature) String() string { return hex.EncodeToString(s[:]) }

// MarshalText returns the form of String.
func (s Signature) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads 128 hex digits.
func (s *Signature) UnmarshalText(text []byte) error { return unhex(s[:], text, "signature") }

func unhex(dst, text []byte, what string) error {
	if len(text) != 2*len(dst) {
		return fmt.Errorf("%s has %d characters, want %d hex digits", what, len(text), 2*len(dst))
	}
	if _, err := hex.Decode(dst, text); err != nil {
		return fmt.Errorf("%s is not hex: %w", what, err)
	}
	return nil
}
