package main

import (
	"context"
	"encoding/json"
	"io"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/spf13/cobra"
)

func rpcCommand() *cobra.Command {
	return &cobra.Command{
		Use: "rpc METHOD [PARAM…]", Short: "call any method of a node and print its result",
		Long: "rpc sends METHOD with the parameters in order, each as JSON if it is JSON and as text otherwise.\n" +
			"A single parameter that is a JSON object holds named parameters. rpc.discover lists the methods.",
		Example: "  aster rpc getinfo\n  aster rpc getcommit 12\n  aster rpc listcommits '{\"from\": 1, \"limit\": 3}'",
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
