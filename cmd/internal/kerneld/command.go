// Package kerneld is the command tree of a node's daemon: make a home, run, check, export. It
// is a package so that one binary can offer it twice: as kerneld, and inside aster for a
// network of real processes.
package kerneld

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/spf13/cobra"
)

// Command is the whole tree.
func Command() *cobra.Command {
	root := cli.NewRoot("kerneld", "a node of the Kernel as a daemon",
		"  kerneld init --home n8\n  kerneld run --home n8",
		initCommand(), runCommand(), verifyCommand(), exportCommand(),
		cli.Group("config", "what the settings are and where they come from", "  kerneld config show --home n8",
			showCommand(), checkCommand()))
	root.PersistentFlags().String("home", "", "folder of the node (default: kerneld below ASTER_HOME or the system's data folder)")
	return root
}

// homeOf is the folder that --home names, or the usual one.
func homeOf(cmd *cobra.Command) (Home, error) {
	if dir, err := cmd.Flags().GetString("home"); err != nil || dir != "" {
		return Home(dir), err
	}
	return defaultHome()
}

// addSettings gives a command one flag for every key of the configuration.
func addSettings(cmd *cobra.Command) {
	defaults := Defaults()
	for _, s := range settings {
		cmd.Flags().String(s.name, s.text(&defaults), s.help)
	}
}

// loadConfig reads the settings of a home with the command's flags over them.
func loadConfig(cmd *cobra.Command, home Home) (Config, map[string]Origin, error) {
	return Source{
		File: home.Config(),
		Env:  os.LookupEnv,
		Flag: func(name string) (string, bool) {
			f := cmd.Flags().Lookup(name)
			if f == nil || !f.Changed {
				return "", false
			}
			return f.Value.String(), true
		},
	}.Load()
}

type shownSetting struct {
	Key      string `json:"key"`
	Value    string `json:"value"`
	From     Origin `json:"from"`
	Variable string `json:"variable"`
}

func showCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "show", Short: "print every value and where it came from",
		Example: "  kerneld config show --home n8\n  kerneld config show --rpc.listen 127.0.0.1:7000 --json",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			home, err := homeOf(cmd)
			if err != nil {
				return err
			}
			c, from, err := loadConfig(cmd, home)
			if err != nil {
				return err
			}
			var shown []shownSetting
			table := cli.NewTable("KEY", "VALUE", "FROM", "VARIABLE")
			for _, s := range settings {
				shown = append(shown, shownSetting{s.name, s.text(&c), from[s.name], s.variable()})
				table.Row(s.name, s.text(&c), from[s.name], s.variable())
			}
			return cli.Print(cmd, shown, func(w io.Writer) { table.WriteTo(w) })
		},
	}
	addSettings(cmd)
	return cmd
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
	addSettings(cmd)
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
