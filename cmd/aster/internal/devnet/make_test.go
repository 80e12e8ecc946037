package devnet

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

// TestMake shows that a devnet is what its nodes will accept: homes with the right modes, a
// genesis that says that its keys were dealt, one network id for one seed.
func TestMake(t *testing.T) {
	make := func(seed uint64) *Network {
		t.Helper()
		n, _, err := Make(Options{Nodes: 7, Home: filepath.Join(t.TempDir(), "net"), Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	n := make(7)
	if !n.Genesis.CoinDealt || n.Genesis.Custodian == nil || len(n.Facts.Users) != 10 {
		t.Errorf("genesis %+v", n.Genesis.Parameters)
	}
	for _, m := range n.members {
		info, err := os.Stat(m.Home)
		if err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v %v", m.Home, info.Mode(), err)
		}
		config, err := m.home.ReadConfig()
		if err != nil || config.RPC.Listen != m.config.RPC.Listen || len(config.Peers) != 7 {
			t.Errorf("%s: settings do not come back: %+v %v", m.Name, config, err)
		}
		if _, err := m.home.NodeConfig(n.Genesis, &config, func() ([]byte, error) { return nil, nil }, nil); err != nil {
			t.Errorf("%s: %v", m.Name, err)
		}
	}
	if n.Genesis.Stake != nil || n.Facts.Stake {
		t.Error("a network that asked for no stakes has some")
	}
	if a, b := n.Facts.Network, make(7).Facts.Network; a != b {
		t.Errorf("one seed, two networks: %s and %s", a, b)
	}
	if a, b := make(0).Facts.Network, make(0).Facts.Network; a == b {
		t.Error("fresh networks have one id")
	}
	for _, a := range n.Facts.Assets {
		if a.Each.Compare(kernel.NewAmount(0)) <= 0 {
			t.Errorf("users have no %s", a.Symbol)
		}
	}
}

// TestMakeStake shows that all the XIN of a network with stakes is somewhere: what nobody has is
// the custodian's.
func TestMakeStake(t *testing.T) {
	n, _, err := Make(Options{Nodes: 8, Home: filepath.Join(t.TempDir(), "net"), Seed: 3, Stake: kernel.DefaultStake(), Pledge: kernel.NewAmount(500_00000000)})
	if err != nil {
		t.Fatal(err)
	}
	last := n.Genesis.Balances[len(n.Genesis.Balances)-1]
	if want := kernel.NewAmount((500_000 - 8*500 - 10*10) * 100_000_000); last.Address != *n.Genesis.Custodian || last.Amount != want {
		t.Errorf("the custodian has %s, want %s", last.Amount, want)
	}
	if u, ok := n.Facts.User("custodian"); !ok || u.Address != last.Address || !n.Facts.Stake {
		t.Error("nobody can spend it")
	}
}

// TestBusyPort shows that a devnet moves on from a port that another program holds, and says so.
func TestBusyPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	busy := l.Addr().(*net.TCPAddr).Port
	if busy < 3000 || busy > 60000 {
		t.Skip("the system gave a port at the edge")
	}
	members, moved, err := place(Options{Nodes: 7, Home: t.TempDir(), Base: busy - 2})
	if err != nil {
		t.Fatal(err)
	}
	if len(moved) == 0 || !strings.Contains(strings.Join(moved, "\n"), "RPC of node-2") {
		t.Errorf("nothing is said about the busy port: %q", moved)
	}
	seen := map[string]bool{}
	for _, m := range members {
		for _, address := range []string{m.P2P, m.RPC, m.Ops} {
			if seen[strings.TrimPrefix(address, "http://")] {
				t.Errorf("%s is given twice", address)
			}
			seen[strings.TrimPrefix(address, "http://")] = true
		}
	}
}

// TestAnyPorts: any free ports are handed out once, below those of outgoing connections, and again after a block is used up.
func TestAnyPorts(t *testing.T) {
	var b, other block
	defer func() {
		for _, guard := range append(b.guards, other.guards...) {
			guard.Close()
		}
	}()
	seen := map[int]bool{}
	for range blockSize {
		for _, from := range []*block{&b, &other} {
			l, err := from.listen()
			if err != nil {
				t.Fatal(err)
			}
			port := portOf(l)
			l.Close()
			if seen[port] || port < firstPort || port >= firstPort+blocks*blockSize {
				t.Fatalf("port %d", port)
			}
			seen[port] = true
		}
	}
	if len(b.guards) != 2 {
		t.Errorf("%d blocks for %d ports", len(b.guards), blockSize)
	}
}
