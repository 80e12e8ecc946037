package kerneld

import (
	"fmt"
	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/spf13/cobra"
)

func verifyCommand() *cobra.Command {
	return &cobra.Command{Use: "verify", Short: "x", Example: "  kerneld verify", Args: cli.Args(), RunE: func(*cobra.Command, []string) error { return fmt.Errorf("later") }}
}
func exportCommand() *cobra.Command {
	return &cobra.Command{Use: "export", Short: "x", Example: "  kerneld export", Args: cli.Args(), RunE: func(*cobra.Command, []string) error { return fmt.Errorf("later") }}
}
