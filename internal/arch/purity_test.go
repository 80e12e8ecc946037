package arch

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The findings of the purity check, by name.
const (
	startsGoroutine = "starts a goroutine"
	usesChannel     = "uses a channel"
	usesSelect      = "uses select"
	usesFloat       = "uses floating point"
	rangesMap       = "ranges over a map"
	rangesUnknown   = "ranges over a value whose type this test cannot see"
	mapOrder        = "takes map keys or values unsorted"
	readsClock      = "reads the clock"
)

// clock names what package time offers beyond values: the rest is arithmetic.
var clock = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTicker", "NewTimer", "LoadLocation", "Local"}

// TestPurity holds mechanisms, vocabulary and cores to what every node computes alike.
func TestPurity(t *testing.T) {
	l := sharedLoader()
	checked := 0
	for pkg, where := range places {
		dir := filepath.Join(root, pkg)
		if _, err := os.Stat(dir); where.layer > core || err != nil {
			continue // a place is named before its folder exists
		}
		files, err := l.parse(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, finding := range l.impurities(module+"/"+pkg, files) {
			t.Error(finding)
		}
		checked++
	}
	if checked < 4 {
		t.Fatalf("only %d pure packages found", checked)
	}
}

// quiet are shells that the simulator runs as they are: they may read and write the disk through
// what they are given, but contain nothing that makes two runs with the same inputs differ.
var quiet = []string{"kernel/internal/replica"}

// quietStandard is what quiet packages may import of the standard library beyond pureStandard.
var quietStandard = []string{"sync", "sync/atomic"}

// TestQuiet holds quiet packages to no goroutine, channel, clock, randomness or map order.
func TestQuiet(t *testing.T) {
	l := sharedLoader()
	for _, pkg := range quiet {
		dir := filepath.Join(root, pkg)
		files, err := l.parse(dir)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", pkg, len(files), err)
		}
		for _, finding := range l.impurities(module+"/"+pkg, files) {
			t.Error(finding)
		}
		source, err := importsOf(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, imp := range source.imports {
			if !strings.Contains(imp, ".") && !slices.Contains(pureStandard, imp) && !slices.Contains(quietStandard, imp) {
				t.Errorf("%s imports %s", pkg, imp)
			}
		}
	}
}

// simulated are fields of engine.Config by which a simulation replaces or breaks a part.
var simulated = []string{"Coin", "Broken"}

// TestOnlyRealParts shows that a node's engine is whole: neither the node nor what it builds the
// engine with sets a field that is for simulations.
func TestOnlyRealParts(t *testing.T) {
	l := sharedLoader()
	for _, pkg := range []string{"kernel/node", "kernel/internal/replica"} {
		files, err := l.parse(filepath.Join(root, pkg))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", pkg, len(files), err)
		}
		for _, file := range files {
			ast.Inspect(file, func(n ast.Node) bool {
				if name := fieldSet(n); slices.Contains(simulated, name) {
					t.Errorf("%s: sets a field %s", l.fset.Position(n.Pos()), name)
				}
				return true
			})
		}
	}
}

// fieldSet names the field that a part of a literal or an assignment sets, or nothing.
func fieldSet(n ast.Node) string {
	switch n := n.(type) {
	case *ast.KeyValueExpr:
		if id, ok := n.Key.(*ast.Ident); ok {
			return id.Name
		}
	case *ast.AssignStmt:
		for _, e := range n.Lhs {
			if f, ok := e.(*ast.SelectorExpr); ok && slices.Contains(simulated, f.Sel.Name) {
				return f.Sel.Name
			}
		}
	}
	return ""
}

// A finding is one thing that a pure package must not contain.
type finding struct {
	at   token.Position
	what string
}

func (f finding) String() string { return fmt.Sprintf("%s: %s", f.at, f.what) }

// impurities lists what keeps a package from being pure.
func (l *loader) impurities(path string, files []*ast.File) []finding {
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}}
	l.check(path, files, info)
	var found []finding
	add := func(n ast.Node, what string) {
		at := l.fset.Position(n.Pos())
		if !slices.ContainsFunc(found, func(f finding) bool { return f.what == what && f.at.Filename == at.Filename && f.at.Line == at.Line }) {
			found = append(found, finding{at, what})
		}
	}
	for _, file := range files {
		sorted := sortedArguments(file, info)
		ast.Inspect(file, func(n ast.Node) bool {
			if what := impure(n, info, sorted); what != "" {
				add(n, what)
			}
			return true
		})
	}
	return found
}

// impure names what is wrong with one node of the syntax, or nothing.
func impure(n ast.Node, info *types.Info, sorted map[ast.Expr]bool) string {
	switch n := n.(type) {
	case *ast.GoStmt:
		return startsGoroutine
	case *ast.SelectStmt:
		return usesSelect
	case *ast.SendStmt, *ast.ChanType:
		return usesChannel
	case *ast.UnaryExpr:
		if n.Op == token.ARROW {
			return usesChannel
		}
	case *ast.BasicLit:
		if n.Kind == token.FLOAT || n.Kind == token.IMAG {
			return usesFloat
		}
	case *ast.RangeStmt:
		return impureRange(info.TypeOf(n.X))
	case *ast.SelectorExpr:
		return impureSelector(n, info, sorted)
	}
	if e, ok := n.(ast.Expr); ok && isFloat(info.TypeOf(e)) {
		return usesFloat
	}
	return ""
}

func impureRange(over types.Type) string {
	switch {
	case over == nil:
		return rangesUnknown
	case anyTerm(over, func(t types.Type) bool { _, ok := t.(*types.Map); return ok }):
		return rangesMap
	case anyTerm(over, func(t types.Type) bool { _, ok := t.(*types.Chan); return ok }):
		return usesChannel
	case over.Underlying() == types.Typ[types.Invalid]:
		return rangesUnknown
	}
	return ""
}

func impureSelector(n *ast.SelectorExpr, info *types.Info, sorted map[ast.Expr]bool) string {
	id, ok := n.X.(*ast.Ident)
	if !ok {
		return ""
	}
	pkg, ok := info.Uses[id].(*types.PkgName)
	if !ok {
		return ""
	}
	switch from := pkg.Imported().Path(); {
	case from == "time" && slices.Contains(clock, n.Sel.Name):
		return readsClock
	case from == "maps" && slices.Contains([]string{"Keys", "Values", "All"}, n.Sel.Name) && !sorted[n]:
		return mapOrder
	}
	return ""
}

// sortedArguments finds the iterators that go straight into slices.Sorted and its kin.
func sortedArguments(file *ast.File, info *types.Info) map[ast.Expr]bool {
	found := map[ast.Expr]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		f, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		obj := info.Uses[f.Sel]
		if obj == nil || obj.Pkg() == nil || obj.Pkg().Path() != "slices" || !slices.Contains([]string{"Sorted", "SortedFunc", "SortedStableFunc"}, obj.Name()) {
			return true
		}
		if inner, ok := call.Args[0].(*ast.CallExpr); ok {
			found[inner.Fun] = true
		}
		return true
	})
	return found
}

func isFloat(t types.Type) bool {
	return anyTerm(t, func(t types.Type) bool {
		b, ok := t.(*types.Basic)
		return ok && b.Info()&(types.IsFloat|types.IsComplex) != 0
	})
}

// anyTerm applies ok to the type under t; of a type parameter, to every type of its constraint.
func anyTerm(t types.Type, ok func(types.Type) bool) bool {
	if t == nil {
		return false
	}
	param, generic := types.Unalias(t).(*types.TypeParam)
	if !generic {
		return ok(t.Underlying())
	}
	constraint, isInterface := param.Constraint().Underlying().(*types.Interface)
	if !isInterface {
		return false
	}
	for i := range constraint.NumEmbeddeds() {
		switch e := constraint.EmbeddedType(i).(type) {
		case *types.Union:
			for j := range e.Len() {
				if ok(e.Term(j).Type().Underlying()) {
					return true
				}
			}
		default:
			if ok(e.Underlying()) {
				return true
			}
		}
	}
	return false
}
