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

// candidateBatch is how many transactions that came together are verified together. A bad one
// among them costs its sender's node their single checks.
const candidateBatch = 256

// Candidates is Candidate for many: they are checked against one state, and their signatures in
// batches. Answers stand in the order of raws.
func (r *Replica) Candidates(raws [][]byte) []Judged {
	view := r.store.View()
	defer view.Close()
	parsed := make([]*ledger.Parsed, len(raws))
	for i, raw := range raws {
		parsed[i] = r.Parse(raw)
	}
	for part := range slices.Chunk(parsed, candidateBatch) {
		r.verifyBatch(view, part) // what does not verify together is checked alone
	}
	out := make([]Judged, len(raws))
	for i, p := range parsed {
		out[i].Candidate, out[i].Err = r.candidate(view, p, raws[i])
	}
	return out
}
