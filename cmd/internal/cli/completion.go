package cli

import "github.com/spf13/cobra"

// CompletionCommand prints the script that teaches a shell the program's words.
func CompletionCommand(program string) *cobra.Command {
	return &cobra.Command{
		Use: "completion bash|zsh|fish|powershell", Short: "print the completion script of a shell",
		Example:   "  source <(" + program + " completion bash)\n  " + program + " completion fish > ~/.config/fish/completions/" + program + ".fish",
		Args:      Args("SHELL"),
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		RunE: func(cmd *cobra.Command, args []string) error {
			root, out := cmd.Root(), cmd.OutOrStdout()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(out, true)
			case "zsh":
				return root.GenZshCompletion(out)
			case "fish":
				return root.GenFishCompletion(out, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(out)
			}
			return Usage(cmd, "no completion for shell %q: bash, zsh, fish and powershell have one", args[0])
		},
	}
}

// NewRoot makes the first command of a program, with what every program has.
func NewRoot(program, short, example string, commands ...*cobra.Command) *cobra.Command {
	root := Group(program, short, example, commands...)
	AddJSON(root)
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpCommand(&cobra.Command{Hidden: true, Use: "no-help-command"})
	root.AddCommand(VersionCommand(program), CompletionCommand(program))
	return root
}
