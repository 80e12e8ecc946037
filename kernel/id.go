package kernel

import (
	"bytes"
	"encoding/hex"
	"fmt"
)

// An ID is 32 bytes that name one thing of kind K. The kinds make ids of different things
// different types, so a transaction hash cannot be passed where a snapshot id is meant.
type ID[K any] [32]byte

type (
	hashKind        struct{}
	transactionKind struct{}
	snapshotKind    struct{}
	assetKind       struct{}
	nodeKind        struct{}
	networkKind     struct{}
	digestKind      struct{}
)

// The ids of the Kernel. Text form: 64 lower-case hex digits.
type (
	Hash       = ID[hashKind]        // of anything without an id type of its own
	TxHash     = ID[transactionKind] // of a transaction's payload
	SnapshotID = ID[snapshotKind]    // of a snapshot's header, what its author signs
	AssetID    = ID[assetKind]       // SHA3-256 of the asset's lower-case UUID
	NodeID     = ID[nodeKind]        // of a committee member
	NetworkID  = ID[networkKind]     // of a genesis
	Digest     = ID[digestKind]      // of the ledger's state after a commit
)

// String returns 64 lower-case hex digits.
func (id ID[K]) String() string { return hex.EncodeToString(id[:]) }

// Short returns the first eight hex digits, for people and logs.
func (id ID[K]) Short() string { return hex.EncodeToString(id[:4]) }

// IsZero reports whether every byte is zero: never a valid id.
func (id ID[K]) IsZero() bool { return id == ID[K]{} }

// Compare orders ids by their bytes.
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
	return nil
}

func parseID[K any](s string) (id ID[K], err error) {
	err = id.UnmarshalText([]byte(s))
	return id, err
}

// ParseHash reads the text form of a hash.
func ParseHash(s string) (Hash, error) { return parseID[hashKind](s) }

// ParseTxHash reads the text form of a transaction hash.
func ParseTxHash(s string) (TxHash, error) { return parseID[transactionKind](s) }

// ParseSnapshotID reads the text form of a snapshot id.
func ParseSnapshotID(s string) (SnapshotID, error) { return parseID[snapshotKind](s) }

// ParseAssetID reads the text form of an asset id.
func ParseAssetID(s string) (AssetID, error) { return parseID[assetKind](s) }

// ParseNodeID reads the text form of a node id.
func ParseNodeID(s string) (NodeID, error) { return parseID[nodeKind](s) }

// ParseNetworkID reads the text form of a network id.
func ParseNetworkID(s string) (NetworkID, error) { return parseID[networkKind](s) }
