// Package keystore keeps one secret in one encrypted file: a wallet's seed, a node's key.
//
// The key is Argon2id over a passphrase, the cipher XChaCha20-Poly1305, and everything that
// stands in the clear beside the ciphertext is authenticated with it. A file that others may
// read is refused, a wrong passphrase and a damaged ciphertext give one and the same answer,
// and parameters are bounded before any memory is taken.
//
// It does not know what the secret means and never prints it.
package keystore

import (
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"
)

// The ways in which a keystore refuses. They name no secret and carry no part of one.
var (
	ErrPassphrase  = errors.New("keystore: wrong passphrase, or the file is damaged")
	ErrPermissions = errors.New("keystore: others may read this file; chmod 600 it, and treat the secret as known to them")
	ErrMalformed   = errors.New("keystore: not a keystore file")
	ErrVersion     = errors.New("keystore: written by a newer version")
	ErrKind        = errors.New("keystore: holds another kind of secret")
	ErrCost        = errors.New("keystore: key derivation cost is out of bounds")
	ErrWeak        = errors.New("keystore: key derivation is below the floor of 19 MiB and 2 passes; only a test network may use it")
	ErrInUse       = errors.New("in use by another process")
	ErrExists      = errors.New("keystore: file exists; it is never overwritten")
)

// A Cost is what deriving the key from a passphrase takes.
type Cost struct {
	Passes    uint32
	MemoryKiB uint32
	Threads   uint8
}

// DefaultCost is for every key that guards something: about a third of a second.
var DefaultCost = Cost{Passes: 3, MemoryKiB: 64 << 10, Threads: 4}

// DevnetCost is for keys of throw-away networks and tests, which open many files at once. A
// file with it opens only where AllowWeak says so.
var DevnetCost = Cost{Passes: 1, MemoryKiB: 64, Threads: 1}

// Bounds of a cost. The floor is OWASP's minimum for Argon2id; the ceiling keeps a hostile
// file from taking the machine: at most 1 GiB, at most 16 passes.
const (
	minPasses    = 2
	minMemoryKiB = 19 << 10
	maxPasses    = 16
	maxMemoryKiB = 1 << 20
	maxThreads   = 16
)

func (c Cost) check() error {
	if c.Passes < 1 || c.Passes > maxPasses || c.MemoryKiB > maxMemoryKiB ||
		c.Threads < 1 || c.Threads > maxThreads || c.MemoryKiB < 8*uint32(c.Threads) {
		return ErrCost
	}
	return nil
}

func (c Cost) weak() bool { return c.Passes < minPasses || c.MemoryKiB < minMemoryKiB }

// A Strength says which costs are acceptable.
type Strength bool

// Strengths. A product's own keys demand Strong, which the zero value is.
const (
	Strong    Strength = false
	AllowWeak Strength = true // devnets and tests only
)

const (
	saltSize  = 16
	nonceSize = chacha20poly1305.NonceSizeX
	keySize   = chacha20poly1305.KeySize

	// MaxSecret bounds the secret of one file, in bytes.
	MaxSecret = 64 << 10
)

// Seal encrypts secret under passphrase. Kind says what the secret is and must be given again
// to open it; public is shown without a passphrase and cannot be changed without breaking
// the seal. A cost below the floor needs AllowWeak.
func Seal(kind string, public map[string]string, secret, passphrase []byte, cost Cost, s Strength) ([]byte, error) {
	if err := cost.check(); err != nil {
		return nil, err
	}
	if cost.weak() && s != AllowWeak {
		return nil, ErrWeak
	}
	if len(secret) > MaxSecret {
		return nil, fmt.Errorf("keystore: secret has %d bytes, at most %d fit", len(secret), MaxSecret)
	}
	f := file{Kind: kind, Public: public, cost: cost}
	rand.Read(f.salt[:])
	rand.Read(f.nonce[:])
	if err := f.checkPublic(); err != nil {
		return nil, err
	}
	aead, err := f.derive(passphrase)
	if err != nil {
		return nil, err
	}
	f.ciphertext = aead.Seal(nil, f.nonce[:], secret, f.associated())
	return f.marshal()
}

// Open decrypts what Seal made. The caller zeroes the secret with Zero when done.
func Open(data []byte, kind string, passphrase []byte, s Strength) (secret []byte, err error) {
	f, err := parse(data)
	if err != nil {
		return nil, err
	}
	if f.Kind != kind {
		return nil, fmt.Errorf("%w: %q, want %q", ErrKind, f.Kind, kind)
	}
	if f.cost.weak() && s != AllowWeak {
		return nil, ErrWeak
	}
	aead, err := f.derive(passphrase)
	if err != nil {
		return nil, err
	}
	secret, err = aead.Open(nil, f.nonce[:], f.ciphertext, f.associated())
	if err != nil {
		return nil, ErrPassphrase // the same value for every cause
	}
	return secret, nil
}

// Public returns what a file shows without its passphrase. It is authentic only after Open.
func Public(data []byte) (kind string, public map[string]string, err error) {
	f, err := parse(data)
	if err != nil {
		return "", nil, err
	}
	return f.Kind, f.Public, nil
}

func (f *file) derive(passphrase []byte) (cipher.AEAD, error) {
	key := argon2.IDKey(passphrase, f.salt[:], f.cost.Passes, f.cost.MemoryKiB, f.cost.Threads, keySize)
	defer Zero(key)
	return chacha20poly1305.NewX(key)
}

// Zero overwrites secrets. It is best effort: the runtime may have copied them.
func Zero(secrets ...[]byte) {
	for _, s := range secrets {
		clear(s)
	}
}

// sortedKeys is the order in which public fields are authenticated.
func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
