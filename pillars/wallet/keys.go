package wallet

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"

	"github.com/asterism-network/asterism/pillars"
)

// A Fingerprint names a master key: the first four bytes of the hash of its public key (BIP 32).
type Fingerprint [4]byte

// String returns eight hex digits.
func (f Fingerprint) String() string { return hex.EncodeToString(f[:]) }

// MarshalText returns the form of String.
func (f Fingerprint) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads the form of String.
func (f *Fingerprint) UnmarshalText(text []byte) error {
	if len(text) != 8 {
		return fmt.Errorf("%w: fingerprint of %d digits", ErrKeyText, len(text))
	}
	if _, err := hex.Decode(f[:], text); err != nil {
		return fmt.Errorf("%w: fingerprint", ErrKeyText)
	}
	return nil
}

// A KeyOrigin is a public key and how to find the private one: whose master key, which path.
type KeyOrigin struct {
	Key    Hex         `json:"key"` // 33 bytes
	Master Fingerprint `json:"master"`
	Path   Path        `json:"path"`
}

// A master derives private keys. It is the only thing in this package that holds a secret while a
// wallet is open; it prints its fingerprint.
type master struct {
	key         *hdkeychain.ExtendedKey
	fingerprint Fingerprint
}

func newMaster(seed []byte) (*master, error) {
	key, err := hdkeychain.NewMaster(seed, extendedNet)
	if err != nil {
		return nil, fmt.Errorf("derive master key: %w", err)
	}
	public, err := key.ECPubKey()
	if err != nil {
		return nil, fmt.Errorf("derive master key: %w", err)
	}
	m := &master{key: key}
	hash := pillars.Hash160(public.SerializeCompressed())
	copy(m.fingerprint[:], hash[:])
	return m, nil
}

// String returns the fingerprint: no form of printing shows the key.
func (m *master) String() string { return "master " + m.fingerprint.String() }

// GoString returns the form of String.
func (m *master) GoString() string { return m.String() }

// derive walks a path. The keys between are wiped.
func (m *master) derive(path Path) (*hdkeychain.ExtendedKey, error) {
	at := m.key
	for i, step := range path {
		next, err := at.Derive(step)
		if i > 0 {
			at.Zero()
		}
		if err != nil {
			return nil, fmt.Errorf("derive %s: %w", path[:i+1], err)
		}
		at = next
	}
	return at, nil
}

// private returns the private key of an origin that is ours; ok is false for another's. A path
// that leads to another key than the origin says is an error: somebody made it up.
func (m *master) private(o *KeyOrigin) (key *btcec.PrivateKey, ok bool, err error) {
	if o.Master != m.fingerprint || len(o.Path) == 0 {
		return nil, false, nil
	}
	ext, err := m.derive(o.Path)
	if err != nil {
		return nil, false, err
	}
	defer ext.Zero()
	key, err = ext.ECPrivKey()
	if err != nil {
		return nil, false, err
	}
	// A PSBT's taproot keys come without the first byte, the parity; a wrong one is noticed by whoever
	// looks for the key in a script.
	if len(o.Key) != 33 || !bytes.Equal(key.PubKey().SerializeCompressed()[1:], o.Key[1:]) {
		key.Zero()
		return nil, false, fmt.Errorf("%w: %s of %s is not key %s", ErrDraft, o.Path, o.Master, o.Key)
	}
	return key, true, nil
}

// account returns the public extended key at a scheme's base.
func (m *master) account(s Scheme, coin, number uint32) (PublicKey, error) {
	path := Path(s.base(coin, number))
	ext, err := m.derive(path)
	if err != nil {
		return PublicKey{}, err
	}
	if len(path) > 0 {
		defer ext.Zero()
	}
	public, err := ext.Neuter()
	if err != nil {
		return PublicKey{}, err
	}
	// A neutered key shares its bytes with the private one, which is wiped: read it anew.
	public, err = hdkeychain.NewKeyFromString(public.String())
	return PublicKey{Master: m.fingerprint, Path: path, extended: public}, err
}

func (m *master) zero() { m.key.Zero() }

// A PublicKey gives the public keys of one member of an account: an extended key, or one fixed key
// as wallets of the running network put into multisig scripts. Its text is a key expression
// (BIP 380): "[73c5da0a/84'/2302'/0']xpub…", or "[73c5da0a/0]" and 66 hex digits.
type PublicKey struct {
	Master   Fingerprint
	Path     Path // from the master to this key
	extended *hdkeychain.ExtendedKey
	fixed    []byte
}

// Fixed reports whether there is one key only.
func (k PublicKey) Fixed() bool { return k.fixed != nil }

// String returns the key expression.
func (k PublicKey) String() string {
	origin := "[" + k.Master.String() + strings.TrimPrefix(k.Path.String(), "m") + "]"
	if k.Fixed() {
		return origin + hex.EncodeToString(k.fixed)
	}
	return origin + k.extended.String()
}

// maxKeyText bounds the text of a key expression.
const maxKeyText = 300

// ParsePublicKey reads a key expression. Without an origin the fingerprint is zero: such a key
// watches, and no wallet finds the private key to it. Extended private keys are refused.
func ParsePublicKey(s string) (k PublicKey, err error) {
	if len(s) > maxKeyText {
		return k, fmt.Errorf("%w: %d characters", ErrKeyText, len(s))
	}
	text := strings.TrimSpace(s)
	if rest, ok := strings.CutPrefix(text, "["); ok {
		origin, after, ok := strings.Cut(rest, "]")
		if !ok || len(origin) < 8 {
			return k, fmt.Errorf("%w: origin of %.40q", ErrKeyText, s)
		}
		if err := k.Master.UnmarshalText([]byte(origin[:8])); err != nil {
			return k, err
		}
		if k.Path, err = ParsePath("m" + origin[8:]); err != nil {
			return k, err
		}
		text = after
	}
	if fixed, err := hex.DecodeString(text); err == nil {
		if _, err := btcec.ParsePubKey(fixed); err != nil || len(fixed) != btcec.PubKeyBytesLenCompressed {
			return k, fmt.Errorf("%w: %.80q is no compressed public key", ErrKeyText, text)
		}
		k.fixed = fixed
		return k, nil
	}
	k.extended, err = hdkeychain.NewKeyFromString(text)
	switch {
	case err != nil:
		return PublicKey{}, fmt.Errorf("%w: neither an extended key nor hex", ErrKeyText) // may hold a secret: not quoted
	case k.extended.IsPrivate():
		k.extended.Zero()
		return PublicKey{}, fmt.Errorf("%w: a private key; give the public one", ErrKeyText)
	case !k.extended.IsForNet(extendedNet):
		return PublicKey{}, fmt.Errorf("%w: want the prefix xpub", ErrKeyText)
	}
	return k, nil
}

// MarshalText returns the form of String.
func (k PublicKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads the form of String.
func (k *PublicKey) UnmarshalText(text []byte) (err error) {
	*k, err = ParsePublicKey(string(text))
	return err
}

// at returns the key of one address.
func (k PublicKey) at(below []uint32) (KeyOrigin, error) {
	o := KeyOrigin{Master: k.Master, Path: slices.Clone(k.Path)}
	if k.Fixed() {
		o.Key = k.fixed
		return o, nil
	}
	ext := k.extended
	for _, step := range below {
		next, err := ext.Derive(step)
		if err != nil {
			return o, fmt.Errorf("derive public key: %w", err)
		}
		ext, o.Path = next, append(o.Path, step)
	}
	public, err := ext.ECPubKey()
	if err != nil {
		return o, fmt.Errorf("derive public key: %w", err)
	}
	o.Key = public.SerializeCompressed()
	return o, nil
}

// Hex is bytes that are hex digits in text.
type Hex []byte

// String returns lower-case hex.
func (h Hex) String() string { return hex.EncodeToString(h) }

// MarshalText returns the form of String.
func (h Hex) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads hex digits.
func (h *Hex) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	if err != nil {
		return fmt.Errorf("not hex: %w", err)
	}
	*h = b
	return nil
}
