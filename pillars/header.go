package pillars

import (
	"encoding/binary"
	"fmt"

	"github.com/holiman/uint256"

	"github.com/asterism-network/asterism/internal/codec"
)

// Sizes of a header in bytes: the classic one, and with the extension root behind it.
const (
	HeaderSize         = 148
	ExtendedHeaderSize = HeaderSize + 32
)

// A Seal says what makes a block valid: work, stake or a delegate's turn.
type Seal uint8

// The seals, by the numbers that header versions give them.
const (
	PoW  Seal = 1
	PoS  Seal = 2
	DPoS Seal = 3
)

// String returns "pow", "pos" or "dpos".
func (s Seal) String() string {
	switch s {
	case PoW:
		return "pow"
	case PoS:
		return "pos"
	case DPoS:
		return "dpos"
	}
	return fmt.Sprintf("seal_%d", uint8(s))
}

// Valid reports whether s is one of the three seals.
func (s Seal) Valid() bool { return s >= PoW && s <= DPoS }

// Signed reports whether blocks with this seal carry a signature.
func (s Seal) Signed() bool { return s == PoS || s == DPoS }

// MarshalText returns the form of String.
func (s Seal) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText accepts the names of the three seals.
func (s *Seal) UnmarshalText(text []byte) error {
	for _, v := range []Seal{PoW, PoS, DPoS} {
		if v.String() == string(text) {
			*s = v
			return nil
		}
	}
	return fmt.Errorf("no seal is called %.16q", text)
}

// versionExtended is the bit of a header version that says: an extension root follows.
const versionExtended = 0x100

// HeaderVersion returns the version of a header with the seal, with or without extension root.
func HeaderVersion(s Seal, extended bool) uint32 {
	if extended {
		return uint32(s) | versionExtended
	}
	return uint32(s)
}

// A Header is what a block id is taken over [PIL-HDR-1]. A block's profile says which of the two
// forms its chain has; the version says it for one header, so that decoding needs no profile.
type Header struct {
	Version       uint32      // the seal, and bit 8 for an extension root; see HeaderVersion
	Previous      BlockID     // the parent
	Merkle        Hash        // root over the transactions, see Block.MerkleRoot
	Timestamp     uint32      // Unix seconds
	Bits          uint256.Int // the difficulty itself, linear: a seal's target is (2^256-1)/Bits
	Nonce         uint64      // PoW: of Ethash; DPoS: the turn; PoS: zero
	MixHash       [32]byte    // PoW: of Ethash; otherwise zero
	Number        uint32      // height; the genesis has 0
	ExtensionRoot Hash        // commits to a block's Extension; zero in a classic header
}

// Seal returns the kind of block. A version that the network does not know gives no valid seal.
func (h *Header) Seal() Seal {
	if kind := h.Version &^ versionExtended; kind <= uint32(DPoS) {
		return Seal(kind)
	}
	return 0
}

// Extended reports whether the header ends in an extension root.
func (h *Header) Extended() bool { return h.Version&versionExtended != 0 }

// ID returns the double SHA-256 of the header's bytes [PIL-HDR-2].
func (h *Header) ID() BlockID {
	return DoubleSHA256(h.AppendBinary(make([]byte, 0, ExtendedHeaderSize)))
}

// AppendBinary appends the 148 or 180 bytes of the header [PIL-HDR-1]: little-endian integers,
// but difficulty, nonce and mix hash big-endian.
func (h *Header) AppendBinary(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, h.Version)
	b = append(b, h.Previous[:]...)
	b = append(b, h.Merkle[:]...)
	b = binary.LittleEndian.AppendUint32(b, h.Timestamp)
	bits := h.Bits.Bytes32()
	b = append(b, bits[:]...)
	b = binary.BigEndian.AppendUint64(b, h.Nonce)
	b = append(b, h.MixHash[:]...)
	b = binary.LittleEndian.AppendUint32(b, h.Number)
	if h.Extended() {
		b = append(b, h.ExtensionRoot[:]...)
	}
	return b
}

// UnmarshalBinary reads exactly one header.
func (h *Header) UnmarshalBinary(b []byte) error {
	r := codec.NewReader(b)
	h.decode(r)
	return r.Done()
}

func (h *Header) decode(r *codec.Reader) {
	*h = Header{Version: readU32(r, "header version")}
	if !r.Failed() && !h.Seal().Valid() {
		r.Fail(codec.BadValue, "header version")
	}
	r.Fixed(h.Previous[:], "previous block")
	r.Fixed(h.Merkle[:], "merkle root")
	h.Timestamp = readU32(r, "timestamp")
	h.Bits.SetBytes(r.View(32, "bits"))
	h.Nonce = r.U64("nonce")
	r.Fixed(h.MixHash[:], "mix hash")
	h.Number = readU32(r, "number")
	if h.Extended() {
		r.Fixed(h.ExtensionRoot[:], "extension root")
	}
}
