package sim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/asterism-network/asterism/pillars"
)

// A Trace is every block that was judged in one run, on the final chain or beside it.
type Trace struct {
	Seed   uint64       `json:"seed"`
	Attack string       `json:"attack,omitempty"`
	Nodes  []TraceNode  `json:"nodes"`
	Blocks []TraceBlock `json:"blocks"` // by height, then by id
}

// A TraceNode is who took part.
type TraceNode struct {
	HashRate float64         `json:"hash_rate"`
	Outputs  int             `json:"outputs"` // that stake
	Stake    pillars.Amount  `json:"stake"`   // in them, in satoshis
	Skew     int64           `json:"skew_ms"` // of its clock
	Tip      pillars.BlockID `json:"tip"`
	Deepest  uint32          `json:"deepest"` // blocks that one reorganisation took off
}

// A TraceBlock is one block.
type TraceBlock struct {
	Height     uint32          `json:"height"`
	ID         pillars.BlockID `json:"id"`
	Parent     pillars.BlockID `json:"parent"`
	Seal       pillars.Seal    `json:"seal"`
	Stamp      uint32          `json:"stamp"`
	Difficulty string          `json:"difficulty"`
	Weight     string          `json:"weight"` // of the chain that ends in it
	Author     int             `json:"author"` // number of the node; -1 nobody's
	Final      bool            `json:"final"`  // on the chain that the first node ends with
}

// trace writes down what there is when a run has ended.
func (w *world) trace(attack string) *Trace {
	t := &Trace{Seed: w.seed, Attack: attack}
	for i, n := range w.nodes {
		node := TraceNode{HashRate: w.miners[i].rate, Outputs: w.parts[i].outputs, Skew: int64(n.skew), Tip: n.tip().ID(), Deepest: n.deepest}
		for _, s := range w.genesisStakes() {
			if s.party == i {
				node.Stake += s.value
			}
		}
		t.Nodes = append(t.Nodes, node)
	}
	final := map[pillars.BlockID]bool{}
	for _, r := range w.court.chain(w.nodes[0].tip().ID()) {
		final[r.branch.ID] = true
	}
	for _, r := range w.court.records { // in any order: sorted below
		if r.err != nil {
			continue
		}
		t.Blocks = append(t.Blocks, TraceBlock{
			Height: r.block.Number, ID: r.branch.ID, Parent: r.block.Previous, Seal: r.block.Seal(), Stamp: r.block.Timestamp,
			Difficulty: r.block.Bits.Dec(), Weight: r.branch.Weight.Dec(), Author: r.author, Final: final[r.branch.ID],
		})
	}
	slices.SortFunc(t.Blocks, func(a, b TraceBlock) int { return cmp.Or(cmp.Compare(a.Height, b.Height), a.ID.Compare(b.ID)) })
	return t
}

// keepTrace takes the trace of a run if one is wanted: of the first that breaks a promise, else of the first.
func (r *Report) keepTrace(t *Trace, broken bool) {
	if t != nil && (r.Trace == nil || broken && !r.traceBroken) {
		r.Trace, r.traceBroken = t, broken
	}
}

// Replay is the command that repeats one seed of a part.
func (o *Options) replay(part string, seed uint64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "aster sim pillars --profile %s --seed %d --seeds 1 --blocks %d", part, seed, o.Blocks)
	if part == "attacks" {
		fmt.Fprintf(&b, " --attack %s", o.Attack)
	}
	if part == "reorg" {
		fmt.Fprintf(&b, " --cases 1")
	} else if part != "attacks" {
		fmt.Fprintf(&b, " --warmup %d --hash-rate %g --stakers %d", o.Warmup, o.HashRate, o.Stakers)
	}
	if o.Canary != "" {
		fmt.Fprintf(&b, " --canary %s", o.Canary)
	}
	return b.String()
}
