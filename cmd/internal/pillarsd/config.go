package pillarsd

import (
	"path/filepath"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/cmd/internal/daemon"
	"github.com/asterism-network/asterism/cmd/internal/settings"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/node"
	"github.com/spf13/cobra"
)

// A Config is what the operator decides. Parameters of the network are in its profile.
type Config struct {
	Listen string   `toml:"listen"`
	Peers  []string `toml:"peers"`
	Alone  bool     `toml:"alone"`
	Find   bool     `toml:"find"`
	Prune  uint32   `toml:"prune"`
	Name   string   `toml:"name"`
	RPC    struct {
		Listen     string   `toml:"listen"`
		TLSCert    string   `toml:"tls_cert"`
		TLSKey     string   `toml:"tls_key"`
		TokensFile string   `toml:"tokens_file"`
		Hosts      []string `toml:"hosts"`
		Origins    []string `toml:"origins"`
	} `toml:"rpc"`
	Ops  daemon.Ops `toml:"ops"`
	Mine struct {
		Address string `toml:"address"`
		CPU     int    `toml:"cpu"`
		Rate    uint32 `toml:"rate"`
		Asset   string `toml:"asset"`
		Full    bool   `toml:"full"`
		Stratum string `toml:"stratum"`
	} `toml:"mine"`
	Stake struct {
		Wallet     string   `toml:"wallet"`
		Addresses  []string `toml:"addresses"`
		MinInbound int      `toml:"min_inbound"`
	} `toml:"stake"`
	Log daemon.Log `toml:"log"`
}

// Defaults are the settings of a node that nobody configured: reachable from this machine only.
func Defaults() Config {
	var c Config
	c.Listen = "127.0.0.1:5251"
	c.Find = true
	c.RPC.Listen = "127.0.0.1:8820"
	c.Ops.Listen = "127.0.0.1:9820"
	c.Stake.MinInbound = 1
	c.Log.Level = "info"
	c.Log.Format = "auto"
	return c
}

type key = settings.Key[Config]

var table = settings.Table[Config]{
	Program: "pillarsd", Prefix: "ASTER_PILLARSD_", Defaults: Defaults,
	Keys: []key{
		{Name: "listen", Help: "address for other nodes, host:port; empty listens nowhere", Of: func(c *Config) any { return &c.Listen }},
		{Name: "peers", Help: "nodes to be connected with always, host:port, with commas between", Of: func(c *Config) any { return &c.Peers }},
		{Name: "find", Help: "true: find further nodes by the network's seeds and by what others say; false: talk to peers and to who dials only", Of: func(c *Config) any { return &c.Find }},
		{Name: "alone", Help: "true: without peers the node is ready all the same, and mines; for the first node of a network", Of: func(c *Config) any { return &c.Alone }},
		{Name: "prune", Help: "keep the bodies of so many of the newest blocks only; 0 keeps all, which answers about addresses need", Of: func(c *Config) any { return &c.Prune }},
		{Name: "name", Help: "name of the node for people", Of: func(c *Config) any { return &c.Name }},
		{Name: "rpc.listen", Flag: "rpc", Help: "address of the public RPC; needs TLS and tokens beyond loopback", Of: func(c *Config) any { return &c.RPC.Listen }},
		{Name: "rpc.tls_cert", Help: "certificate file of the RPC (PEM)", Of: func(c *Config) any { return &c.RPC.TLSCert }},
		{Name: "rpc.tls_key", Help: "key file of that certificate (PEM, mode 0600)", Of: func(c *Config) any { return &c.RPC.TLSKey }},
		{Name: "rpc.tokens_file", Help: "file of tokens and their rights", Of: func(c *Config) any { return &c.RPC.TokensFile }},
		{Name: "rpc.hosts", Help: "further names that callers may call this server by, with commas between", Of: func(c *Config) any { return &c.RPC.Hosts }},
		{Name: "rpc.origins", Help: "origins of web pages that may call, with commas between", Of: func(c *Config) any { return &c.RPC.Origins }},
		{Name: "ops.listen", Help: "address of health and metrics; keep it private; empty is off", Of: func(c *Config) any { return &c.Ops.Listen }},
		{Name: "mine.address", Flag: "mine", Help: "address that gets the rewards of mined blocks; work is handed out to miners, see mine.cpu for this machine", Of: func(c *Config) any { return &c.Mine.Address }},
		{Name: "mine.cpu", Help: "mine on so many processors of this machine; 0 leaves it to others", Of: func(c *Config) any { return &c.Mine.CPU }},
		{Name: "mine.rate", Help: "at most so many hashes a second; 0 is all that the processors can", Of: func(c *Config) any { return &c.Mine.Rate }},
		{Name: "mine.asset", Help: "symbol of an asset to be mined beside ETP", Of: func(c *Config) any { return &c.Mine.Asset }},
		{Name: "mine.full", Help: "true: mine with the whole dataset, a gibibyte or more on public networks", Of: func(c *Config) any { return &c.Mine.Full }},
		{Name: "mine.stratum", Help: "address for miners over TCP, host:port; empty is off", Of: func(c *Config) any { return &c.Mine.Stratum }},
		{Name: "stake.wallet", Flag: "stake", Help: "name of the wallet that stakes, among those of aster pillars wallet", Of: func(c *Config) any { return &c.Stake.Wallet }},
		{Name: "stake.addresses", Help: "stake for these addresses only, with commas between; else for all of the wallet", Of: func(c *Config) any { return &c.Stake.Addresses }},
		{Name: "stake.min_inbound", Help: "stake only while so many other nodes are connected to this one", Of: func(c *Config) any { return &c.Stake.MinInbound }},
		{Name: "log.level", Help: "debug, info, warn or error", Of: func(c *Config) any { return &c.Log.Level }},
		{Name: "log.format", Help: "text, json, or auto: text on a terminal", Of: func(c *Config) any { return &c.Log.Format }},
	},
}

// load reads the settings of a home with the command's flags over them, and checks them.
func load(cmd *cobra.Command, home Home) (Config, map[string]settings.Origin, error) {
	c, from, err := table.Load(cmd, home.config())
	if err != nil {
		return c, nil, err
	}
	return c, from, c.Check()
}

// Check refuses values that cannot work, with the key to change.
func (c *Config) Check() error {
	bad := func(key, format string, args ...any) error { return daemon.BadValue("pillarsd", key, format, args...) }
	for _, a := range []struct{ key, address string }{{"listen", c.Listen}, {"rpc.listen", c.RPC.Listen}, {"ops.listen", c.Ops.Listen}, {"mine.stratum", c.Mine.Stratum}} {
		if a.address == "" && a.key != "rpc.listen" {
			continue
		}
		if err := daemon.CheckAddress("pillarsd", a.key, a.address); err != nil {
			return err
		}
	}
	for _, address := range c.Peers {
		if err := daemon.CheckAddress("pillarsd", "peers", address); err != nil {
			return err
		}
	}
	switch {
	case c.Mine.CPU < 0 || c.Mine.CPU > 1024:
		return bad("mine.cpu", "%d is not a number of processors", c.Mine.CPU)
	case c.Stake.MinInbound < 0:
		return bad("stake.min_inbound", "%d is negative", c.Stake.MinInbound)
	case c.Mine.Address == "" && (c.Mine.CPU > 0 || c.Mine.Stratum != ""):
		return bad("mine.address", "nobody would get the rewards: set it to an address")
	}
	return daemon.Check("pillarsd", c.Log, c.Ops, c.RPC.Listen, c.RPC.TLSCert, c.RPC.TLSKey, c.RPC.TokensFile)
}

// mining reads what is set about mining on a network.
func (c *Config) mining(p *pillars.Params) (m node.Mining, err error) {
	if c.Mine.Address == "" {
		return m, nil
	}
	m = node.Mining{Asset: c.Mine.Asset, Workers: c.Mine.CPU, Rate: uint64(c.Mine.Rate), Full: c.Mine.Full, MinPeers: c.leastPeers()}
	if m.Pay, err = pillars.ParseAddress(c.Mine.Address, p.Address); err != nil {
		return m, cli.Fail(cli.BadConfig, "config_value", "mine.address: %v", err)
	}
	if m.Asset != "" && !pillars.ValidSymbol(m.Asset) {
		return m, cli.Fail(cli.BadConfig, "config_value", "mine.asset: %q is no symbol of an asset", m.Asset)
	}
	return m, nil
}

// leastPeers is how many connections blocks are made with at least.
func (c *Config) leastPeers() int {
	if c.Alone {
		return 0
	}
	return 1
}

// A Home is the folder of one node. Only its owner may enter it.
type Home string

func (h Home) config() string { return filepath.Join(string(h), "config.toml") }

// homeOf is the folder that --home names, or the usual one.
func homeOf(cmd *cobra.Command) (Home, error) {
	dir, err := daemon.HomeOf(cmd, "pillarsd")
	return Home(dir), err
}

// profile reads the network of a home.
func (h Home) profile() (*pillars.Params, error) {
	p, err := node.Profile(string(h))
	if err != nil {
		return nil, cli.Fail(cli.BadConfig, "no_chain", "%v", err).WithHint("make it first: pillarsd init --home %s --profile NAME", h)
	}
	return p, nil
}
