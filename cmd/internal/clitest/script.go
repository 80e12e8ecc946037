// Package clitest tests commands by script files: what a person types and what is printed.
//
//	$ aster tx decode zz
//	! aster: transaction is not hex: …
//	exit 65
//
// A line after $ is run in the test's process; lines that follow are its standard output,
// those after "! " its standard error, and "exit" tells a code other than 0. "< FILE" and
// "> FILE" at the end of a command redirect, "write FILE TEXT" makes a private file. $DIR is
// the script's own folder. Long hexadecimal numbers are shown as <hash>, addresses as <address>,
// file permissions and times do not matter. go test -rewrite writes the scripts anew; the
// difference is for review.
package clitest

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the command scripts anew from what is printed now")

// A Program is a command line program as its main calls it.
type Program func(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int

// Run runs every script that matches pattern. Programs are known by their names.
func Run(t *testing.T, pattern string, programs map[string]Program) {
	t.Helper()
	scripts, err := filepath.Glob(pattern)
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no script matches %s: %v", pattern, err)
	}
	for _, name := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			s := session{t: t, programs: programs, dir: t.TempDir()}
			got := s.play(string(want))
			if got == string(want) {
				return
			}
			if *rewrite {
				if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			t.Errorf("%s differs (go test -rewrite writes it anew):\n%s", name, difference(string(want), got))
		})
	}
}

type session struct {
	t        *testing.T
	programs map[string]Program
	dir      string
}

// play runs the commands of a script and returns it with what was printed.
func (s *session) play(script string) string {
	var out strings.Builder
	for line := range strings.Lines(script) {
		line = strings.TrimRight(line, "\n")
		command, isCommand := strings.CutPrefix(line, "$ ")
		switch {
		case isCommand:
			fmt.Fprintln(&out, line)
			out.WriteString(s.run(command))
		case strings.HasPrefix(line, "#"), line == "":
			fmt.Fprintln(&out, line)
		}
	}
	return out.String()
}

// run runs one command and returns what it printed, made comparable.
func (s *session) run(command string) string {
	words := split(strings.ReplaceAll(command, "$DIR", s.dir))
	var stdin io.Reader = strings.NewReader("")
	var stdout, stderr bytes.Buffer
	var target string
	for len(words) > 2 {
		switch n := len(words) - 2; words[n] {
		case "<":
			text, err := os.ReadFile(words[n+1])
			if err != nil {
				s.t.Fatal(err)
			}
			stdin, words = bytes.NewReader(text), words[:n]
			continue
		case ">":
			target, words = words[n+1], words[:n]
			continue
		}
		break
	}
	if words[0] == "write" {
		if err := os.WriteFile(words[1], []byte(strings.Join(words[2:], " ")+"\n"), 0o600); err != nil {
			s.t.Fatal(err)
		}
		return ""
	}
	program := s.programs[words[0]]
	if program == nil {
		s.t.Fatalf("script: unknown program %q", words[0])
	}
	code := program(s.t.Context(), words[1:], stdin, &stdout, &stderr)
	if target != "" {
		if err := os.WriteFile(target, stdout.Bytes(), 0o600); err != nil {
			s.t.Fatal(err)
		}
		stdout.Reset()
	}
	text := s.normal(stdout.String())
	for line := range strings.Lines(s.normal(stderr.String())) {
		text += strings.TrimRight("! "+strings.TrimRight(line, "\n"), " ") + "\n"
	}
	if code != 0 {
		text += fmt.Sprintf("exit %d\n", code)
	}
	return text
}

var variable = []struct {
	pattern *regexp.Regexp
	shown   string
}{
	{regexp.MustCompile(`\bXIN[1-9A-HJ-NP-Za-km-z]{80,}`), "<address>"},
	{regexp.MustCompile(`\b[0-9a-f]{64,}\b`), "<hash>"},
	{regexp.MustCompile(`\b20\d\d-\d\d-\d\dT[\d:.]+Z`), "<time>"},
	{regexp.MustCompile(`\bgo1\.\S+ \S+/\S+.*`), "<go>"},
}

func (s *session) normal(text string) string {
	text = strings.ReplaceAll(text, s.dir, "$DIR")
	for _, v := range variable {
		text = v.pattern.ReplaceAllString(text, v.shown)
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	var kept strings.Builder
	for line := range strings.Lines(text) {
		switch { // what could be taken for a line of the script itself
		case line == "\n":
			line = ".\n"
		case strings.HasPrefix(line, "#"), strings.HasPrefix(line, "$ "):
			line = "\\" + line
		}
		kept.WriteString(line)
	}
	return kept.String()
}

// split cuts a command into words; quotes hold a word together.
func split(command string) (words []string) {
	var word strings.Builder
	var quote rune // 0 outside of quotes
	started := false
	for _, c := range command {
		switch {
		case quote == 0 && (c == '\'' || c == '"'):
			quote, started = c, true
		case quote != 0 && c == quote:
			quote = 0
		case c == ' ' && quote == 0:
			if started {
				words = append(words, word.String())
			}
			word.Reset()
			started = false
		default:
			word.WriteRune(c)
			started = true
		}
	}
	if started {
		words = append(words, word.String())
	}
	return words
}

// difference shows the first lines that differ.
func difference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return fmt.Sprintf("line %d\nwant %s\ngot  %s", i+1, w[i], g[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}
