package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// canaryPath is where the rules are that can be broken on purpose.
const canaryPath = module + "/kernel/internal/canary"

// breakers may break them outside tests.
var breakers = []string{"kernel/sim"}

// TestOnlySimulationsBreakRules: outside tests nobody but the simulator names canary.Break, by
// whatever name the package is imported. A Set with anything in it cannot be made otherwise: its
// field is not exported.
func TestOnlySimulationsBreakRules(t *testing.T) {
	broken := 0
	for _, pkg := range modulePackages(t) {
		if !slices.Contains(pkg.imports, canaryPath) {
			continue
		}
		for _, name := range sourcesOf(t, pkg.path) {
			fset := token.NewFileSet()
			file, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, at := range breaks(file) {
				broken++
				if !slices.Contains(breakers, pkg.path) {
					t.Errorf("%s breaks a rule: only %s may", fset.Position(at), strings.Join(breakers, ", "))
				}
			}
		}
	}
	if broken == 0 {
		t.Error("nobody breaks a rule: this test sees nothing")
	}
}

// sourcesOf lists a package's files, tests apart, whatever machine they are built on.
func sourcesOf(t *testing.T, pkg string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, pkg, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if !strings.HasSuffix(name, "_test.go") {
			names = append(names, name)
		}
	}
	return names
}

// breaks finds where a file names canary.Break. A dot import counts as such a place.
func breaks(file *ast.File) (found []token.Pos) {
	local := ""
	for _, spec := range file.Imports {
		if strings.Trim(spec.Path.Value, `"`) != canaryPath {
			continue
		}
		local = "canary"
		if spec.Name != nil {
			local = spec.Name.Name
		}
		if local == "." {
			return []token.Pos{spec.Pos()}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "Break" {
			if id, ok := s.X.(*ast.Ident); ok && id.Name == local {
				found = append(found, s.Pos())
			}
		}
		return true
	})
	return found
}

// TestPlantedBreaks plants calls that must be found and some that must not.
func TestPlantedBreaks(t *testing.T) {
	for code, want := range map[string]int{
		`import "` + canaryPath + `"; var s = canary.Break(1)`:                          1,
		`import "` + canaryPath + `"; var f = canary.Break`:                             1,
		`import c "` + canaryPath + `"; var s = []any{c.Break(1), c.Break(2)}`:          2,
		`import . "` + canaryPath + `"; var s = Break(1)`:                               1,
		`import "` + canaryPath + `"; var s canary.Set; var b = s.Has(1)`:               0,
		`import canary "example.org/other"; var s = canary.Break(1)`:                    0,
		`type t struct{}; func (t) Break(int) {}; func f(canary t) { canary.Break(1) }`: 0,
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\n"+code, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if got := breaks(file); len(got) != want {
			t.Errorf("%s: found %d, want %d", code, len(got), want)
		}
	}
}

// nodeOwn are fields that a node leaves to what its parts set themselves: with one of them a
// simulation replaces signatures, coins or verified knowledge, or breaks a rule.
var nodeOwn = []string{"Broken", "Coin", "Proofs", "Memory"}

// TestNodeTakesNoSimulatedParts: the node's shell sets none of these fields, in a literal or later.
func TestNodeTakesNoSimulatedParts(t *testing.T) {
	for _, name := range sourcesOf(t, "kernel/node") {
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range setsAny(file, nodeOwn) {
			t.Errorf("%s: a node sets no field %s", fset.Position(at), strings.Join(nodeOwn, ", "))
		}
	}
	file, err := parser.ParseFile(token.NewFileSet(), "x.go", `package x
		var a = config{Proofs: x, Other: y}
		func f(c *config) { c.Memory = x; c.Other = y; (c).Coin, z = x, y }`, parser.SkipObjectResolution)
	if err != nil || len(setsAny(file, nodeOwn)) != 3 {
		t.Errorf("of three planted fields %d are found (%v)", len(setsAny(file, nodeOwn)), err)
	}
}

// setsAny finds where a file sets one of the fields.
func setsAny(file *ast.File, fields []string) (found []token.Pos) {
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.KeyValueExpr:
			if id, ok := n.Key.(*ast.Ident); ok && slices.Contains(fields, id.Name) {
				found = append(found, n.Pos())
			}
		case *ast.AssignStmt:
			for _, e := range n.Lhs {
				if f, ok := e.(*ast.SelectorExpr); ok && slices.Contains(fields, f.Sel.Name) {
					found = append(found, e.Pos())
				}
			}
		}
		return true
	})
	return found
}
