package pillarscmd

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/internal/keystore"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/node"
)

// A desk is a person with a node, a folder and our commands.
type desk struct {
	t      *testing.T
	dir    string
	url    string
	params pillars.Params
}

// try runs a command and returns its exit code and what it printed.
func (d *desk) try(args ...string) (code int, stdout, stderr string) {
	d.t.Helper()
	root := cli.NewRoot("aster", "test", "", Command())
	root.PersistentFlags().StringSlice("node", nil, "URL")
	root.PersistentFlags().String("token-file", "", "file")
	root.PersistentFlags().Duration("timeout", time.Minute, "how long")
	var out, bad bytes.Buffer
	code = cli.Run(d.t.Context(), root, append([]string{"pillars"}, args...), strings.NewReader(""), &out, &bad)
	return code, out.String(), bad.String()
}

// do runs a command that must succeed and decodes its JSON.
func (d *desk) do(into any, args ...string) {
	d.t.Helper()
	code, out, bad := d.try(append(args, "--json")...)
	if code != cli.Done {
		d.t.Fatalf("%v: exit code %d\n%s%s", args, code, out, bad)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal([]byte(out), into); err != nil {
		d.t.Fatalf("%v: %v: %.300s", args, err, out)
	}
}

// wallet runs a wallet's command, which asks nothing.
func (d *desk) wallet(into any, args ...string) {
	d.t.Helper()
	d.do(into, append(append([]string{"wallet"}, args...), "--passphrase-file", d.file("pass"))...)
}

// pay runs a paying command and waits for its block.
func (d *desk) pay(args ...string) (id string) {
	d.t.Helper()
	var out outcome
	d.wallet(&out, append(args, "--yes", "--wait", "1")...)
	if out.State != "confirmed" || out.Height == nil {
		d.t.Fatalf("%v: %+v", args, out)
	}
	return out.ID.String()
}

func (d *desk) file(name string) string { return filepath.Join(d.dir, name) }

// openDesk makes wallets, and a network that starts with a balance of the first.
func openDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, dir: t.TempDir(), params: pillars.Devnet()}
	cost := keystore.DefaultCost
	keystore.DefaultCost = keystore.Cost{Passes: 2, MemoryKiB: 19 << 10, Threads: 1} // the least that is no weak one: files are opened dozens of times
	t.Cleanup(func() { keystore.DefaultCost = cost })
	t.Setenv("ASTER_HOME", d.dir)
	t.Setenv("ASTER_PILLARS_NODE", "http://127.0.0.1:1")
	if err := os.WriteFile(d.file("pass"), []byte("correct horse battery staple nine\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var first made
	for _, name := range []string{"till", "bob", "cold"} {
		var m made
		d.wallet(&m, "create", name, "--profile", "devnet")
		if len(strings.Fields(m.Words)) != 24 || m.Address == "" {
			t.Fatalf("%+v", m)
		}
		if name == "till" {
			first = m
		}
	}
	d.params.PoW.Minimum.SetUint64(uint64(d.params.PoW.Scale))
	d.params.Runs.Grace = 1 << 30 // nobody stakes: a run of work would soon wait a minute for each block
	d.params.Genesis = pillars.GenesisParams{Timestamp: uint32(time.Now().Unix()), Text: "tests", Outputs: []pillars.GenesisOutput{
		{Address: first.Address, Value: 100_000 * pillars.ETP}}}
	d.run()
	return d
}

// run starts a node that mines, for nobody: what a wallet mines it has to look through with every command.
func (d *desk) run() {
	d.t.Helper()
	home := d.file("node")
	if err := node.Init(home, &d.params); err != nil {
		d.t.Fatal(err)
	}
	n, err := node.Open(home, node.Options{})
	if err != nil {
		d.t.Fatal(err)
	}
	miner, err := n.NewMiner(node.MinerOptions{Mining: node.Mining{Pay: pillars.BlackHole(), Workers: 1}})
	if err != nil {
		d.t.Fatal(err)
	}
	ready := make(chan string, 1)
	n.Offer(node.InterfaceOptions{Listen: "127.0.0.1:0", Alone: true, Miner: miner, Ready: func(rpc, _ string) { ready <- rpc }})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	d.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			d.t.Error(err)
		}
	})
	select {
	case at := <-ready:
		d.url = "http://" + at
	case err := <-done:
		d.t.Fatal(err)
	}
	d.t.Setenv("ASTER_PILLARS_NODE", d.url)
}
