package arch

import (
	"go/ast"
	"go/build"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const (
	module = "github.com/asterism-network/asterism"
	root   = "../.."
)

// A source is one package of the module by what it imports.
type source struct {
	path                 string // below the module: "kernel/internal/dag"
	files                int
	imports, testImports []string
}

// modulePackages lists every package of the module. Nested modules are not ours to judge.
func modulePackages(t *testing.T) []source {
	t.Helper()
	var found []source
	err := filepath.WalkDir(root, func(dir string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if dir != root && skipped(dir, d.Name()) {
			return filepath.SkipDir
		}
		pkg, err := importsOf(dir)
		if err == nil && pkg.files > 0 {
			found = append(found, pkg)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 5 {
		t.Fatalf("only %d packages found below %s", len(found), root)
	}
	return found
}

func skipped(dir, name string) bool {
	if strings.HasPrefix(name, ".") || name == "node_modules" || name == "testdata" {
		return true
	}
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

// importsOf reads the import lines of a folder's files.
func importsOf(dir string) (source, error) {
	pkg := source{}
	rel, err := filepath.Rel(root, dir)
	if err != nil {
		return pkg, err
	}
	pkg.path = filepath.ToSlash(rel)
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return pkg, err
	}
	pkg.files = len(files)
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return pkg, err
		}
		list := &pkg.imports
		if strings.HasSuffix(name, "_test.go") {
			list = &pkg.testImports
		}
		for _, spec := range file.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return pkg, err
			}
			if !slices.Contains(*list, imp) {
				*list = append(*list, imp)
			}
		}
	}
	return pkg, nil
}

// A loader type-checks packages of this module from source. Types of other modules are
// unknown to it; the checks treat what they cannot see as forbidden.
type loader struct {
	fset     *token.FileSet
	standard types.Importer
	done     map[string]*types.Package
}

// sharedLoader checks the standard library's packages once for all tests.
var sharedLoader = sync.OnceValue(newLoader)

func newLoader() *loader {
	fset := token.NewFileSet()
	return &loader{fset: fset, standard: importer.ForCompiler(fset, "source", nil), done: map[string]*types.Package{}}
}

// Import resolves an import path for the type checker.
func (l *loader) Import(path string) (*types.Package, error) {
	if pkg, ok := l.done[path]; ok {
		return pkg, nil
	}
	first, _, _ := strings.Cut(path, "/")
	switch {
	case strings.HasPrefix(path, module+"/"):
		files, err := l.parse(filepath.Join(root, strings.TrimPrefix(path, module+"/")))
		if err != nil {
			return nil, err
		}
		l.done[path] = l.check(path, files, nil)
	case !strings.Contains(first, "."):
		pkg, err := l.standard.Import(path)
		if err != nil {
			return nil, err
		}
		l.done[path] = pkg
	default:
		pkg := types.NewPackage(path, guessName(path))
		pkg.MarkComplete()
		l.done[path] = pkg
	}
	return l.done[path], nil
}

// guessName is the package name of a path of another module: its last element that is not a version.
func guessName(path string) string {
	parts := strings.Split(path, "/")
	last := parts[len(parts)-1]
	if len(parts) > 1 && len(last) > 1 && last[0] == 'v' && last[1] >= '0' && last[1] <= '9' {
		last = parts[len(parts)-2]
	}
	return last
}

// parse reads the files of a folder that this machine would build, tests apart.
func (l *loader) parse(dir string) ([]*ast.File, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		if ok, err := build.Default.MatchFile(dir, filepath.Base(name)); err != nil || !ok {
			continue
		}
		file, err := parser.ParseFile(l.fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

// check computes the types as far as they can be known; the compiler reports real errors.
func (l *loader) check(path string, files []*ast.File, info *types.Info) *types.Package {
	config := types.Config{Importer: l, Error: func(error) {}, FakeImportC: true}
	pkg, _ := config.Check(path, l.fset, files, info)
	return pkg
}
