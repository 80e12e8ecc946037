package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/asterism-network/asterism/kernel"
)

// facts are what aster genesis devnet says about the homes that it made.
type facts struct {
	Network kernel.NetworkID `json:"network"`
	Nodes   []struct {
		Name string `json:"name"`
		RPC  string `json:"rpc"`
		Ops  string `json:"ops"`
		P2P  string `json:"p2p"`
		Home string `json:"home"`
	} `json:"nodes"`
	Users []struct {
		Words string `json:"words"`
	} `json:"users"`
	Assets []struct {
		ID kernel.AssetID `json:"id"`
	} `json:"assets"`
}

// build makes the two programs that a run needs.
func build(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	cmd := exec.Command("go", "build", "-o", dir+string(filepath.Separator),
		"github.com/asterism-network/asterism/cmd/kerneld", "github.com/asterism-network/asterism/cmd/aster")
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build kerneld and aster: %w\n%s", err, said)
	}
	return nil
}

// makeHomes deals the keys of a network and makes the homes of its nodes. The ports that it
// takes lie below those that the system hands out by itself: a node that is down for a while
// must find its own free again.
func makeHomes(programs, dir string, nodes int, seed uint64) (*facts, error) {
	base := 11_000 + rand.IntN(180)*100
	cmd := exec.Command(filepath.Join(programs, "aster"), "genesis", "devnet", "--json", "--home", dir,
		"--nodes", fmt.Sprint(nodes), "--seed", fmt.Sprint(max(seed, 1)), "--base", fmt.Sprint(base))
	var said bytes.Buffer
	cmd.Stderr, cmd.Env = &said, environment()
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("aster genesis devnet: %w\n%s", err, said.String())
	}
	f := new(facts)
	if err := json.Unmarshal(out, f); err != nil {
		return nil, fmt.Errorf("aster genesis devnet: %w", err)
	}
	if len(f.Nodes) != nodes || len(f.Users) < 2 || len(f.Assets) == 0 {
		return nil, fmt.Errorf("aster genesis devnet made %d nodes, %d users and %d assets", len(f.Nodes), len(f.Users), len(f.Assets))
	}
	return f, nil
}

// freeAddress is an address below the ports that the system hands out by itself.
func freeAddress() (string, error) {
	for range 200 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(20_000)))
		if err == nil {
			defer l.Close()
			return l.Addr().String(), nil
		}
	}
	return "", errors.New("no free port between 10000 and 30000")
}

// newNodes joins homes, links and disks. How says what a full disk will be.
func (r *run) newNodes(f *facts) (nodes []*node, how string, err error) {
	how = "a tmpfs in a user namespace"
	for i, fact := range f.Nodes {
		n := &node{
			number: i + 1, name: fact.Name, program: filepath.Join(r.programs, "kerneld"), home: fact.Home,
			secret: filepath.Join(filepath.Dir(fact.Home), "empty-passphrase"), log: filepath.Join(r.dir, "logs", fact.Name+".log"),
			ops: fact.Ops, rpc: clientOf(fact.RPC, 3), quick: clientOf(fact.RPC, 1),
		}
		var peers []string
		for j, other := range f.Nodes {
			if i != j {
				peers = append(peers, other.Name+"="+r.links.links[pair{i + 1, j + 1}].address())
			}
		}
		n.peers = strings.Join(peers, ",")
		nodes = append(nodes, n)
		if r.plain || !slices.Contains(r.m.Small, n.number) {
			continue
		}
		if err := n.moveToDisk(filepath.Join(r.dir, "disk-"+n.name)); err != nil {
			r.say("no file system of its own for %s: %v", n.name, err)
		}
	}
	if !slices.ContainsFunc(nodes, func(n *node) bool { return n.disk != nil }) {
		how = "a limit on the size of the node's files"
	}
	return nodes, how, nil
}

// moveToDisk gives the node's home a file system of its own.
func (n *node) moveToDisk(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	d, err := newDisk(dir)
	if err != nil {
		return err
	}
	home := filepath.Join(d.root, n.name)
	if err := copyTree(home, n.home); err != nil {
		d.close()
		return err
	}
	if err := os.RemoveAll(n.home); err != nil {
		d.close()
		return err
	}
	n.home, n.disk = home, d
	return nil
}
