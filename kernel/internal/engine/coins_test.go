package engine

import (
	"testing"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/coin"
	"github.com/asterism-network/asterism/kernel/internal/committee"
	"github.com/asterism-network/asterism/kernel/internal/dag"
)

// proofCounter is the real coin and counts the proofs that are verified.
type proofCounter struct {
	*coin.Key
	proofs int
}

func (c *proofCounter) Verify(a kernel.Author, r kernel.Round, s *kernel.CoinShare) bool {
	c.proofs++
	return c.Key.Verify(a, r, s)
}

// TestCoins: whatever f liars carry, the coin has the same value. Proofs are verified only when shares
// do not agree, those of liars not again a round later if others will do; and where more than f
// lie there is no coin rather than a wrong one.
func TestCoins(t *testing.T) {
	n := newNetwork(1, 7, kernel.DefaultParameters())
	roster := n.genesis.Roster()
	members := committee.New(roster)
	genesis := kernel.Hash{}
	chain := func(shares string) (*coins, *proofCounter) {
		graph := dag.New(dag.Epoch{Committee: members, Timestamp: 1, Depth: 50}, n.nodes[0])
		key := &proofCounter{Key: n.key}
		c := newCoins(Config{Coin: key, Roster: roster, Parameters: n.genesis.Parameters}, members, graph)
		var below []kernel.Parent
		for p := range kernel.Author(7) {
			below = append(below, kernel.Parent{Author: p, ID: kernel.GenesisSnapshotID(genesis, p)})
		}
		for round := kernel.Round(1); round < 3; round++ {
			var made []kernel.Parent
			for a, kind := range shares {
				author := kernel.Author(a)
				h := &kernel.Header{Author: author, Round: round, Timestamp: 1, Parents: append([]kernel.Parent(nil), below...)}
				h.SortParents()
				switch right := (testSigner{net: n, author: author}).Share(round); kind {
				case '+':
					h.Share = right
				case '-': // another's
					h.Share = testSigner{net: n, author: (author + 1) % 7}.Share(round)
				case '?': // a right point under a wrong proof
					right.Proof[40]++
					h.Share = right
				case '0': // no point
					h.Share = &kernel.CoinShare{Share: [32]byte{1}}
				}
				v, err := graph.Check(kernel.SnapshotID{byte(round), byte(a)}, h)
				if err != nil {
					t.Fatal(err)
				}
				v.HasShare = h.Share != nil
				graph.Insert(v)
				made = append(made, kernel.Parent{Author: author, Round: round, ID: v.ID})
			}
			below = made
		}
		return c, key
	}
	whole, _ := chain("+++++++")
	for _, tt := range []struct {
		shares        string
		first, second int // proofs verified in each round
	}{
		{"+++++++", 0, 0}, {"ooo++++", 3, 3}, {"+++++oo", 0, 0}, {"oo+++++", 0, 0},
		{"--+++++", 5, 0}, {"+++++--", 0, 0}, {"+-+0+++", 5, 0}, {"0+0++++", 5, 0}, {"--+++oo", 5, 3},
		{"??+++++", 0, 0}, {"??+++oo", 0, 0}, {"oo??+++", 0, 0}, {"?oo?+++", 0, 0},
	} {
		c, key := chain(tt.shares)
		if got := c.Value(1); got != whole.Value(1) || len(c.Leaders(1)) == 0 || key.proofs != tt.first {
			t.Errorf("%q, round 1: %v after %d proofs, want %v after %d", tt.shares, got, key.proofs, whole.Value(1), tt.first)
		}
		key.proofs = 0
		if got := c.Value(2); got != whole.Value(2) || key.proofs != tt.second {
			t.Errorf("%q, round 2: %v after %d proofs, want %v after %d", tt.shares, got, key.proofs, whole.Value(2), tt.second)
		}
		c.forget(3)
		if len(c.values)+len(c.leaders)+len(c.rounds)+len(c.proven)+len(c.looked) > 0 {
			t.Errorf("%q: %d values are not forgotten", tt.shares, len(c.values))
		}
		if c.Value(1) != whole.Value(1) {
			t.Errorf("%q: another coin when asked again", tt.shares)
		}
	}
	for _, shares := range []string{"++-----", "ooooooo", "++ooooo", "+-+-oo-", "0000000"} {
		c, key := chain(shares)
		if got := c.Leaders(1); got != nil || key.proofs > 7 {
			t.Errorf("%q: leaders %v after %d proofs", shares, got, key.proofs)
		}
	}
}
