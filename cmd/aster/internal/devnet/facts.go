// Package devnet runs a whole network on one machine: it deals the keys, makes the homes,
// starts the nodes inside this process or as processes of their own, watches every node's
// commits, pays with real wallets, kills nodes and starts them again, and says at the end
// whether all nodes agree. Everything goes through what the nodes offer to anybody: their
// homes, their RPC, their commit streams.
//
// Its keys are public. Nothing made here may carry value.
package devnet

import (
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/kernel"
)

// Warning stands in every file and on every screen of a devnet.
const Warning = "devnet: all keys are public, never use them for real money"

// Facts are all that a script needs to use a running devnet: the file devnet.json.
type Facts struct {
	Warning   string           `json:"warning"`
	Network   kernel.NetworkID `json:"network"`
	Name      string           `json:"name"`
	Home      string           `json:"home"`
	Genesis   string           `json:"genesis"` // file
	Explorer  string           `json:"explorer,omitempty"`
	PID       int              `json:"pid"`
	Nodes     []NodeFacts      `json:"nodes"`
	Users     []UserFacts      `json:"users"`
	Custodian UserFacts        `json:"custodian"` // signs test deposits; with stakes it also holds the XIN that nobody else has
	Stake     bool             `json:"stake"`     // members have stakes, and no XIN can be made
	Assets    []AssetFacts     `json:"assets"`
	Pillars   *PillarsFacts    `json:"pillars,omitempty"` // the public chain, if it runs too
}

// NodeFacts are one node's addresses.
type NodeFacts struct {
	Name string     `json:"name"`
	Key  kernel.Key `json:"key"`
	RPC  string     `json:"rpc"` // URL
	Ops  string     `json:"ops"` // URL of /livez, /readyz and /metrics
	P2P  string     `json:"p2p"` // host:port
	Home string     `json:"home"`
	Log  string     `json:"log"`
}

// UserFacts are one funded user.
type UserFacts struct {
	Name    string         `json:"name"`
	Address kernel.Address `json:"address"`
	Words   string         `json:"words"`
}

// AssetFacts are one asset of the devnet and what each user starts with.
type AssetFacts struct {
	Symbol string         `json:"symbol"`
	ID     kernel.AssetID `json:"id"`
	Each   kernel.Amount  `json:"each"`
}

// URLs lists the nodes' RPC.
func (f *Facts) URLs() []string {
	var urls []string
	for _, n := range f.Nodes {
		urls = append(urls, n.RPC)
	}
	return urls
}

// User finds a funded user by name.
func (f *Facts) User(name string) (UserFacts, bool) {
	for _, u := range f.Users {
		if strings.EqualFold(u.Name, name) {
			return u, true
		}
	}
	if f.Stake && strings.EqualFold(f.Custodian.Name, name) {
		return f.Custodian, true
	}
	return UserFacts{}, false
}

// runningFile is where the devnet that was started last says where it is, for the other
// commands of the same person.
func runningFile() (string, error) {
	dir, err := cli.DataFolder()
	return filepath.Join(dir, "devnet.json"), err
}

// Running reads the facts of the devnet that runs now.
func Running() (*Facts, error) {
	name, err := runningFile()
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	f := new(Facts)
	if err := json.Unmarshal(text, f); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	for _, n := range f.Nodes {
		if u, err := url.Parse(n.RPC); err == nil && answers(u.Host) {
			return f, nil
		}
	}
	return nil, fmt.Errorf("no node of %s answers", name)
}

func answers(address string) bool {
	conn, err := net.DialTimeout("tcp", address, 200*time.Millisecond)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// write puts the facts into the devnet's home and where Running looks.
func (f *Facts) write() (remove func(), err error) {
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return nil, err
	}
	text = append(text, '\n')
	if err := os.WriteFile(filepath.Join(f.Home, "devnet.json"), text, 0o600); err != nil {
		return nil, err
	}
	name, err := runningFile()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(name, text, 0o600); err != nil {
		return nil, err
	}
	return func() {
		if now, err := os.ReadFile(name); err == nil && string(now) == string(text) {
			os.Remove(name) // another devnet may have taken the place
		}
	}, nil
}
