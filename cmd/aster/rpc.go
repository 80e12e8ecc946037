package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/spf13/cobra"
)

func rpcCommand() *cobra.Command {
	return &cobra.Command{
		Use: "rpc METHOD [PARAM…]", Short: "call any method of a node and print its result",
		Long: "rpc sends METHOD with the parameters in order, each as JSON if it is JSON and as text otherwise.\n" +
			"A single parameter that is a JSON object holds named parameters. rpc.discover lists the methods.",
		Example: "  aster rpc getinfo\n  aster rpc getcommit 12\n  aster rpc listcommits '{\"from\": 1, \"limit\": 3}'",
		Args:    cli.Args("METHOD", "[PARAM…"),
		RunE: func(cmd *cobra.Command, args []string) error {
			node, err := one(cmd)
			if err != nil {
				return err
			}
			ctx, cancel := bounded(cmd)
			defer cancel()
			var result json.RawMessage
			if err := node.Call(ctx, args[0], rpcParams(args[1:]), &result); err != nil {
				return err
			}
			return cli.Print(cmd, result, func(w io.Writer) {
				var pretty bytes.Buffer
				if json.Indent(&pretty, result, "", "  ") != nil {
					pretty.Write(result)
				}
				fmt.Fprintln(w, pretty.String())
			})
		},
	}
}

// rpcParams turns words into parameters: nil for none, one object as it is, else a list.
func rpcParams(words []string) any {
	if len(words) == 0 {
		return nil
	}
	list := make([]json.RawMessage, len(words))
	for i, word := range words {
		if json.Valid([]byte(word)) {
			list[i] = json.RawMessage(word)
		} else {
			list[i], _ = json.Marshal(word) // text always has a JSON form
		}
	}
	if first := bytes.TrimSpace(list[0]); len(list) == 1 && first[0] == '{' {
		return list[0]
	}
	return list
}
