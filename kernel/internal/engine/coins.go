package engine

import (
	"slices"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/coin"
	"github.com/asterism-network/asterism/kernel/internal/committee"
	"github.com/asterism-network/asterism/kernel/internal/dag"
)

// coins knows the coins that accepted snapshots have revealed. Nobody looks at a share before its
// coin is asked for, that is, before some cone holds shares of q authors; and where these agree,
// nobody looks at a proof. [COIN-8]
type coins struct {
	coin      Coin
	slots     int
	voting    []kernel.Author
	committee *committee.Committee
	graph     *dag.Graph
	values    map[kernel.Round]kernel.Hash
	leaders   map[kernel.Round][]kernel.Author
	rounds    []kernel.Round             // of leaders, to forget them
	proven    map[kernel.SnapshotID]bool // whose shares' proofs were looked at
	looked    []*dag.Vertex              // the snapshots in proven, to forget them
	forgers   committee.Set              // of bad shares: theirs are taken last
	wrong     []*dag.Vertex              // whose shares were bad, to accuse their authors
	floor     kernel.Round               // of what is remembered; Leaders reads the rest again
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
		values:  make(map[kernel.Round]kernel.Hash),
		leaders: make(map[kernel.Round][]kernel.Author),
		proven:  make(map[kernel.SnapshotID]bool),
	}
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

// Good implements consensus.Coins.
func (c *coins) Good(v *dag.Vertex) bool {
	if v.Header.Share == nil {
		return false
	}
	if good, known := c.proven[v.ID]; known {
		return good
	}
	good := c.coin.Verify(v.Author, v.Round, v.Header.Share)
	c.proven[v.ID], c.looked = good, append(c.looked, v)
	if !good {
		c.forgers, c.wrong = c.forgers.With(v.Author), append(c.wrong, v)
	}
	return good
}

func (c *coins) ensure(d kernel.Round) {
	if _, known := c.leaders[d]; known {
		return
	}
	value, ok := c.reveal(d)
	if !ok {
		return
	}
	c.values[d] = value
	order := coin.Permutation(value, c.voting)
	c.leaders[d] = order[:min(c.slots, len(order))]
	c.rounds = append(c.rounds, d)
}

// reveal finds a round's coin from the shares that the graph holds: from those of q authors as they
// came, or else from f+1 that are proven.
func (c *coins) reveal(d kernel.Round) (kernel.Hash, bool) {
	if all := c.collect(d, c.committee.Q, func(v *dag.Vertex) bool { return v.HasShare }); len(all) == c.committee.Q {
		if value, err := c.coin.Reveal(d, all); err == nil {
			return value, true
		}
	}
	good := c.collect(d, c.committee.F+1, c.Good)
	if len(good) <= c.committee.F {
		return kernel.Hash{}, false
	}
	value, err := c.coin.Combine(d, good)
	if err != nil {
		panic("engine: verified coin shares do not combine: " + err.Error())
	}
	return value, true
}

// collect takes one share that will do of each of n authors, or of fewer if there are no more.
// Those by authors of bad shares come last.
func (c *coins) collect(d kernel.Round, n int, will func(*dag.Vertex) bool) []coin.AuthorShare {
	shares := make([]coin.AuthorShare, 0, n)
	forgers := c.forgers
	for _, last := range []bool{false, true} {
		for _, a := range c.voting {
			if forgers.Has(a) != last || len(shares) == n {
				continue
			}
			variants := c.graph.Variants(a, d)
			if i := slices.IndexFunc(variants, will); i >= 0 {
				shares = append(shares, coin.AuthorShare{Author: a, Share: variants[i].Header.Share})
			}
		}
	}
	return shares
}

// forget drops coins of rounds below floor; they can be combined again.
func (c *coins) forget(floor kernel.Round) {
	if floor <= c.floor {
		return
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
	looked := c.looked[:0]
	for _, v := range c.looked {
		if v.Round >= floor {
			looked = append(looked, v)
			continue
		}
		delete(c.proven, v.ID)
	}
	clear(c.looked[len(looked):])
	c.looked = looked
}
