package pillarsd

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/cmd/internal/daemon"
	"github.com/asterism-network/asterism/internal/keystore"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/node"
	"github.com/asterism-network/asterism/pillars/wallet"
	"github.com/spf13/cobra"
)

func runCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "run", Short: "run the node until it is told to stop",
		Example: "  pillarsd run --home p1\n  pillarsd run --home p1 --mine tPd41bKLJGf1C5RRvaiV2mytqZB6WfM1vR --mine.cpu 1\n" +
			"  pillarsd run --home p1 --stake till --passphrase-file till.pass",
		Args: cli.Args(), RunE: run,
	}
	table.AddFlags(cmd)
	cmd.Flags().String("wallets", "", "folder of all data in which the staking wallet is (default: ASTER_HOME, else the system's data folder)")
	cmd.Flags().String("passphrase-file", "", "file with the passphrase of the staking wallet (default: "+keystore.PassphraseFileEnv+", else ask)")
	daemon.AddTied(cmd)
	return cmd
}

func run(cmd *cobra.Command, _ []string) error {
	home, err := homeOf(cmd)
	if err != nil {
		return err
	}
	if err := cli.CheckHome(string(home)); err != nil {
		return err
	}
	c, _, err := load(cmd, home)
	if err != nil {
		return err
	}
	p, err := home.profile()
	if err != nil {
		return err
	}
	log := c.Log.Logger(cmd.ErrOrStderr())
	o := node.Options{Params: p, Prune: c.Prune, Listen: c.Listen, Peers: c.Peers, Log: log, Version: cli.ReadBuild().Version}
	if !c.Find {
		o.MaxOutbound = -1
	}
	n, err := node.Open(string(home), o)
	if err != nil {
		return diskFailed(err)
	}
	if err := equip(cmd, n, p, &c); err != nil {
		return errors.Join(err, n.Close())
	}
	ctx := daemon.Context(cmd)
	err = n.Run(ctx)
	if err != nil && (ctx.Err() == nil || errors.Is(err, node.ErrStorage)) {
		return diskFailed(err)
	}
	return nil
}

// equip gives an opened node its miner, its staker and its interface.
func equip(cmd *cobra.Command, n *node.Node, p *pillars.Params, c *Config) error {
	mining, err := c.mining(p)
	if err != nil {
		return err
	}
	o := node.MinerOptions{Mining: mining}
	if c.Mine.Stratum != "" {
		o.Stratum = &node.StratumOptions{Listen: c.Mine.Stratum}
	}
	if c.Stake.Wallet != "" {
		signer, err := staker(cmd, p, c)
		if err != nil {
			return err
		}
		o.Staking = node.Staking{Signer: signer, MinPeers: c.leastPeers(), MinInbound: c.Stake.MinInbound}
		if c.Alone {
			o.Staking.MinInbound = 0
		}
	}
	miner, err := n.NewMiner(o)
	if err != nil {
		return err
	}
	n.Offer(node.InterfaceOptions{
		Listen: c.RPC.Listen, TLSCert: c.RPC.TLSCert, TLSKey: c.RPC.TLSKey, TokensFile: c.RPC.TokensFile, Hosts: c.RPC.Hosts, Origins: c.RPC.Origins,
		Ops: c.Ops.Listen, Name: c.Name, Alone: c.Alone, Miner: miner,
	})
	return nil
}

// staker takes the keys that may stake out of a wallet, which is then closed again: payments need it, staking
// does not.
func staker(cmd *cobra.Command, p *pillars.Params, c *Config) (*wallet.Staker, error) {
	dir, _ := cmd.Flags().GetString("wallets")
	if dir == "" {
		var err error
		if dir, err = cli.DataFolder(); err != nil {
			return nil, err
		}
	}
	at := wallet.Location{Dir: filepath.Join(dir, "wallets", "pillars-"+p.Name), Name: c.Stake.Wallet, Params: *p}
	if _, err := os.Stat(filepath.Join(at.Dir, at.Name+".pillars")); err != nil {
		return nil, cli.Fail(cli.BadConfig, "no_wallet", "stake.wallet: no wallet %q in %s", at.Name, at.Dir).
			WithHint("aster pillars wallet create %s --profile %s", at.Name, p.Name)
	}
	file, _ := cmd.Flags().GetString("passphrase-file")
	var err error
	if at.Passphrase, err = (keystore.Source{File: file}).Passphrase(fmt.Sprintf("Passphrase of wallet %s, to stake with: ", at.Name)); err != nil {
		return nil, err
	}
	defer keystore.Zero(at.Passphrase)
	w, err := wallet.Open(at)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	var addresses []pillars.Address
	for _, text := range c.Stake.Addresses {
		a, err := pillars.ParseAddress(text, p.Address)
		if err != nil {
			return nil, cli.Fail(cli.BadConfig, "config_value", "stake.addresses: %v", err)
		}
		addresses = append(addresses, a)
	}
	s, err := w.Staker(addresses...)
	if err != nil {
		return nil, cli.Fail(cli.BadConfig, "config_value", "stake.wallet: %v", err)
	}
	return s, nil
}

// diskFailed gives what stopped a node its name, its exit code and what to do.
func diskFailed(err error) error {
	switch {
	case errors.Is(err, node.ErrLocked):
		return cli.Fail(cli.Failed, "locked", "%v", err).WithHint("stop the other process first")
	case errors.Is(err, node.ErrNoFolder):
		return cli.Fail(cli.BadConfig, "no_chain", "%v", err).WithHint("make it first: pillarsd init --help")
	case errors.Is(err, node.ErrNetwork), errors.Is(err, node.ErrProfile):
		return cli.Fail(cli.BadConfig, "wrong_network", "%v", err).WithHint("give each network a home of its own")
	case errors.Is(err, node.ErrExposed), errors.Is(err, node.ErrConfig):
		return cli.Fail(cli.BadConfig, "config_value", "%v", err)
	case errors.Is(err, node.ErrDiskFull):
		return cli.Fail(cli.IO, "disk_full", "%v", err).WithHint("free some space and start again: nothing is lost")
	case errors.Is(err, node.ErrStorage):
		return cli.Fail(cli.IO, "storage_failed", "%v", err).WithHint("look at the disk, then start again: the node goes on from its last block; pillarsd verify checks what is there")
	}
	return err
}
