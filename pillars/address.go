package pillars

import (
	"crypto/sha256"
	"fmt"

	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/address/v2/bech32"
	//lint:ignore SA1019 the hash of addresses, and an opcode, since Bitcoin
	"golang.org/x/crypto/ripemd160" //nolint:staticcheck
)

// An AddressKind says what an address commits to.
type AddressKind uint8

// The kinds of addresses: two in base58, three in bech32, and the place where things are burned.
const (
	ToPubKeyHash        AddressKind = iota + 1
	ToScriptHash                    // of a redeem script, versions 1 to 4 and 5 apart
	ToWitnessPubKeyHash             // P2WPKH
	ToWitnessScriptHash             // P2WSH
	ToTaproot                       // P2TR
	ToBlackHole                     // nobody can spend from here
)

// BlackHole is the address of nobody, and the avatar of that name.
const (
	blackHoleText   = "1111111111111111111114oLvT2"
	BlackHoleAvatar = "BLACKHOLE"
)

// maxAddressText is the longest address that a parser looks at, the limit of BIP 173.
const maxAddressText = 90

// An Address says who may spend. It compares with == and is a map key; its text depends on the
// network [PIL-ADR-1].
type Address struct {
	kind AddressKind
	hash [32]byte // 20 or 32 bytes, then zeros
}

// PubKeyHashAddress returns the address of the hash of a public key.
func PubKeyHashAddress(hash [20]byte) Address { return shortAddress(ToPubKeyHash, hash) }

// ScriptHashAddress returns the address of the hash of a redeem script.
func ScriptHashAddress(hash [20]byte) Address { return shortAddress(ToScriptHash, hash) }

// WitnessPubKeyHashAddress returns the SegWit address of the hash of a public key.
func WitnessPubKeyHashAddress(hash [20]byte) Address {
	return shortAddress(ToWitnessPubKeyHash, hash)
}

// WitnessScriptHashAddress returns the address of the SHA-256 of a witness script.
func WitnessScriptHashAddress(hash [32]byte) Address { return Address{ToWitnessScriptHash, hash} }

// TaprootAddress returns the address of a taproot output key.
func TaprootAddress(key [32]byte) Address { return Address{ToTaproot, key} }

// BlackHole returns the address of nobody.
func BlackHole() Address { return Address{kind: ToBlackHole} }

func shortAddress(kind AddressKind, hash [20]byte) Address {
	a := Address{kind: kind}
	copy(a.hash[:], hash[:])
	return a
}

// Hash160 is RIPEMD-160 of SHA-256, the hash of public keys and redeem scripts.
func Hash160(b []byte) (out [20]byte) {
	first := sha256.Sum256(b)
	h := ripemd160.New()
	h.Write(first[:])
	h.Sum(out[:0])
	return out
}

// Kind returns what the address commits to; 0 is the zero Address, which is none.
func (a Address) Kind() AddressKind { return a.kind }

// IsZero reports whether a is no address.
func (a Address) IsZero() bool { return a == Address{} }

// Hash returns the 20 or 32 bytes that the address commits to.
func (a Address) Hash() []byte {
	if a.kind == ToWitnessScriptHash || a.kind == ToTaproot {
		return a.hash[:]
	}
	return a.hash[:20]
}

// Script returns the output script that pays to the address.
func (a Address) Script() []byte {
	switch a.kind {
	case ToPubKeyHash:
		return append(append([]byte{0x76, 0xa9, 20}, a.hash[:20]...), 0x88, 0xac)
	case ToScriptHash:
		return append(append([]byte{0xa9, 20}, a.hash[:20]...), 0x87)
	case ToWitnessPubKeyHash:
		return append([]byte{0, 20}, a.hash[:20]...)
	case ToWitnessScriptHash:
		return append([]byte{0, 32}, a.hash[:]...)
	case ToTaproot:
		return append([]byte{0x51, 32}, a.hash[:]...)
	case ToBlackHole:
		return []byte{0x6a}
	}
	return nil
}

// Text returns the address as the network writes it [PIL-ADR-1].
func (a Address) Text(p AddressParams) string {
	switch a.kind {
	case ToPubKeyHash:
		return base58.CheckEncode(a.hash[:20], p.PubKeyHash)
	case ToScriptHash:
		return base58.CheckEncode(a.hash[:20], p.ScriptHash)
	case ToWitnessPubKeyHash, ToWitnessScriptHash, ToTaproot:
		return a.bech32(p.Bech32)
	case ToBlackHole:
		return blackHoleText
	}
	return ""
}

func (a Address) bech32(prefix string) string {
	data, err := bech32.ConvertBits(a.Hash(), 8, 5, true)
	if err != nil {
		panic("pillars: bytes do not convert: " + err.Error()) // never: 8 bits always fit
	}
	version, encode := byte(0), bech32.Encode
	if a.kind == ToTaproot {
		version, encode = 1, bech32.EncodeM
	}
	text, err := encode(prefix, append([]byte{version}, data...))
	if err != nil {
		panic("pillars: profile with a prefix that cannot be: " + err.Error())
	}
	return text
}

// ParseAddress reads an address of the network; an address of another network is an error.
func ParseAddress(s string, p AddressParams) (Address, error) {
	a, network, err := decodeAddress(s)
	switch {
	case err != nil:
		return Address{}, err
	case a.kind != 0 && network.Bech32 != "" && network.Bech32 != p.Bech32:
		return Address{}, fmt.Errorf("address %q is of network %q, want %q", s, network.Bech32, p.Bech32)
	case a.kind != 0:
		return a, nil
	case network.PubKeyHash == p.PubKeyHash:
		a.kind = ToPubKeyHash
	case network.PubKeyHash == p.ScriptHash:
		a.kind = ToScriptHash
	default:
		return Address{}, fmt.Errorf("address %q has version %#02x, which is of another network", s, network.PubKeyHash)
	}
	return a, nil
}

// decodeAddress reads an address of any network and says of which it is: in network.Bech32 the
// prefix, or in network.PubKeyHash the version byte, whose kind only the network knows.
func decodeAddress(s string) (a Address, network AddressParams, err error) {
	if s == blackHoleText {
		return BlackHole(), network, nil
	}
	if len(s) > maxAddressText {
		return a, network, fmt.Errorf("address %.20q… is longer than %d characters", s, maxAddressText)
	}
	if prefix, data, checksum, err := bech32.DecodeGeneric(s); err == nil {
		a, err = witnessAddress(s, data, checksum)
		return a, AddressParams{Bech32: prefix}, err
	}
	payload, version, err := base58.CheckDecode(s)
	if err != nil {
		return a, network, fmt.Errorf("address %q is neither base58 nor bech32: %w", s, err)
	}
	if len(payload) != 20 {
		return a, network, fmt.Errorf("address %q has %d bytes, want 20", s, len(payload))
	}
	copy(a.hash[:], payload)
	return a, AddressParams{PubKeyHash: version}, nil
}

func witnessAddress(s string, data []byte, checksum bech32.Version) (Address, error) {
	if len(data) == 0 {
		return Address{}, fmt.Errorf("address %q is empty", s)
	}
	program, err := bech32.ConvertBits(data[1:], 5, 8, false)
	if err != nil {
		return Address{}, fmt.Errorf("address %q: %w", s, err)
	}
	version := data[0]
	if (version == 0) != (checksum == bech32.Version0) {
		return Address{}, fmt.Errorf("address %q has the checksum of another version", s)
	}
	switch {
	case version == 0 && len(program) == 20:
		return WitnessPubKeyHashAddress([20]byte(program)), nil
	case version == 0 && len(program) == 32:
		return WitnessScriptHashAddress([32]byte(program)), nil
	case version == 1 && len(program) == 32:
		return TaprootAddress([32]byte(program)), nil
	}
	return Address{}, fmt.Errorf("address %q has witness version %d with %d bytes, which nobody can spend yet", s, version, len(program))
}
