package rpc

import (
	"encoding/json"

	"github.com/asterism-network/asterism/internal/rpcserver"
	"github.com/asterism-network/asterism/kernel"
)

// What the tests outside the package see of the registry.
var (
	MethodByName = methods
	MethodNames  = methodNames
	CodeOf       = codeOf
	Describe     = describe
	ParseTokens  = rpcserver.ParseTokens
)

// NameCodes lists the error names that are not rules.
func NameCodes() map[string]int { return names }

// Limits under test.
const (
	MaxBody      = maxBody
	MaxLargeBody = maxLargeBody
	MaxDepth     = maxDepth
	MaxBatch     = maxBatch
)

// CachedCommits says what the cache holds after many items of one size.
func CachedCommits(items, size int) (held, bytes int) {
	var c commitCache
	for i := range items {
		c.get(kernel.CommitIndex(i), func() json.RawMessage { return make([]byte, size) })
	}
	return len(c.items), c.bytes
}
