package rpc

import (
	"encoding/json"

	"github.com/asterism-network/asterism/kernel"
)

// What the tests outside the package see of the registry.
var (
	MethodByName = methods
	MethodNames  = methodNames
	CodeOf       = codeOf
	Describe     = describe
	ParseTokens  = parseTokens
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

// Capped makes a listener's account of open connections.
func Capped(total, perAddress int) (take func(host string) bool, give func(host string)) {
	l := &cappedListener{total: total, perAddress: perAddress}
	return l.take, l.give
}

// CachedCommits says what the cache holds after many items of one size.
func CachedCommits(items, size int) (held, bytes int) {
	var c commitCache
	for i := range items {
		c.get(kernel.CommitIndex(i), func() json.RawMessage { return make([]byte, size) })
	}
	return len(c.items), c.bytes
}
