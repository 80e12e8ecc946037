package arch

import (
	"go/ast"
	"go/parser"
	"slices"
	"strings"
	"testing"
)

// TestPlanted plants each forbidden thing in a source of its own and expects exactly that
// finding; the harmless neighbours must pass.
func TestPlanted(t *testing.T) {
	for _, tt := range []struct {
		name, code string
		want       []string
	}{
		{"map field", `type g struct{ m map[int]bool }; func f(x *g) (n int) { for k := range x.m { n += k }; return n }`, []string{rangesMap}},
		{"map of a named type", `type set map[int]bool; func f(s set) (n int) { for range s { n++ }; return n }`, []string{rangesMap}},
		{"map from a call", `func m() map[int]int { return nil }; func f() (n int) { for _, v := range m() { n += v }; return n }`, []string{rangesMap}},
		{"map behind a type parameter", `func f[M ~map[K]int, K comparable](m M) (n int) { for _, v := range m { n += v }; return n }`, []string{rangesMap}},
		{"map of another package", `import "github.com/asterism-network/asterism/kernel"; func f(a map[kernel.TxHash]int) { for range a { } }`, []string{rangesMap}},
		{"unknown type", `import "example.org/other"; func f() { for range other.Things() { } }`, []string{rangesUnknown}},
		{"slice", `func f(s []int) (n int) { for i := range s { n += i }; for i := range 4 { n += i }; return n }`, nil},
		{"unsorted keys", `import "maps"; func f(m map[int]int) (n int) { for k := range maps.Keys(m) { n += k }; return n }`, []string{mapOrder}},
		{"sorted keys", `import ("maps"; "slices"); func f(m map[int]int) []int { return slices.Sorted(maps.Keys(m)) }`, nil},
		{"goroutine", `func f() { go f() }`, []string{startsGoroutine}},
		{"select", `func f() { select {} }`, []string{usesSelect}},
		{"send", `func f(c chan<- int) { c <- 1 }`, []string{usesChannel}},
		{"receive", `type inbox = chan int; func f(c inbox) int { return <-c }`, []string{usesChannel}},
		{"range over a channel", "import \"github.com/asterism-network/asterism/kernel\"\nvar _ kernel.Hash\ntype c chan int\nfunc f(x c) { for range x { } }", []string{usesChannel}},
		{"float literal", `const half = 0.5`, []string{usesFloat}},
		{"float type", `type ratio struct{ r float64 }`, []string{usesFloat}},
		{"float by division", `import "math"; func f(n int) int { return int(math.Sqrt(float64(n))) }`, []string{usesFloat}},
		{"clock", `import "time"; func f() int64 { return time.Now().Unix() }`, []string{readsClock}},
		{"clock renamed", `import t "time"; func f() { t.Sleep(t.Second) }`, []string{readsClock}},
		{"time as a value", `import "time"; func f(n int64) time.Time { return time.UnixMilli(n) }`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := sharedLoader()
			file, err := parser.ParseFile(l.fset, "planted.go", "package planted; "+tt.code, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range l.impurities("planted", []*ast.File{file}) {
				got = append(got, f.what)
			}
			slices.Sort(got)
			if got = slices.Compact(got); !slices.Equal(got, tt.want) {
				t.Fatalf("found %q, want %q", got, tt.want)
			}
		})
	}
}

// TestPlantedImports asks the table about imports that must fail and some that must pass.
func TestPlantedImports(t *testing.T) {
	for _, tt := range []struct {
		pkg, imp string
		bad      bool
	}{
		{"kernel/internal/dag", "os", true},
		{"kernel/internal/dag", "net/http", true},
		{"kernel/internal/dag", "log/slog", true},
		{"kernel/internal/dag", "math/rand/v2", true},
		{"kernel/internal/dag", "crypto/rand", true},
		{"kernel/internal/dag", "sync", true},
		{"kernel/internal/dag", "time", true},
		{"kernel/internal/dag", "slices", false},
		{"kernel/internal/dag", module + "/kernel", false},
		{"kernel/internal/dag", module + "/kernel/internal/consensus", true},
		{"kernel/internal/ledger", module + "/kernel/internal/engine", true},
		{"kernel/internal/engine", module + "/kernel/internal/ledger", true},
		{"kernel/internal/engine", module + "/kernel/internal/store", true},
		{"kernel", module + "/kernel/internal/dag", true},
		{"internal/codec", module + "/kernel", true},
		{"internal/crypto", "github.com/oasisprotocol/curve25519-voi/curve", false},
		{"kernel/internal/store", module + "/internal/kv", false},
		{"kernel/internal/store", module + "/kernel/node", true},
		{"kernel/client", module + "/kernel/node", true},
		{"kernel/node", module + "/cmd/aster", true},
		{"cmd/aster", module + "/kernel/node", false},
		{"cmd/aster", module + "/internal/kv", true},
		{"kernel/node", module + "/test/interop", true},
		{"kernel/internal/store", module + "/internal/sim", true},
		{"kernel/internal/engine", module + "/internal/sim", true},
		{"kernel/sim", module + "/internal/sim", false},
		{"cmd/aster", module + "/kernel/sim", false},
		{"cmd/aster", module + "/internal/sim", true},
	} {
		where, ok := placeOf(tt.pkg)
		if !ok {
			t.Errorf("%s has no place", tt.pkg)
		}
		if why := forbidden(tt.pkg, where, tt.imp); (why != "") != tt.bad {
			t.Errorf("%s imports %s: got %q", tt.pkg, tt.imp, why)
		}
	}
	for _, pebble := range []string{"github.com/cockroachdb/pebble/v2", "github.com/cockroachdb/pebble/v2/vfs"} {
		if fenced("kernel/internal/store", pebble) == "" || fenced("internal/kv", pebble) != "" {
			t.Errorf("fence of %s does not hold", pebble)
		}
	}
}

// TestNoPlace shows that a new folder is not let through unseen.
func TestNoPlace(t *testing.T) {
	if _, ok := placeOf("kernel/internal/somethingnew"); ok {
		t.Error("a package that nobody placed has a place")
	}
	if !strings.HasPrefix(module, "github.com/") {
		t.Error("module path lost")
	}
}
