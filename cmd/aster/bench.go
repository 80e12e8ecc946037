package main

import (
	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/spf13/cobra"
)

func benchCommand() *cobra.Command {
	return cli.Group("bench", "measure what a network costs and how fast it is", "  aster bench wan",
		benchWANCommand(),
	)
}
