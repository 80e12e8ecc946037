package consensus

import (
	"testing"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/committee"
	"github.com/asterism-network/asterism/kernel/internal/dag"
)

// A judged coin says which authors' shares are good, and counts who asks.
type judged struct {
	good    committee.Set
	unknown bool // f+1 good ones are not to be found
	looked  int
}

// Leaders implements Coins.
func (j *judged) Leaders(kernel.Round) []kernel.Author {
	if j.unknown {
		return nil
	}
	return []kernel.Author{0}
}

// Good implements Coins.
func (j *judged) Good(v *dag.Vertex) bool {
	j.looked++
	return j.good.Has(v.Author)
}

// TestRevealed: the answer is that of counting good shares of f+1 authors beside snapshots of q, but
// proofs are looked at only where fewer than q authors carry shares, and more than f.
func TestRevealed(t *testing.T) {
	for _, tt := range []struct {
		shares string // by author: + good, - bad, o none, a blank is no snapshot
		want   bool
		looked int
	}{
		{"-----++", false, 7}, // more than f lie: no coin, and nothing decided
		{"+++++++", true, 0}, {"+++++  ", true, 0}, {"++++   ", false, 0}, {"ooooooo", false, 0},
		{"--+++  ", true, 0}, {"-+-+++o", true, 0},
		{"++++o  ", true, 3}, {"--++o++", true, 0}, {"--++o  ", false, 4}, {"-+++oo ", true, 4},
		{"++oooo ", false, 0}, {"+-ooooo", false, 0}, {"+-+oooo", false, 3}, {"+++oooo", true, 3},
	} {
		c, coins := members(7), new(judged)
		graph := dag.New(dag.Epoch{Committee: c, Timestamp: 1, Depth: 50}, noHistory{})
		for a, kind := range tt.shares {
			if kind == ' ' {
				continue
			}
			h := &kernel.Header{Author: kernel.Author(a), Round: 1, Timestamp: 1}
			for p := range kernel.Author(7) {
				h.Parents = append(h.Parents, kernel.Parent{Author: p, ID: kernel.GenesisSnapshotID(kernel.Hash{}, p)})
			}
			h.SortParents()
			v, err := graph.Check(kernel.SnapshotID{1, byte(a)}, h)
			if err != nil {
				t.Fatal(err)
			}
			v.HasShare = kind != 'o'
			if kind == '+' {
				coins.good = coins.good.With(v.Author)
			}
			graph.Insert(v)
		}
		coins.unknown = coins.good.Len() <= c.F
		committer := New(Rules{Wave: 5, Horizon: 100}, c, graph, coins)
		if got := committer.revealed(graph.Top(), 1); got != tt.want || coins.looked != tt.looked {
			t.Errorf("%q: %t after %d proofs, want %t after %d", tt.shares, got, coins.looked, tt.want, tt.looked)
		}
	}
}
