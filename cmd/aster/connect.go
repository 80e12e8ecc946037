package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"time"

	"github.com/asterism-network/asterism/cmd/aster/internal/devnet"
	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/spf13/cobra"
)

// defaultNode is where a node's RPC is when nobody says otherwise.
const defaultNode = "http://127.0.0.1:6860"

// addConnection gives every command the flags that say which nodes to ask.
func addConnection(root *cobra.Command) {
	f := root.PersistentFlags()
	f.StringSlice("node", nil, "URL of a node's RPC, repeated for several (default: ASTER_NODE, else the running devnet's, else "+defaultNode+")")
	f.String("token-file", "", "file with the token for the RPC (default: ASTER_TOKEN_FILE)")
	f.Duration("timeout", time.Minute, "how long to wait for an answer")
}

// nodeURLs says which nodes to ask: flag, variable, running devnet, default.
func nodeURLs(cmd *cobra.Command) ([]string, error) {
	urls, err := cmd.Flags().GetStringSlice("node")
	if err != nil || len(urls) > 0 {
		return urls, err
	}
	if text := os.Getenv("ASTER_NODE"); text != "" {
		return strings.Split(text, ","), nil
	}
	if facts, err := devnet.Running(); err == nil {
		return facts.URLs(), nil
	}
	return []string{defaultNode}, nil
}

// connect makes a client of every node to ask.
func connect(cmd *cobra.Command) (*client.Multi, error) {
	urls, err := nodeURLs(cmd)
	if err != nil {
		return nil, err
	}
	var options []client.Option
	file, err := cmd.Flags().GetString("token-file")
	if err != nil {
		return nil, err
	}
	if file == "" {
		file = os.Getenv("ASTER_TOKEN_FILE")
	}
	if file != "" {
		token, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		options = append(options, client.WithToken(string(bytes.TrimSpace(token))))
	}
	var nodes []*client.Client
	for _, u := range urls {
		if !strings.HasPrefix(u, "http://") && !strings.HasPrefix(u, "https://") {
			return nil, cli.Usage(cmd, "--node %q is no URL: want http://host:port", u)
		}
		nodes = append(nodes, client.New(u, options...))
	}
	return client.NewMulti(nodes, 2), nil
}

// one connects to the first node to ask: what it answers is its own view.
func one(cmd *cobra.Command) (*client.Client, error) {
	nodes, err := connect(cmd)
	if err != nil {
		return nil, err
	}
	return nodes.Nodes()[0], nil
}

// asking runs a command that asks one node.
func asking(do func(cmd *cobra.Command, ctx context.Context, node *client.Client, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		node, err := one(cmd)
		if err != nil {
			return err
		}
		ctx, cancel := bounded(cmd)
		defer cancel()
		return do(cmd, ctx, node, args)
	}
}

// bounded is the command's context with the time that --timeout allows.
func bounded(cmd *cobra.Command) (context.Context, context.CancelFunc) {
	d, err := cmd.Flags().GetDuration("timeout")
	if err != nil || d <= 0 {
		d = time.Minute
	}
	return context.WithTimeout(cmd.Context(), d)
}

// argument returns the text of an argument, or what stdin holds where the argument is "-".
func argument(cmd *cobra.Command, arg string, limit int64) (string, error) {
	if arg != "-" {
		return arg, nil
	}
	text, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), limit+1))
	if err != nil {
		return "", err
	}
	if int64(len(text)) > limit {
		return "", cli.Fail(cli.Malformed, "too_large", "more than %d bytes on standard input", limit)
	}
	return strings.TrimSpace(string(text)), nil
}
