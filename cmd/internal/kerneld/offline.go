package kerneld

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/cmd/internal/daemon"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/node"
	"github.com/spf13/cobra"
)

func verifyCommand() *cobra.Command {
	return &cobra.Command{
		Use: "verify", Short: "check everything that a stopped node has stored, and execute its history again",
		Long: "verify reads every byte of log and state, executes every commit again, and compares: from the genesis, or where history was let go\n" +
			"of or never there, from the certified state that the folder begins with, which it counts again.\n" +
			"Exit code 3 says that the folder is damaged. The passphrase is not needed.",
		Example: "  kerneld verify --home n8\n  kerneld verify --home n8 --json",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return offline(cmd, func(home Home, g *kernel.Genesis, key kernel.Key) error {
				found, err := node.Verify(home.Data(), g, key, daemon.Progress(cmd))
				if errors.Is(err, node.ErrVerify) {
					return cli.Fail(cli.No, "damaged", "%v", err).WithHint("docs/guide/operator.md, \"When the storage is damaged\"")
				}
				if err != nil {
					return err
				}
				return cli.Print(cmd, found, func(w io.Writer) {
					fmt.Fprintf(w, "all is well: %d commits, %d snapshots, %d transactions; log %s\nstate %s\n", found.Commit, found.Snapshots, found.Transactions, found.Log, found.Digest)
					fmt.Fprintf(w, "%d certificates; trees computed anew at checkpoint %d\n", found.Certificates, found.Checkpoint)
					if found.Base > 0 {
						fmt.Fprintf(w, "history begins behind commit %d: its certified state was counted again, and executed from; what came before was not\n", found.Base)
					}
				})
			})
		},
	}
}

func exportCommand() *cobra.Command {
	export := &cobra.Command{
		Use: "export", Short: "write a stopped node's ledger as JSON lines, or with --state a certified state for another node",
		Long: "Writes assets, outputs, commits and receipts as JSON lines to standard output. With --state it writes the state at the newest certified end\n" +
			"of an epoch into a file instead: another node begins with it, after it has verified all of it (kerneld init --from-state).",
		Example: "  kerneld export --home n8 > ledger.jsonl\n  kerneld export --home n8 --state network.state",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return offline(cmd, func(home Home, g *kernel.Genesis, key kernel.Key) error {
				if file, _ := cmd.Flags().GetString("state"); file != "" {
					return exportState(cmd, home, g, key, file)
				}
				return node.Export(home.Data(), g, key, cmd.OutOrStdout())
			})
		},
	}
	export.Flags().String("state", "", "file for a certified state; it must not exist")
	return export
}

func exportState(cmd *cobra.Command, home Home, g *kernel.Genesis, key kernel.Key, file string) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	index, err := node.ExportState(home.Data(), g, key, f)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		os.Remove(file)
		if errors.Is(err, node.ErrNoState) {
			return cli.Fail(cli.NotYet, "no_state", "%v", err).WithHint("a network whose members never change has no epochs: a new node reads its history from the others")
		}
		return err
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	return cli.Print(cmd, map[string]any{"file": file, "commit": index, "bytes": info.Size()}, func(w io.Writer) {
		fmt.Fprintf(w, "state of commit %d, %d bytes: %s\n", index, info.Size(), file)
	})
}

// offline opens a home that no node uses, and holds it.
func offline(cmd *cobra.Command, do func(Home, *kernel.Genesis, kernel.Key) error) error {
	home, err := homeOf(cmd)
	if err != nil {
		return err
	}
	if err := cli.CheckHome(string(home)); err != nil {
		return err
	}
	unlock, err := home.Lock()
	if err != nil {
		return err
	}
	defer unlock()
	g, err := home.ReadGenesis()
	if err != nil {
		return err
	}
	key, err := home.PublicKey()
	if err != nil {
		return err
	}
	return do(home, g, key)
}
