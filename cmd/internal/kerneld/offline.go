package kerneld

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/node"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func verifyCommand() *cobra.Command {
	return &cobra.Command{
		Use: "verify", Short: "check everything that a stopped node has stored, and execute its history again",
		Long: "verify reads every byte of log and state, executes every commit again from the genesis, and compares.\n" +
			"Exit code 3 says that the folder is damaged. The passphrase is not needed.",
		Example: "  kerneld verify --home n8\n  kerneld verify --home n8 --json",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return offline(cmd, func(home Home, g *kernel.Genesis, key kernel.Key) error {
				found, err := node.Verify(home.Data(), g, key, progress(cmd))
				if errors.Is(err, node.ErrVerify) {
					return cli.Fail(cli.No, "damaged", "%v", err).WithHint("docs/guide/operator.md, \"When the storage is damaged\"")
				}
				if err != nil {
					return err
				}
				return cli.Print(cmd, found, func(w io.Writer) {
					fmt.Fprintf(w, "all is well: %d commits, %d snapshots, %d transactions; log %s\nstate %s\n", found.Commit, found.Snapshots, found.Transactions, found.Log, found.Digest)
				})
			})
		},
	}
}

func exportCommand() *cobra.Command {
	return &cobra.Command{
		Use: "export", Short: "write a stopped node's ledger as JSON lines: assets, outputs, commits, receipts",
		Example: "  kerneld export --home n8 > ledger.jsonl",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return offline(cmd, func(home Home, g *kernel.Genesis, key kernel.Key) error {
				return node.Export(home.Data(), g, key, cmd.OutOrStdout())
			})
		},
	}
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

// progress shows how far a long work is, on a terminal only.
func progress(cmd *cobra.Command) func(stage string, done, total uint64) {
	f, ok := cmd.ErrOrStderr().(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return func(string, uint64, uint64) {}
	}
	last := -1
	return func(stage string, done, total uint64) {
		percent := int(done * 100 / max(total, 1))
		if percent != last {
			last = percent
			fmt.Fprintf(f, "\r%s %3d %%", stage, percent)
			if done == total {
				fmt.Fprint(f, "\r\x1b[K")
			}
		}
	}
}
