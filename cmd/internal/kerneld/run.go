package kerneld

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/cmd/internal/daemon"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/node"
	"github.com/spf13/cobra"
)

func runCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "run", Short: "run the node until it is told to stop",
		Example: "  kerneld run --home n8\n  kerneld run --home n8 --log.level debug --rpc.listen 127.0.0.1:7000",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			home, err := homeOf(cmd)
			if err != nil {
				return err
			}
			if err := cli.CheckHome(string(home)); err != nil {
				return err
			}
			c, _, err := loadConfig(cmd, home)
			if err != nil {
				return err
			}
			unlock, err := home.Lock()
			if err != nil {
				return err
			}
			defer unlock()
			file, _ := cmd.Flags().GetString("passphrase-file")
			passphrase := func() ([]byte, error) {
				return passphraseSource(file, false).Passphrase("Passphrase of the node key: ")
			}
			g, err := home.ReadGenesis()
			if err != nil {
				return err
			}
			config, err := home.NodeConfig(g, &c, passphrase, c.Log.Logger(cmd.ErrOrStderr()))
			if err != nil {
				return err
			}
			if os.Getenv("GOGC") == "" {
				debug.SetGCPercent(gcPercent)
			}
			return Run(daemon.Context(cmd), config)
		},
	}
	table.AddFlags(cmd)
	cmd.Flags().String("passphrase-file", "", "file with the passphrase of the key file (default: ask)")
	daemon.AddTied(cmd)
	return cmd
}

// gcPercent trades memory for CPU: what a node keeps is small beside what passes through it, and at
// the default of 100 collecting took a tenth of its time under load. GOGC overrides it.
const gcPercent = 300

// Run runs a node until ctx ends. A stop that was asked for is no error.
func Run(ctx context.Context, config node.Config) error {
	n, err := node.Open(config)
	if err != nil {
		return diskFailed(err)
	}
	err = n.Run(ctx)
	if err != nil && (ctx.Err() == nil || errors.Is(err, node.ErrStorage)) {
		return diskFailed(err)
	}
	return nil
}

// diskFailed gives what the disk did its name, its exit code and what to do.
func diskFailed(err error) error {
	switch {
	case errors.Is(err, node.ErrDiskFull):
		return cli.Fail(cli.IO, "disk_full", "%v", err).WithHint("free some space and start again: nothing is lost")
	case errors.Is(err, node.ErrStateMismatch):
		return cli.Fail(cli.Broken, "state_mismatch", "%v", err).WithHint("do not start it again: keep the folder, compare versions with the other operators, then rebuild from them")
	case errors.Is(err, node.ErrStorage):
		return cli.Fail(cli.IO, "storage_failed", "%v", err).WithHint("look at the disk, then start again: the node goes on from its last commit")
	}
	return err
}

// NodeConfig joins settings, genesis and secrets of a home into what a node needs. The genesis
// is the home's, read before: nodes of one process share it.
func (h Home) NodeConfig(g *kernel.Genesis, c *Config, passphrase func() ([]byte, error), log *slog.Logger) (node.Config, error) {
	var config node.Config
	if !node.HasFolder(h.Data()) {
		return config, cli.Fail(cli.BadConfig, "no_storage", "%s is missing", h.Data()).
			WithHint("a new node: kerneld init --home %s --genesis FILE; a node that has run before and lost it: docs/guide/operator.md", h)
	}
	id, err := h.ReadIdentity(passphrase, g.CoinDealt)
	if err != nil {
		return config, err
	}
	place, err := memberOf(g, kernel.NodeKeyFromSeed(id.Seed).Public())
	if err != nil {
		return config, err
	}
	if place >= 0 && !id.HasShare() {
		return config, cli.Fail(cli.BadConfig, "no_coin_share", "%s holds no share of the coin's key", h.Key()).
			WithHint("finish the ceremony: aster genesis finish --home %s", h)
	}
	all, others, err := addresses(g, c)
	if err != nil {
		return config, err
	}
	return node.Config{
		Home:        h.Data(),
		Genesis:     g,
		Identity:    node.Identity{Key: id.Seed, CoinShare: id.Share},
		Listen:      c.Listen,
		Addresses:   all,
		Peers:       others,
		RPC:         node.RPCConfig{Listen: c.RPC.Listen, TLSCert: c.RPC.TLSCert, TLSKey: c.RPC.TLSKey, TokensFile: c.RPC.TokensFile},
		Ops:         c.Ops.Listen,
		BatchWindow: time.Duration(c.BatchWindow),
		Fanout:      c.Fanout,
		Pruned:      c.Store.Mode == prunedMode,
		KeepEpochs:  c.Store.KeepEpochs,
		Log:         log,
		Version:     cli.ReadBuild().Version,
	}, nil
}

// addresses puts the peers' addresses into the order of the genesis' roster; those of later members
// are told by their node keys. A member without one is not called; it may call us.
func addresses(g *kernel.Genesis, c *Config) (all []string, others map[kernel.Key]string, err error) {
	all, others = make([]string, len(g.Members)), make(map[kernel.Key]string)
	var names []string
	for i, m := range g.Members {
		all[i] = c.Peers[m.Name]
		names = append(names, m.Name)
	}
	for name, address := range c.Peers {
		if slices.Contains(names, name) {
			continue
		}
		var key kernel.Key
		if key.UnmarshalText([]byte(name)) != nil {
			return nil, nil, cli.Fail(cli.BadConfig, "config_value", "peers: %q is no member of the genesis and no node key", name).
				WithHint("the members are %s; a later one is named by the 64 digits of its node key", strings.Join(names, ", "))
		}
		others[key] = address
	}
	return all, others, nil
}
