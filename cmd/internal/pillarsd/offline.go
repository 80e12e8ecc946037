package pillarsd

import (
	"errors"
	"fmt"
	"io"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/cmd/internal/daemon"
	"github.com/asterism-network/asterism/pillars/node"
	"github.com/spf13/cobra"
)

func verifyCommand() *cobra.Command {
	return &cobra.Command{
		Use: "verify", Short: "recompute everything from the blocks that a stopped node has stored, and compare",
		Long: "verify puts every block through all rules again, from the genesis on: work, stakes, signatures, scripts and\n" +
			"amounts. Then the state that comes out must be the one on disk, record by record. It computes in a folder\n" +
			"beside the chain, which needs as much space for the time. Exit code 3 says that the folder is damaged.",
		Example: "  pillarsd verify --home p1\n  pillarsd verify --home p1 --json",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			home, err := existing(cmd)
			if err != nil {
				return err
			}
			found, err := node.Verify(cmd.Context(), string(home), daemon.Progress(cmd))
			switch {
			case errors.Is(err, node.ErrVerify):
				return cli.Fail(cli.No, "damaged", "%v", err).WithHint("keep the folder, look at the disk, and make a new one: it fetches the chain from its peers")
			case errors.Is(err, node.ErrPruned):
				return cli.Fail(cli.Failed, "pruned", "%v", err).WithHint("only an archive holds all that it was computed from")
			case err != nil:
				return diskFailed(err)
			}
			return cli.Print(cmd, found, func(w io.Writer) {
				fmt.Fprintf(w, "all is well: %d blocks, %d transactions, %d records\ntip %d %s\nstate %s\n", found.Blocks, found.Transactions, found.Records, found.Height, found.Tip, found.StateRoot)
			})
		},
	}
}

func exportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "export blocks|state", Short: "write a stopped node's chain or state as JSON lines",
		Example: "  pillarsd export blocks --home p1 --from 1000 > blocks.jsonl\n  pillarsd export state --home p1 > state.jsonl",
		Args:    cli.Args("WHAT"), ValidArgs: []string{"blocks", "state"},
		RunE: func(cmd *cobra.Command, args []string) error {
			home, err := existing(cmd)
			if err != nil {
				return err
			}
			switch args[0] {
			case "blocks":
				from, _ := cmd.Flags().GetUint32("from")
				err = node.ExportBlocks(cmd.Context(), string(home), from, cmd.OutOrStdout())
			case "state":
				err = node.ExportState(cmd.Context(), string(home), cmd.OutOrStdout())
			default:
				return cli.Usage(cmd, "%q cannot be exported: want blocks or state", args[0])
			}
			return diskFailed(err)
		},
	}
	cmd.Flags().Uint32("from", 0, "height of the first block")
	return cmd
}

// existing is the home of a node that was made.
func existing(cmd *cobra.Command) (Home, error) {
	home, err := homeOf(cmd)
	if err != nil {
		return home, err
	}
	if err := cli.CheckHome(string(home)); err != nil {
		return home, err
	}
	_, err = home.profile()
	return home, err
}
