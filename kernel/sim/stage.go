package sim

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/ceremony"
	"github.com/asterism-network/asterism/kernel/internal/coin"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// A stage is what runs with equal constants have in common: the genesis, everybody's secrets
// and the first state. It never changes, so that thousands of runs share the few there are.
type stage struct {
	genesis *kernel.Genesis
	network kernel.NetworkID
	diff    *ledger.Diff
	first   []*kernel.Transaction
	keys    []crypto.NodeKey
	coin    *coin.Key
	shares  []crypto.Scalar // of the coin's secret, by author
	owned   []coin0         // what clients own at first
	bank    kernel.Account  // the custodian: signs deposits
	people  map[kernel.Key]kernel.Author
}

// person is the number of whoever has a node key, among all people of the stage.
func (s *stage) person(key kernel.Key) kernel.Author {
	p, ok := s.people[key]
	if !ok {
		panic("sim: nobody has key " + key.String())
	}
	return p
}

// A coin0 is an output of the genesis with the key that spends it.
type coin0 struct {
	ref     kernel.OutputRef
	asset   kernel.AssetID
	amount  kernel.Amount
	private kernel.Scalar
}

// constants are what stages differ in.
type constants struct {
	nodes    int
	balances int // outputs that clients own at first, of each asset
	kernel.Parameters
	stakes bool // members have stakes, and epochs change
	extras int  // people who are no members at first
}

var stages struct {
	sync.Mutex
	known map[constants]*stage
}

func stageOf(c constants) *stage {
	stages.Lock()
	defer stages.Unlock()
	s, ok := stages.known[c]
	if ok {
		return s
	}
	s, err := newStage(c)
	if err != nil {
		panic(fmt.Sprintf("sim: stage of %d nodes: %v", c.nodes, err))
	}
	if stages.known == nil {
		stages.known = make(map[constants]*stage)
	}
	stages.known[c] = s
	return s
}

// balances is how many outputs of each asset clients own at first in a run with checkers.
const balances = 96

// genesisTime is when simulated networks begin: Unix milliseconds.
const genesisTime = 1_900_000_000_000

func newStage(c constants) (*stage, error) {
	s := &stage{bank: kernel.AccountFromSeed([64]byte{1, 9}), people: make(map[kernel.Key]kernel.Author)}
	custodian, owner := s.bank.Address(), kernel.AccountFromSeed([64]byte{1, 7})
	s.genesis = &kernel.Genesis{
		Name: "simulated", Timestamp: genesisTime, Parameters: c.Parameters, Custodian: &custodian,
		Assets: []kernel.GenesisAsset{
			{ID: kernel.XIN, Symbol: "XIN", Chain: kernel.ETH, Key: kernel.XINAssetKey},
			{ID: kernel.BTC, Symbol: "BTC", Chain: kernel.BTC, Key: kernel.BTC.String()},
		},
	}
	for i := range c.nodes {
		key := crypto.NodeKeyFromSeed([32]byte{1, 8, byte(i)})
		payee := kernel.AccountFromSeed([64]byte{1, 6, byte(i)}).Address()
		s.people[key.Public()] = kernel.Author(i)
		s.keys = append(s.keys, key)
		s.genesis.Members = append(s.genesis.Members, kernel.Member{Name: fmt.Sprintf("node-%d", i), Key: key.Public(), Payee: payee})
	}
	for i := range c.extras {
		key := crypto.NodeKeyFromSeed([32]byte{1, 8, byte(c.nodes + i)})
		s.people[key.Public()] = kernel.Author(c.nodes + i)
		s.keys = append(s.keys, key)
	}
	for i := range 2 * c.balances {
		asset := kernel.XIN
		if i%2 == 1 {
			asset = kernel.BTC
		}
		s.genesis.Balances = append(s.genesis.Balances, kernel.GenesisOutput{Asset: asset, Address: owner.Address(), Amount: kernel.NewAmount(1000_00000000)})
	}
	if c.stakes {
		s.genesis.Stake = stakeOf(s.genesis, c.balances)
	}
	var err error
	if s.shares, err = ceremony.DealTrusted(s.genesis, dice{crypto.NewStream("simulated coin", []byte{byte(c.nodes)})}); err != nil {
		return nil, err
	}
	s.network = s.genesis.NetworkID()
	if s.coin, err = coin.NewKey(s.network, 0, s.genesis.Roster()); err != nil {
		return nil, err
	}
	if s.diff, s.first, err = ledger.Genesis(s.genesis); err != nil {
		return nil, err
	}
	return s, s.own(owner)
}

func (s *stage) own(owner kernel.Account) error {
	for i := range s.diff.Created {
		c := &s.diff.Created[i]
		if c.Output.Type != kernel.OutputScript {
			continue // a member's stake
		}
		private, err := crypto.GhostPrivate(owner.View, owner.Spend, c.Output.Mask, uint64(c.Ref.Index))
		if err != nil {
			return err
		}
		s.owned = append(s.owned, coin0{c.Ref, c.Output.Asset, c.Output.Amount, private})
	}
	return nil
}

type dice struct{ *crypto.Stream }

func (d dice) Read(b []byte) (int, error) { d.Fill(b); return len(b), nil }

// Keys of new outputs come from one table for all runs, made as far as it is needed: a scalar
// multiplication for each output of each run would be most of the work.
var purse struct {
	sync.Mutex
	private []kernel.Scalar
	public  []kernel.Key
}

// purseKey is the key pair with the given number.
func purseKey(n int) (kernel.Scalar, kernel.Key) {
	purse.Lock()
	defer purse.Unlock()
	for len(purse.private) <= n {
		seed := crypto.SumLabel("simulated purse", binary.BigEndian.AppendUint64(nil, uint64(len(purse.private))))
		s := crypto.ScalarFromSeed(seed)
		purse.private = append(purse.private, s)
		purse.public = append(purse.public, s.Public())
	}
	return purse.private[n], purse.public[n]
}

// stakeOf is the stake section of a network whose XIN is what its clients own, the pledges and a pool.
func stakeOf(g *kernel.Genesis, balances int) *kernel.Stake {
	stake := kernel.DefaultStake()
	stake.AppealWindow = 200
	stake.Total = stake.Pool
	for range g.Members {
		stake.Total, _ = stake.Total.Add(g.Parameters.Pledge)
	}
	for range balances {
		stake.Total, _ = stake.Total.Add(kernel.NewAmount(1000_00000000))
	}
	return stake
}

// payee is whom a member's stake goes back to.
func (s *stage) payee(person kernel.Author) kernel.Address {
	return kernel.PublicAddress(kernel.AccountFromSeed([64]byte{1, 5, byte(person)}).Address().Spend)
}
