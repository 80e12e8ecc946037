package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/spf13/cobra"
)

func txCommand() *cobra.Command {
	return cli.Group("tx", "send transactions and see what becomes of them",
		"  aster tx send --from alice --to bob --asset BTC 0.5 --wait\n  aster tx explain HASH",
		sendCommand(),
		&cobra.Command{
			Use: "show HASH", Short: "a transaction and its receipt",
			Example: "  aster tx show 2f1c…\n  aster tx show 2f1c… --json",
			Args:    cli.Args("HASH"), RunE: asking(txShow),
		},
		&cobra.Command{
			Use: "explain HASH", Short: "where a transaction stands and what it waits for, in words",
			Example: "  aster tx explain 2f1c…",
			Args:    cli.Args("HASH"), RunE: asking(txExplain),
		},
		&cobra.Command{
			Use: "wait HASH", Short: "wait until a transaction is final; exit code 3 if it was rejected",
			Example: "  aster tx wait 2f1c… --timeout 10s",
			Args:    cli.Args("HASH"), RunE: txWait,
		},
		&cobra.Command{
			Use: "decode HEX", Short: "decode signed bytes, without a node; - reads them from standard input",
			Example: "  aster tx decode 77770005…\n  aster tx decode - < payment.hex",
			Args:    cli.Args("HEX"), RunE: txDecode,
		},
		&cobra.Command{
			Use: "post HEX", Short: "submit signed bytes to two nodes; - reads them from standard input",
			Example: "  aster tx post - < payment.hex",
			Args:    cli.Args("HEX"), RunE: txPost,
		})
}

func parseTx(arg string) (kernel.TxHash, error) {
	hash, err := kernel.ParseTxHash(arg)
	if err != nil {
		return hash, cli.Fail(cli.Malformed, "malformed", "transaction hash: %v", err)
	}
	return hash, nil
}

type shownTransaction struct {
	client.TransactionStatus
	Snapshot kernel.SnapshotID `json:"snapshot,omitzero"`
	Hex      string            `json:"hex,omitempty"`
	Content  any               `json:"content,omitempty"`
}

func txShow(cmd *cobra.Command, ctx context.Context, node *client.Client, args []string) error {
	hash, err := parseTx(args[0])
	if err != nil {
		return err
	}
	var shown shownTransaction
	if shown.TransactionStatus, err = node.TransactionStatus(ctx, hash); err != nil {
		return err
	}
	tx, err := node.Transaction(ctx, hash)
	if err != nil {
		return err
	}
	if tx == nil && shown.State == client.Unknown {
		return cli.Fail(cli.Failed, "not_found", "the node knows no transaction %s", hash).WithHint("has it been sent? another node may know it: --node URL")
	}
	if tx != nil {
		decoded, err := tx.Decode()
		if err != nil {
			return err
		}
		shown.Snapshot, shown.Hex, shown.Content = tx.Snapshot, tx.Hex, decoded
	}
	return cli.Print(cmd, shown, func(w io.Writer) {
		printStatus(w, &shown.TransactionStatus)
		if shown.Content != nil {
			cli.PrintJSON(w, shown.Content)
		}
	})
}

func printStatus(w io.Writer, s *client.TransactionStatus) {
	t := cli.NewTable()
	t.Row("transaction", s.Transaction)
	t.Row("state", s.State)
	if r := s.Receipt; r != nil {
		t.Row("commit", fmt.Sprintf("%d at %s", r.Commit, s.Timestamp.Time().Format(time.RFC3339Nano)))
		t.Row("snapshot", r.Snapshot)
		if r.Rule != 0 {
			t.Row("rule", r.Rule)
		}
		if !r.Winner.IsZero() {
			t.Row("won by", r.Winner)
		}
	} else if s.Since != 0 {
		t.Row("known since", s.Since.Time().Format(time.RFC3339Nano))
	}
	t.WriteTo(w)
}

func txExplain(cmd *cobra.Command, ctx context.Context, node *client.Client, args []string) error {
	hash, err := parseTx(args[0])
	if err != nil {
		return err
	}
	why, err := node.ExplainTransaction(ctx, hash)
	if err != nil {
		return err
	}
	return cli.Print(cmd, why, func(w io.Writer) {
		fmt.Fprintf(w, "%s is %s, says %s\n", hash, why.State, node.URL())
		for _, sentence := range why.Story {
			fmt.Fprintf(w, "  %s\n", sentence)
		}
		if len(why.Holders) == 0 {
			return
		}
		t := cli.NewTable("CARRIED BY", "ROUND", "AUTHOR", "STATUS", "SUPPORTED BY", "COMMIT")
		for _, h := range why.Holders {
			t.Row(h.ID.Short(), h.Round, h.Author, h.Status, h.Supported, h.Commit)
		}
		t.WriteTo(w)
	})
}

func txWait(cmd *cobra.Command, args []string) error {
	hash, err := parseTx(args[0])
	if err != nil {
		return err
	}
	node, err := one(cmd)
	if err != nil {
		return err
	}
	return waitFinal(cmd, node, hash, time.Now())
}

// waitFinal waits for a receipt and prints how long it took since the given time.
func waitFinal(cmd *cobra.Command, node *client.Client, hash kernel.TxHash, since time.Time) error {
	ctx, cancel := bounded(cmd)
	defer cancel()
	receipt, err := node.WaitFinal(ctx, hash)
	if err != nil && !errors.Is(err, client.ErrRejected) {
		return err
	}
	took := time.Since(since)
	if err != nil {
		return err
	}
	return cli.Print(cmd, struct {
		kernel.Receipt
		Waited int64 `json:"waited_ms"`
	}{receipt, took.Milliseconds()}, func(w io.Writer) {
		fmt.Fprintf(w, "%s final at commit %d after %.2f s\n", hash, receipt.Commit, took.Seconds())
	})
}

func decodeArgument(cmd *cobra.Command, arg string) (*kernel.Transaction, []byte, error) {
	text, err := argument(cmd, arg, 2*kernel.MaxTransactionSize+64)
	if err != nil {
		return nil, nil, err
	}
	raw, err := hex.DecodeString(text)
	if err != nil {
		return nil, nil, cli.Fail(cli.Malformed, "malformed", "transaction is not hex: %v", err)
	}
	tx := new(kernel.Transaction)
	if err := tx.UnmarshalBinary(raw); err != nil {
		return nil, nil, cli.Fail(cli.Malformed, "malformed", "%v", err)
	}
	return tx, raw, nil
}

func txDecode(cmd *cobra.Command, args []string) error {
	tx, _, err := decodeArgument(cmd, args[0])
	if err != nil {
		return err
	}
	return cli.Print(cmd, tx, func(w io.Writer) {
		fmt.Fprintf(w, "%s, a %s transaction\n", tx.Hash(), tx.Class())
		cli.PrintJSON(w, tx)
	})
}

func txPost(cmd *cobra.Command, args []string) error {
	_, raw, err := decodeArgument(cmd, args[0])
	if err != nil {
		return err
	}
	nodes, err := connect(cmd)
	if err != nil {
		return err
	}
	ctx, cancel := bounded(cmd)
	defer cancel()
	hash, err := nodes.SendRawTransaction(ctx, raw)
	if err != nil {
		return err
	}
	return cli.Print(cmd, map[string]any{"hash": hash}, func(w io.Writer) { fmt.Fprintln(w, hash) })
}
