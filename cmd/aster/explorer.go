package main

import (
	"fmt"
	"os"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/explorer"
	"github.com/spf13/cobra"
)

func explorerCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "explorer", Short: "serve the web page of a network, or of a recorded run of the simulator",
		Long: "explorer shows the graph of a running network, as the nodes named by --node tell it, or with --trace\n" +
			"the recorded graph of a run that aster sim --trace wrote, with what happened in each round. It serves\n" +
			"until Ctrl-C.",
		Example: "  aster explorer --trace run.json\n  aster explorer --node http://127.0.0.1:6861 --listen 127.0.0.1:8090",
		Args:    cli.Args(),
		RunE:    runExplorer,
	}
	cmd.Flags().String("trace", "", "show this file of aster sim --trace in place of a network")
	cmd.Flags().String("pillars", "", "URL of a Pillars node whose chain is shown too, below /pillars")
	cmd.Flags().String("listen", "127.0.0.1:8080", "address of the web page, or the next free port")
	return cmd
}

func runExplorer(cmd *cobra.Command, _ []string) error {
	pages, err := explorerOf(cmd)
	if err != nil {
		return err
	}
	listen, _ := cmd.Flags().GetString("listen")
	if listen == "" {
		return cli.Usage(cmd, "--listen is empty")
	}
	page, err := serveExplorer(cmd.Context(), listen, pages, func(format string, args ...any) { cli.Note(cmd, format, args...) })
	if err != nil {
		return err
	}
	defer page.stop()
	if cli.JSON(cmd) {
		err = cli.Print(cmd, map[string]string{"url": page.url}, nil)
	} else {
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "web page   %s\nCtrl-C ends it.\n", page.url)
	}
	if err == nil {
		<-cmd.Context().Done()
	}
	return err
}

func explorerOf(cmd *cobra.Command) (*explorer.Explorer, error) {
	name, _ := cmd.Flags().GetString("trace")
	if name == "" {
		urls, err := nodeURLs(cmd)
		if err != nil {
			return nil, err
		}
		chain, _ := cmd.Flags().GetString("pillars")
		return explorer.New(explorer.Config{Nodes: urls, Pillars: chain})
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	trace, err := explorer.ReadTrace(file)
	if err != nil {
		return nil, cli.Fail(cli.Malformed, "malformed", "%s: %v", name, err).WithHint("aster sim --first 1 --seeds 1 --trace %s", name)
	}
	return explorer.FromTrace(trace, nil)
}
