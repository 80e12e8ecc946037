package arch

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestNoPrivatePaths keeps the folders of the machines we build on out of the sources: a text
// that names them is true on one machine only.
func TestNoPrivatePaths(t *testing.T) {
	private := regexp.MustCompile(`(^|[^\w./-])/(work|home/\w+|Users/\w+)/`)
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name != root && (d.Name() == ".git" || d.Name() == "node_modules") {
				return filepath.SkipDir
			}
			return nil
		}
		if d.Name() == ".git" { // of a worktree: a file that says where the repository is
			return nil
		}
		info, err := d.Info()
		if err != nil || !info.Mode().IsRegular() || info.Size() > 4<<20 {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil || bytes.IndexByte(text, 0) >= 0 {
			return err
		}
		if at := private.FindIndex(text); at != nil {
			t.Errorf("%s:%d names a private folder: %q", name, 1+bytes.Count(text[:at[1]], []byte("\n")), text[at[0]:at[1]])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !private.MatchString("see /" + "work/notes") {
		t.Error("the pattern finds nothing")
	}
}

// TestDependenciesListed compares the direct requirements of go.mod with docs/dependencies.md,
// both ways: no dependency without a reason, no reason without a dependency.
func TestDependenciesListed(t *testing.T) {
	goMod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, "docs", "dependencies.md"))
	if err != nil {
		t.Fatal(err)
	}
	direct := map[string]string{}
	for line := range strings.Lines(string(goMod)) {
		if strings.Contains(line, "// indirect") {
			continue
		}
		if f := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require ")); len(f) == 2 && strings.Contains(f[0], ".") && strings.HasPrefix(f[1], "v") {
			direct[f[0]] = f[1]
		}
	}
	listed := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^ ]+) \\|").FindAllStringSubmatch(string(page), -1) {
		listed[m[1]] = m[2]
	}
	if len(listed) == 0 {
		t.Fatal("no table in docs/dependencies.md")
	}
	for mod, version := range direct {
		if listed[mod] != version {
			t.Errorf("%s %s is required but docs/dependencies.md says %q", mod, version, listed[mod])
		}
	}
	if len(direct) == 0 {
		return // a go.mod that was not tidied yet marks everything as indirect
	}
	for mod := range listed {
		if direct[mod] == "" {
			t.Errorf("docs/dependencies.md lists %s, which nothing requires directly", mod)
		}
	}
}

// TestArchitectureTree holds the tree in ARCHITECTURE.md to the folders that exist.
func TestArchitectureTree(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(page), "```tree\n")
	tree, _, closed := strings.Cut(rest, "```")
	if !ok || !closed {
		t.Fatal("ARCHITECTURE.md has no ```tree block")
	}
	listed := map[string]bool{}
	for line := range strings.Lines(tree) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		name := strings.TrimSuffix(f[0], "/")
		if _, err := os.Stat(filepath.Join(root, name)); err != nil {
			t.Errorf("ARCHITECTURE.md shows %s, which does not exist", f[0])
		}
		listed[name] = true
	}
	for _, pkg := range modulePackages(t) {
		if !listed[pkg.path] && !strings.HasPrefix(pkg.path, "cmd/") {
			t.Errorf("ARCHITECTURE.md does not show %s", pkg.path)
		}
	}
}
