package clitest

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// CheckTree holds every command of a program to what all owe: a short text, an example that
// really is a command line of that program, no secret among the flags, --json, completions.
func CheckTree(t *testing.T, make func() *cobra.Command) {
	t.Helper()
	root := make()
	commands := 0
	walk(root, func(cmd *cobra.Command) {
		if cmd.Hidden && cmd.Name() != "kerneld" {
			return
		}
		commands++
		path := cmd.CommandPath()
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("%s: wants a short text without a full stop", path)
		}
		if cmd.Example == "" {
			t.Errorf("%s has no example", path)
		}
		for line := range strings.Lines(cmd.Example) {
			checkExample(t, make(), path, strings.TrimSpace(line))
		}
		if cmd.Flags().Lookup("json") == nil && cmd.InheritedFlags().Lookup("json") == nil && cmd.PersistentFlags().Lookup("json") == nil {
			t.Errorf("%s has no --json", path)
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) { checkFlag(t, path, f) })
	})
	if commands < 5 {
		t.Errorf("only %d commands found", commands)
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		var script bytes.Buffer
		program := make()
		program.SetArgs([]string{"completion", shell})
		program.SetOut(&script)
		if err := program.Execute(); err != nil || script.Len() < 1000 {
			t.Errorf("completion %s: %d bytes, %v", shell, script.Len(), err)
		}
	}
}

func walk(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, c := range cmd.Commands() {
		walk(c, visit)
	}
}

// checkExample parses one example line as far as its own program's flags go. Lines of other
// programs are not ours to judge.
func checkExample(t *testing.T, root *cobra.Command, path, line string) {
	line, _, _ = strings.Cut(line, " > ")
	line, _, _ = strings.Cut(line, " < ")
	line, _, _ = strings.Cut(line, " | ")
	words := split(line)
	if len(words) == 0 || words[0] != root.Name() {
		return
	}
	cmd, rest, err := root.Find(words[1:])
	if err != nil {
		t.Errorf("%s: example %q: %v", path, line, err)
		return
	}
	cmd.SetOut(io.Discard)
	if err := cmd.ParseFlags(rest); err != nil {
		t.Errorf("%s: example %q: %v", path, line, err)
		return
	}
	if !cmd.HasSubCommands() && cmd.Args != nil {
		if err := cmd.Args(cmd, cmd.Flags().Args()); err != nil {
			t.Errorf("%s: example %q: %v", path, line, err)
		}
	}
}

// checkFlag refuses flags that would carry a secret: arguments are readable by all on a machine.
func checkFlag(t *testing.T, path string, f *pflag.Flag) {
	if f.Usage == "" {
		t.Errorf("%s --%s has no help", path, f.Name)
	}
	for _, word := range []string{"passphrase", "password", "secret", "words", "private", "token", "mnemonic"} {
		if strings.Contains(f.Name, word) && !strings.HasSuffix(f.Name, "file") && f.Value.Type() == "string" {
			t.Errorf("%s --%s takes a secret as an argument: take a file", path, f.Name)
		}
	}
}
