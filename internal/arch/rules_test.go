package arch

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const ruleName = `(?:CHK|COIN|DAG|EPO|EXE|FLT|FMT|GEN|GHOST|LIM|MRK|NET|ORD|PIL|RPC|SIG|STK|STO|TX)(?:-[A-Z]+)?-[0-9]+`

// TestExplanationsCite holds the pages of docs/explain to the specification and to the tests:
// each rule that they name is defined there, and each test exists.
func TestExplanationsCite(t *testing.T) {
	spec, tests := textOf(t, filepath.Join(root, "docs", "spec"), ".md"), textOf(t, root, "_test.go")
	defined := map[string]bool{}
	for _, m := range regexp.MustCompile(`\*\*\[?(`+ruleName+`)\b`).FindAllStringSubmatch(spec, -1) {
		defined[m[1]] = true
	}
	pages, err := filepath.Glob(filepath.Join(root, "docs", "explain", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	rules, names := 0, 0
	for _, page := range pages {
		text := textOf(t, page, "")
		for _, m := range regexp.MustCompile(`\b`+ruleName+`\b`).FindAllString(text, -1) {
			if rules++; !defined[m] {
				t.Errorf("%s cites %s, which docs/spec does not define", page, m)
			}
		}
		for _, m := range regexp.MustCompile("`(Test[A-Z]\\w*)`").FindAllStringSubmatch(text, -1) {
			if names++; !strings.Contains(tests, "\nfunc "+m[1]+"(t *testing.T)") {
				t.Errorf("%s names %s, which is no test", page, m[1])
			}
		}
	}
	if rules < 40 || names < 20 || defined["ORD-999"] {
		t.Errorf("%d rules and %d tests found: this test sees nothing", rules, names)
	}
}

// textOf is all files below a folder whose names end so, one after the other.
func textOf(t *testing.T, folder, ending string) string {
	var all strings.Builder
	err := filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && d.Name() == "node_modules" {
			if err == nil {
				err = filepath.SkipDir
			}
			return err
		}
		if d.IsDir() || !strings.HasSuffix(name, ending) {
			return nil
		}
		text, err := os.ReadFile(name)
		all.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// TestCitedRulesExist looks up every rule that the sources cite, like [TX-21], in docs/spec: a
// rule that is cited is written down.
func TestCitedRulesExist(t *testing.T) {
	cited := regexp.MustCompile(`\[((?:CHK|COIN|DAG|EPO|EXE|FLT|FMT|GEN|GHOST|LIM|MRK|NET|ORD|PIL|RPC|SIG|STO|TX)(?:-[A-Z0-9]+)*)\]`)
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
