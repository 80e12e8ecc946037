package main

import (
	"github.com/asterism-network/asterism/cmd/aster/internal/pillarscmd"
	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/cmd/internal/kerneld"
	"github.com/asterism-network/asterism/cmd/internal/pillarsd"
	"github.com/spf13/cobra"
)

// command is the whole tree.
func command() *cobra.Command {
	root := cli.NewRoot("aster", "settle assets on the Kernel, and mine, stake and pay on the public chain",
		"  aster devnet\n  aster tx send --from alice --to bob --asset BTC 0.5 --wait\n  aster dag --follow",
		devnetCommand(), pillarscmd.Command(), genesisCommand(), walletCommand(), txCommand(), nodeCommand(), motionCommand(), appealCommand(), domainCommand(), evidenceCommand(), witnessCommand(), dagCommand(), rpcCommand(), doctorCommand(), simCommand(), benchCommand(), explorerCommand(), lightCommand(), proofCommand())
	addConnection(root)

	// A network of real processes is made of this very binary: no second build is needed.
	for _, daemon := range []*cobra.Command{kerneld.Command(), pillarsd.Command()} {
		daemon.Hidden = true
		root.AddCommand(daemon)
	}
	return root
}
