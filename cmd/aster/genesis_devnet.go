package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/asterism-network/asterism/cmd/aster/internal/devnet"
	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/kernel"
	"github.com/spf13/cobra"
)

func genesisDevnetCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "devnet", Short: "deal a whole test network's keys on this machine and write every node's home",
		Long: "devnet makes the homes of a test network without starting it: run each with kerneld run --home.\n" +
			"One machine knows every secret, and the genesis says so for ever: NEVER use it for real money.",
		Example: "  aster genesis devnet --home net\n  kerneld run --home net/node-1 --passphrase-file net/empty-passphrase",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o := devnet.Options{Stake: kernel.DefaultStake()}
			o.Nodes, _ = cmd.Flags().GetInt("nodes")
			o.Base, _ = cmd.Flags().GetInt("base")
			o.Seed, _ = cmd.Flags().GetUint64("seed")
			o.Home, _ = cmd.Flags().GetString("home")
			switch {
			case o.Home == "":
				return cli.Usage(cmd, "--home names the folder to write")
			case o.Nodes < kernel.MinMembers || o.Nodes > kernel.MaxMembers:
				return cli.Usage(cmd, "--nodes %d: a network has %d to %d", o.Nodes, kernel.MinMembers, kernel.MaxMembers)
			}
			if _, err := devnetHome(&devnetFlags{options: o}); err != nil {
				return err
			}
			n, moved, err := devnet.Make(o)
			if err != nil {
				return err
			}
			for _, m := range moved {
				cli.Note(cmd, "%s", m)
			}
			return cli.Print(cmd, n.Facts, func(w io.Writer) {
				fmt.Fprintf(w, "%s\n\nnetwork %s\n", strings.ToUpper(devnet.Warning), n.Facts.Network)
				for _, m := range n.Facts.Nodes {
					fmt.Fprintf(w, "  kerneld run --home %s --passphrase-file %s/empty-passphrase\n", m.Home, o.Home)
				}
			})
		},
	}
	f := cmd.Flags()
	f.Int("nodes", 7, "how many nodes, 7 to 50")
	f.String("home", "", "folder to write, empty or missing")
	f.Int("base", 6860, "node i answers RPC on port base+i; 0 is any free ports")
	f.Uint64("seed", 0, "equal seeds make equal keys and the same network id (default: fresh)")
	return cmd
}
