package devnet

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	crand "crypto/rand"

	"github.com/asterism-network/asterism/cmd/internal/daemon"
	"github.com/asterism-network/asterism/cmd/internal/kerneld"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/ceremony"
	"github.com/asterism-network/asterism/kernel/node"
)

// Options say what devnet to make.
type Options struct {
	Nodes     int    // 7 to 50
	Home      string // an empty or missing folder
	Base      int    // RPC of node i listens on Base+i; 0 is any free ports
	Seed      uint64 // equal seeds make equal keys and an equal network id; 0 is a fresh one
	Processes bool   // every node a process of its own

	Balances []kernel.GenesisOutput // beside those of the users
	Stake    *kernel.Stake          // nil: members never change. What XIN is left over the custodian has
	Pledge   kernel.Amount          // zero is the usual one

	EpochLength      uint64        // commits; zero is the usual one
	CheckpointPeriod time.Duration // zero is the usual one
}

// A member is one node of the devnet: its home and settings.
type member struct {
	NodeFacts
	home   kerneld.Home
	config kerneld.Config

	misbehave node.Misbehaviour // on purpose
}

// A Network is a devnet that is made but not started.
type Network struct {
	Facts
	Genesis *kernel.Genesis
	options Options
	members []*member
}

// Make deals the keys and writes the genesis and every node's home. Moved says, for people,
// which busy ports were avoided.
func Make(o Options) (n *Network, moved []string, err error) {
	n = &Network{options: o}
	if n.members, moved, err = place(o); err != nil {
		return nil, nil, err
	}
	random := randomness(o.Seed)
	seeds, shares, err := n.deal(random)
	if err != nil {
		return nil, nil, err
	}
	if err := n.writeHomes(seeds, shares); err != nil {
		return nil, nil, err
	}
	return n, moved, n.collectFacts()
}

// place gives every node its ports and its folder.
func place(o Options) (members []*member, moved []string, err error) {
	ports := newPorts(o.Base)
	defer ports.release()
	for i := range o.Nodes {
		m := &member{NodeFacts: NodeFacts{Name: fmt.Sprintf("node-%d", i+1)}, config: kerneld.Defaults()}
		m.Home = filepath.Join(o.Home, m.Name)
		m.Log = filepath.Join(o.Home, m.Name+".log")
		m.home = kerneld.Home(m.Home)
		for _, p := range []struct {
			what  string
			shift int
			to    *string
		}{{"P2P", -1010, &m.config.Listen}, {"RPC", 0, &m.config.RPC.Listen}, {"operations", 1000, &m.config.Ops.Listen}} {
			port, asked, err := ports.take(o.Base+p.shift+i+1, o.Nodes)
			if err != nil {
				return nil, nil, err
			}
			if asked != port && o.Base != 0 {
				moved = append(moved, fmt.Sprintf("port %d is busy: %s of %s is on %d", asked, p.what, m.Name, port))
			}
			*p.to = fmt.Sprintf("127.0.0.1:%d", port)
		}
		m.P2P, m.RPC, m.Ops = m.config.Listen, "http://"+m.config.RPC.Listen, "http://"+m.config.Ops.Listen
		m.config.Log.Format = "text"
		members = append(members, m)
	}
	for _, m := range members {
		for _, other := range members {
			m.config.Peers[other.Name] = other.P2P
		}
	}
	return members, moved, nil
}

// randomness is a stream of numbers: the same for the same seed, fresh for seed 0.
func randomness(seed uint64) io.Reader {
	var key [32]byte
	if seed == 0 {
		_, _ = crand.Read(key[:]) // never fails
	} else {
		binary.BigEndian.PutUint64(key[:], seed)
	}
	return rand.NewChaCha8(key)
}

// seededTime is the genesis time of a network with a seed: ids must not depend on the clock.
const seededTime = kernel.Timestamp(1_767_225_600_000) // 2026-01-01

// deal makes the genesis and every node's secrets. One machine knows the whole coin secret:
// the genesis says so.
func (n *Network) deal(random io.Reader) (seeds []([32]byte), shares []kernel.Scalar, err error) {
	g := &kernel.Genesis{Name: "devnet", Timestamp: kernel.Timestamp(time.Now().UnixMilli()), Parameters: kernel.DefaultParameters()}
	if n.options.Seed != 0 {
		g.Timestamp = seededTime
	}
	if n.options.EpochLength > 0 {
		g.Parameters.EpochLength = n.options.EpochLength
	}
	if n.options.CheckpointPeriod > 0 {
		g.Parameters.CheckpointPeriod = uint64(n.options.CheckpointPeriod.Milliseconds())
	}
	for _, m := range n.members {
		var seed [32]byte
		if _, err := io.ReadFull(random, seed[:]); err != nil {
			return nil, nil, err
		}
		var payee [64]byte
		if _, err := io.ReadFull(random, payee[:]); err != nil {
			return nil, nil, err
		}
		m.Key = kernel.NodeKeyFromSeed(seed).Public()
		seeds = append(seeds, seed)
		g.Members = append(g.Members, kernel.Member{Name: m.Name, Key: m.Key, Payee: kernel.AccountFromSeed(payee).Address()})
	}
	if err := endow(g); err != nil {
		return nil, nil, err
	}
	g.Balances = append(g.Balances, n.options.Balances...)
	if err := n.distribute(g); err != nil {
		return nil, nil, err
	}
	if shares, err = ceremony.DealTrusted(g, random); err != nil {
		return nil, nil, err
	}
	n.Genesis = g
	return seeds, shares, g.Check()
}

// distribute gives the network its economy, if it is to have one.
func (n *Network) distribute(g *kernel.Genesis) error {
	if !n.options.Pledge.IsZero() {
		g.Parameters.Pledge = n.options.Pledge
	}
	if n.options.Stake == nil {
		return nil
	}
	stake := *n.options.Stake
	g.Stake = &stake
	return g.Distribute(*g.Custodian)
}

// endow registers the assets and funds the users.
func endow(g *kernel.Genesis) error {
	custodian, err := userFacts("custodian", custodianWords)
	if err != nil {
		return err
	}
	g.Custodian = &custodian.Address
	for _, e := range endowments() {
		g.Assets = append(g.Assets, e.asset)
		for _, u := range users {
			facts, err := userFacts(u.name, u.words)
			if err != nil {
				return err
			}
			for range e.parts {
				g.Balances = append(g.Balances, kernel.GenesisOutput{Asset: e.asset.ID, Address: facts.Address, Amount: e.part})
			}
		}
	}
	return nil
}

// writeHomes makes every node's folder as kerneld init would, with an empty passphrase.
func (n *Network) writeHomes(seeds [][32]byte, shares []kernel.Scalar) error {
	for i, m := range n.members {
		if err := n.install(m, kerneld.Identity{Seed: seeds[i], Share: shares[i]}); err != nil {
			return err
		}
	}
	genesis, err := n.Genesis.MarshalIndentJSON()
	if err != nil {
		return err
	}
	if err := daemon.WriteNew(n.genesisFile(), genesis); err != nil {
		return err
	}
	return daemon.WriteNew(n.passphraseFile(), nil)
}

// install writes one node's home.
func (n *Network) install(m *member, id kerneld.Identity) error {
	if err := os.MkdirAll(m.Home, 0o700); err != nil {
		return err
	}
	if err := daemon.WriteNew(m.home.Config(), []byte(m.config.WriteTOML())); err != nil {
		return err
	}
	if err := m.home.WriteIdentity(&id, m.Key, nil, true); err != nil {
		return err
	}
	if err := m.home.Install(n.Genesis, m.Key); err != nil {
		return fmt.Errorf("%s: %w", m.Name, err)
	}
	return nil
}

func (n *Network) genesisFile() string    { return filepath.Join(n.options.Home, "genesis.json") }
func (n *Network) passphraseFile() string { return filepath.Join(n.options.Home, "empty-passphrase") }

func (n *Network) collectFacts() error {
	f := &n.Facts
	*f = Facts{Warning: Warning, Network: n.Genesis.NetworkID(), Name: n.Genesis.Name, Home: n.options.Home, Genesis: n.genesisFile(), PID: os.Getpid(), Stake: n.Genesis.Stake != nil}
	for _, m := range n.members {
		f.Nodes = append(f.Nodes, m.NodeFacts)
	}
	for _, u := range users {
		facts, err := userFacts(u.name, u.words)
		if err != nil {
			return err
		}
		f.Users = append(f.Users, facts)
	}
	for _, e := range endowments() {
		f.Assets = append(f.Assets, AssetFacts{e.asset.Symbol, e.asset.ID, e.total()})
	}
	var err error
	f.Custodian, err = userFacts("custodian", custodianWords)
	return err
}
