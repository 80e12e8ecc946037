package kerneld

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/cmd/internal/daemon"
	"github.com/asterism-network/asterism/kernel"
	"github.com/spf13/cobra"
)

// A Home is the folder of one node. Only its owner may enter it.
//
//	config.toml    settings
//	node.key       node key and coin share, encrypted
//	genesis.json   what the network started from
//	data/          log, bodies and ledger
//	lock           held while a process uses the folder; holds its number
type Home string

// The files of a home.
func (h Home) Config() string  { return filepath.Join(string(h), "config.toml") }
func (h Home) Key() string     { return filepath.Join(string(h), "node.key") }
func (h Home) Genesis() string { return filepath.Join(string(h), "genesis.json") }
func (h Home) Data() string    { return filepath.Join(string(h), "data") }
func (h Home) lockFile() string {
	return filepath.Join(string(h), "lock")
}

// homeOf is the folder that --home names, or the usual one.
func homeOf(cmd *cobra.Command) (Home, error) {
	dir, err := daemon.HomeOf(cmd, "kerneld")
	return Home(dir), err
}

// ReadGenesis reads and checks the home's genesis.
func (h Home) ReadGenesis() (*kernel.Genesis, error) {
	g, err := ReadGenesisFile(h.Genesis())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, cli.Fail(cli.BadConfig, "no_genesis", "%s has no genesis.json yet", h).
			WithHint("kerneld init --home %s --genesis FILE, with the file that the network's ceremony ended with", h)
	}
	return g, err
}

// ReadGenesisFile reads and checks a genesis file of bounded size.
func ReadGenesisFile(name string) (*kernel.Genesis, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, kernel.MaxGenesisSize+1))
	if err != nil {
		return nil, err
	}
	if len(text) > kernel.MaxGenesisSize {
		return nil, cli.Fail(cli.Malformed, "too_large", "%s is over %d bytes", name, kernel.MaxGenesisSize)
	}
	g, err := kernel.ParseGenesis(text)
	if err != nil {
		return nil, cli.Fail(cli.Malformed, "malformed", "%s: %v", name, err)
	}
	return g, nil
}

// writeGenesis puts a checked genesis into the home and refuses another network's.
func (h Home) writeGenesis(g *kernel.Genesis) error {
	if old, err := ReadGenesisFile(h.Genesis()); err == nil {
		if old.NetworkID() == g.NetworkID() {
			return nil
		}
		return cli.Fail(cli.BadConfig, "wrong_network", "%s belongs to network %s (%s), the genesis is of %s (%s)",
			h, old.Name, old.NetworkID().Short(), g.Name, g.NetworkID().Short()).WithHint("give each network a home of its own")
	}
	text, err := g.MarshalIndentJSON()
	if err != nil {
		return err
	}
	return daemon.WriteNew(h.Genesis(), text)
}

// SetPeers writes the settings file anew with the other members' addresses; all other settings
// stay as they are. Comments of the operator's own are kept in the old file, config.toml.old.
func (h Home) SetPeers(peers map[string]string) error {
	c, err := table.Read(h.Config())
	if err != nil {
		return err
	}
	c.Peers = peers
	if err := os.Rename(h.Config(), h.Config()+".old"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return daemon.WriteNew(h.Config(), []byte(c.WriteTOML()))
}
