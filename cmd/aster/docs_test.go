package main

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/cmd/internal/clitest"
	"github.com/asterism-network/asterism/cmd/internal/kerneld"
	"github.com/asterism-network/asterism/cmd/internal/pillarsd"
	"github.com/spf13/cobra"
)

const root = "../.."

// TestDocumentedCommands parses every command line of our programs that a page shows: a page
// that names a flag which does not exist fails here, not at a reader's terminal.
func TestDocumentedCommands(t *testing.T) {
	inline := regexp.MustCompile("`((?:go run \\./cmd/)?(?:aster|kerneld|pillarsd) [^`]+)`")
	checked := 0
	check := func(page, line string) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "go run ./cmd/")
		line, _, _ = strings.Cut(line, "#")
		line = strings.ReplaceAll(line, "*", "x")
		for part := range strings.SplitSeq(line, " | ") {
			part = strings.TrimSpace(part)
			for name, program := range map[string]func() *cobra.Command{"aster": command, "kerneld": kerneld.Command, "pillarsd": pillarsd.Command} {
				if rest, ok := strings.CutPrefix(part, name+" "); ok && !strings.Contains(rest, "…|") {
					clitest.CheckLine(t, program(), page, part)
					checked++
				}
			}
		}
	}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || d.Name() == ".git") {
			if err == nil {
				err = fs.SkipDir
			}
			return err
		}
		if filepath.Ext(name) != ".md" || filepath.Base(name) == "cli.md" { // the reference is written from the commands
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		fenced := false
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "```") {
				fenced = !fenced
				continue
			}
			if fenced {
				check(name, line)
				continue
			}
			for _, m := range inline.FindAllStringSubmatch(line, -1) {
				check(name, m[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if checked < 30 {
		t.Errorf("only %d documented command lines found", checked)
	}
}

// TestReference holds docs/reference/cli.md to the command trees; -rewrite writes it anew.
func TestReference(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Commands\n\nWritten by `go test ./cmd/aster -run Reference -rewrite` from the commands themselves.\n\n" +
		"Results go to standard output, everything else to standard error. With `--json` a result is one JSON object, and so is an\n" +
		"error: `name`, `message`, `hint`. Passphrases, words and keys are never arguments: they come from a terminal, a private\n" +
		"file or standard input.\n\n| exit code | meaning |\n| --- | --- |\n" + exitCodes)
	for _, program := range []*cobra.Command{command(), kerneld.Command(), pillarsd.Command()} {
		clitest.Reference(&b, program)
	}
	name := filepath.Join(root, "docs", "reference", "cli.md")
	old, err := os.ReadFile(name)
	if string(old) == b.String() {
		return
	}
	if flag.Lookup("rewrite").Value.String() == "true" {
		if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("docs/reference/cli.md is not what the commands say (%v); run go test ./cmd/aster -run Reference -rewrite", err)
}

var exitCodes = func() string {
	var b strings.Builder
	for _, c := range []struct {
		code int
		text string
	}{
		{0, "done; also a clean stop by Ctrl-C or SIGTERM of what runs until then"},
		{1, "the request failed; a named error is printed"},
		{2, "wrong usage"},
		{3, "the answer is no: rejected, a check failed, declined"},
		{65, "input data malformed"},
		{69, "the node does not answer"},
		{70, "an invariant does not hold: stopped on purpose"},
		{74, "disk failed or full"},
		{75, "not yet: timeout, not ready; try again"},
		{77, "no permission, wrong passphrase or token"},
		{78, "configuration refused"},
		{130, "interrupted while waiting"},
	} {
		fmt.Fprintf(&b, "| %d | %s |\n", c.code, c.text)
	}
	return b.String()
}()
