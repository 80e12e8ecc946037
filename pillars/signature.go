package pillars

import (
	"slices"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"

	"github.com/asterism-network/asterism/internal/crypto/secp"
)

// SigningHash is what the author of an extended block signs [PIL-SIG-1]: a hash of the header that
// is no hash of anything else.
func (h *Header) SigningHash() Hash {
	return TaggedHash("asterism pillars block", h.AppendBinary(make([]byte, 0, ExtendedHeaderSize)))
}

// Sign writes the author's key into the extension and its signature into the block; everything
// else must be in place. The block must be extended and of a seal that is signed.
func (b *Block) Sign(key *btcec.PrivateKey) error {
	copy(b.Extension.Key[:], key.PubKey().SerializeCompressed())
	b.ExtensionRoot = b.Extension.Root()
	hash := b.SigningHash()
	sig, err := schnorr.Sign(key, hash[:])
	if err != nil {
		return err
	}
	copy(b.Signature[:], sig.Serialize())
	return nil
}

// VerifySignature checks the author's signature of a block under stake or of a delegate
// [PIL-SIG-1], [PIL-SIG-2]. Who may sign is the seal's rule.
func (b *Block) VerifySignature() error {
	key, err := btcec.ParsePubKey(b.SignerKey())
	if err != nil {
		return reject(SignerKeyInvalid, "%x", b.SignerKey())
	}
	if !b.Extended() {
		return b.verifyClassic(key)
	}
	hash := b.SigningHash()
	if !secp.VerifySchnorr(key, (*[32]byte)(&hash), &b.Signature) {
		return reject(BlockSignatureInvalid, "%x", b.Signature)
	}
	return nil
}

// SignerKey returns the compressed public key that must have signed the block, as the block says:
// the extension's; in a classic block the trailing key of a delegate or the last push of the first
// input of the coinstake. It may be no key at all.
func (b *Block) SignerKey() []byte {
	switch {
	case b.Extended():
		return b.Extension.Key[:]
	case b.Seal() == DPoS:
		return b.ClassicKey[:]
	case len(b.Transactions) < 2 || len(b.Transactions[1].Inputs) == 0:
		return nil
	}
	script := b.Transactions[1].Inputs[0].Script
	if at := len(script) - 34; at >= 0 && script[at] == 33 {
		return script[at+1:]
	}
	return nil
}

// verifyClassic checks ECDSA over the block's id, r and s little-endian, s of either sign.
func (b *Block) verifyClassic(key *btcec.PublicKey) error {
	var r, s btcec.ModNScalar
	if r.SetByteSlice(reversed(b.Signature[:32])) || s.SetByteSlice(reversed(b.Signature[32:])) || r.IsZero() || s.IsZero() {
		return reject(BlockSignatureInvalid, "%x", b.Signature)
	}
	id := b.ID()
	if !secp.VerifyECDSA(key, (*[32]byte)(&id), &r, &s) {
		return reject(BlockSignatureInvalid, "%x", b.Signature)
	}
	return nil
}

func reversed(b []byte) []byte {
	b = slices.Clone(b)
	slices.Reverse(b)
	return b
}
