package kerneld

import (
	"maps"
	"net"
	"slices"
	"time"

	"github.com/asterism-network/asterism/cmd/internal/daemon"
	"github.com/asterism-network/asterism/cmd/internal/settings"
	"github.com/asterism-network/asterism/kernel/node"
	"github.com/spf13/cobra"
)

// A Config is what the operator decides. Parameters of the protocol are in the genesis.
type Config struct {
	Listen      string            `toml:"listen"`
	Peers       map[string]string `toml:"peers"`
	BatchWindow Duration          `toml:"batch_window"`
	Fanout      int               `toml:"fanout"`
	Store       struct {
		Mode       string `toml:"mode"`
		KeepEpochs int    `toml:"keep_epochs"`
	} `toml:"store"`
	RPC struct {
		Listen     string `toml:"listen"`
		TLSCert    string `toml:"tls_cert"`
		TLSKey     string `toml:"tls_key"`
		TokensFile string `toml:"tokens_file"`
	} `toml:"rpc"`
	Ops daemon.Ops `toml:"ops"`
	Log daemon.Log `toml:"log"`
}

// A Duration is a time in the form "10ms".
type Duration time.Duration

// MarshalText returns the form that UnmarshalText reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads a duration with its unit.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = Duration(v)
	return err
}

// Defaults are the settings of a node that nobody configured: reachable from this machine only.
func Defaults() Config {
	var c Config
	c.Listen = "127.0.0.1:5850"
	c.Peers = map[string]string{}
	c.BatchWindow = Duration(10 * time.Millisecond)
	c.Store.Mode, c.Store.KeepEpochs = archiveMode, 2
	c.RPC.Listen = "127.0.0.1:6860"
	c.Ops.Listen = "127.0.0.1:7860"
	c.Log.Level = "info"
	c.Log.Format = "auto"
	return c
}

type key = settings.Key[Config]

var table = settings.Table[Config]{
	Program: "kerneld", Prefix: "ASTER_", Defaults: Defaults,
	Keys: []key{
		{Name: "listen", Help: "address for other nodes, host:port", Of: func(c *Config) any { return &c.Listen }},
		{Name: "peers", Help: "addresses of the other members by their names in the genesis", Of: func(c *Config) any { return &c.Peers }},
		{Name: "batch_window", Help: "how long a snapshot may wait for more transactions", Of: func(c *Config) any { return &c.BatchWindow }},
		{Name: "fanout", Help: "push own snapshots to this many peers, who relay them; 0 is all", Of: func(c *Config) any { return &c.Fanout }},
		{Name: "store.mode", Help: "archive keeps all of history; pruned lets it go, epoch by epoch, and keeps the state and all receipts", Of: func(c *Config) any { return &c.Store.Mode }},
		{Name: "store.keep_epochs", Help: "whole epochs that a pruned node keeps before the one in force, at least 1", Of: func(c *Config) any { return &c.Store.KeepEpochs }},
		{Name: "rpc.listen", Help: "address of the public RPC; needs TLS and tokens beyond loopback", Of: func(c *Config) any { return &c.RPC.Listen }},
		{Name: "rpc.tls_cert", Help: "certificate file of the RPC (PEM)", Of: func(c *Config) any { return &c.RPC.TLSCert }},
		{Name: "rpc.tls_key", Help: "key file of that certificate (PEM, mode 0600)", Of: func(c *Config) any { return &c.RPC.TLSKey }},
		{Name: "rpc.tokens_file", Help: "file of tokens and their rights", Of: func(c *Config) any { return &c.RPC.TokensFile }},
		{Name: "ops.listen", Help: "address of health and metrics; keep it private; empty is off", Of: func(c *Config) any { return &c.Ops.Listen }},
		{Name: "log.level", Help: "debug, info, warn or error", Of: func(c *Config) any { return &c.Log.Level }},
		{Name: "log.format", Help: "text, json, or auto: text on a terminal", Of: func(c *Config) any { return &c.Log.Format }},
	},
}

// loadConfig reads the settings of a home with the command's flags over them, and checks them.
func loadConfig(cmd *cobra.Command, home Home) (Config, map[string]settings.Origin, error) {
	c, from, err := table.Load(cmd, home.Config())
	if err != nil {
		return c, nil, err
	}
	return c, from, c.Check()
}

// ReadConfig reads the settings that the home's file holds, and checks them.
func (h Home) ReadConfig() (Config, error) {
	c, err := table.Read(h.Config())
	if err != nil {
		return c, err
	}
	return c, c.Check()
}

// WriteTOML writes the commented file of init.
func (c *Config) WriteTOML() string { return table.TOML(c) }

// What a node keeps of its history.
const (
	archiveMode = "archive"
	prunedMode  = "pruned"
)

// Check refuses values that cannot work, with the key to change.
func (c *Config) Check() error {
	bad := func(key, format string, args ...any) error { return daemon.BadValue("kerneld", key, format, args...) }
	for _, a := range []struct{ key, address string }{{"listen", c.Listen}, {"rpc.listen", c.RPC.Listen}, {"ops.listen", c.Ops.Listen}} {
		if a.address == "" && a.key == "ops.listen" {
			continue
		}
		if err := daemon.CheckAddress("kerneld", a.key, a.address); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Peers)) {
		if _, _, err := net.SplitHostPort(c.Peers[name]); err != nil {
			return bad("peers", "%s: %q is not host:port", name, c.Peers[name])
		}
	}
	switch {
	case c.BatchWindow < 0 || time.Duration(c.BatchWindow) > time.Second:
		return bad("batch_window", "%s is not between 0 and 1s", time.Duration(c.BatchWindow))
	case c.Fanout < 0:
		return bad("fanout", "%d is negative", c.Fanout)
	case !slices.Contains([]string{archiveMode, prunedMode}, c.Store.Mode):
		return bad("store.mode", "%q is none of archive, pruned", c.Store.Mode)
	case c.Store.KeepEpochs < node.LeastEpochs || c.Store.KeepEpochs > 1<<20:
		return bad("store.keep_epochs", "%d is not between %d and %d: the last whole epoch is never let go of", c.Store.KeepEpochs, node.LeastEpochs, 1<<20)
	}
	return daemon.Check("kerneld", c.Log, c.Ops, c.RPC.Listen, c.RPC.TLSCert, c.RPC.TLSKey, c.RPC.TokensFile)
}
