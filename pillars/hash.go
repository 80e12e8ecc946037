package pillars

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
)

// An ID is a 32-byte hash that names one thing of kind K. The kinds make ids of different things
// different types, so a block id cannot be passed where a transaction id is meant.
//
// The bytes are in internal order, as hashed and as on the wire; the text form is the same bytes
// from last to first, as every tool of the Bitcoin family prints them.
type ID[K any] [32]byte

type (
	hashKind        struct{}
	blockKind       struct{}
	transactionKind struct{}
)

// The ids of Pillars.
type (
	Hash    = ID[hashKind]        // of anything without an id type of its own
	BlockID = ID[blockKind]       // double SHA-256 of a header
	TxID    = ID[transactionKind] // double SHA-256 of a transaction, without witnesses
)

// String returns 64 lower-case hex digits, last byte first.
func (id ID[K]) String() string {
	slices.Reverse(id[:])
	return hex.EncodeToString(id[:])
}

// Short returns the first eight digits of the text form, for people and logs.
func (id ID[K]) Short() string { return id.String()[:8] }

// IsZero reports whether every byte is zero: the id of nothing, as in the input of a coinbase.
func (id ID[K]) IsZero() bool { return id == ID[K]{} }

// Compare orders ids by their bytes in internal order.
func (id ID[K]) Compare(other ID[K]) int { return bytes.Compare(id[:], other[:]) }

// MarshalText returns the form of String.
func (id ID[K]) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText accepts exactly the form of String.
func (id *ID[K]) UnmarshalText(text []byte) error {
	if len(text) != 2*len(id) {
		return fmt.Errorf("id has %d characters, want %d hex digits", len(text), 2*len(id))
	}
	if bytes.ContainsAny(text, "ABCDEF") {
		return fmt.Errorf("id %.16q… has upper-case hex digits", text)
	}
	if _, err := hex.Decode(id[:], text); err != nil {
		return fmt.Errorf("id %.16q… is not hex: %w", text, err)
	}
	slices.Reverse(id[:])
	return nil
}

func parseID[K any](s string) (id ID[K], err error) {
	err = id.UnmarshalText([]byte(s))
	return id, err
}

// ParseHash reads the text form of a hash.
func ParseHash(s string) (Hash, error) { return parseID[hashKind](s) }

// ParseBlockID reads the text form of a block id.
func ParseBlockID(s string) (BlockID, error) { return parseID[blockKind](s) }

// ParseTxID reads the text form of a transaction id.
func ParseTxID(s string) (TxID, error) { return parseID[transactionKind](s) }

// DoubleSHA256 is SHA-256 of SHA-256, the hash of blocks, transactions and Merkle nodes.
func DoubleSHA256(b []byte) [32]byte {
	first := sha256.Sum256(b)
	return sha256.Sum256(first[:])
}

// TaggedHash is SHA-256 over the tag's hash, twice, and the parts (the construction of BIP 340):
// hashes under different tags are of different functions.
func TaggedHash(tag string, parts ...[]byte) Hash { return NewTag(tag).Hash(parts...) }

// A Tag is the hash of a tag twice, for those who hash under it again and again.
type Tag [64]byte

// NewTag hashes a tag.
func NewTag(tag string) (t Tag) {
	name := sha256.Sum256([]byte(tag))
	copy(t[:32], name[:])
	copy(t[32:], name[:])
	return t
}

// Hash is TaggedHash under the tag.
func (t Tag) Hash(parts ...[]byte) Hash {
	var short [256]byte // enough for most: one call on the stack is faster than a digest that is written to
	all := append(short[:0], t[:]...)
	for _, p := range parts {
		all = append(all, p...)
	}
	return sha256.Sum256(all)
}

// MerkleRoot is the root of the binary tree over the leaves, as in Bitcoin: a level with an odd
// number of nodes repeats its last one. The root of no leaves is zero, the root of one is itself.
//
// Because of that repetition a list whose end is repeated can have the root of the shorter list;
// Block.Check refuses such lists [PIL-BLK-3].
func MerkleRoot(leaves []Hash) Hash {
	if len(leaves) == 0 {
		return Hash{}
	}
	level := slices.Clone(leaves)
	for len(level) > 1 {
		level = merkleLevel(level)
	}
	return level[0]
}

// merkleLevel returns the level above, in place of the given one.
func merkleLevel(level []Hash) []Hash {
	if len(level)%2 == 1 {
		level = append(level, level[len(level)-1])
	}
	for i := 0; i < len(level); i += 2 {
		level[i/2] = merkleNode(level[i], level[i+1])
	}
	return level[:len(level)/2]
}

func merkleNode(left, right Hash) Hash {
	var pair [64]byte
	copy(pair[:32], left[:])
	copy(pair[32:], right[:])
	return DoubleSHA256(pair[:])
}
