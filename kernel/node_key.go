package kernel

import "github.com/asterism-network/asterism/internal/crypto"

// A NodeKey is an RFC 8032 private key: it signs a node's snapshots and authenticates its
// connections.
type NodeKey = crypto.NodeKey

// NodeKeyFromSeed returns the key of a 32-byte seed.
func NodeKeyFromSeed(seed [32]byte) NodeKey { return crypto.NodeKeyFromSeed(seed) }
