// Package cli holds what the command line programs share: one way to run a tree of commands,
// to end with a meaningful exit code, to print for people or for programs, and to fail with a
// name, a sentence and a next step.
//
// Results go to stdout, everything else to stderr. With --json a result is one JSON object a
// line, and so is an error.
package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// Run executes root with args and returns the exit code of the process. It prints the error.
func Run(ctx context.Context, root *cobra.Command, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return Usage(cmd, "%v", err)
	})
	err := root.ExecuteContext(ctx)
	if err == nil {
		return Done
	}
	e := classify(ctx, err)
	if wantsJSON(args) {
		printJSON(stderr, e)
	} else {
		e.print(stderr, root.Name())
	}
	return e.Code
}

// wantsJSON looks at the words themselves: a command line that cannot be parsed has no flags.
func wantsJSON(args []string) bool {
	if i := slices.Index(args, "--"); i >= 0 {
		args = args[:i]
	}
	return slices.Contains(args, "--json") || slices.Contains(args, "--json=true")
}

// AddJSON gives root the flag that every command below it understands.
func AddJSON(root *cobra.Command) {
	root.PersistentFlags().Bool("json", false, "print JSON: results on stdout, one error object on stderr")
}

// JSON reports whether --json was given.
func JSON(cmd *cobra.Command) bool {
	on, err := cmd.Flags().GetBool("json")
	return err == nil && on
}

// Print writes a result: v as JSON with --json, else what text writes.
func Print(cmd *cobra.Command, v any, text func(w io.Writer)) error {
	if JSON(cmd) {
		return printJSON(cmd.OutOrStdout(), v)
	}
	text(cmd.OutOrStdout())
	return nil
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// Note writes a line for people to stderr; with --json nothing is written.
func Note(cmd *cobra.Command, format string, args ...any) {
	if !JSON(cmd) {
		fmt.Fprintf(cmd.ErrOrStderr(), format+"\n", args...)
	}
}

// Group makes a command that only holds others. An unknown word below it is wrong usage and is
// answered with the nearest known one.
func Group(use, short, example string, commands ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{
		Use: use, Short: short, Example: example,
		Args:                       cobra.ArbitraryArgs,
		SuggestionsMinimumDistance: 2,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			problem := fmt.Sprintf("unknown command %q", args[0])
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				problem += fmt.Sprintf("; did you mean %q?", near[0])
			}
			return Usage(cmd, "%s", problem)
		},
	}
	g.AddCommand(commands...)
	return g
}

// Args checks the positional arguments against names: one each, the last may end in "…" (one or
// more) and names in brackets may be missing.
func Args(names ...string) cobra.PositionalArgs {
	least, most := 0, len(names)
	for _, n := range names {
		if strings.HasSuffix(n, "…") {
			most = -1
		}
		if !strings.HasPrefix(n, "[") {
			least++
		}
	}
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return Usage(cmd, "%s is missing", names[len(args)])
		case most >= 0 && len(args) > most:
			return Usage(cmd, "%q is one argument too many", args[most])
		}
		return nil
	}
}
