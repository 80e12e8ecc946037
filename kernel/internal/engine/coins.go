package engine

import (
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/coin"
	"github.com/asterism-network/asterism/kernel/internal/committee"
	"github.com/asterism-network/asterism/kernel/internal/dag"
)

// coins knows the coins that accepted snapshots have revealed.
type coins struct {
	coin      Coin
	slots     int
	voting    []kernel.Author
	committee *committee.Committee
	graph     *dag.Graph
	shares    map[kernel.Round][]coin.AuthorShare
	values    map[kernel.Round]kernel.Hash
	leaders   map[kernel.Round][]kernel.Author
	rounds    []kernel.Round // of leaders, to forget them
	floor     kernel.Round   // shares of rounds below are not collected; Leaders reads them back
}

func newCoins(c Config, m *committee.Committee, g *dag.Graph) *coins {
	if c.Coin == nil {
		key, err := coin.NewKey(c.Network, c.Epoch, c.Roster)
		if err != nil {
			panic("engine: the genesis was not checked: " + err.Error())
		}
		c.Coin = key
	}
	return &coins{
		coin: c.Coin, slots: int(c.Parameters.Slots), voting: m.Authors(), committee: m, graph: g,
		shares:  make(map[kernel.Round][]coin.AuthorShare),
		values:  make(map[kernel.Round]kernel.Hash),
		leaders: make(map[kernel.Round][]kernel.Author),
	}
}

// learn notes the share of an accepted snapshot and combines as soon as there are enough.
func (c *coins) learn(v *dag.Vertex) {
	if !v.HasShare || !c.committee.Votes(v.Author) || v.Round < c.floor {
		return
	}
	if _, known := c.leaders[v.Round]; known {
		return
	}
	for _, s := range c.shares[v.Round] {
		if s.Author == v.Author {
			return
		}
	}
	c.shares[v.Round] = append(c.shares[v.Round], coin.AuthorShare{Author: v.Author, Share: v.Header.Share})
	if len(c.shares[v.Round]) > c.committee.F {
		c.combine(v.Round, c.shares[v.Round])
	}
}

func (c *coins) combine(d kernel.Round, shares []coin.AuthorShare) {
	value, err := c.coin.Combine(d, shares)
	if err != nil {
		panic("engine: verified coin shares do not combine: " + err.Error())
	}
	delete(c.shares, d)
	c.values[d] = value
	order := coin.Permutation(value, c.voting)
	c.leaders[d] = order[:min(c.slots, len(order))]
	c.rounds = append(c.rounds, d)
}

// Leaders implements consensus.Coins. Coins of rounds long past are combined again from what
// the graph holds.
func (c *coins) Leaders(d kernel.Round) []kernel.Author {
	c.ensure(d)
	return c.leaders[d]
}

// Value is the coin of a revealed round.
func (c *coins) Value(d kernel.Round) kernel.Hash {
	c.ensure(d)
	return c.values[d]
}

func (c *coins) ensure(d kernel.Round) {
	if _, known := c.leaders[d]; known {
		return
	}
	var shares []coin.AuthorShare
	for _, a := range c.voting {
		for _, v := range c.graph.Variants(a, d) {
			if v.HasShare {
				shares = append(shares, coin.AuthorShare{Author: a, Share: v.Header.Share})
				break
			}
		}
		if len(shares) > c.committee.F {
			break
		}
	}
	c.combine(d, shares)
}

// forget drops coins of rounds below floor; they can be combined again.
func (c *coins) forget(floor kernel.Round) {
	if floor <= c.floor {
		return
	}
	for d := c.floor; d < floor; d++ {
		delete(c.shares, d)
	}
	c.floor = floor
	kept := c.rounds[:0]
	for _, d := range c.rounds {
		if d >= floor {
			kept = append(kept, d)
			continue
		}
		delete(c.leaders, d)
		delete(c.values, d)
	}
	c.rounds = kept
}
