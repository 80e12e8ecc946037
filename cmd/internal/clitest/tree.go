package clitest

import (
	"bytes"
	"errors"
	"fmt"
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
			CheckLine(t, make(), path, strings.TrimSpace(line))
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

// CheckLine parses one command line: its command, flags and number of arguments must exist. Lines
// of other programs are not ours to judge. Where says who shows the line.
func CheckLine(t *testing.T, root *cobra.Command, where, line string) {
	t.Helper()
	line, _, _ = strings.Cut(line, " > ")
	line, _, _ = strings.Cut(line, " < ")
	line, _, _ = strings.Cut(line, " | ")
	words := split(line)
	if len(words) == 0 || words[0] != root.Name() {
		return
	}
	cmd, rest, err := root.Find(words[1:])
	if err != nil {
		t.Errorf("%s: %q: %v", where, line, err)
		return
	}
	cmd.SetOut(io.Discard)
	if cmd == root && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		t.Errorf("%s: %q: unknown command", where, line)
		return
	}
	if err := cmd.ParseFlags(rest); errors.Is(err, pflag.ErrHelp) {
		return
	} else if err != nil {
		t.Errorf("%s: %q: %v", where, line, err)
		return
	}
	if !cmd.HasSubCommands() && cmd.Args != nil {
		if err := cmd.Args(cmd, cmd.Flags().Args()); err != nil {
			t.Errorf("%s: %q: %v", where, line, err)
		}
	}
}

// Reference writes a page section for every command of a program.
func Reference(w io.Writer, root *cobra.Command) {
	walk(root, func(cmd *cobra.Command) {
		if cmd.Hidden || cmd.Parent() != nil && cmd.Parent().Hidden {
			return
		}
		cmd.InitDefaultHelpFlag()
		fmt.Fprintf(w, "\n## %s\n\n%s.\n", cmd.CommandPath(), strings.ToUpper(cmd.Short[:1])+cmd.Short[1:])
		if cmd.Long != "" {
			fmt.Fprintf(w, "\n%s\n", cmd.Long)
		}
		if cmd.HasSubCommands() {
			return
		}
		fmt.Fprintf(w, "\n```\n%s\n```\n", cmd.UseLine())
		if flags := cmd.NonInheritedFlags().FlagUsages(); strings.Count(flags, "\n") > 1 {
			fmt.Fprintf(w, "\n```\n%s```\n", flags)
		}
		fmt.Fprintf(w, "\nExamples:\n\n```\n%s\n```\n", cmd.Example)
	})
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
