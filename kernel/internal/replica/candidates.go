package replica

import (
	"slices"

	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/asterism-network/asterism/kernel/internal/mempool"
)

// A Judged is what checking one of many transactions gave: as the results of Candidate.
type Judged struct {
	Candidate mempool.Candidate
	Err       error
}

// candidateBatch is how many transactions that came together are verified together, on one core.
const candidateBatch = 256

// Candidates is Candidate for many: they are checked against one state, and their signatures in
// batches. Answers stand in the order of raws. They may be of different clients: a bad one costs
// what finding it costs, and spoils nothing for the others.
func (r *Replica) Candidates(raws [][]byte) []Judged {
	view := r.store.View()
	defer view.Close()
	out := make([]Judged, len(raws))
	parts := slices.Collect(slices.Chunk(raws, candidateBatch))
	r.each(len(parts), func(i int) { r.judge(view, parts[i], out[i*candidateBatch:]) })
	return out
}

// judge answers raws, in their order, at the front of out.
func (r *Replica) judge(view ledger.View, raws [][]byte, out []Judged) {
	parsed := make([]*ledger.Parsed, len(raws))
	for i, raw := range raws {
		parsed[i] = r.Parse(raw)
	}
	if together, ok := r.proofs.(Batch); ok {
		g := gathering{replica: r, view: view}
		if g.add(parsed); len(g.checks) > 1 {
			g.learn(together.VerifyEach(g.checks))
		}
	}
	for i, p := range parsed {
		out[i].Candidate, out[i].Err = r.candidate(view, p, raws[i])
	}
}
