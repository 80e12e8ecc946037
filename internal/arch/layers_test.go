package arch

import (
	"path"
	"slices"
	"strings"
	"testing"
)

// A layer is a row of the table in ARCHITECTURE.md.
type layer int

const (
	mechanism  layer = iota // hashing, codecs, trees: no product words
	vocabulary              // what a product's things are called, and their bytes
	core                    // pure: the same inputs give the same outputs on every machine
	adapter                 // one outside thing each: disk, network, a protocol's surface
	shell                   // owns time, goroutines and wiring
	program                 // flags and printing
)

// A place says where a package stands. Imports lists the module's packages that a mechanism,
// a vocabulary or a core may import; the others are held by their layer alone.
type place struct {
	layer   layer
	imports []string
}

var kernelBase = []string{"internal/codec", "internal/crypto", "internal/merkle", "kernel"}

func also(base []string, more ...string) []string { return append(slices.Clone(base), more...) }

// places is the whole house. A package that is not here, or not below a folder ending in
// "/...", fails the test: say where it stands before it is used.
var places = map[string]place{
	"internal/codec":          {mechanism, nil},
	"internal/merkle":         {mechanism, []string{"internal/codec", "internal/crypto"}},
	"internal/crypto":         {mechanism, []string{"internal/codec"}},
	"internal/crypto/secp":    {mechanism, nil},
	"internal/crypto/sharing": {mechanism, []string{"internal/codec", "internal/crypto"}},

	"kernel": {vocabulary, []string{"internal/codec", "internal/crypto", "internal/merkle"}},

	"kernel/light":    {core, also(kernelBase, "kernel/internal/coin", "kernel/internal/ledger")},
	"kernel/ceremony": {core, also(kernelBase, "internal/crypto/sharing", "kernel/internal/coin")},

	"kernel/internal/canary":    {core, nil},
	"kernel/internal/committee": {core, kernelBase},
	"kernel/internal/wire":      {core, kernelBase},
	"kernel/internal/coin":      {core, also(kernelBase, "internal/crypto/sharing")},
	"kernel/internal/dag":       {core, also(kernelBase, "kernel/internal/canary", "kernel/internal/committee")},
	"kernel/internal/consensus": {core, also(kernelBase, "kernel/internal/canary", "kernel/internal/committee", "kernel/internal/dag", "kernel/internal/coin")},
	"kernel/internal/mempool":   {core, kernelBase},
	"kernel/internal/engine": {core, also(kernelBase, "kernel/internal/canary", "kernel/internal/committee", "kernel/internal/coin",
		"kernel/internal/dag", "kernel/internal/consensus", "kernel/internal/mempool", "kernel/internal/wire")},
	"kernel/internal/dealing": {core, also(kernelBase, "internal/crypto/sharing")},
	"kernel/internal/ledger":  {core, also(kernelBase, "internal/crypto/sharing", "kernel/internal/committee", "kernel/internal/coin", "kernel/internal/dealing")},
	"kernel/internal/naive":   {core, kernelBase}, // the second opinion on dag and consensus: builds on neither

	"kernel/internal/checkpoint": {core, kernelBase},

	"pillars":        {vocabulary, []string{"internal/codec", "internal/crypto/secp"}},
	"pillars/script": {vocabulary, []string{"internal/crypto/secp", "pillars"}},

	"pillars/internal/consensus": {core, []string{"internal/codec", "pillars"}},
	"pillars/internal/pow":       {core, []string{"pillars", "pillars/internal/consensus"}},
	"pillars/internal/pos":       {core, []string{"pillars", "pillars/internal/consensus"}},
	"pillars/internal/state": {core, []string{"internal/codec", "internal/crypto", "pillars", "pillars/script",
		"pillars/internal/consensus", "pillars/internal/pos"}},
	"pillars/internal/template": {core, []string{"pillars", "pillars/script", "pillars/internal/consensus", "pillars/internal/pos", "pillars/internal/state"}},
	"pillars/internal/why":      {core, []string{"pillars"}},
	"pillars/internal/tree":     {core, []string{"pillars", "pillars/internal/consensus", "pillars/internal/pos"}},
	"pillars/internal/mempool": {core, []string{"pillars", "pillars/script", "pillars/internal/consensus", "pillars/internal/state",
		"pillars/internal/tree"}},
	"pillars/internal/wire":   {core, []string{"internal/codec", "pillars", "pillars/internal/tree"}},
	"pillars/internal/book":   {core, []string{"pillars/internal/wire"}},
	"pillars/internal/gossip": {core, []string{"pillars", "pillars/script", "pillars/internal/book", "pillars/internal/mempool", "pillars/internal/tree", "pillars/internal/wire"}},

	"pillars/internal/p2p":       {adapter, nil},
	"pillars/internal/store":     {adapter, nil},
	"pillars/internal/chain":     {shell, nil},
	"pillars/internal/chaintest": {shell, nil}, // makes valid chains for tests; draws random numbers, from seeds only
	"pillars/internal/mining":    {shell, nil},
	"pillars/internal/rpc":       {adapter, nil},
	"pillars/client":             {adapter, nil},
	"pillars/internal/forge":     {shell, nil},
	"pillars/internal/stratum":   {shell, nil},
	"pillars/wallet":             {shell, nil},
	"pillars/sim":                {shell, nil},
	"pillars/node":               {shell, nil},

	"internal/kv":           {adapter, nil},
	"internal/netx":         {adapter, nil},
	"internal/keystore":     {adapter, nil},
	"internal/words":        {adapter, nil},
	"internal/rpcclient":    {adapter, nil},
	"internal/cputime":      {adapter, nil},
	"internal/rpcserver":    {adapter, nil},
	"kernel/internal/store": {adapter, nil},
	"kernel/internal/p2p":   {adapter, nil},
	"kernel/internal/rpc":   {adapter, nil},
	"kernel/client":         {adapter, nil},

	"kernel/internal/rpc/rpctest": {shell, nil},
	"kernel/internal/replica":     {shell, nil}, // and quiet, see TestQuiet

	"kernel/wallet":    {shell, nil},
	"kernel/node":      {shell, nil},
	"kernel/lightnode": {shell, nil},
	"kernel/sim":       {shell, nil},
	"kernel/workload":  {shell, nil},

	"internal/sim": {shell, nil}, // runs many seeds on goroutines, and draws random numbers, from seeds only

	"explorer": {program, nil},
	"cmd/...":  {program, nil},

	"internal/arch": {shell, nil},
	"test/...":      {shell, nil},
}

// placeOf finds where a package stands, itself or by the nearest folder above it.
func placeOf(pkg string) (place, bool) {
	if p, ok := places[pkg]; ok {
		return p, true
	}
	for dir := path.Dir(pkg); dir != "."; dir = path.Dir(dir) {
		if p, ok := places[dir+"/..."]; ok {
			return p, true
		}
	}
	return place{}, false
}

// pureStandard is the part of the standard library that cannot make two nodes differ. What is
// not here needs a reason: a clock, a file, a socket, a random number or a lock is none. Package
// io is interfaces: randomness that somebody else draws comes as a Reader.
var pureStandard = []string{
	"bytes", "cmp", "container/heap", "encoding", "encoding/base64", "encoding/binary", "encoding/hex",
	"encoding/json", "errors", "fmt", "hash", "io", "iter", "maps", "math", "math/big", "math/bits", "slices",
	"sort", "strconv", "strings", "unicode", "unicode/utf8",
}

// pureExtra are imports that single pure packages need beyond pureStandard, with the reason.
var pureExtra = map[string][]string{
	"kernel": {"time", "crypto/sha3"}, // prints timestamps (the clock itself is refused elsewhere); ids and address checksums
	"internal/crypto": {
		"crypto/ed25519", // expands RFC 8032 seeds and signs; never verifies
		"crypto/sha512", "crypto/subtle", "crypto/sha3", "crypto/hmac", "crypto/sha256",
		"filippo.io/edwards25519", "filippo.io/edwards25519/field", "golang.org/x/crypto/sha3",
		"github.com/oasisprotocol/curve25519-voi", "github.com/zeebo/blake3", "lukechampine.com/blake3/guts",
	},
	"internal/crypto/secp": {"crypto/sha256", "github.com/btcsuite/btcd/btcec/v2", "gitlab.com/yawning/secp256k1-voi"},
	"internal/crypto/sharing": {
		"github.com/oasisprotocol/curve25519-voi", "golang.org/x/crypto/chacha20poly1305",
		"crypto/sha512", "filippo.io/edwards25519", "filippo.io/edwards25519/field", // node keys that shares are encrypted to
	},

	"kernel/internal/mempool": {"hash/maphash"}, // seeded by itself, as a map is: no answer depends on the seed

	"pillars/internal/consensus": {"github.com/holiman/uint256"},                             // difficulties and weights
	"pillars/internal/pow":       {"github.com/holiman/uint256", "golang.org/x/crypto/sha3"}, // Ethash is made of the old Keccak
	"pillars/internal/pos":       {"github.com/holiman/uint256"},
	"pillars/internal/why":       {"github.com/holiman/uint256"},
	"pillars/internal/wire":      {"crypto/sha256"}, // the key of short names

	"pillars": {
		"crypto/sha256", "golang.org/x/crypto/ripemd160", // ids and addresses
		"github.com/holiman/uint256", // difficulties are 256-bit integers
		"github.com/btcsuite/btcd/address/v2", "github.com/btcsuite/btcd/btcec/v2",
	},
	"pillars/script": { // the language's hashes, and Bitcoin's engine for version 5
		"crypto/sha1", "crypto/sha256", "golang.org/x/crypto/ripemd160", "github.com/btcsuite/btcd/btcec/v2",
		"github.com/btcsuite/btcd/chainhash/v2", "github.com/btcsuite/btcd/txscript/v2", "github.com/btcsuite/btcd/wire/v2",
	},
}

// fences hold heavy dependencies: who imports them grows by the whole of them.
var fences = map[string][]string{
	"github.com/cockroachdb/pebble":             {"internal/kv"},
	"github.com/btcsuite/btcd":                  {"pillars", "domain", "test", "internal/crypto/secp"},
	"github.com/ethereum/go-ethereum":           {"mvm", "extension", "domain/ethereum"},
	"github.com/prometheus/client_golang":       {"kernel/node", "kernel/internal/rpc", "kernel/internal/p2p", "internal/rpcserver", "pillars/node", "pillars/internal/rpc", "kernel/internal/store"},
	"github.com/spf13/cobra":                    {"cmd"},
	"github.com/oasisprotocol/curve25519-voi":   {"internal/crypto"},
	"gitlab.com/yawning/secp256k1-voi":          {"internal/crypto/secp"},
	"github.com/MixinNetwork/mixin":             {},
	"github.com/decred/dcrd/dcrec/secp256k1/v4": {"pillars", "domain"},
}

// testFences are what test files may import beyond the fences: faults are injected into the
// disk engine's file system from where the promises about crashes are made.
var testFences = map[string][]string{
	"kernel/internal/store": {"github.com/cockroachdb/pebble/v2/vfs"},
}

// TestImports holds every package, tests apart, to its layer.
func TestImports(t *testing.T) {
	for _, pkg := range modulePackages(t) {
		where, ok := placeOf(pkg.path)
		if !ok {
			t.Errorf("%s has no place: add it to places in internal/arch/layers_test.go", pkg.path)
			continue
		}
		for _, imp := range pkg.imports {
			if why := forbidden(pkg.path, where, imp); why != "" {
				t.Errorf("%s imports %s: %s", pkg.path, imp, why)
			}
		}
	}
}

// TestFences holds heavy dependencies to their folders, test files included.
func TestFences(t *testing.T) {
	for _, pkg := range modulePackages(t) {
		for _, imp := range append(slices.Clone(pkg.imports), pkg.testImports...) {
			onlyTests := !slices.Contains(pkg.imports, imp)
			if why := fenced(pkg.path, imp); why != "" && !(onlyTests && within(imp, testFences[pkg.path])) {
				t.Errorf("%s imports %s: %s", pkg.path, imp, why)
			}
		}
	}
}

// forbidden says why a package at the given place may not import imp, or nothing.
func forbidden(pkg string, where place, imp string) string {
	local, ours := strings.CutPrefix(imp, module+"/")
	if where.layer <= core {
		switch {
		case ours && !slices.Contains(where.imports, local):
			return "not among the packages it may build on"
		case !ours && !slices.Contains(pureStandard, imp) && !within(imp, pureExtra[pkg]):
			return "not on the list of imports that keep a package pure"
		}
		return ""
	}
	if !ours {
		return ""
	}
	to, ok := placeOf(local)
	switch {
	case !ok:
		return "that package has no place"
	case strings.HasPrefix(local, "internal/arch"), strings.HasPrefix(local, "test/"):
		return "tests only"
	case where.layer == program && strings.HasPrefix(local, "internal/") && local != "internal/keystore":
		return "a program uses public packages"
	case where.layer < to.layer:
		return "it stands on a higher layer"
	case where.layer == adapter && product(pkg) != "internal" && product(local) != "internal" && product(pkg) != product(local):
		return "an adapter of another product"
	}
	return ""
}

func fenced(pkg, imp string) string {
	for dependency, folders := range fences {
		if within(imp, []string{dependency}) && !within(pkg, folders) {
			return "only below " + strings.Join(folders, ", ")
		}
	}
	return ""
}

// product is the first folder of a package's path: kernel, pillars, internal, …
func product(pkg string) string {
	first, _, _ := strings.Cut(pkg, "/")
	return first
}

// within reports whether p is one of the folders or below one.
func within(p string, folders []string) bool {
	return slices.ContainsFunc(folders, func(f string) bool {
		rest, ok := strings.CutPrefix(p, f)
		return ok && (rest == "" || rest[0] == '/')
	})
}
