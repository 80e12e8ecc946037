package rpc

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
