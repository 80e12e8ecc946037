package interop_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/wallet"
)

// A network is what `aster devnet` starts, seven real nodes with storage and connections of
// their own, and a payer with our wallet.
type network struct {
	program   string // aster, as it was built
	home      string // of its users
	id        kernel.NetworkID
	keys      []kernel.Key // of the nodes
	urls      []string
	clients   []*client.Client
	custodian kernel.Account
	payer     *wallet.Wallet
}

// devnetFacts is the part of the devnet's first line on stdout that is used here.
type devnetFacts struct {
	Network kernel.NetworkID `json:"network"`
	Nodes   []struct {
		Key kernel.Key `json:"key"`
		RPC string     `json:"rpc"`
	} `json:"nodes"`
	Users     []devnetUser `json:"users"`
	Custodian devnetUser   `json:"custodian"`
}

type devnetUser struct {
	Name  string `json:"name"`
	Words string `json:"words"`
}

func (u devnetUser) account(t *testing.T) kernel.Account {
	t.Helper()
	seed, err := wallet.Seed(u.Words, "")
	if err != nil {
		t.Fatalf("%s: %v", u.Name, err)
	}
	return kernel.AccountFromSeed(seed)
}

// readyLimit is for a machine that does several other things.
const readyLimit = time.Minute

// startNetwork builds the program and starts its devnet. When the test ends the devnet gets
// Ctrl-C; it compares its nodes then, and says by its exit code whether they agree.
func startNetwork(t *testing.T) *network {
	t.Helper()
	dir := t.TempDir()
	program, home := filepath.Join(dir, "aster"), filepath.Join(dir, "home")
	if said, err := exec.Command("go", "build", "-o", program, "../../cmd/aster").CombinedOutput(); err != nil {
		t.Fatalf("build aster: %v\n%s", err, said)
	}
	cmd := exec.Command(program, "devnet", "--json", "--base", "0", "--explorer", "", "--home", filepath.Join(dir, "net"), "--until-stdin-ends")
	cmd.Env = append(os.Environ(), "ASTER_HOME="+home)
	var said bytes.Buffer
	cmd.Stderr = &said
	tie, err := cmd.StdinPipe() // closed by the system if this process is killed
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		giveUp := time.AfterFunc(readyLimit, func() { cmd.Process.Kill() })
		defer giveUp.Stop()
		defer tie.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the devnet ended badly: %v\n%s", err, said.String())
		}
	})
	impatient := time.AfterFunc(readyLimit, func() { cmd.Process.Kill() })
	var facts devnetFacts
	if err := json.NewDecoder(stdout).Decode(&facts); err != nil {
		t.Fatalf("the devnet says nothing: %v", err)
	}
	impatient.Stop()
	n := newNetwork(t, &facts)
	n.program, n.home = program, home
	return n
}

func newNetwork(t *testing.T, facts *devnetFacts) *network {
	t.Helper()
	if len(facts.Nodes) != 7 || len(facts.Users) == 0 {
		t.Fatalf("the devnet has %d nodes and %d users", len(facts.Nodes), len(facts.Users))
	}
	n := &network{id: facts.Network, custodian: facts.Custodian.account(t)}
	for _, x := range facts.Nodes {
		n.keys, n.urls = append(n.keys, x.Key), append(n.urls, x.RPC)
		n.clients = append(n.clients, client.New(x.RPC))
	}
	n.payer = wallet.New(wallet.AccountKeys(facts.Users[0].account(t)), n.id, 0)
	return n
}

// asset is what the genesis says of an asset.
func (n *network) asset(t *testing.T, symbol string) kernel.GenesisAsset {
	t.Helper()
	genesis, err := n.clients[0].Genesis(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range genesis.Assets {
		if a.Symbol == symbol {
			return a
		}
	}
	t.Fatal("the devnet has no " + symbol)
	return kernel.GenesisAsset{}
}

// pay sends with our wallet and waits until the payment is final on every node.
func (n *network) pay(t *testing.T, request wallet.Request) wallet.Payment {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	net := wallet.Network{Source: n.clients[0], Submitter: client.NewMulti(n.clients, 2)}
	payment, err := n.payer.Send(ctx, net, wallet.NewReference(), request)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range n.clients {
		if _, err := c.WaitFinal(ctx, payment.Transaction); err != nil {
			t.Fatalf("node %d: %v", i, err)
		}
	}
	return payment
}

// balance is what our wallet finds for an account by scanning everything.
func (n *network) balance(t *testing.T, a kernel.Account, asset kernel.AssetID, node int) kernel.Amount {
	t.Helper()
	w := wallet.New(wallet.AccountKeys(a), n.id, 0)
	if _, err := w.Scan(t.Context(), n.clients[node]); err != nil {
		t.Fatal(err)
	}
	for _, b := range w.Balances() {
		if b.Asset == asset {
			return b.Final
		}
	}
	return kernel.Amount{}
}
