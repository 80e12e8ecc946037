package kerneld

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/asterism-network/asterism/cmd/internal/cli"
)

// A setting is one key of the configuration: in the file, as a flag, as a variable.
type setting struct {
	name string // "rpc.listen": the key, and the flag --rpc.listen
	help string
	of   func(*Config) any // pointer to the field
}

var settings = []setting{
	{"listen", "address for other nodes, host:port", func(c *Config) any { return &c.Listen }},
	{"peers", "addresses of the other members by their names in the genesis", func(c *Config) any { return &c.Peers }},
	{"batch_window", "how long a snapshot may wait for more transactions", func(c *Config) any { return &c.BatchWindow }},
	{"fanout", "push own snapshots to this many peers, who relay them; 0 is all", func(c *Config) any { return &c.Fanout }},
	{"store.mode", "archive keeps all of history; pruned lets it go, epoch by epoch, and keeps the state and all receipts", func(c *Config) any { return &c.Store.Mode }},
	{"store.keep_epochs", "whole epochs that a pruned node keeps before the one in force, at least 1", func(c *Config) any { return &c.Store.KeepEpochs }},
	{"rpc.listen", "address of the public RPC; needs TLS and tokens beyond loopback", func(c *Config) any { return &c.RPC.Listen }},
	{"rpc.tls_cert", "certificate file of the RPC (PEM)", func(c *Config) any { return &c.RPC.TLSCert }},
	{"rpc.tls_key", "key file of that certificate (PEM, mode 0600)", func(c *Config) any { return &c.RPC.TLSKey }},
	{"rpc.tokens_file", "file of tokens and their rights", func(c *Config) any { return &c.RPC.TokensFile }},
	{"ops.listen", "address of health and metrics; keep it private; empty is off", func(c *Config) any { return &c.Ops.Listen }},
	{"log.level", "debug, info, warn or error", func(c *Config) any { return &c.Log.Level }},
	{"log.format", "text, json, or auto: text on a terminal", func(c *Config) any { return &c.Log.Format }},
}

// variable is the environment variable of a setting: ASTER_RPC_LISTEN for rpc.listen.
func (s setting) variable() string {
	return "ASTER_" + strings.ToUpper(strings.ReplaceAll(s.name, ".", "_"))
}

// set reads a value from a flag or a variable.
func (s setting) set(c *Config, text string) error {
	var err error
	switch field := s.of(c).(type) {
	case *string:
		*field = text
	case *int:
		*field, err = strconv.Atoi(text)
	case *Duration:
		err = field.UnmarshalText([]byte(text))
	case *map[string]string:
		*field, err = parsePeers(text)
	}
	if err != nil {
		return cli.Fail(cli.BadConfig, "config_value", "%s: %v", s.name, err)
	}
	return nil
}

// text is the value in the form that set reads.
func (s setting) text(c *Config) string {
	switch field := s.of(c).(type) {
	case *string:
		return *field
	case *int:
		return strconv.Itoa(*field)
	case *Duration:
		return time.Duration(*field).String()
	case *map[string]string:
		var all []string
		for _, name := range slices.Sorted(maps.Keys(*field)) {
			all = append(all, name+"="+(*field)[name])
		}
		return strings.Join(all, ",")
	}
	panic("kerneld: setting of unknown type " + s.name)
}

// toml is the value as it stands in the file.
func (s setting) toml(c *Config) string {
	switch field := s.of(c).(type) {
	case *int:
		return strconv.Itoa(*field)
	case *map[string]string:
		var all []string
		for _, name := range slices.Sorted(maps.Keys(*field)) {
			all = append(all, strconv.Quote(name)+" = "+strconv.Quote((*field)[name]))
		}
		if len(all) == 0 {
			return "{}"
		}
		return "{ " + strings.Join(all, ", ") + " }"
	}
	return strconv.Quote(s.text(c))
}

// parsePeers reads "name=host:port,name=host:port".
func parsePeers(text string) (map[string]string, error) {
	peers := map[string]string{}
	for pair := range strings.SplitSeq(text, ",") {
		if pair == "" {
			continue
		}
		name, address, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("%q is not name=host:port", pair)
		}
		peers[name] = address
	}
	return peers, nil
}
