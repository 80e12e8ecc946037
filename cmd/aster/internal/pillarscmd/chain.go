package pillarscmd

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/client"
	"github.com/spf13/cobra"
)

func infoCommand() *cobra.Command {
	return &cobra.Command{
		Use: "info", Short: "what a node is and where its chain stands",
		Example: "  aster pillars info\n  aster pillars info --node http://127.0.0.1:8820 --json",
		Args:    cli.Args(),
		RunE: asking(func(cmd *cobra.Command, ctx context.Context, node *client.Client, _ []string) error {
			i, err := node.Info(ctx)
			if err != nil {
				return err
			}
			return cli.Print(cmd, i, func(w io.Writer) {
				t := cli.NewTable()
				t.Row("network", i.Network)
				t.Row("state", strings.TrimSpace(i.State+" "+strings.Join(i.Reasons, ", ")))
				t.Row("height", fmt.Sprintf("%d of %d", i.Height, i.BestHeight))
				t.Row("tip", i.Tip.Hash)
				t.Row("time", when(i.Tip.Time))
				t.Row("difficulty", fmt.Sprintf("pow %s, pos %s", i.Work, i.Stake))
				t.Row("weight", i.Weight)
				t.Row("state root", i.StateRoot)
				t.Row("issued", fmt.Sprintf("%s, burned %s", i.Issued, i.Burned))
				t.Row("mempool", fmt.Sprintf("%d transactions, %d bytes", i.Mempool.Transactions, i.Mempool.Bytes))
				t.Row("peers", i.Peers)
				t.Row("reorganised", fmt.Sprintf("%d times, at most %d blocks", i.Reorgs, i.DeepestReorg))
				t.Row("version", i.Version)
				t.WriteTo(w)
			})
		}),
	}
}

func blockCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "block [HEIGHT|ID]", Short: "a block, by default the tip",
		Example: "  aster pillars block\n  aster pillars block 12 --json\n  aster pillars block earliest --header",
		Args:    cli.Args("[BLOCK"),
		RunE: asking(func(cmd *cobra.Command, ctx context.Context, node *client.Client, args []string) error {
			which := "latest"
			if len(args) > 0 {
				which = args[0]
			}
			if only, _ := cmd.Flags().GetBool("header"); only {
				h, err := node.Header(ctx, which)
				if err != nil {
					return err
				}
				return cli.Print(cmd, h, func(w io.Writer) { printHeader(w, &h) })
			}
			b, err := node.Block(ctx, which, true)
			if err != nil {
				return err
			}
			return cli.Print(cmd, b, func(w io.Writer) {
				printHeader(w, &b.Header)
				fmt.Fprintf(w, "\nsubsidy %s, fees %s\n\n", b.Subsidy, b.Fees)
				printTransactions(w, b.Transactions)
			})
		}),
	}
	cmd.Flags().Bool("header", false, "without its transactions")
	return cmd
}

func printHeader(w io.Writer, h *client.Header) {
	t := cli.NewTable()
	t.Row("block", h.Hash)
	t.Row("height", h.Number)
	t.Row("seal", h.Seal)
	t.Row("time", when(h.Timestamp))
	t.Row("parent", h.Previous)
	t.Row("difficulty", h.Bits)
	t.Row("weight", h.Weight)
	if h.Stake != nil {
		t.Row("stake", fmt.Sprintf("%s:%d", h.Stake.Tx, h.Stake.Index))
	}
	t.Row("merkle root", h.Merkle)
	t.Row("size", fmt.Sprintf("%d bytes, %d transactions", h.Size, h.Transactions))
	if h.MainChain {
		t.Row("confirmations", h.Confirmations)
	} else {
		t.Row("confirmations", "none: it is not on the main chain")
	}
	t.WriteTo(w)
}

func printTransactions(w io.Writer, list []client.Transaction) {
	t := cli.NewTable("TRANSACTION", "KIND", "OUT", "FEE")
	for i := range list {
		sum := pillars.Amount(0)
		for _, o := range list[i].Outputs {
			sum += o.Value
		}
		fee := ""
		if list[i].Fee != nil {
			fee = list[i].Fee.String()
		}
		t.Row(list[i].Hash, list[i].Kind, sum, fee)
	}
	t.WriteTo(w)
}

func blocksCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "blocks [HEIGHT]", Short: "the newest blocks, or those from a height down",
		Example: "  aster pillars blocks\n  aster pillars blocks 1000 --limit 50 --json",
		Args:    cli.Args("[HEIGHT"),
		RunE: asking(func(cmd *cobra.Command, ctx context.Context, node *client.Client, args []string) error {
			var from *uint32
			if len(args) > 0 {
				n, err := strconv.ParseUint(args[0], 10, 32)
				if err != nil {
					return cli.Usage(cmd, "%q is no height", args[0])
				}
				height := uint32(n)
				from = &height
			}
			limit, _ := cmd.Flags().GetInt("limit")
			page, err := node.Headers(ctx, from, limit)
			if err != nil {
				return err
			}
			return cli.Print(cmd, page, func(w io.Writer) {
				t := cli.NewTable("HEIGHT", "SEAL", "TIME", "TRANSACTIONS", "SIZE", "BLOCK")
				for _, h := range page.Items {
					t.Row(h.Number, h.Seal, when(h.Timestamp), h.Transactions, h.Size, h.Hash)
				}
				t.WriteTo(w)
			})
		}),
	}
	cmd.Flags().Int("limit", 20, "how many, at most 500")
	return cmd
}

func txCommand() *cobra.Command {
	return &cobra.Command{
		Use: "tx ID", Short: "a transaction: where it stands, what it spends and makes",
		Example: "  aster pillars tx 6c5c…\n  aster pillars tx 6c5c… --json",
		Args:    cli.Args("ID"),
		RunE: asking(func(cmd *cobra.Command, ctx context.Context, node *client.Client, args []string) error {
			id, err := pillars.ParseTxID(args[0])
			if err != nil {
				return cli.Fail(cli.Malformed, "malformed", "%v", err)
			}
			tx, err := node.Transaction(ctx, id)
			if err != nil {
				return err
			}
			return cli.Print(cmd, tx, func(w io.Writer) { printTransaction(w, &tx) })
		}),
	}
}

func printTransaction(w io.Writer, tx *client.Transaction) {
	t := cli.NewTable()
	t.Row("transaction", tx.Hash)
	t.Row("kind", fmt.Sprintf("%s, version %d, %d bytes", tx.Kind, tx.Version, tx.Size))
	t.Row("state", tx.State)
	if tx.Height != nil {
		final := ""
		if tx.Final {
			final = ", final"
		}
		t.Row("block", fmt.Sprintf("%d at %s, %d confirmations%s", *tx.Height, when(tx.Time), tx.Confirmations, final))
	}
	if tx.Fee != nil {
		t.Row("fee", *tx.Fee)
	}
	t.WriteTo(w)
	fmt.Fprintln(w)
	t = cli.NewTable("", "ADDRESS", "ETP", "CARRIES")
	for _, in := range tx.Inputs {
		if in.Spent != nil {
			t.Row("spends", or(in.Spent.Address, in.Spent.Template), in.Spent.Value, carries(&in.Spent.Attachment))
			continue
		}
		t.Row("spends", fmt.Sprintf("%s:%d", in.Previous.Tx.Short(), in.Previous.Index), "", "")
	}
	for i := range tx.Outputs {
		o := &tx.Outputs[i]
		t.Row("makes", or(o.Address, o.Template), o.Value, carries(&o.Attachment))
	}
	t.WriteTo(w)
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return "(" + b + ")"
}

// carries says in words what an output holds beside its ETP.
func carries(a *client.Attachment) string {
	switch {
	case a.Type == "etp":
		return ""
	case a.Quantity != nil:
		return fmt.Sprintf("%s %s of %s", a.Type, a.Quantity, a.Symbol)
	case a.Type == "message":
		return fmt.Sprintf("message %q", a.Content)
	case a.Cert != "":
		return fmt.Sprintf("cert %s %s of %s", a.Cert, a.Symbol, a.Owner)
	case a.Symbol != "":
		return a.Type + " " + a.Symbol
	}
	return a.Type
}

func addressCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "address ADDRESS|AVATAR", Short: "the transactions of an address, oldest first",
		Example: "  aster pillars address tPd41bKLJGf1C5RRvaiV2mytqZB6WfM1vR\n  aster pillars address alice --limit 20 --from 100.1",
		Args:    cli.Args("ADDRESS"),
		RunE: asking(func(cmd *cobra.Command, ctx context.Context, node *client.Client, args []string) error {
			from, _ := cmd.Flags().GetString("from")
			limit, _ := cmd.Flags().GetInt("limit")
			page, err := node.Transactions(ctx, args[0], from, limit)
			if err != nil {
				return err
			}
			return cli.Print(cmd, page, func(w io.Writer) {
				t := cli.NewTable("HEIGHT", "TIME", "KIND", "TRANSACTION")
				for _, tx := range page.Items {
					t.Row(*tx.Height, when(tx.Time), tx.Kind, tx.Hash)
				}
				t.WriteTo(w)
				if page.Next != "" {
					fmt.Fprintf(w, "more: --from %s\n", page.Next)
				}
			})
		}),
	}
	cmd.Flags().String("from", "", "where a page before ended")
	cmd.Flags().Int("limit", 100, "how many, at most 500")
	return cmd
}

func balanceCommand() *cobra.Command {
	return &cobra.Command{
		Use: "balance ADDRESS…", Short: "what addresses hold, as a node knows it",
		Example: "  aster pillars balance tPd41bKLJGf1C5RRvaiV2mytqZB6WfM1vR\n  aster pillars balance alice bob --json",
		Args:    cli.Args("ADDRESS…"),
		RunE: asking(func(cmd *cobra.Command, ctx context.Context, node *client.Client, args []string) error {
			list, err := node.Balances(ctx, args...)
			if err != nil {
				return err
			}
			return cli.Print(cmd, list, func(w io.Writer) {
				t := cli.NewTable("ADDRESS", "WHAT", "HELD", "SPENDABLE NOW")
				for _, b := range list {
					t.Row(b.Address, "ETP", b.Confirmed, b.Available)
					for _, a := range b.Assets {
						t.Row(b.Address, a.Symbol, decimal(uint64(a.Quantity), a.Decimals), decimal(uint64(a.Quantity-a.Locked), a.Decimals))
					}
				}
				t.WriteTo(w)
			})
		}),
	}
}

func mempoolCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "mempool", Short: "what waits for a block at a node",
		Example: "  aster pillars mempool\n  aster pillars mempool --json",
		Args:    cli.Args(),
		RunE: asking(func(cmd *cobra.Command, ctx context.Context, node *client.Client, _ []string) error {
			limit, _ := cmd.Flags().GetInt("limit")
			page, err := node.Pending(ctx, 0, limit)
			if err != nil {
				return err
			}
			return cli.Print(cmd, page, func(w io.Writer) {
				fmt.Fprintf(w, "%d transactions, %d bytes, at least %d satoshis for 1,000 bytes\n\n", page.Transactions, page.Bytes, page.MinFeeRate)
				t := cli.NewTable("TRANSACTION", "SIZE", "FEE", "SINCE")
				for _, p := range page.Items {
					t.Row(p.Hash, p.Size, p.Fee, when(uint32(p.Since)))
				}
				t.WriteTo(w)
			})
		}),
	}
	cmd.Flags().Int("limit", 100, "how many, at most 500")
	return cmd
}

func peersCommand() *cobra.Command {
	return &cobra.Command{
		Use: "peers", Short: "the connections of a node",
		Example: "  aster pillars peers",
		Args:    cli.Args(),
		RunE: asking(func(cmd *cobra.Command, ctx context.Context, node *client.Client, _ []string) error {
			list, err := node.Peers(ctx)
			if err != nil {
				return err
			}
			return cli.Print(cmd, list, func(w io.Writer) {
				t := cli.NewTable("ADDRESS", "DIRECTION", "HEIGHT", "RTT", "AGENT")
				for _, p := range list {
					t.Row(p.Address, map[bool]string{true: "in", false: "out"}[p.Inbound], p.Height, fmt.Sprintf("%d ms", p.RTTMS), p.Agent)
				}
				t.WriteTo(w)
			})
		}),
	}
}

func followCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "follow [ADDRESS…]", Short: "print blocks as they come, and what reorganisations take back, one line each",
		Long: "follow prints one line for each block of the main chain, and a line that begins with rewind when a\n" +
			"reorganisation takes blocks back: everything above the height that it names. With addresses only the\n" +
			"transactions that touch them are shown. It ends with Ctrl-C; with --json each line has the cursor to go\n" +
			"on from, also after a restart of either side.",
		Example: "  aster pillars follow\n  aster pillars follow --from 0 --json\n  aster pillars follow tPd41bKLJGf1C5RRvaiV2mytqZB6WfM1vR",
		Args:    cli.Args("[ADDRESS…"),
		RunE: func(cmd *cobra.Command, args []string) error {
			node, err := connect(cmd)
			if err != nil {
				return err
			}
			topic := client.TopicBlocks
			if len(args) > 0 {
				topic = client.TopicAddresses
			}
			from, _ := cmd.Flags().GetString("from")
			for e, err := range node.Follow(cmd.Context(), topic, from, args...) {
				if err != nil {
					return explain(err)
				}
				if e.Item == nil {
					continue
				}
				if err := cli.Print(cmd, e, func(w io.Writer) { printItem(w, e.Item) }); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().String("from", "", "cursor or height to begin at (default: the newest)")
	return cmd
}

func printItem(w io.Writer, i *client.Item) {
	if i.Kind == client.ItemRewind {
		fmt.Fprintf(w, "rewind to %d %s, %d blocks are gone\n", i.Height, i.Hash, len(i.Gone))
		return
	}
	if i.Header == nil {
		return
	}
	fmt.Fprintf(w, "%d %s %s %s %d transactions\n", i.Height, when(i.Header.Timestamp), i.Header.Seal, i.Hash, i.Header.Transactions)
	for _, tx := range i.Transactions {
		fmt.Fprintf(w, "  %s %s\n", tx.Hash, tx.Kind)
	}
}

const maxHex = 2*pillars.MaxTransactionSize + 64

func decodeCommand() *cobra.Command {
	return addProfile(&cobra.Command{
		Use: "decode HEX", Short: "a transaction in words, without a node if --profile is given; - reads standard input, @FILE a file",
		Example: "  aster pillars decode 0400…\n  aster pillars decode @payment.hex --profile devnet --json",
		Args:    cli.Args("HEX"),
		RunE: func(cmd *cobra.Command, args []string) error {
			tx, err := readTransaction(cmd, args[0])
			if err != nil {
				return err
			}
			p, err := profile(cmd)
			if err != nil {
				return err
			}
			shown := client.Describe(tx, p.Address)
			return cli.Print(cmd, shown, func(w io.Writer) { printTransaction(w, &shown) })
		},
	})
}

func readTransaction(cmd *cobra.Command, arg string) (*pillars.Transaction, error) {
	text, err := argument(cmd, arg, maxHex)
	if err != nil {
		return nil, err
	}
	tx, err := client.DecodeTransaction(text)
	if err != nil {
		return nil, cli.Fail(cli.Malformed, "malformed", "%v", err)
	}
	return tx, nil
}

func broadcastCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "broadcast HEX", Short: "give signed bytes to the network; - reads standard input, @FILE a file",
		Example: "  aster pillars broadcast @payment.hex\n  aster pillars broadcast - --check < payment.hex",
		Args:    cli.Args("HEX"),
		RunE: asking(func(cmd *cobra.Command, ctx context.Context, node *client.Client, args []string) error {
			tx, err := readTransaction(cmd, args[0])
			if err != nil {
				return err
			}
			if only, _ := cmd.Flags().GetBool("check"); only {
				shown, err := node.Check(ctx, tx)
				if err != nil {
					return err
				}
				return cli.Print(cmd, shown, func(w io.Writer) { printTransaction(w, &shown) })
			}
			id, err := node.Send(ctx, tx)
			if err != nil {
				return err
			}
			return cli.Print(cmd, map[string]any{"hash": id}, func(w io.Writer) { fmt.Fprintln(w, id) })
		}),
	}
	cmd.Flags().Bool("check", false, "only ask whether it would be taken")
	return cmd
}

func rpcCommand() *cobra.Command {
	return &cobra.Command{
		Use: "rpc METHOD [PARAM…]", Short: "call any method of a node and print its result",
		Long: "rpc sends METHOD with the parameters in order, each as JSON if it is JSON and as text otherwise.\n" +
			"A single parameter that is a JSON object holds named parameters. help lists the methods.",
		Example: "  aster pillars rpc getinfo\n  aster pillars rpc getblock 12\n  aster pillars rpc getwork",
		Args:    cli.Args("METHOD", "[PARAM…"),
		RunE: asking(func(cmd *cobra.Command, ctx context.Context, node *client.Client, args []string) error {
			var result json.RawMessage
			if err := node.Call(ctx, args[0], cli.RPCParams(args[1:]), &result); err != nil {
				return err
			}
			return cli.Print(cmd, result, func(w io.Writer) { cli.PrintJSON(w, result) })
		}),
	}
}
