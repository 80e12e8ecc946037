package wallet

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/btcsuite/btcd/btcec/v2/ecdsa"

	"github.com/asterism-network/asterism/pillars"
)

// messagePrefix is what tools of the running network put in front of a message. Its first byte is no
// length of what follows, though it looks like one; it is kept so that signatures are the same.
const messagePrefix = "\x18Metaverse Signed Message:\n"

// MaxMessageText bounds a signed message, in bytes.
const MaxMessageText = 64 << 10

// messageHash is what a signed message is hashed to. Tools of the running network count characters
// where this counts bytes: outside of ASCII their hash is another one.
func messageHash(text string) []byte {
	b := []byte(messagePrefix)
	switch n := len(text); {
	case n < 0xfd:
		b = append(b, byte(n))
	case n <= 0xffff:
		b = binary.LittleEndian.AppendUint16(append(b, 0xfd), uint16(n))
	default:
		b = binary.LittleEndian.AppendUint32(append(b, 0xfe), uint32(n))
	}
	hash := pillars.DoubleSHA256(append(b, text...))
	return hash[:]
}

// SignMessage signs a text with the key of an own address of one key, P2PKH or P2WPKH: 65 bytes from
// which everybody finds the public key.
func (w *Wallet) SignMessage(at pillars.Address, text string) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.purses[at]
	switch {
	case w.master == nil:
		return nil, ErrWatchOnly
	case p == nil || at.Kind() != pillars.ToPubKeyHash && at.Kind() != pillars.ToWitnessPubKeyHash:
		return nil, fmt.Errorf("%w: not an own address of the hash of one key", ErrMessage)
	case len(text) > MaxMessageText:
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrMessage, len(text), MaxMessageText)
	}
	key, ok, err := w.master.private(&p.Keys[0])
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, ErrWatchOnly
	}
	defer key.Zero()
	return ecdsa.SignCompact(key, messageHash(text), true), nil
}

// VerifyMessage checks a signature by the key of an address.
func VerifyMessage(at pillars.Address, text string, signature []byte) error {
	if at.Kind() != pillars.ToPubKeyHash && at.Kind() != pillars.ToWitnessPubKeyHash {
		return fmt.Errorf("%w: not an address of the hash of one key", ErrMessage)
	}
	if len(signature) != 65 || len(text) > MaxMessageText {
		return fmt.Errorf("%w: signature of %d bytes, message of %d", ErrMessage, len(signature), len(text))
	}
	key, compressed, err := ecdsa.RecoverCompact(signature, messageHash(text))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSignature, err)
	}
	b := key.SerializeCompressed()
	if !compressed {
		b = key.SerializeUncompressed()
	}
	if hash := pillars.Hash160(b); string(hash[:]) != string(at.Hash()) || !compressed && at.Kind() != pillars.ToPubKeyHash {
		return fmt.Errorf("%w: by another key", ErrSignature)
	}
	return nil
}

// ParseSignature reads a message's signature as hex, which the running network's tools print, or
// base64, which Bitcoin's do.
func ParseSignature(text string) ([]byte, error) {
	if b, err := hex.DecodeString(text); err == nil && len(b) == 65 {
		return b, nil
	}
	if b, err := base64.StdEncoding.DecodeString(text); err == nil && len(b) == 65 {
		return b, nil
	}
	return nil, fmt.Errorf("%w: want 65 bytes in hex or base64", ErrMessage)
}
