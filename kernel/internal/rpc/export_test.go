package rpc

import (
	"encoding/json"
	"maps"

	"github.com/asterism-network/asterism/internal/rpcserver"
	"github.com/asterism-network/asterism/kernel"
)

// What the tests outside the package see of the registry.
var (
	service      = described()
	MethodByName = service.Method
	MethodNames  = service.MethodNames()
	CodeOf       = service.CodeOf
	ParseTokens  = rpcserver.ParseTokens
)

// described is the interface of a node that is never asked.
func described() *rpcserver.Service {
	s, err := New(Config{Listen: "127.0.0.1:0"}, nil, nil, nil, nil)
	if err != nil {
		panic(err)
	}
	return s.Service()
}

// NameCodes lists the error names that are not rules.
func NameCodes() map[string]int {
	all := rpcserver.Codes()
	maps.Copy(all, names)
	return all
}

// Limits under test.
const (
	MaxBody      = rpcserver.MaxBody
	MaxLargeBody = rpcserver.MaxLargeBody
	MaxDepth     = rpcserver.MaxDepth
	MaxBatch     = rpcserver.MaxBatch
)

// CachedCommits says what the cache holds after many items of one size.
func CachedCommits(items, size int) (held, bytes int) {
	var c commitCache
	for i := range items {
		c.get(kernel.CommitIndex(i), func() json.RawMessage { return make([]byte, size) })
	}
	return len(c.items), c.bytes
}
