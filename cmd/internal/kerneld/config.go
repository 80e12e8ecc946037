package kerneld

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/kernel/node"
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
	Ops struct {
		Listen string `toml:"listen"`
	} `toml:"ops"`
	Log struct {
		Level  string `toml:"level"`
		Format string `toml:"format"`
	} `toml:"log"`
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

// What a node keeps of its history.
const (
	archiveMode = "archive"
	prunedMode  = "pruned"
)

// Check refuses values that cannot work, with the key to change.
func (c *Config) Check() error {
	bad := func(key, format string, args ...any) error {
		return cli.Fail(cli.BadConfig, "config_value", "%s: %s", key, fmt.Sprintf(format, args...)).WithHint("kerneld config show says where each value comes from")
	}
	for key, address := range map[string]string{"listen": c.Listen, "rpc.listen": c.RPC.Listen, "ops.listen": c.Ops.Listen} {
		if address == "" && key == "ops.listen" {
			continue
		}
		if _, _, err := net.SplitHostPort(address); err != nil {
			return bad(key, "%q is not host:port", address)
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
	case !slices.Contains([]string{"debug", "info", "warn", "error"}, c.Log.Level):
		return bad("log.level", "%q is none of debug, info, warn, error", c.Log.Level)
	case !slices.Contains([]string{"text", "json", "auto"}, c.Log.Format):
		return bad("log.format", "%q is none of text, json, auto", c.Log.Format)
	case (c.RPC.TLSCert == "") != (c.RPC.TLSKey == ""):
		return bad("rpc.tls_cert", "certificate and key go together: set rpc.tls_cert and rpc.tls_key")
	}
	if !loopback(c.RPC.Listen) && (c.RPC.TLSCert == "" || c.RPC.TokensFile == "") {
		return bad("rpc.listen", "%s is reachable from outside: set rpc.tls_cert, rpc.tls_key and rpc.tokens_file, or listen on 127.0.0.1", c.RPC.Listen)
	}
	if c.Ops.Listen != "" && !loopback(c.Ops.Listen) {
		return bad("ops.listen", "%s is reachable from outside: health and metrics stay on loopback", c.Ops.Listen)
	}
	return nil
}

// loopback reports whether an address can be reached from this machine only.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// WriteTOML writes the commented file of init: every key, those that are as by default as
// comments.
func (c *Config) WriteTOML() string {
	defaults := Defaults()
	var b strings.Builder
	b.WriteString("# Settings of this node. Keys that stand behind # have that value by default.\n" +
		"# A flag (--rpc.listen) overrides a variable (ASTER_RPC_LISTEN), which overrides this file.\n" +
		"# `kerneld config show` prints every value and where it came from.\n")
	table := ""
	for _, s := range settings {
		key := s.name
		if t, k, nested := strings.Cut(s.name, "."); nested {
			key = k
			if t != table {
				fmt.Fprintf(&b, "\n[%s]\n", t)
				table = t
			}
		}
		fmt.Fprintf(&b, "\n# %s\n", s.help)
		if s.text(c) == s.text(&defaults) {
			b.WriteString("# ")
		}
		fmt.Fprintf(&b, "%s = %s\n", key, s.toml(c))
	}
	return b.String()
}
