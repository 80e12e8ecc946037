package arch

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestCitedRulesExist looks up every rule that the sources cite, like [TX-21], in docs/spec: a
// rule that is cited is written down.
func TestCitedRulesExist(t *testing.T) {
	cited := regexp.MustCompile(`\[((?:CHK|COIN|DAG|EPO|EXE|FLT|FMT|GEN|GHOST|LIM|MRK|NET|ORD|RPC|SIG|STO|TX)(?:-[A-Z0-9]+)?)\]`)
	spec := ""
	pages, err := filepath.Glob(filepath.Join(root, "docs", "spec", "*.md"))
	if err != nil || len(pages) == 0 {
		t.Fatalf("no pages in docs/spec: %v", err)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		spec += string(text)
	}
	written := func(rule string) bool {
		return regexp.MustCompile(`\b` + regexp.QuoteMeta(rule) + `\b`).MatchString(spec)
	}
	found := 0
	err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && d.Name() == "node_modules" {
			if err == nil {
				err = filepath.SkipDir
			}
			return err
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for _, m := range cited.FindAllStringSubmatch(string(text), -1) {
			if found++; !written(m[1]) {
				t.Errorf("%s cites %s, which no page of docs/spec has", name, m[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 100 || written("TX-999") {
		t.Errorf("%d citations found, or any rule is: this test sees nothing", found)
	}
}
