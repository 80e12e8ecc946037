// Package pillarsd is the command tree of the public chain's daemon: make a home, run, check, export. It is a package so
// that one binary can offer it twice: as pillarsd, and inside aster for a network of real processes.
package pillarsd

import (
	"fmt"
	"io"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/cmd/internal/daemon"
	"github.com/asterism-network/asterism/cmd/internal/settings"
	"github.com/spf13/cobra"
)

// Command is the whole tree.
func Command() *cobra.Command {
	root := cli.NewRoot("pillarsd", "a node of the public chain as a daemon",
		"  pillarsd init --home p1 --profile devnet --balance tPd41bKLJGf1C5RRvaiV2mytqZB6WfM1vR=1000000\n  pillarsd run --home p1 --mine tPd41bKLJGf1C5RRvaiV2mytqZB6WfM1vR --alone true",
		initCommand(), runCommand(), verifyCommand(), exportCommand(),
		cli.Group("config", "what the settings are and where they come from", "  pillarsd config show --home p1",
			table.ShowCommand("  pillarsd config show --home p1\n  pillarsd config show --rpc 127.0.0.1:9000 --json", loadHome), checkCommand()))
	daemon.AddHome(root)
	return root
}

// loadHome is load for the command's home.
func loadHome(cmd *cobra.Command) (Config, map[string]settings.Origin, error) {
	home, err := homeOf(cmd)
	if err != nil {
		return Config{}, nil, err
	}
	return load(cmd, home)
}

func checkCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "check", Short: "check settings, permissions and profile without starting",
		Example: "  pillarsd config check --home p1",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			home, err := homeOf(cmd)
			if err != nil {
				return err
			}
			if err := cli.CheckHome(string(home)); err != nil {
				return err
			}
			c, _, err := load(cmd, home)
			if err != nil {
				return err
			}
			p, err := home.profile()
			if err != nil {
				return err
			}
			if _, err := c.mining(p); err != nil {
				return err
			}
			return cli.Print(cmd, map[string]any{"ok": true, "network": p.Name}, func(w io.Writer) {
				fmt.Fprintf(w, "%s is ready to run on network %s\n", home, p.Name)
			})
		},
	}
	table.AddFlags(cmd)
	return cmd
}
