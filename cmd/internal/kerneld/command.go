// Package kerneld is the command tree of a node's daemon: make a home, run, check, export. It
// is a package so that one binary can offer it twice: as kerneld, and inside aster for a
// network of real processes.
package kerneld

import (
	"fmt"
	"io"
	"strings"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/cmd/internal/daemon"
	"github.com/asterism-network/asterism/cmd/internal/settings"
	"github.com/spf13/cobra"
)

// Command is the whole tree.
func Command() *cobra.Command {
	root := cli.NewRoot("kerneld", "a node of the Kernel as a daemon",
		"  kerneld init --home n8\n  kerneld run --home n8",
		initCommand(), runCommand(), verifyCommand(), exportCommand(),
		cli.Group("config", "what the settings are and where they come from", "  kerneld config show --home n8",
			table.ShowCommand("  kerneld config show --home n8\n  kerneld config show --rpc.listen 127.0.0.1:7000 --json", loadHome), checkCommand()))
	daemon.AddHome(root)
	return root
}

// loadHome is loadConfig for the command's home.
func loadHome(cmd *cobra.Command) (Config, map[string]settings.Origin, error) {
	home, err := homeOf(cmd)
	if err != nil {
		return Config{}, nil, err
	}
	return loadConfig(cmd, home)
}

func checkCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "check", Short: "check settings, permissions, genesis and key file without starting",
		Example: "  kerneld config check --home n8",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			home, err := homeOf(cmd)
			if err != nil {
				return err
			}
			network, err := check(cmd, home)
			if err != nil {
				return err
			}
			return cli.Print(cmd, map[string]any{"ok": true, "network": network}, func(w io.Writer) {
				fmt.Fprintf(w, "%s is ready to run on network %s\n", home, network)
			})
		},
	}
	table.AddFlags(cmd)
	return cmd
}

// check asks all that can be asked of a home without its passphrase.
func check(cmd *cobra.Command, home Home) (network string, err error) {
	if err := cli.CheckHome(string(home)); err != nil {
		return "", err
	}
	c, _, err := loadConfig(cmd, home)
	if err != nil {
		return "", err
	}
	g, err := home.ReadGenesis()
	if err != nil {
		return "", err
	}
	key, err := home.PublicKey()
	if err != nil {
		return "", err
	}
	if _, err := memberOf(g, key); err != nil {
		return "", err
	}
	if _, _, err := addresses(g, &c); err != nil {
		return "", err
	}
	return strings.TrimSpace(g.Name + " " + g.NetworkID().String()), nil
}
