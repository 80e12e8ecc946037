package arch

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// testOnly are packages that only tests and the simulator link: virtual time, lying members, the
// slow second opinion. The rules that can be broken on purpose are not among them, since the
// cores ask for them; but nobody else can break one, see TestOnlySimulationsBreakRules.
var testOnly = []string{"kernel/internal/naive", "kernel/sim", "internal/sim"}

// production is what runs with money behind it.
var production = []string{"cmd/kerneld", "kernel/node"}

// TestProductionLinksNoTestTools follows the imports of the daemon and of the node's shell as
// far as they go within the module.
func TestProductionLinksNoTestTools(t *testing.T) {
	imports := map[string][]string{}
	for _, pkg := range modulePackages(t) {
		imports[pkg.path] = pkg.imports
	}
	for _, start := range production {
		if imports[start] == nil {
			t.Fatalf("%s is not there", start)
		}
		linked := closure(start, imports)
		if len(linked) < 10 {
			t.Errorf("%s links %d packages of the module: this test sees nothing", start, len(linked))
		}
		for _, pkg := range linked {
			if within(pkg, testOnly) {
				t.Errorf("%s links %s", start, pkg)
			}
		}
	}
}

// closure lists what start imports within the module, directly or not, itself included.
func closure(start string, imports map[string][]string) []string {
	seen := map[string]bool{start: true}
	for todo := []string{start}; len(todo) > 0; {
		pkg := todo[0]
		todo = todo[1:]
		for _, imp := range imports[pkg] {
			if local, ours := strings.CutPrefix(imp, module+"/"); ours && !seen[local] {
				seen[local] = true
				todo = append(todo, local)
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// TestClosure: an import of an import is found, and a circle ends.
func TestClosure(t *testing.T) {
	imports := map[string][]string{"a": {module + "/b", "fmt"}, "b": {module + "/c"}, "c": {module + "/a"}, "d": {module + "/a"}}
	if got := closure("a", imports); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("got %v", got)
	}
}
